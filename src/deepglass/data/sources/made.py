"""Made sets for lessons, the same on every machine: the places are "made:xor", "made:moons" and "made:blobs".

xor: 200 points at the four corners of a square, class 1 where exactly one coordinate is high; noise 0.1. No straight
line parts them. moons: two half circles that reach into each other, noise 0.1. blobs: three round clouds of 100 points.
"""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from deepglass.data.settings import DataSettings
from deepglass.data.source import Index, Layout, Match
from deepglass.data.sources.arrays import Arrays
from deepglass.data.sources.made_boxes import SCENES
from deepglass.data.sources.made_chalk import PLACES as SIDES
from deepglass.data.sources.made_moving import SETS as VIDEOS
from deepglass.data.sources.made_sequences import SETS
from deepglass.data.sources.made_series import MADE
from deepglass.data.sources.made_skewed import PLACES as SKEWED
from deepglass.data.sources.made_symbols import DRAWN
from deepglass.data.sources.plates import PLACES
from deepglass.foundation import catalogue
from deepglass.foundation.errors import DataError
from deepglass.foundation.seeds import Draws, row_keys

NOISE = 0.1


def xor(draws: Draws, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Corners in turn. points (N, 2), classes (N,)"""
    corner = torch.stack([rows % 2, rows // 2 % 2], dim=1)
    return corner + NOISE * draws.normal("noise", 2), corner[:, 0] ^ corner[:, 1]


def moons(draws: Draws, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Upper and lower half circle in turn. points (N, 2), classes (N,)"""
    angle = math.pi * draws.uniform("angle")
    lower = rows % 2
    x = torch.where(lower == 1, 1 - torch.cos(angle), torch.cos(angle))
    y = torch.where(lower == 1, 0.5 - torch.sin(angle), torch.sin(angle))
    return torch.stack([x, y], dim=1) + NOISE * draws.normal("noise", 2), lower


def blobs(draws: Draws, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Three clouds around the corners of a triangle in turn. points (N, 2), classes (N,)"""
    owner = rows % 3
    angle = owner * (2 * math.pi / 3)
    centres = 2 * torch.stack([torch.cos(angle), torch.sin(angle)], dim=1)
    return centres + 0.5 * draws.normal("noise", 2), owner


MAKERS: dict[str, tuple[Callable[[Draws, Tensor], tuple[Tensor, Tensor]], int, int]] = {  # how, points, classes
    "xor": (xor, 200, 2),
    "moons": (moons, 200, 2),
    "blobs": (blobs, 300, 3),
}


def recognise(place: str, settings: DataSettings) -> Match | None:
    """A place that begins with "made:"."""
    if not place.startswith("made:"):
        return None
    name = place.removeprefix("made:")
    if name not in MAKERS:
        every = (*MAKERS, *SETS, *MADE, *SCENES, *PLACES, *DRAWN, *SKEWED, *SIDES, *VIDEOS)
        hint = catalogue.nearest(name, every)
        raise DataError("data.not_made", place=place, hint=hint, known=", ".join(f"made:{known}" for known in every))
    return Match(1.0, "layout_made", "classify", {"points": MAKERS[name][1], "classes": MAKERS[name][2]})


def open_made(place: str, settings: DataSettings) -> Arrays:
    """The points of one set; ids are their numbers."""
    name = place.removeprefix("made:")
    make, count, _ = MAKERS[name]
    points, classes = make(Draws(row_keys(0, f"made/{name}", 0, count)), torch.arange(count))
    ids = [f"{row:03d}" for row in range(count)]
    index = Index(ids, [str(owner) for owner in classes.tolist()], kind="vector", columns=("x1", "x2"))
    return Arrays("made", "classify", Path(), index, points.numpy().astype(np.float32))


CATALOGUE = {"made": Layout(recognise, open_made)}
