"""Made street pictures with plates: the same on every call, with every plate where its corners say."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deepglass.data.annotation import names_of
from deepglass.data.recognise import found_in, recognise, recognised
from deepglass.data.settings import DataSettings, PlateSettings
from deepglass.data.sources.plate_fonts import DIGITS, ENDS, EVERY, LETTERS, PROVINCES, find_fonts, lacking
from deepglass.foundation.errors import DataError, MachineError, UsageError
from deepglass.foundation.words import speaking

try:
    FONTS = find_fonts()
except MachineError:
    FONTS = ()
pytestmark = pytest.mark.skipif(not FONTS, reason="no font with all characters of plates on this machine")


def made(place="made:plates", **settings):
    return recognise(place, DataSettings(plates=PlateSettings(**{"pictures": 60} | settings)))


@pytest.fixture(scope="module")
def source():
    return made()


def test_what_is_said_of_them():
    found = recognised("made:plates", DataSettings(plates=PlateSettings(pictures=60)))
    assert found.sentence() == (
        "60 made street pictures with Chinese licence plates, 320 x 192 pixels; task read_plates"
    )
    with speaking("zh-CN"):
        assert found.sentence() == "60 张生成的街景图片，含中国车牌，320 x 192 像素；任务 read_plates"


def test_a_row_is_a_function_of_seed_and_row(source):
    again, more = made(), recognise("made:plates", DataSettings(plates=PlateSettings(pictures=90)))
    assert source.fingerprint() == again.fingerprint() != more.fingerprint()
    assert list(source.index.labels) == list(more.index.labels)[:60]
    for row in (7, 3, 9):
        np.testing.assert_array_equal(source.read(row).pixels, more.read(row).pixels)
    assert not np.array_equal(source.read(0).pixels, made(seed=1).read(0).pixels)
    assert made("made:plates-unseen").index.labels[0] != source.index.labels[0]


def test_parts_and_sizes(source):
    assert [source.index.parts.count(part) for part in ("train", "val", "test")] == [48, 6, 6]
    assert source.read(0).pixels.shape == (192, 320, 3) and source.header(0) == (320, 192, 3)
    assert made(width=640, height=360).read(5).pixels.shape == (360, 640, 3)
    assert not made("made:plates-unseen").index.parts


FORMS = {
    "blue": f"[{PROVINCES}][{LETTERS}][{LETTERS}{DIGITS}]{{5}}",
    "yellow": f"[{PROVINCES}][{LETTERS}]([{LETTERS}{DIGITS}]{{5}}|[{LETTERS}{DIGITS}]{{4}}[{ENDS}])",
    "green": f"[{PROVINCES}][{LETTERS}]([{LETTERS}][{LETTERS}{DIGITS}][0-9]{{4}}|[0-9]{{5}}[DF])",
    "white": f"[{PROVINCES}][{LETTERS}][{LETTERS}{DIGITS}]{{4}}警",
}


def test_texts_are_those_of_their_kinds():
    plates = [plate for answer in made(width=1280, height=720).index.labels for plate in answer]
    assert all(re.fullmatch(FORMS[plate.kind], plate.text) for plate in plates)
    assert all(plate.lines == 1 or plate.kind == "yellow" for plate in plates)
    assert {plate.kind for plate in plates} == set(FORMS) and {plate.lines for plate in plates} == {1, 2}
    only = made(kinds=("green",))
    assert {plate.kind for answer in only.index.labels for plate in answer} == {"green"}
    assert set(names_of(tuple(plates))) <= set(EVERY) and not set("IO") & set(EVERY)


def test_corners_go_round_inside_the_picture(source):
    plates = [plate for answer in source.index.labels for plate in answer]
    assert {len(answer) for answer in source.index.labels} == {0, 1, 2}
    for plate in plates:
        corners = np.array(plate.corners)
        assert (corners > 0).all() and (corners < (320, 192)).all()
        x, y = corners.T
        assert (x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2 > 1000  # clockwise, and not small
        assert corners[0, 0] < corners[1, 0] and corners[0, 1] < corners[3, 1]


def test_a_plate_is_painted_where_its_corners_say():
    """Inside a blue plate it is blue, whatever hangs around it."""
    blue = made(kinds=("blue",))
    shares = []
    for row in range(20):
        pixels = blue.read(row).pixels.astype(int)
        for plate in blue.index.labels[row]:
            inside = np.ones(pixels.shape[:2], dtype=bool)
            down, across = np.mgrid[:192, :320] + 0.5
            for (x, y), (u, v) in zip(plate.corners, (*plate.corners[1:], plate.corners[0]), strict=True):
                inside &= (u - x) * (down - y) > (v - y) * (across - x)
            seen = pixels[inside]
            shares.append((seen[:, 2] > seen[:, 0] + 8).mean())
    assert len(shares) > 12 and np.median(shares) > 0.6


def test_photographs_are_pasted_onto(tmp_path):
    """Every other one is kept for the test part; a folder with fewer than two is refused."""
    photos = tmp_path / "photos"
    photos.mkdir()
    with pytest.raises(DataError, match=r"holds 0 pictures; plates are pasted onto at least 2"):
        made(photos=str(photos))
    for number, colour in enumerate(((200, 30, 30), (30, 200, 30), (220, 20, 20), (20, 220, 20))):
        Image.new("RGB", (400, 300), colour).save(photos / f"{number}.png")
    pasted = made(photos=str(photos), pictures=300)
    empty = {pasted.index.parts[row]: row for row, plates in enumerate(pasted.index.labels) if not plates}
    assert set(empty) == {"train", "val", "test"}
    for row in empty.values():
        red, green, _ = np.median(pasted.read(row).pixels.reshape(-1, 3), axis=0)
        assert (red > green) == (pasted.index.parts[row] != "test")
    found = found_in(pasted, DataSettings(plates=PlateSettings(photos=str(photos / ".." / "photos"))))
    assert found.plates.photos == str(photos.resolve())


def test_a_font_that_is_held_back_is_shown_in_its_own_place_only():
    name = Path(FONTS[-1]).stem
    assert FONTS[-1] not in made(held_back=(name,)).fonts
    assert made("made:plates-font", held_back=(name,)).fonts == find_fonts((name,))
    with pytest.raises(UsageError, match=r"shows the fonts that training does not.*data\.plates\.held_back=ukai"):
        made("made:plates-font")


def test_fonts_that_are_not_there_or_lack_characters():
    with pytest.raises(MachineError, match=r"no font 'nosuch'.*fonts-wqy-microhei"):
        made(fonts=("nosuch",))
    assert not any(map(lacking, FONTS))


def test_a_font_without_chinese_is_refused_by_name():
    latin = sorted(Path("/usr/share/fonts").rglob("DejaVuSans.ttf"))
    if not latin:
        pytest.skip("DejaVu Sans is not on this machine")
    with pytest.raises(MachineError, match=r"DejaVuSans\.ttf has no glyphs for 京津沪.*Debian: fonts-wqy"):
        made(fonts=(str(latin[0]),))


def test_no_font_at_all(monkeypatch):
    monkeypatch.setattr("deepglass.data.sources.plate_fonts._installed", lambda: ())
    with pytest.raises(MachineError, match=r"No font with all characters.*\(Debian: fonts-wqy-microhei"):
        made()
