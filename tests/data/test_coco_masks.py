"""COCO's outlines become masks: exact to the pixel, in the file's order, and what is wrong with them is named."""

import json

import numpy as np
import pytest
from faster_coco_eval.core import mask as judge
from hypothesis import given, settings
from hypothesis import strategies as st

from deepglass import journey
from deepglass.data.check import before, refuse, sentence
from deepglass.data.examiner import Examiner
from deepglass.data.glance import glance
from deepglass.data.readers.outline import Outline, Runs, crosses, fault_of, filled, packed, painted, unpacked
from deepglass.data.recognise import layout_for, recognise, recognised
from deepglass.data.settings import DataSettings
from deepglass.data.source import Unreadable
from deepglass.data.sources.coco_masks import open_coco_masks
from deepglass.data.split import split
from deepglass.foundation.errors import DataError
from deepglass.foundation.settings import Override
from deepglass.foundation.words import choose_language, say
from tests.data.scenes import SIZE, image, instances, picture, reason

PLAIN = DataSettings()
WIDTH, HEIGHT = SIZE
SQUARE = [10, 10, 20, 10, 20, 20, 10, 20]


@pytest.fixture(autouse=True)
def english():
    choose_language("en")


def thing(image_id, category, segmentation, **more):
    box = {"bbox": [5, 6, 10, 10], "area": 4.0, "iscrowd": 0}
    return {"id": 1, "image_id": image_id, "category_id": category, "segmentation": segmentation} | box | more


def opened(root, marks, **more):
    picture(root / "a.png")
    instances(root / "a.json", [image(1, "a.png")], marks, **more)
    return open_coco_masks(str(root), PLAIN)


def area(corners, height=HEIGHT, width=WIDTH):
    """The pixels of a polygon as a whole picture."""
    whole = np.zeros((height, width), dtype=bool)
    top, left, window = filled(np.array(corners, dtype=float).reshape(-1, 2), height, width)
    whole[top : top + window.shape[0], left : left + window.shape[1]] = window
    return whole


def test_both_readings_of_one_place(tmp_path):
    opened(tmp_path, [thing(1, 1, [SQUARE])])
    assert recognised(str(tmp_path), PLAIN).layout == "coco"
    assert layout_for("segment", str(tmp_path), PLAIN) == "coco_masks"
    assert layout_for("detect", str(tmp_path), PLAIN) == "coco"
    found = recognised(str(tmp_path), DataSettings(layout="coco_masks"))
    assert found.sentence() == "outlines in COCO's form (a.json); task segment"
    bare = json.loads((tmp_path / "a.json").read_text())
    del bare["annotations"][0]["segmentation"]
    (tmp_path / "a.json").write_text(json.dumps(bare))
    assert layout_for("segment", str(tmp_path), PLAIN) == ""


def test_later_things_lie_over_earlier_ones_and_crowds_are_not_learned(tmp_path):
    rle = judge.encode(np.asfortranarray(area([0, 0, 12, 0, 12, 48, 0, 48]).astype(np.uint8)))
    crowd = {"size": [HEIGHT, WIDTH], "counts": rle["counts"].decode()}
    runs = {"size": [HEIGHT, WIDTH], "counts": [0, 2, HEIGHT * WIDTH - 2]}
    marks = [thing(1, 1, [SQUARE]), thing(1, 3, [[15, 10, 25, 10, 25, 15, 15, 15]]), thing(1, 3, runs)]
    source = opened(tmp_path, [*marks, thing(1, 1, crowd, iscrowd=1)])
    assert source.index.classes == ("background", "cat", "dog") and source.task == "segment"
    mask = source.read(0).mask
    assert mask.shape == (HEIGHT, WIDTH) and mask[12, 16] == 2 and mask[18, 16] == 1 and mask[30, 30] == 0
    assert (mask[:, :12] == 255).all() and mask[12, 12] == 1
    assert source.read(0).notes == () and source.header(0) == (*SIZE, 3)
    alone = opened(tmp_path, marks[2:])
    assert np.argwhere(alone.read(0).mask == 2).tolist() == [[0, 0], [1, 0]]  # down the first column


def test_a_pixel_belongs_where_its_middle_lies():
    assert np.argwhere(area([1, 1, 3, 1, 3, 2, 1, 2], 4, 4)).tolist() == [[1, 1], [1, 2]]
    assert np.argwhere(area([0.6, 0.6, 2.4, 0.6, 2.4, 2.4, 0.6, 2.4], 4, 4)).tolist() == [[1, 1]]
    assert area([-9, -9, 90, -9, 90, 90, -9, 90], 4, 4).all()
    assert not area([9, 9, 12, 9, 12, 12, 9, 12], 4, 4).any()
    hole = [0, 0, 4, 0, 4, 4, 0, 4, 0, 0, 1, 1, 1, 3, 3, 3, 3, 1, 1, 1]
    assert area(hole, 4, 4).sum() == 12


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(-10, 70), st.floats(-10, 60)), min_size=3, max_size=12))
def test_filling_is_the_even_odd_rule(corners):
    found, points = area(corners), np.array(corners)
    x, y = np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5)
    inside = np.zeros((HEIGHT, WIDTH), dtype=bool)
    for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, 0), strict=True):
        if y0 == y1:
            continue
        low, high = min(y0, y1), max(y0, y1)
        inside ^= (y >= low) & (y < high) & (x >= x0 + (y - y0) / (y1 - y0) * (x1 - x0))
    assert (found == inside).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 99), st.floats(0, 1))
def test_runs_are_what_others_encode(height, width, seed, share):
    wanted = np.random.default_rng(seed).random((height, width)) < share
    rle = judge.encode(np.asfortranarray(wanted.astype(np.uint8)))
    runs = packed({"size": rle["size"], "counts": rle["counts"].decode()})
    assert isinstance(runs, Runs)
    plain = packed({"size": rle["size"], "counts": unpacked(rle["counts"].decode())})
    assert plain == runs
    mask, _ = painted([Outline("a", runs=runs)], (width, height), {"a": 7})
    assert ((mask == 7) == wanted).all()


def test_polygons_are_what_others_fill_but_for_edges():
    corners = [12.3, 4.1, 50.2, 10.4, 40.8, 44.9, 20.5, 30.2]
    theirs = judge.decode(judge.frPyObjects([corners], HEIGHT, WIDTH))[..., 0].astype(bool)
    ours = area(corners)
    assert (ours & theirs).sum() / (ours | theirs).sum() > 0.96


FAULTS = [
    ([0.0, 0, 5, 5], "outline_corners"),
    ([0.0, 0, 5, 5, 9], "outline_corners"),
    ([70.0, 0, 80, 0, 80, 9], "outline_outside"),
    ([3.0, 3, 5, 5, 9, 9, 4, 4], "outline_without_area"),
    ([3.0, 3, 3, 3, 3, 3], "outline_without_area"),
    ([0.0, 0, 9, 9, 9, 0, 0, 9], "outline_crosses"),
    (SQUARE, ""),
    ([0.0, 0, 4, 0, 4, 4, 0, 4, 0, 0, 1, 1, 1, 3, 3, 3, 3, 1, 1, 1], ""),  # a hole: it touches itself
]
SAID = {
    "outline_corners": "Pictures with outlines of fewer than three corners, which were left out: 1 (a.png).",
    "outline_outside": "Pictures with outlines that lie outside them altogether and were left out: 1 (a.png).",
    "outline_without_area": "Pictures with outlines without area, which were left out: 1 (a.png).",
    "outline_crosses": "Pictures with outlines that cross themselves: 1 (a.png). What they go around twice counts as "
    "outside; draw them again where that is not meant.",
}
ZH = {
    "outline_corners": "有 1 张图片含不足三个顶点的轮廓，这些轮廓未使用：a.png。",
    "outline_outside": "有 1 张图片的轮廓完全落在图片之外，这些轮廓未使用：a.png。",
    "outline_without_area": "有 1 张图片含面积为零的轮廓，这些轮廓未使用：a.png。",
    "outline_crosses": "有 1 张图片的轮廓自相交：a.png。被绕两圈的部分按外部处理；若非本意，请重新绘制。",
}


@pytest.mark.parametrize(("corners", "fault"), FAULTS)
def test_impossible_outlines_are_named(tmp_path, corners, fault):
    assert fault_of(np.array(corners, dtype=float), HEIGHT, WIDTH) == fault
    source = opened(tmp_path, [thing(1, 1, [corners, [30, 30, 40, 30, 40, 40]])])
    raw = source.read(0)
    assert (raw.mask[33:35, 38] == 1).all() and raw.notes == ((fault,) if fault else ())
    if not fault:
        return
    examiner = Examiner(source, split(source.index, PLAIN))
    examiner.see(0, glance(raw))
    found = next(one for one in examiner.findings() if one.kind == f"note_{fault}")
    assert (found.level, sentence(found), sentence(found, "zh-CN")) == ("warning", SAID[fault], ZH[fault])


def test_a_long_outline_that_crosses_far_from_where_it_began():
    angle = np.linspace(0, 2 * np.pi, 1500, endpoint=False)
    ring = 100 + 50 * np.stack([np.cos(angle), np.sin(angle)], 1)
    assert not crosses(ring)
    ring[[1300, 1301]] = ring[[1301, 1300]]
    assert crosses(ring)


def test_what_has_only_a_box_is_not_learned_from(tmp_path):
    source = opened(tmp_path, [thing(1, 1, [SQUARE]), thing(1, 3, [])])
    raw = source.read(0)
    assert (raw.mask[6:16, 5:15] == 255).all() and raw.mask[18, 18] == 1 and raw.notes == ("outline_missing",)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ([["a", 1, 2, 3, 4, 5]], "In a.json the outline of annotation 1 is neither polygons nor runs: [['a', 1, 2"),
        ([[1e300, 1, 2, 3, 4, 5]], "In a.json the outline of annotation 1 is neither"),
        ({"counts": [4]}, "In a.json the outline of annotation 1 is neither polygons nor runs: {'counts': [4]}."),
        ({"size": [48, 64], "counts": [4, 5]}, "The runs of one of its outlines do not make up a picture of 64 x 48"),
        ({"size": [48, 64], "counts": [-9, 48 * 64 + 9]}, "The runs of one of its outlines do not make up"),
        ({"size": [4, 4], "counts": [16]}, "The mask has 4 x 4 pixels and its picture 64 x 48: they must be the same."),
    ],
)
def test_pictures_whose_outlines_cannot_be_read_are_left_out(tmp_path, said, message):
    assert reason(opened(tmp_path, [thing(1, 1, said)]), "a.png").startswith(message)


def test_what_boxes_are_refused_for_masks_are_as_well(tmp_path):
    """Class ids that nothing lists, a class of validation alone, two annotations, too many classes."""
    with pytest.raises(DataError, match="Class ids are off by one"):
        refuse(opened(tmp_path / "ids", [thing(1, 2, [SQUARE])]).findings)
    twice = opened(tmp_path / "two", [thing(1, 1, [SQUARE])])
    instances(tmp_path / "two" / "b.json", [image(1, "a.png")], [thing(1, 1, [SQUARE[:6]])])
    twice = recognise(str(tmp_path / "two"), DataSettings(layout="coco_masks"))
    assert reason(twice, "a.png").startswith("Two annotations speak of this picture and do not say the same")
    for number, part in enumerate(("train", "val")):
        picture(tmp_path / "val" / part / f"{number}.png", number)
        marks = [thing(1, (1, 3)[number], [SQUARE])]
        instances(tmp_path / "val" / f"instances_{part}.json", [image(1, f"{number}.png")], marks)
    source = recognise(str(tmp_path / "val"), DataSettings(layout="coco_masks"))
    with pytest.raises(DataError, match=r"Classes that occur in val but never in the training part: dog \(1 in all\)"):
        refuse(before(source, split(source.index, PLAIN)))
    many = {"categories": [{"id": number, "name": str(number)} for number in range(300)]}
    with pytest.raises(DataError, match="has 301 classes, more than the 254 that a mask can tell apart"):
        opened(tmp_path / "many", [thing(1, 5, [SQUARE])], **many)


def test_uneven_outlines_say_what_helps(tmp_path):
    source = opened(tmp_path, [*[thing(1, 1, [SQUARE])] * 30, thing(1, 3, [SQUARE])])
    found = [sentence(one) for one in before(source, split(source.index, PLAIN)) if one.kind == "uneven_outlines"]
    assert found == [
        "The classes are very uneven: cat has 30 outlines, dog has 1 (30 to 1). task.dice=1 and "
        "task.class_weights=balanced help what is rare."
    ]


def test_outlines_change_the_fingerprint_and_have_the_numbers_that_are_asked(tmp_path):
    first = opened(tmp_path, [thing(1, 1, [SQUARE])])
    other = opened(tmp_path, [thing(1, 1, [[*SQUARE[:-1], 21]])])
    assert first.fingerprint() != other.fingerprint()
    told = other.numbered_as(("background", "bird", "dog", "cat"))
    assert told.read(0).mask.max() == 3 and told.index.classes[1] == "bird"
    with pytest.raises(DataError, match="has classes that training never had: dog. Known are background, cat."):
        other.numbered_as(("background", "cat"))
    renamed = {"categories": [{"id": 1, "name": "dog"}, {"id": 3, "name": "background"}]}
    assert opened(tmp_path, [thing(1, 3, [SQUARE])], **renamed).index.classes == ("background", "dog")


def test_classes_in_another_order_are_other_masks(tmp_path):
    """Packed copies hold numbers: a cat is 1 in one file and 2 in the other, though both outline the same cat."""
    first = opened(tmp_path, [thing(1, 1, [SQUARE])])
    other = [{"id": 1, "name": "cat"}, {"id": 0, "name": "dog"}]
    second = opened(tmp_path, [thing(1, 1, [SQUARE])], categories=other)
    assert repr(first.index.labels) == repr(second.index.labels)
    assert first.read(0).mask.max() == 1 and second.read(0).mask.max() == 2
    assert first.fingerprint() != second.fingerprint()


def test_a_network_learns_from_outlines(tmp_path):
    """From `--task segment` alone to masks of files."""
    images, marks = [], []
    for number in range(24):
        file = picture(tmp_path / "pictures" / f"{number}.png", number)
        images.append(image(number, file.name))
        marks.append(thing(number, (1, 3)[number % 2], [SQUARE]))
    instances(tmp_path / "instances.json", images, marks)
    overrides = [Override(*one, "test") for one in (("task.name", "segment"), ("train.steps", 2))]
    proposal = journey.propose(str(tmp_path), overrides, "tiny")
    assert (proposal.settings.data.layout, proposal.settings.task.name) == ("coco_masks", "segment")
    outcome = journey.train(proposal, out=str(tmp_path / "run"))
    assert set(outcome.figures["test"]) == {"mean_iou", "dice", "boundary_f1", "pixel_accuracy"}
    assert outcome.run.bundle.task.facts.classes == ("background", "cat", "dog")
    assert (tmp_path / "run" / "report.html").is_file()
    again = journey.evaluate(tmp_path / "run", str(tmp_path))
    assert again.figures["test"]["pixel_accuracy"].n == 24


def test_words_of_both_languages():
    values = {"annotation": "a.json", "outline": "annotation 1", "value": "x", "size": "4 x 4", "place": "p"}
    values |= {
        "count": 1,
        "most": 254,
        "many": 9,
        "least": "a",
        "few": 1,
        "times": 9,
        "examples": "a.png",
        "files": "a",
    }
    for key in ("outline_unclear", "outline_runs", "many_classes", "uneven_outlines", "note_outline_missing"):
        said, chinese = say(f"data.{key}", "en", **values), say(f"data.{key}", "zh-CN", **values)
        assert said.endswith(".") and chinese.endswith("。") and "{" not in said + chinese


def test_unreadable_values_keep_their_reason():
    with pytest.raises(Unreadable) as caught:
        packed({"size": [2, 2], "counts": ["many"]})
    assert caught.value.reason == "outline_unclear"
