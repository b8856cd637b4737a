"""Boxes go from any form into any other and back: corners, labels, parts and what is not known stay as they are."""

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deepglass.data.annotation import Box
from deepglass.data.convert import convert, names_for
from deepglass.data.recognise import recognise
from deepglass.data.settings import DataSettings
from deepglass.data.source import Index, Source
from deepglass.data.sources.files import PictureFiles
from deepglass.foundation.catalogue import entries
from deepglass.foundation.errors import DataError, UsageError
from deepglass.foundation.words import choose_language
from tests.data.scenes import SIZE, annotation, boxes_of, coco, image, instances, picture

PLAIN = DataSettings()
FORMS = ("coco", "csv", "voc", "yolo")
LAYOUTS = {"csv": "box_table"}
LETTERS = st.characters(exclude_categories=("C", "Z"), exclude_characters="\ufffe\uffff")
LABELS = st.text(LETTERS, min_size=1, max_size=6) | st.sampled_from(
    ["a b", "it's", '"x"', "none", "a, b: c", "猫 # 1", "7"]
)


@pytest.fixture(autouse=True)
def english() -> None:
    choose_language("en")


@st.composite
def whole_boxes(draw: st.DrawFn) -> tuple[Box, ...] | None:
    """Boxes with whole corners in a picture of SIZE; nothing; or nobody has looked."""
    if draw(st.integers(0, 5)) == 0:
        return None
    boxes = []
    for _ in range(draw(st.integers(0, 3))):
        left, top = draw(st.integers(0, SIZE[0] - 1)), draw(st.integers(0, SIZE[1] - 1))
        right, bottom = draw(st.integers(left + 1, SIZE[0])), draw(st.integers(top + 1, SIZE[1]))
        boxes.append(Box(draw(LABELS), left, top, right, bottom))
    return tuple(boxes)


def held(source: Source) -> dict[str, Any]:
    """Boxes and part of each picture, by its bare name."""
    parts = source.index.parts or [""] * len(source.index)
    rows = zip(source.index.ids, source.index.labels, parts, strict=True)
    return {id.rsplit("/", 1)[-1]: (boxes, part) for id, boxes, part in rows}


def test_every_form_is_offered() -> None:
    assert tuple(entries("data.writers")) == FORMS


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(answers=st.lists(whole_boxes(), min_size=4, max_size=4), parted=st.booleans())
def test_whole_boxes_survive_every_pair_of_forms(
    answers: list[tuple[Box, ...] | None], parted: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Into the first form, from there into the second, and back into the first."""
    root = tmp_path_factory.mktemp("pairs")
    answers[0] = (Box("cat", 0, 0, *SIZE), *(answers[0] or ()))
    answers[2] = (Box("cat", 1, 1, 2, 2),) if parted else answers[2]
    names = [f"p{place}.png" for place in range(4)]
    for place, name in enumerate(names):
        picture(root / "data" / name, place)
    parts = ["train", "train", "val", "val"] if parted else []
    source = PictureFiles("own", "detect", root / "data", Index(names, answers, parts), [])
    wanted = held(source)
    for first in FORMS:
        convert(source, first, root / first)
        assert _opened(root / first, first) == wanted
    for first, second in product(FORMS, FORMS):
        there, back = root / f"{first}-{second}", root / f"{first}-{second}-{first}"
        convert(recognise(str(root / first), PLAIN), second, there)
        assert _opened(there, second) == wanted
        convert(recognise(str(there), PLAIN), first, back)
        assert _opened(back, first) == wanted
        assert _texts(back) == _texts(root / first)


def _opened(folder: Path, form: str) -> dict[str, Any]:
    source = recognise(str(folder), PLAIN)
    assert source.layout == LAYOUTS.get(form, form)
    assert {finding.kind for finding in source.findings} <= {"not_annotated"}
    assert source.read(0).size == SIZE
    return held(source)


def _texts(folder: Path) -> dict[str, str]:
    """Every annotation, byte for byte."""
    files = [file for file in folder.rglob("*") if file.suffix in (".json", ".csv", ".xml", ".txt", ".yaml")]
    return {file.relative_to(folder).as_posix(): file.read_text(encoding="utf-8") for file in files}


@pytest.mark.parametrize("form", FORMS)
def test_fractions_and_crowds(form: str, tmp_path: Path) -> None:
    """Fractions come back to a millionth; a crowd stays one, or is left out and counted where none can be told."""
    picture(tmp_path / "data/a.png")
    marks = [annotation(1, [1.26, 2.0, 10.5, 20.125]), annotation(1, [5, 6, 7, 8], iscrowd=1)]
    instances(tmp_path / "data/a.json", [image(1, "a.png")], marks)
    found = convert(recognise(str(tmp_path / "data"), PLAIN), form, tmp_path / "out")
    ((boxes, _),) = held(recognise(str(tmp_path / "out"), PLAIN)).values()
    assert boxes[0][1:5] == pytest.approx((1.26, 2, 11.76, 22.125), abs=1e-6)
    if form == "yolo":
        assert len(boxes) == 1 and found.boxes == 1
        assert [finding["reason"] for finding in found.findings] == [
            "Boxes of crowds that this form cannot tell from single things, left out: 1."
        ]
    else:
        assert boxes[1] == Box("cat", 5, 6, 12, 14, True) and found.findings == []


def test_what_is_written(tmp_path: Path) -> None:
    """Classes keep the order in which they were listed, pictures share their bytes, and parts are folders."""
    root = coco(tmp_path / "data", count=3)
    found = convert(recognise(str(root), PLAIN), "yolo", tmp_path / "out")
    assert (found.pictures, found.boxes, found.linked, found.parts) == (6, 6, 6, {"train": 3, "val": 3})
    assert (tmp_path / "out/data.yaml").read_text() == (
        'train: images/train\nval: images/val\nnc: 2\nnames:\n  0: "cat"\n  1: "dog"\n'
    )
    assert (tmp_path / "out/labels/train/0.txt").read_text().startswith("0 0.2421875 0.4375 0.453125 0.791")
    assert (tmp_path / "out/images/val/5.png").samefile(root / "val2017/5.png")
    convert(recognise(str(tmp_path / "out"), PLAIN), "coco", tmp_path / "again")
    document = json.loads((tmp_path / "again/annotations/instances_train.json").read_text())
    assert document["categories"] == [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
    corners = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 29, 38], "area": 1102, "iscrowd": 0}
    assert document["annotations"][0] == corners and sorted(tmp_path.iterdir()) == [
        tmp_path / name for name in ("again", "data", "out")
    ]


def test_names_that_are_shared_are_told_apart(tmp_path: Path) -> None:
    ids = ["a/1.jpg", "b/1.png", "b/2.jpg", "a-1.jpg", "c/A-1.png", "x/1"]
    found = names_for(ids)
    assert found == ["a-1.jpg", "b-1.png", "2.jpg", "a-1-2.jpg", "c-A-1.png", "x-1"]
    assert names_for(found) == found


def test_nothing_is_written_over(tmp_path: Path) -> None:
    source = recognise(str(coco(tmp_path / "data", 3)), PLAIN)
    out = tmp_path / "out"
    out.mkdir()
    convert(source, "voc", out)
    before = sorted(out.rglob("*"))
    for taken in (out, tmp_path / "data/annotations/instances_val2017.json"):
        with pytest.raises(UsageError) as caught:
            convert(source, "coco", taken)
        assert str(caught.value) == (
            f"{taken} is there already and is not empty. Choose another place with --out; nothing is written over."
        )
    assert sorted(out.rglob("*")) == before


def test_what_cannot_be_converted_is_refused_or_named(tmp_path: Path) -> None:
    for name in ("a", "b"):
        picture(tmp_path / f"data/{name}.png")
    listed = [image(1, "a.png"), image(2, "b.png", (640, 480)), image(3, "gone.png")]
    file = instances(tmp_path / "data/a.json", listed, [annotation(1, boxes_of(0)[0])])
    found = convert(recognise(str(tmp_path / "data"), PLAIN), "csv", tmp_path / "out")
    assert found.pictures == 1
    assert [(finding["kind"], finding["file"]) for finding in found.findings] == [
        ("unreadable", "b.png"),
        ("unreadable", "gone.png"),
    ]
    instances(file, listed, [annotation(1, [0, 0, 5, 5], category=9)])
    with pytest.raises(DataError, match="class ids that"):
        convert(recognise(str(tmp_path / "data"), PLAIN), "csv", tmp_path / "more")
    instances(file, listed, [], categories=[{"id": 1, "name": "a\nb"}])
    with pytest.raises(DataError) as caught:
        convert(recognise(str(tmp_path / "data"), PLAIN), "csv", tmp_path / "more")
    assert str(caught.value).startswith(r"The class name 'a\nb' cannot be written")
    with pytest.raises(DataError, match="no pictures with boxes"):
        convert(recognise("digits", PLAIN), "csv", tmp_path / "more")
    with pytest.raises(UsageError, match="yolo"):
        convert(recognise(str(tmp_path / "data"), PLAIN), "yolov8", tmp_path / "more")
    assert not (tmp_path / "more").exists()
