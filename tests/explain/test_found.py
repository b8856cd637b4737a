"""Vectors and plates are explained: what of a picture its vector is made of, and where a plate was seen."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

from deepglass.bundle import Bundle
from deepglass.data.annotation import Plate
from deepglass.data.source import Index
from deepglass.explain.answer import explain, methods
from deepglass.foundation.errors import UsageError
from deepglass.foundation.padded import Padded
from deepglass.foundation.words import speaking
from deepglass.models.plate_net import Seen
from deepglass.tasks.embed import EmbedSettings
from deepglass.tasks.read_plates import ReadPlatesSettings
from tests.explain.test_pictures import EVERY, bundle_of

SQUARE = (200, 64, 264, 96)  # in pixels of the file: left, top, right, bottom
CORNERS = ((0.0, 0.0), (64.0, 0.0), (64.0, 32.0), (0.0, 32.0))


@pytest.fixture(autouse=True)
def english():
    with speaking("en"):
        yield


@pytest.fixture(scope="module")
def street(tmp_path_factory):
    """A grey picture of 320 x 160 pixels with one red rectangle."""
    pixels = np.full((160, 320, 3), 100, np.uint8)
    left, top, right, bottom = SQUARE
    pixels[top:bottom, left:right] = (250, 40, 30)
    file = tmp_path_factory.mktemp("street") / "street.png"
    Image.fromarray(pixels).save(file)
    return str(file)


class Watcher(nn.Module):
    """Calls every red place a plate of 64 x 32 pixels, and reads one letter on it."""

    def __init__(self, symbols):
        super().__init__()
        self.finder = nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU())
        self.reader = nn.Identity()
        self.symbols = symbols
        with torch.no_grad():
            self.finder[0].weight.copy_(torch.tensor([[1.0, -1, 0], [0, 0, 1]]).view(2, 3, 1, 1))
            self.finder[0].bias.zero_()
        self.see, self.finder.forward, self.reader.forward = self.finder.forward, self.find, self.read

    def find(self, image):
        red = F.avg_pool2d(self.finder[1](self.finder[0](image)), 8)[:, :1]
        rows, columns = red.shape[2:]
        down, across = torch.meshgrid(torch.arange(rows) * 8 + 4.0, torch.arange(columns) * 8 + 4.0, indexing="ij")
        ends = [
            axis + offset
            for x, y in ((-32, -16), (32, -16), (32, 16), (-32, 16))
            for axis, offset in ((across, x), (down, y))
        ]
        return torch.cat([4 * red - 8, torch.stack(ends).expand(len(image), -1, -1, -1)], 1)

    def read(self, lines):
        said = torch.zeros(len(lines), 3, self.symbols)
        said[:, 0, 0], said[:, 1, 1], said[:, 2, 0] = 9.0, 9.0, 9.0
        return Padded(said, torch.full((len(lines),), 3))

    def forward(self, image):
        return Seen(self.find(image), self.read(image))

    def stages(self):
        return ["finder.0"]

    def levels(self):
        return ["finder.1"]


class Counter(nn.Module):
    """A vector of how much red and how much blue there is."""

    def __init__(self):
        super().__init__()
        self.see, self.relu = nn.Conv2d(3, 2, 1), nn.ReLU()
        with torch.no_grad():
            self.see.weight.copy_(torch.tensor([[1.0, -1, 0], [0, -1, 1]]).view(2, 3, 1, 1))
            self.see.bias.fill_(0.05)

    def forward(self, image):
        return self.relu(self.see(image)).mean((2, 3))

    def stages(self):
        return ["relu"]


@pytest.fixture(scope="module")
def plates():
    index = Index(("a",), ((Plate("A", CORNERS, "blue"),),))
    settings = ReadPlatesSettings(tall=16, wide=64)
    task = settings.build(settings.learn(index, (160, 320), 3))
    return Bundle({"model": {"name": "eyes"}, "task": {"name": "read_plates"}}, Watcher(2).eval(), task)


@pytest.fixture(scope="module")
def vectors():
    index = Index(("a", "b", "c"), ("cat", "cat", "dog"))
    return bundle_of(EmbedSettings(dimension=2), index, Counter(), "embed")


def one(bundle, file, method, target=""):
    (found,) = explain(bundle, [file], method, target)
    return found


def hottest(view):
    down, across = np.unravel_index(int(view.heat.argmax()), view.heat.shape)
    height, width = view.heat.shape
    return (across + 0.5) / width * 320, (down + 0.5) / height * 160  # in pixels of the file


@pytest.mark.parametrize("method", ["grad_cam", "occlusion", "integrated_gradients"])
def test_a_plate_is_explained_by_the_place_that_saw_it(plates, street, method):
    assert set(methods(plates)) <= set(EVERY)
    found = one(plates, street, method)
    assert found.answer["prediction"][0] == "A"
    target = found.explanation.figures["target"]
    assert (target["plate"], target["kind"]) == ("A", "blue") and target["confidence"] > 0.5
    view = found.explanation.views[method]
    across, down = hottest(view)
    assert SQUARE[0] - 8 <= across <= SQUARE[2] + 8 and SQUARE[1] - 8 <= down <= SQUARE[3] + 8
    assert view.pixels.shape[:2] == (160, 320) and abs(int(view.pixels[80, 232, 0]) - 250) <= 1
    assert view.marks[0].label == "A" and len(view.marks[0].outline) == 4
    assert "of the heat lies inside the box" in found.explanation.words


def test_a_plate_is_chosen_by_its_number_or_its_text(plates, street, tmp_path):
    first, second = (one(plates, street, "eigen_cam", target).explanation.figures["target"] for target in ("1", "A"))
    assert first == second
    with pytest.raises(UsageError, match=r"There is no plate 99 in this picture\. Give the number or the text .*: A"):
        one(plates, street, "eigen_cam", "99")
    Image.fromarray(np.full((160, 320, 3), 30, np.uint8)).save(tmp_path / "empty.png")
    empty = one(plates, str(tmp_path / "empty.png"), "grad_cam")
    assert empty.answer["prediction"] == [] and empty.explanation.words.startswith("No plate was found; explained is")


@pytest.mark.parametrize("method", ["grad_cam", "occlusion", "integrated_gradients"])
def test_a_vector_is_explained_by_what_it_is_made_of(vectors, street, method):
    found = one(vectors, street, method)
    across, down = hottest(found.explanation.views[method])
    assert SQUARE[0] - 40 <= across <= SQUARE[2] + 40 and SQUARE[1] - 40 <= down <= SQUARE[3] + 40  # a patch is 55 wide
    with pytest.raises(
        UsageError, match=r"--target cat says nothing here: an answer of the task embed is explained as"
    ):
        one(vectors, street, method, "cat")


def test_covering_a_patch_turns_the_vector(vectors, street):
    words = one(vectors, street, "occlusion").explanation.words
    assert (
        words.startswith("Covering one patch takes the vector up to ") and "away from what it is for the whole" in words
    )
