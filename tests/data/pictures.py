"""Folders of made pictures for the tests of this room."""

from pathlib import Path

import numpy as np
from PIL import Image


def folder(root: Path, count: int, size: int = 40, kind: str = "png", classes: str = "ab") -> Path:
    """`count` different pictures, in turn in one folder for each class."""
    generator = np.random.default_rng(0)
    for name in classes:
        (root / name).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        coarse = Image.fromarray(generator.integers(0, 255, (5, 5, 3), dtype=np.uint8))
        picture = coarse.resize((size, size), Image.Resampling.BICUBIC)
        picture.save(root / classes[number % len(classes)] / f"{number:05d}.{kind}")
    return root


def spoil(root: Path, *numbers: int, kind: str = "png", classes: str = "ab") -> list[str]:
    """Cut these files off in the middle; their ids."""
    ids = [f"{classes[number % len(classes)]}/{number:05d}.{kind}" for number in numbers]
    for id in ids:
        content = (root / id).read_bytes()
        (root / id).write_bytes(content[: len(content) // 2])
    return ids
