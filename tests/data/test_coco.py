"""COCO's instances are recognised wherever they lie; boxes are exact, and what does not fit is named."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepglass.data.annotation import Box, in_words, names_of, unordered
from deepglass.data.check import before, refuse, refuse_unknown, sentence
from deepglass.data.decode import Decoded, Worker
from deepglass.data.examiner import Examiner
from deepglass.data.glance import glance
from deepglass.data.readers.coco import read_coco
from deepglass.data.readers.picture import Fit
from deepglass.data.recognise import layout_for, recognise, recognised, survey
from deepglass.data.settings import DataSettings
from deepglass.data.source import Source, Unreadable
from deepglass.data.sources.boxed import unknown_ids
from deepglass.data.split import folds, split
from deepglass.foundation.errors import DataError
from deepglass.foundation.words import choose_language, say, speaking
from tests.data.scenes import SIZE, annotation, boxes_of, coco, image, instances, picture

PLAIN = DataSettings()


@pytest.fixture(autouse=True)
def english() -> None:
    choose_language("en")


def said(source: Source) -> dict[str, str]:
    """What the source itself found, by kind."""
    return {finding.kind: sentence(finding) for finding in source.findings}


def reason(source: Source, id: str) -> str:
    """Why a picture cannot be read, in words."""
    with pytest.raises(Unreadable) as caught:
        source.read(list(source.index.ids).index(id))
    return say(f"data.{caught.value.reason}", **caught.value.values)


def answers(source: Source) -> dict[str, Any]:
    return dict(zip(source.index.ids, source.index.labels, strict=True))


def test_a_size_that_is_mended_changes_the_fingerprint(tmp_path: Path) -> None:
    """Boxes and picture are as they were; a packed copy would go on leaving the picture out."""
    picture(tmp_path / "a.png")

    def opened(size: tuple[int, int]) -> Source:
        instances(tmp_path / "a.json", [image(1, "a.png", size)], [annotation(1, boxes_of(0)[0])])
        return recognise(str(tmp_path), PLAIN)

    wrong, right = opened((640, 480)), opened(SIZE)
    assert answers(wrong) == answers(right) and right.read(0).size == SIZE
    assert "640" in reason(wrong, "a.png")
    assert wrong.fingerprint() != right.fingerprint() == opened(SIZE).fingerprint()


def test_the_folder_of_coco(tmp_path: Path) -> None:
    root = coco(tmp_path)
    instances(root / "annotations" / "person_keypoints_train2017.json", [image(0, "0.png")], [])
    (root / "annotations" / "captions_train2017.json").write_text('{"images": [], "annotations": []}')
    found = recognised(str(root), PLAIN)
    assert found.sentence() == ("boxes in COCO's form (instances_train2017.json, instances_val2017.json); task detect")
    source = recognise(str(root), PLAIN)
    assert source.task == "detect" and source.annotated.classes == ("cat", "dog")  # pyright: ignore
    assert answers(source) == {f"{'train' if n < 6 else 'val'}2017/{n}.png": boxes_of(n) for n in range(12)}
    assert list(source.index.parts) == ["train"] * 6 + ["val"] * 6
    assert source.findings == [] and source.read(3).size == SIZE and source.header(3) == (*SIZE, 3)
    assert layout_for("detect", str(root), PLAIN) == "coco"


@pytest.mark.parametrize("given", ["", "labels.json", "train/_annotations.coco.json"])
def test_one_file_beside_its_pictures(given: str, tmp_path: Path) -> None:
    here = tmp_path / "train" if "/" in given else tmp_path
    instances(tmp_path / (given or "labels.json"), [image(7, "deep/0.png")], [annotation(7, boxes_of(0)[0])])
    picture(here / "deep" / "0.png")
    source = recognise(str(tmp_path / given), PLAIN)
    assert list(source.index.labels) == [boxes_of(0)[:1]] and source.read(0).size == SIZE
    whole = recognise(str(tmp_path), PLAIN)
    assert list(whole.index.parts) == (["train"] if "/" in given else [])
    assert whole.fingerprint() == recognise(str(tmp_path), PLAIN).fingerprint()


def test_the_same_bare_name_in_two_parts(tmp_path: Path) -> None:
    """Each file means the picture beside it, or in the folder of its part; otherwise nobody can say."""
    for number, part in enumerate(("train", "valid")):
        picture(tmp_path / part / "a.png", number)
        instances(tmp_path / part / "_annotations.coco.json", [image(1, "a.png")], [annotation(1, boxes_of(0)[number])])
    assert answers(recognise(str(tmp_path), PLAIN)) == {
        "train/a.png": (boxes_of(0)[0],),
        "valid/a.png": (boxes_of(0)[1],),
    }
    lone = instances(tmp_path / "x.json", [image(1, "C:\\here\\a.png")], [])
    for part in ("train", "valid"):
        (tmp_path / part / "_annotations.coco.json").unlink()
    assert reason(recognise(str(lone), PLAIN), "C:/here/a.png") == (
        "Its annotation may mean any of several pictures: train/a.png, valid/a.png. "
        "Write the folder into the annotation."
    )


def test_nothing_there_and_nobody_looked(tmp_path: Path) -> None:
    """A listed picture without boxes is an answer; one that no file lists, or that a bare list names, has none."""
    for name in ("empty", "unlisted"):
        picture(tmp_path / f"{name}.png")
    picture(tmp_path / "elsewhere" / "mask.png")
    file = instances(tmp_path / "a.json", [image(1, "empty.png")], [])
    source = recognise(str(tmp_path), PLAIN)
    assert answers(source) == {"empty.png": (), "unlisted.png": None}
    assert said(source)["not_annotated"].startswith("Pictures that no annotation speaks of: 1 (unlisted.png).")
    no_answer = before(source, split(source.index, PLAIN))[0]
    assert (no_answer.kind, no_answer.values["count"]) == ("no_answer", 1)
    instances(file, [image(1, "empty.png")], None)
    assert answers(recognise(str(tmp_path), PLAIN)) == {"empty.png": None, "unlisted.png": None}


def test_impossible_boxes(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    marks = [[-5, 2, 10, 10], [60, 40, 20, 20], [64, 0, 5, 5], [5, 5, 0, 9], [30, 40, -20, -30], [0, 0, 64, 48]]
    instances(tmp_path / "a.json", [image(1, "a.png")], [annotation(1, mark) for mark in marks])
    source = recognise(str(tmp_path), PLAIN)
    corners = [(0, 2, 5, 12), (60, 40, 64, 48), (10, 10, 30, 40), (0, 0, 64, 48)]
    assert [box[1:5] for box in source.index.labels[0]] == corners
    told = said(source)
    assert told["box_cut"] == (
        "Boxes that reach beyond their picture and were cut at its border: 2 "
        "(a.png: cat -5,2-5,12 (64 x 48); a.png: cat 60,40-80,60 (64 x 48))."
    )
    assert told["box_outside"].startswith("Boxes that lie outside their picture altogether and were left out: 1 (a.png")
    assert told["box_without_area"] == "Boxes without area, which were left out: 1 (a.png: cat 5,5-5,14 (64 x 48))."
    assert "put in order: 1 (a.png: cat 30,40-10,10 (64 x 48))" in told["box_corners"]
    assert {finding.kind: finding.level for finding in source.findings}["box_cut"] == "note"


def test_pictures_that_do_not_fit_their_annotation(tmp_path: Path) -> None:
    for name in ("small", "twice", "odd"):
        picture(tmp_path / f"{name}.png")
    listed = [image(1, "small.png", (640, 480)), image(2, "gone.png"), image(3, "twice.png"), image(4, "odd.png")]
    marks = [annotation(3, [0, 0, 5, 5]), annotation(4, [0, 0, "wide", 5]), annotation(9, [0, 0, 5, 5])]
    instances(tmp_path / "a.json", listed, marks)
    instances(tmp_path / "b.json", [image(3, "twice.png")], [annotation(3, [0, 0, 6, 5])])
    source = recognise(str(tmp_path), PLAIN)
    assert reason(source, "small.png").startswith(
        "The annotation is for a picture of 640 x 480 pixels, this one has 64 x 48. Was it made smaller or turned"
    )
    assert reason(source, "gone.png") == "The file does not exist."
    assert reason(source, "twice.png") == (
        "Two annotations speak of this picture and do not say the same: a.json and b.json. Keep the right one."
    )
    assert reason(source, "odd.png") == "In a.json the corners of annotation 1 are no numbers: [0, 0, 'wide', 5]."
    assert said(source) == {
        "annotations_lost": "Annotations of pictures that are not listed, left out: 1 (image_id 9)."
    }
    with pytest.raises(Unreadable):
        source.header(0)
    assert survey(source, 0).looked_at == 0


def test_decoders_in_processes_ask_as_well(tmp_path: Path) -> None:
    """What a process that knows only names has read is held against the annotation."""
    for name in ("good", "small"):
        picture(tmp_path / f"{name}.png")
    instances(tmp_path / "a.json", [image(1, "good.png"), image(2, "small.png", (640, 480)), image(3, "gone.png")], [])
    worker = Worker(recognise(str(tmp_path), PLAIN), Fit(3, 32, 32, "pad"))
    try:
        good, small, gone = worker([0, 1, 2])
    finally:
        worker.close()
    assert isinstance(good, Decoded) and good.seen.size == SIZE
    assert isinstance(small, Unreadable) and small.reason == "annotated_size"
    assert isinstance(gone, Unreadable) and gone.reason == "missing_file"


@pytest.mark.parametrize(
    ("categories", "kind", "message"),
    [
        ((0, 2), "class_ids_shifted", "Class ids are off by one: 1 box has ids that"),
        ((1, 7), "class_ids_unknown", "Boxes with class ids that"),
    ],
)
def test_class_ids_that_are_not_listed(categories: tuple[int, ...], kind: str, message: str, tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    more = {"categories": [{"id": id, "name": str(id)} for id in (1, 2, 3)]}
    marks = [annotation(1, [0, 0, 5, 5], category=id) for id in categories]
    instances(tmp_path / "a.json", [image(1, "a.png")], marks, **more)
    source = recognise(str(tmp_path), PLAIN)
    assert [(finding.kind, finding.level) for finding in source.findings] == [(kind, "error")]
    with pytest.raises(DataError) as caught:
        refuse(source.findings)
    assert str(caught.value).startswith(message)
    strange = next(id for id in categories if id not in (1, 2, 3))
    assert f"(ids {strange}; it lists 1 .. 3), first of a.png." in str(caught.value)


@pytest.mark.parametrize("written", ["B.PNG", "other/b.png.JPG", "b.jpg"])
def test_a_name_that_is_nearly_right_is_told_with_the_right_one(written: str, tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    picture(tmp_path / "deep/b.png")
    instances(tmp_path / "a.json", [image(1, "a.png"), image(2, written)], [annotation(1, [0, 0, 5, 5])])
    told = reason(recognise(str(tmp_path), PLAIN), written)
    if written.startswith("other"):
        assert told == "The file does not exist."
    else:
        assert told == (
            "The file does not exist, but deep/b.png does. If that is meant, correct the name where it is annotated."
        )


def test_ids_with_gaps_are_listed_one_by_one() -> None:
    found = unknown_ids(Counter({4: 2}), [1, 2, 5], Path("a.json"), "a.png")
    assert "(ids 4; it lists 1, 2, 5), first of a.png." in sentence(found[0])
    found = unknown_ids(Counter({40: 1}), [*range(1, 12), 13], Path("a.json"), "a.png")
    assert "it lists 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 ...)" in sentence(found[0])


def test_a_file_that_is_broken_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text('{"images": [],\n "categories": [],\n "annotations": [}')
    picture(tmp_path / "a.png")
    with pytest.raises(DataError) as caught:
        recognise(str(tmp_path), PLAIN)
    assert str(caught.value) == (
        f"{file} is not valid JSON: Expecting value in line 3, column 18. Mend it, or export the annotations again."
    )
    instances(file, [{"id": 1}], [])
    with pytest.raises(DataError) as caught:
        read_coco(file)
    assert str(caught.value).startswith(f"{file} has no images[0].file_name as COCO's form asks for.")
    file.write_text('{"images": ' + "[" * 200_000 + '"categories"')
    with pytest.raises(DataError):
        recognise(str(tmp_path), PLAIN)


def test_what_asks_for_names_understands_boxes(tmp_path: Path) -> None:
    """Counts, parts, folds, balance and equal pictures with other boxes."""
    root = coco(tmp_path, count=30, parts=("train",))
    for copy, number in (("again.png", 1), ("other.png", 2)):
        picture(root / "train2017" / copy, number)
    file = root / "annotations" / "instances_train2017.json"
    images = [image(n, f"{n}.png") for n in range(30)] + [image(30, "again.png"), image(31, "other.png")]
    marks = [annotation(n, box) for n in range(30) for box in boxes_of(n)]
    instances(file, images, [*marks, *(annotation(n, boxes_of(1)[0]) for n in (30, 31))])
    source = recognise(str(root), PLAIN)
    assert survey(source, 0).counts == {"cat": 22, "dog": 10}
    parts = split(source.index, PLAIN)
    dogs = [part for part, label in zip(parts, source.index.labels, strict=True) if "dog" in names_of(label)]
    assert (dogs.count("train"), dogs.count("val"), dogs.count("test")) == (7, 1, 2)
    assert len(set(folds(source.index, DataSettings(folds=4)).tolist())) == 4
    refuse_unknown("x", source.index.labels, ["cat", "dog"])
    with pytest.raises(DataError, match="dog"):
        refuse_unknown("x", source.index.labels, ["cat"])
    examiner = Examiner(source, parts)
    for row in range(len(source.index)):
        examiner.see(row, glance(source.read(row)))
    two = [finding for finding in examiner.findings() if finding.kind == "two_labels"]
    assert [finding.file for finding in two] == ["train2017/2.png"]
    assert sentence(two[0]) == (
        "The same example stands under two labels: 'nothing' here and 'cat 1,2-30,40' as train2017/other.png. "
        "One of them is wrong."
    )


def test_uneven_boxes_are_told_without_what_only_classes_have(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    marks = [annotation(1, box) for box in (*boxes_of(0)[:1] * 30, boxes_of(0)[1])]
    instances(tmp_path / "a.json", [image(1, "a.png")], marks)
    source = recognise(str(tmp_path), PLAIN)
    found = [sentence(one) for one in before(source, split(source.index, PLAIN)) if one.kind == "uneven_boxes"]
    assert found == [
        "The classes are very uneven: cat has 30 boxes, dog has 1 (30 to 1). Mark more of dog; "
        "its figures will say little."
    ]


def test_a_class_of_validation_alone_is_refused(tmp_path: Path) -> None:
    root = coco(tmp_path)
    images = [image(n, f"{n}.png") for n in range(6)]
    instances(root / "annotations" / "instances_train2017.json", images, [annotation(0, boxes_of(0)[0])])
    source = recognise(str(root), PLAIN)
    found = before(source, split(source.index, PLAIN))
    with pytest.raises(DataError) as caught:
        refuse(found)
    assert str(caught.value).startswith("Classes that occur in val but never in the training part: dog (1 in all).")


def test_answers_in_words_and_in_any_order() -> None:
    boxes = boxes_of(0)
    assert in_words(boxes) == "cat 1,2-30,40, dog 10,0-64,48"
    assert unordered(boxes) == unordered(boxes[::-1]) and unordered("b") == "b" and unordered(None) is None
    assert [box.area for box in boxes] == [29 * 38, 54 * 48] and np.isclose(Box("a", 2, 0, 1, 1).area, -1)


def test_scattered_digits_have_boxes_that_are_tight_and_hardly_overlap():
    source = recognise("made:scattered", DataSettings())
    assert source.task == "detect" and len(source.index) == 1200 and source.index.parts.count("test") == 200
    boxes = [box for answer in source.index.labels for box in answer]
    assert {box.label for box in boxes} == set("0123456789") and len(boxes) > 3000
    assert all(0 <= box.left < box.right <= 96 and 20 <= box.bottom - box.top <= 44 for box in boxes)
    box = source.index.labels[2][0]
    pixels = source.read(2).pixels.astype(int).max(2)
    inside = pixels[int(box.top) : int(box.bottom), int(box.left) : int(box.right)]
    assert inside.max() > 140 > pixels[:5].max()


@pytest.mark.parametrize(("folder", "file"), [("annotations", "a.json"), ("Annotations", "0.xml"), ("labels", "0.txt")])
def test_annotations_without_their_pictures_name_the_folder_above(folder: str, file: str, tmp_path: Path) -> None:
    picture(tmp_path / "images" / "0.png")
    (tmp_path / folder).mkdir()
    instances(tmp_path / folder / file, [image(1, "0.png")], [])
    for lang, said in (
        ("en", "{} holds annotations without their pictures. Give the folder that has both: {}."),
        ("zh-CN", "{} 只有标注而没有图片。请给出两者所在的上级文件夹：{}。"),
    ):
        with speaking(lang), pytest.raises(DataError) as caught:
            recognise(str(tmp_path / folder), PLAIN)
        with speaking(lang):
            told = str(caught.value)
        assert told == said.format(tmp_path / folder, tmp_path)
