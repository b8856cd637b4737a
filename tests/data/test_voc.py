"""VOC's XML files and lists of parts; corners are pixels counted from 1, and both ends are inside."""

from pathlib import Path
from typing import Any

import pytest

from deepglass.data.annotation import Box
from deepglass.data.check import sentence
from deepglass.data.recognise import recognise, recognised
from deepglass.data.settings import DataSettings
from deepglass.foundation.words import choose_language
from tests.data.scenes import SIZE, answers, boxes_of, picture, reason

PLAIN = DataSettings()


@pytest.fixture(autouse=True)
def english() -> None:
    choose_language("en")


def thing(name: str, *corners: Any, difficult: int = 0) -> str:
    pairs = zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True)
    sides = "".join(f"<{side}>{value}</{side}>" for side, value in pairs)
    return f"<object><name>{name}</name><difficult>{difficult}</difficult><bndbox>{sides}</bndbox></object>"


def page(file: Path, *things: str, name: str = "", size: tuple[int, int] = SIZE) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    sides = f"<size><width>{size[0]}</width><height>{size[1]}</height><depth>3</depth></size>"
    body = f"<filename>{name}</filename>\n{sides}\n" + "\n".join(things)
    file.write_text(f"<annotation>\n<folder>x</folder>{body}\n</annotation>\n", encoding="utf-8")
    return file


def things(number: int) -> list[str]:
    return [thing(box.label, box.left + 1, box.top + 1, box.right, box.bottom) for box in boxes_of(number)]


def voc(root: Path, count: int = 6) -> Path:
    for number in range(count):
        picture(root / "JPEGImages" / f"{number}.png", number)
        picture(root / "SegmentationClass" / f"{number}.png", number + 100)
        page(root / "Annotations" / f"{number}.xml", *things(number), name="renamed.jpg")
    return root


def lists(root: Path, **parts: str) -> None:
    (root / "ImageSets/Main").mkdir(parents=True, exist_ok=True)
    for name, ids in parts.items():
        (root / f"ImageSets/Main/{name}.txt").write_text("\n".join(ids.split()) + "\n")


def test_the_folders_of_voc(tmp_path: Path) -> None:
    root = voc(tmp_path)
    assert recognised(str(root), PLAIN).sentence() == "boxes in VOC's form (0.xml ...); task detect"
    source = recognise(str(root), PLAIN)
    assert answers(source) == {f"JPEGImages/{number}.png": boxes_of(number) for number in range(6)}
    assert source.annotated.classes == ("cat", "dog") and source.findings == []  # pyright: ignore
    assert not any(source.index.parts) and source.read(1).size == SIZE


def test_lists_of_parts(tmp_path: Path) -> None:
    """What no list names is left out where training pictures are listed; a listed one without XML has no answer."""
    root = voc(tmp_path)
    picture(root / "JPEGImages" / "bare.png")
    lists(root, train="0 1", val="2", trainval="0 1 2", test="3.png bare gone", cat_train="4 5")
    source = recognise(str(root), PLAIN)
    assert dict(zip(source.index.ids, source.index.parts, strict=True)) == {
        "JPEGImages/0.png": "train",
        "JPEGImages/1.png": "train",
        "JPEGImages/2.png": "val",
        "JPEGImages/3.png": "test",
        "JPEGImages/bare.png": "test",
        "gone": "test",
    }
    assert answers(source)["JPEGImages/bare.png"] is None
    assert reason(source, "gone") == "The file does not exist."
    assert sentence(source.findings[0]) == (
        "Pictures that stand in no part and were left out: 2 (JPEGImages/4.png, JPEGImages/5.png)."
    )


def test_lists_without_training_leave_the_rest_to_be_dealt(tmp_path: Path) -> None:
    root = voc(tmp_path)
    lists(root, test="3")
    source = recognise(str(root), PLAIN)
    assert len(source.index) == 6 and list(source.index.parts).count("test") == 1


@pytest.mark.parametrize(
    ("image", "annotation"),
    [
        ("a.png", "a.xml"),
        ("train/a.png", "train/a.xml"),
        ("images/in/a.png", "annotations/in/a.xml"),
        ("b.png", "x.xml"),
    ],
)
def test_pages_beside_their_pictures(image: str, annotation: str, tmp_path: Path) -> None:
    picture(tmp_path / image)
    picture(tmp_path / image.replace(".png", "2.png"))
    page(tmp_path / annotation, *things(0), name=f"C:\\photos\\{Path(image).name}")
    source = recognise(str(tmp_path), PLAIN)
    assert answers(source) == {image: boxes_of(0), image.replace(".png", "2.png"): None}
    assert list(source.index.parts) == (["train", "train"] if "train" in image else [])


def test_corners_are_pixels_counted_from_one(tmp_path: Path) -> None:
    """One pixel is 5, 5, 5, 5; corners that are swapped are both inside; fractions and difficult things are kept."""
    picture(tmp_path / "a.png")
    marks = [(5, 6, 5, 6), (20, 5, 11, 8), (4.5, 1, 10.25, 20), (0, 1, 65, 48), (9, 9, 8, 12), (70, 1, 80, 9)]
    page(tmp_path / "a.xml", *(thing("cat", *mark) for mark in marks), thing("dog", 1, 1, 64, 48, difficult=1))
    source = recognise(str(tmp_path), PLAIN)
    assert source.index.labels[0] == (
        Box("cat", 4, 5, 5, 6),
        Box("cat", 10, 4, 20, 8),
        Box("cat", 3.5, 0, 10.25, 20),
        Box("cat", 0, 0, 64, 48),
        Box("dog", 0, 0, 64, 48, True),
    )
    assert [(finding.kind, finding.values["count"]) for finding in source.findings] == [
        ("box_corners", 1),
        ("box_cut", 1),
        ("box_outside", 1),
        ("box_without_area", 1),
    ]


def test_pages_that_cannot_be_used(tmp_path: Path) -> None:
    for name in ("broken", "entity", "size", "word", "nameless", "good"):
        picture(tmp_path / f"JPEGImages/{name}.png")
    pages = tmp_path / "Annotations"
    page(pages / "good.xml", *things(0))
    (pages / "broken.xml").write_text("<annotation>\n<size>\n</annotation>\n")
    unfolding = "".join(f'<!ENTITY e{place} "{f"&e{place - 1};" * 10}">' for place in range(1, 9))
    (pages / "entity.xml").write_text(f'<!DOCTYPE x [\n<!ENTITY e0 "ha">{unfolding}]><annotation>&e8;</annotation>')
    page(pages / "size.xml", size=(640, 480))
    page(pages / "word.xml", thing("cat", 1, 1, "wide", 5))
    page(pages / "nameless.xml", thing("", 1, 1, 5, 5))
    page(pages / "lost.xml", *things(0), name="lost.png")
    source = recognise(str(tmp_path), PLAIN)
    assert reason(source, "JPEGImages/broken.png") == (
        "Its annotation broken.xml is not valid XML: mismatched tag in line 3. Mend it, or export it again."
    )
    assert reason(source, "JPEGImages/entity.png") == (
        "Its annotation entity.xml declares an entity in line 2, which is not read. Take the DOCTYPE out."
    )
    assert reason(source, "JPEGImages/size.png").startswith("The annotation is for a picture of 640 x 480 pixels")
    assert reason(source, "JPEGImages/word.png") == "In word.xml the corners of cat are no numbers: wide."
    assert reason(source, "JPEGImages/nameless.png").startswith("Its annotation nameless.xml has no object/name")
    assert reason(source, "lost.png") == "The file does not exist."
    assert answers(source)["JPEGImages/good.png"] == boxes_of(0) and source.findings == []


def test_an_outside_file_is_never_opened(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hidden")
    root = tmp_path / "data"
    picture(root / "a.png")
    entity = f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{secret}">]>'
    page(root / "a.xml", thing("&e;", 1, 1, 5, 5))
    (root / "a.xml").write_text(entity + (root / "a.xml").read_text())
    assert "declares an entity" in reason(recognise(str(root), PLAIN), "a.png")


def test_two_pages_of_one_picture(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    page(tmp_path / "a.xml", *things(0))
    page(tmp_path / "b.xml", *reversed(things(0)), name="a.png")
    assert answers(recognise(str(tmp_path), PLAIN)) == {"a.png": boxes_of(0)}
    page(tmp_path / "b.xml", *things(1), name="a.png")
    assert reason(recognise(str(tmp_path), PLAIN), "a.png").startswith(
        "Two annotations speak of this picture and do not say the same: a.xml and b.xml."
    )
