"""Files of weights with public names, made here, and small sets to go on learning from."""

import csv

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from deepglass.foundation import catalogue

NAMES = ("red", "green", "blue")


@pytest.fixture(scope="session")
def resnet18(tmp_path_factory):
    """A network of a thousand classes as public files hold it: the file and its tensors."""
    torch.manual_seed(4)
    weights = catalogue.find("models", "resnet18").build().state_dict()
    file = tmp_path_factory.mktemp("public") / "resnet18.safetensors"
    save_file(weights, file)
    return file, weights


@pytest.fixture
def pictures(tmp_path):
    """Class folders of 40x32 pictures in one colour each."""

    def make(classes=2, count=6):
        random = np.random.default_rng(2)
        for place, name in enumerate(NAMES[:classes]):
            folder = tmp_path / f"pictures{classes}" / name
            folder.mkdir(parents=True)
            for number in range(count):
                pixels = random.integers(0, 60, (32, 40, 3))
                pixels[:, :, place] += 150
                Image.fromarray(pixels.astype("uint8")).save(folder / f"{number}.png")
        return tmp_path / f"pictures{classes}"

    return make


@pytest.fixture
def table(tmp_path):
    """A table of three columns and so many classes."""

    def make(classes, columns=("x", "y", "z")):
        random = np.random.default_rng(classes)
        file = tmp_path / f"table{classes}{columns[0]}.csv"
        with file.open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow([*columns, "class"])
            for row in range(60):
                writer.writerow([*(random.normal(size=3) + row % classes), f"c{row % classes}"])
        return file

    return make
