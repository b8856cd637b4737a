"""Pictures of coloured squares, a bundle that sees them, and vectors that a key draws."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from deepglass.bundle import Bundle
from deepglass.index.shelf import Entry
from deepglass.journey import load


@pytest.fixture(scope="session")
def digits() -> Bundle:
    return load("digits")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def photos(tmp_path) -> Path:
    """Twelve pictures of noise, of which three pairs differ by little."""
    folder = tmp_path / "photos"
    for number in range(12):
        rng = np.random.default_rng(number // 2 if number < 6 else number)
        pixels = rng.integers(0, 256, (8, 8)).repeat(4, 0).repeat(4, 1).astype(np.uint8)
        pixels[0, 0] = number
        (folder / str(number % 2)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / str(number % 2) / f"{number:02d}.png")
    return folder


def entries(count: int, dimension: int = 8, start: int = 0) -> list[Entry]:
    generator = torch.Generator().manual_seed(start)
    vectors = F.normalize(torch.randn(count, dimension, generator=generator), dim=1)
    return [Entry(f"p{start + row}", f"s{row}", vector) for row, vector in enumerate(vectors)]
