"""Made pictures with boxes for lessons, the same on every machine: the place "made:scattered".

1 to 5 of the package's handwritten digits, 20 to 44 pixels tall, in light colours on a ground of soft ones; each with
its box, tight around the ink. Test pictures show only digits that no other picture shows. None covers another by more
than a tenth.
"""

from pathlib import Path

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


def scattered(settings: DataSettings) -> Arrays:
    """1,200 pictures uint8 (96, 96, 3) with their boxes; the last 200 are the test part."""
    digits = open_digits("digits", settings)
    held = np.array([part == "test" for part in digits.index.parts])
    pools = [np.flatnonzero(~held), np.flatnonzero(held)]
    draws = Draws(row_keys(0, "made/scattered", 0, PICTURES))
    count = draws.integers("count", 1, MOST + 1).tolist()
    ground = draws.uniform("ground", 3, 3, 3).numpy()
    chosen = draws.uniform("digits", MOST, 2).numpy()  # which, and how tall
    colours = draws.uniform("colours", MOST, 3).numpy()
    places = draws.uniform("places", MOST, TRIES, 2).numpy()
    pixels, labels = np.zeros((PICTURES, SIDE, SIDE, 3), dtype=np.uint8), []
    for row in range(PICTURES):
        picture, boxes = _ground(ground[row]), []
        pool = pools[row >= PICTURES - OF_TEST]
        for which, (pick, tall) in enumerate(chosen[row, : count[row]]):
            number = int(pool[int(pick * len(pool))])
            ink = _ink(digits.rows[number][..., 0], 20 + int(tall * 25))
            corner = _free(ink.shape, places[row, which], boxes)
            if corner is None:
                continue
            left, top = corner
            height, width = ink.shape
            under = picture[top : top + height, left : left + width]
            colour = 0.55 + 0.45 * colours[row, which]
            under += ink[..., None] * (colour - under)
            boxes.append(Box(str(digits.index.labels[number]), left, top, left + width, top + height))
        pixels[row] = (picture * 255).round()
        labels.append(tuple(boxes))
    parts = [""] * (PICTURES - OF_TEST) + ["test"] * OF_TEST
    index = Index([f"{row:04d}" for row in range(PICTURES)], labels, parts)
    return Arrays("made_boxes", "detect", Path(), index, pixels)


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
