"""Plates of one's own: a table of texts and corners, and pictures that are named as CCPD names them; what is wrong."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deepglass.data.annotation import Plate
from deepglass.data.check import before, sentence
from deepglass.data.recognise import recognise, recognised
from deepglass.data.settings import DataSettings
from deepglass.data.sources.plated import settled_corners
from deepglass.data.split import parts_of
from deepglass.foundation.errors import DataError
from deepglass.foundation.words import choose_language
from tests.data.scenes import answers, picture, reason

PLAIN = DataSettings()
HEADER = "file,text,x1,y1,x2,y2,x3,y3,x4,y4"
CORNERS = ((10.0, 8.0), (50.0, 10.0), (50.0, 24.0), (9.0, 22.0))
ROW = "10,8,50,10,50,24,9,22"


@pytest.fixture(autouse=True)
def english() -> None:
    choose_language("en")


def plates(root: Path, *rows: str, pictures: str = "a b c", header: str = HEADER) -> Path:
    for number, name in enumerate(pictures.split()):
        picture(root / f"{name}.png", number)
    (root / "plates.csv").write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return root


def told(source) -> dict[str, str]:
    return {finding.kind: sentence(finding) for finding in source.findings}


def test_a_table_of_plates(tmp_path: Path) -> None:
    """Several plates of a picture, a picture without one, one that nobody has looked at."""
    rows = [f"a.png,京A·12345,{ROW},blue,", "b.png,,,,,,,,,,,", "a.png,粤B1234挂,52,30,62,30,62,40,52,40,黄牌,2"]
    plates(tmp_path, *rows, header=f"{HEADER},kind,lines")
    assert recognised(str(tmp_path), PLAIN).sentence() == "licence plates in a table (plates.csv); task read_plates"
    below = ((52, 30), (62, 30), (62, 40), (52, 40))
    for place in (tmp_path, tmp_path / "plates.csv"):
        source = recognise(str(place), PLAIN)
        both = (Plate("京A12345", CORNERS, "blue", 1), Plate("粤B1234挂", below, "yellow", 2))
        assert answers(source) == {"a.png": both, "b.png": (), "c.png": None}
    assert told(source) == {"not_annotated": told(source)["not_annotated"]}
    assert source.read(0).pixels.shape == (48, 64, 3)


def test_any_alphabet_and_names_of_columns(tmp_path: Path) -> None:
    header = HEADER.replace("file,text", "图片,车牌号") + ",split"
    plates(tmp_path, f"a;B XY 42;{ROW};test".replace(",", ";"), header=header.replace(",", ";"))
    source = recognise(str(tmp_path), PLAIN)
    assert answers(source)["a.png"] == (Plate("BXY42", CORNERS),) and source.index.parts[0] == "test"
    named = recognise(str(tmp_path), DataSettings(path="图片", target="车牌号", group="车牌号"))
    assert answers(named) == answers(source) and named.index.groups[0] == "B XY 42"
    assert not [one for one in named.findings if one.kind == "setting_unused"]


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    plates(tmp_path, "a.png,京A12345,1,2,3,4,5,6", header="file,text,x1,y1,x2,y2,x3,y3")
    with pytest.raises(DataError, match=r"plates\.csv names plates but lacks the columns x4, y4: a plate has four"):
        recognise(str(tmp_path), DataSettings(layout="plate_table"))


def test_rows_of_another_length(tmp_path: Path) -> None:
    rows = [f"a.png,京A12345,{ROW}", f"b.png,京A12345,{ROW},7", "a.png,京B12345", f"京C12345,{ROW}"]
    source = recognise(str(plates(tmp_path, *rows)), PLAIN)
    assert reason(source, "b.png").startswith("The row plates.csv:3 has 11 cells, its table 10 columns: what it")
    assert reason(source, "a.png").startswith("The row plates.csv:4 has 2 cells, its table 10 columns: what it")
    assert "which pictures they are of cannot be told: 1 (lines: 5)." in told(source)["rows_of_no_picture"]


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([f"a.png,,{ROW}"], r"A plate without a text \(plates\.csv:2\)"),
        (
            ["a.png,京A12345,1,2,3,4,5,x,7,8"],
            r"京A12345 are not eight numbers: 1, 2, 3, 4, 5, x, 7, 8 \(plates\.csv:2\)",
        ),
        (["a.png,京A12345,5,5,5,5,5,5,5,5"], r"four corners of the plate 京A12345 enclose nothing"),
        (["a.png,京A12345,70,8,110,10,110,24,69,22"], r"京A12345 \(70,8 .*lies outside its picture of 64 x 48 pixels"),
        ([f"a.png,京A12345,{ROW}", f"a.png,京A12346,{ROW}"], r"marked twice, as 京A12345 and as 京A12346"),
        ([f"z.png,京A12345,{ROW}"], r"The file does not exist"),
    ],
)
def test_pictures_that_cannot_be_used(rows: list[str], why: str, tmp_path: Path) -> None:
    source = recognise(str(plates(tmp_path, *rows)), PLAIN)
    assert re.search(why, reason(source, source.index.ids[0])), reason(source, source.index.ids[0])


def test_two_annotations_of_one_picture(tmp_path: Path) -> None:
    plates(tmp_path, f"a.png,京A12345,{ROW}")
    (tmp_path / "more.csv").write_text(f"{HEADER}\na.png,京A12346,{ROW}\nb.png,沪B12345,{ROW}\n", encoding="utf-8")
    source = recognise(str(tmp_path), PLAIN)
    said = reason(source, "a.png")
    assert said.startswith("Two annotations speak of this picture and do not say the same: more.csv:2 and plates.csv:2")
    assert answers(source)["b.png"] == (Plate("沪B12345", CORNERS),)


def test_corners_that_are_mended_or_told(tmp_path: Path) -> None:
    rows = [
        "a.png,京A12345,10,8,9,22,50,24,50,10",  # against the clock
        "b.png,京B12345,10,8,50,24,50,10,9,22",  # crossed
        "c.png,京CI234O,30,8,70,10,70,24,29,22",  # beyond the border, with an I and an O
    ]
    source = recognise(str(plates(tmp_path, *rows)), PLAIN)
    assert answers(source)["a.png"][0].corners == answers(source)["b.png"][0].corners == CORNERS
    said = told(source)
    assert said["plate_corners_turned"].startswith(
        "Plates whose corners go against the clock, which were turned round: 1"
    )
    assert said["plate_corners_crossed"].startswith("Plates whose corners cross, which were put in order")
    assert said["plate_corners_outside"].endswith("in 64 x 48).")
    assert "(c.png: 京CI234O (IO))" in said["plate_letters"]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(0, 60), min_size=8, max_size=8))
def test_settled_corners_are_settled(numbers: list[int]) -> None:
    """Whatever the order, what comes back is the same four points going round clockwise, or nothing."""
    corners = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    found, _ = settled_corners(corners)
    if found is not None:
        assert sorted(found) == sorted(corners)
        assert settled_corners(found) == (found, "")


def test_characters_that_training_lacks(tmp_path: Path) -> None:
    rows = [
        f"{name}.png,京A1234{last},{ROW},{part}"
        for name, last, part in (("a", 5, "train"), ("b", 6, "val"), ("c", 7, "test"))
    ]
    source = recognise(str(plates(tmp_path, *rows, header=f"{HEADER},split")), PLAIN)
    said = [sentence(finding) for finding in before(source, parts_of(source.index, PLAIN))]
    assert any("of the part val that training never shows" in one and "6 (1 in all)" in one for one in said)
    assert any(one.startswith("Characters that training shows fewer than 10 times: 7 (1 (1), 2 (1)") for one in said)


NAME = "025-95_113-10&8_50&24-50&24_9&22_10&8_50&10-{}-37-15.jpg"


def ccpd(root: Path, *names: str) -> Path:
    for number, name in enumerate(names):
        picture(root / name, number)
    return root


def test_ccpd_is_told_by_its_names(tmp_path: Path) -> None:
    seven, eight = NAME.format("0_0_22_27_27_33_16"), NAME.format("12_1_3_5_24_25_26_33")
    ccpd(tmp_path, f"ccpd_base/{seven}", f"ccpd_green/{eight}", "ccpd_np/1.jpg", "ccpd_base/odd.jpg")
    found = recognised(str(tmp_path), PLAIN).sentence()
    assert found == "CCPD: licence plates told by the names of their pictures; task read_plates"
    source = recognise(str(tmp_path), PLAIN)
    assert answers(source) == {
        f"ccpd_base/{seven}": (Plate("皖AY339S", CORNERS),),
        f"ccpd_green/{eight}": (Plate("京BDF0129", CORNERS, "green"),),
        "ccpd_np/1.jpg": (),
        "ccpd_base/odd.jpg": None,
    }


def test_parts_of_ccpd(tmp_path: Path) -> None:
    names = [f"ccpd_base/{NAME.format(f'0_0_22_27_27_33_{last}')}" for last in (1, 2)]
    names += [f"ccpd_blur/{NAME.format('0_0_22_27_27_33_3')}"]
    ccpd(tmp_path, *names)
    (tmp_path / "split").mkdir()
    for list_, name in zip(("train", "val", "ccpd_blur"), names, strict=True):
        (tmp_path / "split" / f"{list_}.txt").write_text(f"{name}\n")
    source = recognise(str(tmp_path), PLAIN)
    parts = dict(zip(source.index.ids, source.index.parts, strict=True))
    assert [parts[name] for name in names] == ["train", "val", "test"]


def test_ccpd_with_a_number_of_no_character(tmp_path: Path) -> None:
    source = recognise(
        str(ccpd(tmp_path, NAME.format("0_24_22_27_27_33_16"), NAME.format("0_0_22_27_27_33_16"))), PLAIN
    )
    unread = source.index.ids[list(source.index.labels).index(())]
    assert reason(source, unread) == "Its name counts characters that CCPD does not have: 0_24_22_27_27_33_16."
