"""YOLO's label files, with names from data.yaml or a list; shares of a picture become the whole pixels they were."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepglass.data.annotation import Box
from deepglass.data.check import refuse, refuse_unusable, sentence
from deepglass.data.readers.yolo import Thing, read_things, read_yaml
from deepglass.data.recognise import recognise, recognised
from deepglass.data.settings import DataSettings
from deepglass.foundation.errors import DataError
from deepglass.foundation.words import choose_language
from tests.data.scenes import SIZE, answers, boxes_of, picture, reason

PLAIN = DataSettings()
NAMES = {"cat": 0, "dog": 1}


@pytest.fixture(autouse=True)
def english() -> None:
    choose_language("en")


def line(box: Box, size: tuple[int, int] = SIZE, form: str = ".6f") -> str:
    middle = ((box.left + box.right) / 2 / size[0], (box.top + box.bottom) / 2 / size[1])
    sides = ((box.right - box.left) / size[0], (box.bottom - box.top) / size[1])
    return f"{NAMES.get(box.label, 0)} " + " ".join(f"{value:{form}}" for value in (*middle, *sides))


def labelled(root: Path, image: str, label: str, number: int) -> None:
    picture(root / image, number)
    (root / label).parent.mkdir(parents=True, exist_ok=True)
    (root / label).write_text("\n".join(map(line, boxes_of(number))))


@pytest.mark.parametrize("order", ["images/{}/{}.png labels/{}/{}.txt", "{}/images/{}.png {}/labels/{}.txt"])
def test_a_yaml_with_parts(order: str, tmp_path: Path) -> None:
    image, label = order.split()
    for place, part in enumerate(("train", "val", "test", "spare")):
        for number in range(3):
            labelled(tmp_path, image.format(part, number), label.format(part, number), number + place)
    train = image.format("train", "").removesuffix("/.png")
    (tmp_path / "data.yaml").write_text(
        f"# pets\ntrain: ../{train}  # written by an export\nval: [{train.replace('train', 'val')}]\n"
        f"test:\n  - {train.replace('train', 'test')}\nnc: 2\nnames: ['cat', dog]\n"
        "download: |\n  import os\n  names: no\n"
    )
    found = recognised(str(tmp_path), PLAIN)
    assert found.sentence() == "boxes in YOLO's form (data.yaml); task detect"
    source = recognise(str(tmp_path), PLAIN)
    assert source.annotated.classes == ("cat", "dog")  # pyright: ignore
    assert [sentence(finding) for finding in source.findings][0].startswith(
        "Pictures that stand in no part and were left"
    )
    for place, part in enumerate(("train", "val", "test")):
        for number in range(3):
            row = list(source.index.ids).index(image.format(part, number))
            assert (source.index.labels[row], source.index.parts[row]) == (boxes_of(number + place), part)
    assert len(source.index) == 9
    by_file = recognise(str(tmp_path / "data.yaml"), PLAIN)
    assert answers(by_file) == answers(source)


@pytest.mark.parametrize(
    ("image", "label"),
    [("a.png", "a.txt"), ("data/a.png", "data/a.txt"), ("images/a.png", "labels/a.txt"), ("a.png", "labels/a.txt")],
)
def test_lists_of_names(image: str, label: str, tmp_path: Path) -> None:
    labelled(tmp_path, image, label, 0)
    picture(tmp_path / image.replace("a.png", "nobody.png"))
    (tmp_path / label.replace("a.txt", "classes.txt")).write_text("cat\ndog\n")
    source = recognise(str(tmp_path), PLAIN)
    assert source.layout == "yolo"
    assert answers(source) == {image: boxes_of(0), image.replace("a.png", "nobody.png"): None}
    assert [finding.kind for finding in source.findings] == ["not_annotated"]


def test_without_names_classes_are_numbers(tmp_path: Path) -> None:
    labelled(tmp_path, "images/a.png", "labels/a.txt", 0)
    source = recognise(str(tmp_path), PLAIN)
    assert [box.label for box in source.index.labels[0]] == ["0", "1"]
    assert sentence(source.findings[0]).startswith("Nothing names the 2 classes, so they are called by their numbers.")


def test_one_folder_for_training_and_validation_is_no_split(tmp_path: Path) -> None:
    labelled(tmp_path, "images/a.png", "labels/a.txt", 0)
    (tmp_path / "data.yaml").write_text("path: .\ntrain: images\nval: images\nnames:\n  0: cat\n  1: dog\n")
    source = recognise(str(tmp_path), PLAIN)
    assert not any(source.index.parts) and answers(source) == {"images/a.png": boxes_of(0)}


def test_parts_as_lists_of_pictures(tmp_path: Path) -> None:
    for number in range(3):
        labelled(tmp_path, f"images/{number}.png", f"labels/{number}.txt", number)
    (tmp_path / "train.txt").write_text("./images/0.png\n/elsewhere/images/1.png\nimages/gone.png\n")
    (tmp_path / "val.txt").write_text("images/2.png\n")
    (tmp_path / "data.yml").write_text("train: train.txt\nval: val.txt\ntest: nowhere\nnames: {0: cat, 1: 'dog'}\n")
    source = recognise(str(tmp_path), PLAIN)
    assert dict(zip(source.index.ids, source.index.parts, strict=True)) == {
        "images/0.png": "train",
        "images/1.png": "train",
        "images/gone.png": "train",
        "images/2.png": "val",
    }
    assert reason(source, "images/gone.png") == "The file does not exist."
    assert sentence(source.findings[0]) == "The part test is said to lie in nowhere, where there is no picture."


def test_lines_that_are_none(tmp_path: Path) -> None:
    for number in range(6):
        picture(tmp_path / f"images/{number}.png", number)
    lines = [
        "0 .5 .5 .5",
        "cat .5 .5 .1 .1",
        "0 0.5 0.5 nan 0.1",
        "0 320 240 64 48",
        "\n0 .5 .5 .2 .2\n0 .5 .5 .2 .2 .9",
    ]
    (tmp_path / "labels").mkdir()
    for number, text in enumerate([*lines, "1 0.25 0.25 0.75 0.25 0.75 0.5 0.3 0.4"]):
        (tmp_path / f"labels/{number}.txt").write_text(text)
    (tmp_path / "labels/gone.txt").write_text("")
    (tmp_path / "data.yaml").write_text("train: images\nval: images\nnames: [cat, dog]\n")
    source = recognise(str(tmp_path), PLAIN)
    assert answers(source)["images/5.png"] == (Box("dog", 16, 12, 48, 24),)
    assert [reason(source, f"images/{number}.png")[:34] for number in range(5)] == [
        "Line 1 of 0.txt is no label (0 .5 ",
        "Line 1 of 1.txt is no label (cat .",
        "Line 1 of 2.txt is no label (0 0.5",
        "The numbers in line 1 of 3.txt are",
        "Line 3 of 4.txt is no label (0 .5 ",
    ]
    assert reason(source, "labels/gone.txt") == "There is no picture that labels/gone.txt could belong to."


def test_boxes_in_pixels_are_labels_all_the_same(tmp_path: Path) -> None:
    for number in range(3):
        picture(tmp_path / f"images/{number}.png", number)
        (tmp_path / f"labels/{number}.txt").parent.mkdir(exist_ok=True)
        (tmp_path / f"labels/{number}.txt").write_text("0 32.5 24 16 12\n1 10 10 8 8\n")
    (tmp_path / "classes.txt").write_text("cat\ndog\n")
    assert recognised(str(tmp_path), PLAIN).match.task == "detect"
    assert reason(recognise(str(tmp_path), PLAIN), "images/1.png") == (
        "The numbers in line 1 of 1.txt are no shares of the picture (0 32.5 24 16 12): they must lie between 0 and 1. "
        "Divide them by its width and height."
    )
    with pytest.raises(DataError) as caught:
        refuse_unusable(recognise(str(tmp_path), PLAIN), [0, 2])
    assert str(caught.value).startswith(
        "Not one of 2 examples can be used. Mend them:\n  images/0.png: The numbers in line 1 of 0.txt are no shares"
    )
    (tmp_path / "labels/2.txt").write_text("0 .5 .5 .2 .2\n")
    refuse_unusable(recognise(str(tmp_path), PLAIN), [0, 2])


def test_two_label_files_of_one_picture(tmp_path: Path) -> None:
    labelled(tmp_path, "images/a.png", "labels/a.txt", 0)
    (tmp_path / "images/a.txt").write_text(line(boxes_of(1)[0]))
    assert reason(recognise(str(tmp_path), PLAIN), "images/a.png").startswith(
        "Two annotations speak of this picture and do not say the same: labels/a.txt and images/a.txt."
    )


def test_numbers_that_count_from_one(tmp_path: Path) -> None:
    picture(tmp_path / "images/a.png")
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels/a.txt").write_text("1 .5 .5 .2 .2\n2 .5 .5 .2 .2\n")
    (tmp_path / "classes.txt").write_text("cat\ndog\n")
    source = recognise(str(tmp_path), PLAIN)
    with pytest.raises(DataError) as caught:
        refuse(source.findings)
    assert str(caught.value) == (
        f"Class ids are off by one: 1 box has ids that {tmp_path / 'classes.txt'} does not list (ids 2; it lists "
        "0 .. 1), first of labels/a.txt:2. Then every box may bear its neighbour's name; count both from the same "
        "number."
    )


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("names: [a, 'b c', \"d \\u00e9\"]", {0: "a", 1: "b c", 2: "d é"}),
        ("names: [ 'it''s',\n  no,  # not a truth\n  3 ]", {0: "it's", 1: "no", 2: "3"}),
        ("names:\n- a\n- 'b # c'\n", {0: "a", 1: "b # c"}),
        ("names:\n  0: a\n  2: b#c\nnc: 2", {0: "a", 2: "b#c"}),
        ("names: {0: a, 1: 'b, c'}", {0: "a", 1: "b, c"}),
        ("nc: 1\nnames: ['猫']  # cats", {0: "猫"}),
    ],
)
def test_names_in_every_usual_form(text: str, names: dict[int, str], tmp_path: Path) -> None:
    file = tmp_path / "data.yaml"
    file.write_text(f"train: x\n{text}\n", encoding="utf-8")
    assert read_yaml(file).names == names and read_yaml(file).parts == {"train": ["x"]}


@pytest.mark.parametrize(
    ("text", "line", "shown"),
    [
        ("names: *pets", 1, "*pets"),
        ("names: !!python/object:os.system [a]", 1, "!!python/object:os.system [a]"),
        ("names: |\n  a\n  b", 2, "a"),
        ("names: [a, [b]]", 1, "[b]]"),
        ("names: [a, b", 1, ""),
        ("names:\n  - a\n  - b: c", 3, "b: c"),
        ("names:\n  a: b", 2, "a: b"),
        ('names:\n  - "a', 2, '"a'),
        ("names: cat", 1, "cat"),
    ],
)
def test_other_forms_are_refused_with_their_line(text: str, line: int, shown: str, tmp_path: Path) -> None:
    file = tmp_path / "data.yaml"
    file.write_text(text)
    with pytest.raises(DataError) as caught:
        read_yaml(file)
    assert str(caught.value).startswith(f"Line {line} of {file} is written in a form that is not read: {shown}. Write")


def test_a_count_that_differs_from_the_names(tmp_path: Path) -> None:
    file = tmp_path / "data.yaml"
    file.write_text("nc: 3\nnames: [a, b]\n")
    with pytest.raises(DataError, match="says nc: 3 but has 2 names"):
        read_yaml(file)


@given(st.data(), st.integers(2, 8000), st.integers(2, 8000), st.sampled_from([".6f", ".7f", ".17g", "r"]))
def test_whole_corners_come_back(data: st.DataObject, width: int, height: int, form: str) -> None:
    """Six digits are enough for pictures of 8,000 pixels; what was no whole number is not made one by many digits."""
    left, top = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    right, bottom = data.draw(st.integers(left + 1, width)), data.draw(st.integers(top + 1, height))
    wanted = Box("cat", left, top, right, bottom)
    text = line(wanted, (width, height), "" if form == "r" else form)
    assert _read(text).box("cat", width, height) == wanted
    half = wanted._replace(left=left + 0.25)
    assert abs(_read(line(half, (width, height), ".17g")).box("cat", width, height).left - half.left) < 1e-6


def _read(text: str) -> Thing:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "a.txt"
        file.write_text(text)
        return read_things(file)[0]
