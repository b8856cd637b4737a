import numpy as np
import pytest
from PIL import Image

from deepglass import journey
from deepglass.foundation.settings import parse_assignments
from deepglass.foundation.words import speaking


def trained(place, folder, *words):
    with speaking("en"):
        journey.train(journey.propose(str(place), parse_assignments(words), "tiny"), out=str(folder))
    return folder


@pytest.fixture(scope="session")
def xor(tmp_path_factory):
    return trained("made:xor", tmp_path_factory.mktemp("runs") / "xor", "train.steps=60")


@pytest.fixture(scope="session")
def squares(tmp_path_factory):
    """Noise with a bright square somewhere, or without one; LeNet-5 with ReLU learns which."""
    root = tmp_path_factory.mktemp("squares")
    generator = np.random.default_rng(0)
    for name in ("square", "plain"):
        (root / name).mkdir()
        for place in range(40):
            pixels = generator.integers(0, 120, (32, 32), dtype=np.uint8)
            top, left = generator.integers(2, 20, 2)
            if name == "square":
                pixels[top : top + 10, left : left + 10] = 250
            Image.fromarray(pixels).save(root / name / f"{place:02d}.png")
    words = ("model.name=lenet5", "model.activation=relu", "train.epochs=12", "data.cache=false")
    return root, trained(root, tmp_path_factory.mktemp("runs") / "squares", *words)
