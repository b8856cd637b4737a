"""Made pictures with boxes for lessons, the same on every machine: the place "made:scattered".

1 to 5 of the package's handwritten digits, 20 to 44 pixels tall, in light colours on a ground of soft ones; each with
its box, tight around the ink. Test pictures show only digits that no other picture shows. None covers another by more
than a tenth.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from deepglass.data.annotation import Box
from deepglass.data.settings import DataSettings
from deepglass.data.source import Index, Layout, Match
from deepglass.data.sources.arrays import Arrays
from deepglass.data.sources.digits import open_digits
from deepglass.foundation.seeds import Draws, row_keys

SIDE, PICTURES, OF_TEST, MOST = 96, 1200, 200, 5
TRIES = 12  # places that are tried for a digit before it is left out
COVERED = 0.1


class Placed(NamedTuple):
    """One digit in a picture."""

    name: str
    left: int
    top: int
    ink: np.ndarray  # how much of each pixel is the digit's, 0 .. 1: float32 (h, w)

    @property
    def box(self) -> Box:
        """Around its ink."""
        height, width = self.ink.shape
        return Box(self.name, self.left, self.top, self.left + width, self.top + height)


def composed(settings: DataSettings) -> Iterator[tuple[np.ndarray, list[Placed]]]:
    """1,200 pictures uint8 (96, 96, 3), each with the digits in it; the last 200 are the test part."""
    digits = open_digits("digits", settings)
    held = np.array([part == "test" for part in digits.index.parts])
    pools = [np.flatnonzero(~held), np.flatnonzero(held)]
    draws = Draws(row_keys(0, "made/scattered", 0, PICTURES))
    count = draws.integers("count", 1, MOST + 1).tolist()
    ground = draws.uniform("ground", 3, 3, 3).numpy()
    chosen = draws.uniform("digits", MOST, 2).numpy()  # which, and how tall
    colours = draws.uniform("colours", MOST, 3).numpy()
    places = draws.uniform("places", MOST, TRIES, 2).numpy()
    for row in range(PICTURES):
        picture, placed = _ground(ground[row]), list[Placed]()
        pool = pools[row >= PICTURES - OF_TEST]
        for which, (pick, tall) in enumerate(chosen[row, : count[row]]):
            number = int(pool[int(pick * len(pool))])
            ink = _ink(digits.rows[number][..., 0], 20 + int(tall * 25))
            corner = _free(ink.shape, places[row, which], [one.box for one in placed])
            if corner is None:
                continue
            placed.append(Placed(str(digits.index.labels[number]), *corner, ink))
            under = picture[corner[1] : corner[1] + ink.shape[0], corner[0] : corner[0] + ink.shape[1]]
            under += ink[..., None] * (0.55 + 0.45 * colours[row, which] - under)
        yield (picture * 255).round().astype(np.uint8), placed


def scattered(settings: DataSettings) -> Arrays:
    """The pictures with their boxes."""
    pictures, placed = zip(*composed(settings), strict=True)
    return Arrays(
        "made_boxes", "detect", Path(), index_of([tuple(d.box for d in own) for own in placed]), np.stack(pictures)
    )


def index_of(answers: list[tuple[Any, ...]]) -> Index:
    """The index of the made pictures; ids are their numbers."""
    parts = [""] * (PICTURES - OF_TEST) + ["test"] * OF_TEST
    return Index([f"{row:04d}" for row in range(PICTURES)], answers, parts)


def _ground(corners: np.ndarray) -> np.ndarray:
    """3 x 3 colours blended over the picture, none of them bright. float32 (96, 96, 3)"""
    small = Image.fromarray((corners * 110).astype(np.uint8))
    return np.asarray(small.resize((SIDE, SIDE), Image.Resampling.BICUBIC), dtype=np.float32) / 255


def _ink(digit: np.ndarray, tall: int) -> np.ndarray:
    """The digit cut to its ink, so many pixels tall; 0 .. 1. float32 (h, w)"""
    rows, columns = np.flatnonzero(digit.max(1) > 60), np.flatnonzero(digit.max(0) > 60)
    cut = digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    wide = max(6, round(tall * cut.shape[1] / cut.shape[0]))
    sized = Image.fromarray(np.ascontiguousarray(cut)).resize((wide, tall), Image.Resampling.BILINEAR)
    return np.asarray(sized, dtype=np.float32) / 255


def _free(shape: tuple[int, int], places: np.ndarray, boxes: list[Box]) -> tuple[int, int] | None:
    """The first of these places where the digit covers no other; None where there is none."""
    height, width = shape
    for across, down in places:
        left, top = int(across * (SIDE - width)), int(down * (SIDE - height))
        shared = (
            max(0.0, min(box.right, left + width) - max(box.left, left))
            * max(0.0, min(box.bottom, top + height) - max(box.top, top))
            / min(box.area, width * height)
            for box in boxes
        )
        if max(shared, default=0.0) <= COVERED:
            return left, top
    return None


SCENES = {"scattered": scattered}


def recognise(place: str, settings: DataSettings) -> Match | None:
    """The places of `SCENES`."""
    name = place.removeprefix("made:")
    if not place.startswith("made:") or name not in SCENES:
        return None
    return Match(1.0, "layout_made_boxes", "detect", {"count": PICTURES, "name": name})


def open_made(place: str, settings: DataSettings) -> Arrays:
    """The pictures of one set; ids are their numbers."""
    return SCENES[place.removeprefix("made:")](settings)


CATALOGUE = {"made_boxes": Layout(recognise, open_made)}
