"""Pictures with more than one label: boxes, pixels, numbers and several labels are explained; what cannot is said."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import deepglass as dg
from deepglass import journey
from deepglass.bundle import Bundle
from deepglass.data.annotation import Box
from deepglass.data.source import Index
from deepglass.data.tiles import TileSettings
from deepglass.explain.answer import choose_method, explain, methods
from deepglass.foundation.errors import UsageError
from deepglass.foundation.words import speaking
from deepglass.tasks.detect import DetectSettings
from deepglass.tasks.segment import SegmentSettings
from tests.explain.conftest import trained
from tests.explain.test_answer import run_verb

QUICK = ("data.cache=false", "train.plan=plain", "seed=3")
EVERY = ["grad_cam", "weights", "occlusion", "integrated_gradients", "eigen_cam", "levels"]
BOXES = {"cat": (16, 20, 80, 68), "dog": (160, 48, 232, 112)}  # in pixels of the file


@pytest.fixture(autouse=True)
def english():
    with speaking("en"):
        yield


class Eyes(nn.Module):
    """How red and how blue each place is: two maps behind a rectifier, and the pyramid over them."""

    def __init__(self):
        super().__init__()
        self.see, self.relu = nn.Conv2d(3, 2, 1), nn.ReLU()
        self.over = nn.ModuleList(nn.AvgPool2d(stride) for stride in (8, 16, 32))
        with torch.no_grad():
            self.see.weight.copy_(torch.tensor([[1.0, 0, -1], [-1, 0, 1]]).view(2, 3, 1, 1))
            self.see.bias.zero_()

    def stages(self):
        return ["relu"]


class Finder(Eyes):
    """A red place of the finest level is a cat of 24 pixels, a blue one a dog; as a detector says it."""

    def forward(self, image):
        seen = self.relu(self.see(image))
        said = [4 * over(seen).flatten(2).mT - 4 - 20 * level for level, over in enumerate(self.over)]
        logits = torch.cat(said, 1)
        return torch.cat([logits, torch.full((*logits.shape[:2], 4), 1.5)], 2)

    def levels(self):
        return [f"over.{level}" for level in range(3)]


class Painter(Eyes):
    """A red pixel is a cat, a blue one a dog, the rest is background."""

    def forward(self, image):
        seen = 4 * self.relu(self.see(image)) - 4
        return torch.cat([torch.zeros_like(seen[:, :1]), seen], 1)


def bundle_of(settings, index, model, name):
    facts = settings.learn(index, (64, 64), 3)
    blank = torch.full((1, 3, 64, 64), 80, dtype=torch.uint8)
    blank[..., ::2] += 60
    columns = {"input": blank.numpy(), "mask": np.zeros((1, 64, 64), np.uint8)}
    task = settings.build(settings.build(facts).settle(columns))
    return Bundle({"model": {"name": "eyes"}, "task": {"name": name}}, model.eval(), task)


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """A dark picture of 256 x 128 pixels with a red and a blue box."""
    pixels = np.full((128, 256, 3), 100, np.uint8)
    for colour, (left, top, right, bottom) in zip(((250, 40, 30), (30, 40, 250)), BOXES.values(), strict=True):
        pixels[top:bottom, left:right] = colour
    file = tmp_path_factory.mktemp("wide") / "wide.png"
    Image.fromarray(pixels).save(file)
    return str(file)


@pytest.fixture(scope="module")
def boxes():
    index = Index(("a",), [(Box("cat", 3, 4, 40, 50), Box("dog", 60, 10, 100, 44))])
    return bundle_of(DetectSettings(), index, Finder(), "detect")


@pytest.fixture(scope="module")
def masks():
    index = Index(("a",), ("a.png",), classes=("background", "cat", "dog"))
    return bundle_of(SegmentSettings(), index, Painter(), "segment")


def one(bundle, file, method, target=""):
    (found,) = explain(bundle, [file], method, target)
    return found


def test_what_many_tiles_said_together_is_not_explained(wide):
    settings = SegmentSettings(tiles=TileSettings(cut=True))
    facts = settings.learn(Index(("a",), ("a.png",), classes=("background", "cat", "dog")), (64, 64), 3)
    rows = {"input": np.full((1, 64 * 64, 3), 90, np.uint8), "mask": np.zeros((1, 64 * 64), np.uint8)}
    task = settings.build(settings.build(facts).settle(rows))
    tiled = Bundle({"model": {"name": "eyes"}, "task": {"name": "segment"}}, Painter().eval(), task)
    assert tiled.predict([wide])[0]["prediction"]
    assert methods(tiled) == ["weights"]
    for method in ("", "grad_cam"):
        with pytest.raises(UsageError, match=r"tile by tile \(task.tiles.cut\).* Of the network itself .*: weights\."):
            list(explain(tiled, [wide], method))
    shown, answer = explain(tiled, [wide, wide], "weights"), tiled.predict([wide])[0]
    assert [one.answer.get("prediction") for one in shown] == [None, answer["prediction"], answer["prediction"]]


def test_every_method_for_pictures_fits_boxes_and_pixels(boxes, masks):
    assert methods(boxes) == methods(masks) == EVERY
    with pytest.raises(UsageError, match=r"'words' does not fit the network 'eyes' .* Use one of: grad_cam, weights"):
        choose_method(boxes, "words")


@pytest.mark.parametrize("method", ["grad_cam", "occlusion", "integrated_gradients"])
@pytest.mark.parametrize("label", BOXES)
def test_heat_lies_in_the_box_that_is_asked_about(boxes, wide, method, label):
    left, top, right, bottom = BOXES[label]
    found = one(boxes, wide, method, label)
    target = found.explanation.figures["target"]
    assert target["class"] == label and target["confidence"] > 0.3
    middle = (target["box"][0] + target["box"][2]) / 2, (target["box"][1] + target["box"][3]) / 2
    assert left < middle[0] < right and top < middle[1] < bottom  # of the file as it is stored
    view = found.explanation.views[method]
    assert view.pixels.shape[:2] == (32, 64)  # the bands around the picture are cut away
    down, across = np.unravel_index(int(view.heat.argmax()), view.heat.shape)
    assert left / 4 - 2 <= across <= right / 4 + 2 and top / 4 - 2 <= down <= bottom / 4 + 2
    assert view.marks[0].label == label
    assert "% of the heat lies inside the box, which covers 2" in found.explanation.words


def test_a_box_is_chosen_by_its_number_its_class_or_for_being_the_surest(boxes, wide):
    listed = boxes.predict([wide])[0]["boxes"]
    asked = [one(boxes, wide, "eigen_cam", target).explanation.figures["target"] for target in ("", "1", "#2")]
    assert [found["box"] for found in asked] == [listed[0]["box"], listed[0]["box"], listed[1]["box"]]
    assert [found["confidence"] for found in asked] == [listed[place]["confidence"] for place in (0, 0, 1)]
    with pytest.raises(UsageError, match=r"There is no box 99: this picture has \d+\. Give a smaller number"):
        one(boxes, wide, "eigen_cam", "99")
    with pytest.raises(UsageError, match=r"knows no class 'cart'\. Did you mean cat\? It knows: cat, dog\."):
        one(boxes, wide, "eigen_cam", "cart")


def test_where_nothing_is_found_the_surest_place_is_explained_and_that_is_said(boxes, tmp_path):
    Image.fromarray(np.full((64, 64, 3), 30, np.uint8)).save(tmp_path / "empty.png")
    found = one(boxes, str(tmp_path / "empty.png"), "grad_cam")
    assert found.answer["prediction"] == []
    assert found.explanation.words.startswith("No box reaches 30 %, so nothing is answered; explained is the surest")


def test_levels_say_which_of_them_said_which_box(boxes, wide, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(journey, "load", lambda place, own: boxes)
    code, out, err = run_verb(capsys, "run", wide, "--method", "levels", "--out", str(tmp_path), "--json")
    (found,) = json.loads(out)["explanations"]
    levels = found["levels"]
    assert code == 0 and list(levels) == ["relu", "over.0", "over.1", "over.2"]
    said = [words for level in levels.values() for words in level.get("boxes", ())]
    assert len(said) == len(found["boxes"]) > 1 and levels["over.1"]["boxes"] == []
    fine = levels["over.0"]
    assert (fine["height"], fine["width"], fine["channels"], fine["silent"]) == (8, 8, 2, 0)
    assert {one["channel"] for one in fine["strongest"]} == {0, 1} and "boxes" not in levels["relu"]
    with np.load(tmp_path / "explanation.npz", allow_pickle=False) as arrays:
        shapes = {name: arrays[part["key"]].shape for name, part in found["arrays"].items()}
    assert shapes["over.0.mean"] == (8, 8) and shapes["over.0.channels"] == (2, 8, 8)
    assert shapes["over.0.strength"] == (2,) and len(found["pictures"]) == 1
    assert "4 levels, from relu (64 x 64 places) to P5 (2 x 2)" in err and "P3 said cat" in found["words"]


@pytest.mark.parametrize("method", ["grad_cam", "occlusion", "integrated_gradients"])
def test_heat_lies_on_the_pixels_of_a_class(masks, wide, method):
    found = one(masks, wide, method, "cat")
    target, words = found.explanation.figures["target"], found.explanation.words
    assert target["class"] == "cat" and target["share"] == pytest.approx(64 * 48 / (256 * 128), abs=0.01)
    inside = float(words.rpartition(" % of the heat")[0].split()[-1])
    assert "of the heat lies on the pixels of that class, which cover 9" in words and inside > 3 * 9
    assert (found.explanation.views[method].pixels == 255).all(2).any()  # their edge is drawn


def test_of_a_mask_the_largest_thing_is_explained_not_its_ground(masks, wide, tmp_path):
    found = one(masks, wide, "grad_cam")
    assert found.answer["prediction"] == ["background", "dog", "cat"]
    assert found.explanation.figures["target"]["class"] == "dog"
    Image.fromarray(np.full((64, 64, 3), 30, np.uint8)).save(tmp_path / "empty.png")
    empty = one(masks, str(tmp_path / "empty.png"), "occlusion", "cat")
    assert empty.explanation.words.startswith("Not one pixel is answered with 'cat'; explained is its mean score over")


@pytest.fixture(scope="module")
def bright(tmp_path_factory):
    """Pictures whose answer is how many bright pixels a patch has, as a number and as labels of where it lies."""
    root = tmp_path_factory.mktemp("bright")
    draw = np.random.default_rng(0)
    numbers, labels = ["file,target"], ["file,labels"]
    for place in range(60):
        pixels = draw.integers(0, 60, (32, 32, 3), dtype=np.uint8)
        side, top = int(draw.integers(4, 14)), int(draw.integers(0, 18))
        left = int(draw.integers(0, 2)) * 16 + int(draw.integers(0, 2))
        pixels[top : top + side, left : left + side] = 250
        Image.fromarray(pixels).save(root / f"{place:02d}.png")
        numbers.append(f"{place:02d}.png,{side * side}")
        labels.append(f"{place:02d}.png,{'left' if left < 16 else 'right'};{'large' if side > 8 else 'small'}")
    (root / "numbers.csv").write_text("\n".join(numbers) + "\n")
    (root / "labels.csv").write_text("\n".join(labels) + "\n")
    return root


def test_a_number_that_a_picture_has_is_explained_in_its_own_unit(bright, tmp_path):
    words = ("model.name=lenet5", "train.epochs=12", *QUICK, "task.name=regress")
    run = trained(bright / "numbers.csv", tmp_path / "run", *words)
    bundle = dg.load(run)
    assert methods(bundle) == EVERY
    file = str(bright / "00.png")
    found = one(bundle, file, "occlusion")
    lost = found.explanation.arrays["heat"]
    most = found.explanation.words.partition("changes the answer by up to ")[2].partition(":")[0]
    assert float(most) == pytest.approx(np.abs(lost).max(), rel=0.01) and float(most) > 1
    assert "the answer differs from" in one(bundle, file, "integrated_gradients").explanation.words
    with pytest.raises(UsageError, match=r"--target large says nothing here: an answer of the task regress"):
        one(bundle, file, "grad_cam", "large")


def test_one_of_several_labels_is_explained(bright, tmp_path):
    words = ("model.name=lenet5", "train.epochs=2", *QUICK)
    bundle = dg.load(trained(bright / "labels.csv", tmp_path / "run", *words))
    found = one(bundle, str(bright / "00.png"), "grad_cam", "large")
    assert found.explanation.figures["target"] == {"class": "large"} and "large" in found.explanation.words
