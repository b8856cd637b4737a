"""Public ImageNet weights load strictly: names and shapes are those of public_names.json.

The table was read from timm's and plain torch's networks, which hold the layout that public weights are stored in.
"""

import hashlib
import json
from pathlib import Path

import pytest
import torch

from deepglass.foundation import catalogue

TABLE = json.loads((Path(__file__).parent / "public_names.json").read_text())


def shapes(name):
    with torch.device("meta"):
        network = catalogue.find("models", name).build()
    return {key: "x".join(map(str, value.shape)) for key, value in network.state_dict().items()}


@pytest.mark.parametrize("name", TABLE)
def test_names_and_shapes_are_the_public_ones(name):
    ours, public = shapes(name), TABLE[name]
    if "shapes" in public:
        assert ours == public["shapes"]
    lines = "\n".join(f"{key} {shape}" for key, shape in sorted(ours.items()))
    assert len(ours) == public["entries"]
    assert hashlib.sha256(lines.encode()).hexdigest() == public["sha256"]
