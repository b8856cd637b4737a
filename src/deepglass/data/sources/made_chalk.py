"""Made pictures of two kinds that nobody has paired, for lessons, the same on every machine: the place "made:chalk".

The package's digits, half of them in chalk on a green board, the others in blue ink on paper: no digit is there twice.
1,000 of each side to learn from and 200 of each of the test part, whose digits no training picture shows.
"""

from pathlib import Path

import numpy as np

from deepglass.data.settings import DataSettings
from deepglass.data.source import Index, Layout, Match
from deepglass.data.sources.arrays import Arrays
from deepglass.data.sources.digits import open_digits
from deepglass.foundation.seeds import Draws, row_keys

LEARNED, TESTED = 100, 20  # of each digit on each side
SIDES = {"chalk": ((50, 80, 64), (232, 232, 222)), "ink": ((246, 241, 226), (32, 44, 122))}  # ground and strokes
LIGHT = 0.12  # by how much a ground is lighter or darker than another of its side
GRAIN = {"chalk": 0.35, "ink": 0.0}  # share of a stroke that is missing at a pixel, at most
PLACES = ("chalk",)


def chalk(settings: DataSettings) -> Arrays:
    """2,400 pictures uint8 (28, 28, 3); the answer of each is its side."""
    digits = open_digits("digits", settings)
    held = np.array([part == "test" for part in digits.index.parts])
    owners = np.array([int(label) for label in digits.index.labels])
    rows: list[int] = []
    for digit in range(10):
        for part, count in ((~held, LEARNED), (held, TESTED)):
            rows += np.flatnonzero(part & (owners == digit))[: 2 * count].tolist()
    sides = [tuple(SIDES)[place % 2] for place in range(len(rows))]
    ink = digits.rows[rows].astype(np.float32)[..., 0] / 255
    pixels = _drawn(ink, sides, Draws(row_keys(0, "made/chalk", 0, len(rows))))
    ids = [f"{side}/{owners[row]}/{row:05d}" for side, row in zip(sides, rows, strict=True)]
    index = Index(ids, sides, ["test" if held[row] else "" for row in rows])
    return Arrays("made_chalk", "image_to_image", Path(), index, pixels)


def _drawn(ink: np.ndarray, sides: list[str], draws: Draws) -> np.ndarray:
    """Strokes on a ground, as their side has them. (N, 28, 28) in 0..1 -> uint8 (N, 28, 28, 3)"""
    ground, stroke = (np.array([SIDES[side][which] for side in sides], dtype=np.float32) for which in (0, 1))
    light = 1 + LIGHT * draws.between("light", -1, 1).numpy()
    ground = (ground * light[:, None])[:, None, None]  # (N, 1, 1, 3)
    missing = np.array([GRAIN[side] for side in sides], dtype=np.float32)[:, None, None]
    left = ink * (1 - missing * draws.uniform("grain", *ink.shape[1:]).numpy())
    pixels = ground + left[..., None] * (stroke[:, None, None] - ground)
    return pixels.clip(0, 255).round().astype(np.uint8)


def recognise(place: str, settings: DataSettings) -> Match | None:
    """The places of `PLACES`."""
    if place.removeprefix("made:") not in PLACES or not place.startswith("made:"):
        return None
    return Match(1.0, "layout_made_chalk", "image_to_image", {"learned": 10 * LEARNED, "tested": 10 * TESTED})


def open_made(place: str, settings: DataSettings) -> Arrays:
    """The one set; ids are side, digit and the digit's place among the package's."""
    return chalk(settings)


CATALOGUE = {"made_chalk": Layout(recognise, open_made)}
