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
    """Pictures with a bright square at the left or at the right, in noise; LeNet-5 with ReLU learns which."""
    root = tmp_path_factory.mktemp("squares")
    generator = np.random.default_rng(0)
    for name, left in (("left", 3), ("right", 17)):
        (root / name).mkdir()
        for place in range(40):
            pixels = generator.integers(0, 80, (32, 32), dtype=np.uint8)
            top = int(generator.integers(2, 18))
            pixels[top : top + 12, left : left + 12] = 250
            Image.fromarray(pixels).save(root / name / f"{place:02d}.png")
    words = ("model.name=lenet5", "model.activation=relu", "train.epochs=12", "data.cache=false")
    return root, trained(root, tmp_path_factory.mktemp("runs") / "squares", *words)
