"""Made pictures of very uneven classes for lessons, the same on every machine: the place "made:skewed".

The package's digits in light colours on dark ground: 300 zeros, fewer of each that follows, 20 sevens; eights and nines
are the class none, what is none of the others. Test pictures are half as many, of digits that no other picture shows.
"""

from pathlib import Path

import numpy as np

from deepglass.data.settings import DataSettings
from deepglass.data.source import Index, Layout, Match
from deepglass.data.sources.arrays import Arrays
from deepglass.data.sources.digits import open_digits
from deepglass.foundation.seeds import Draws, row_keys

COUNTS = (300, 204, 138, 94, 64, 43, 29, 20)  # of the digits 0 to 7; each class is about two thirds of the one before
STRANGE = {8: 60, 9: 60}
NONE = "none"
PLACES = ("skewed",)


def skewed(settings: DataSettings) -> Arrays:
    """1,012 pictures uint8 (28, 28, 3) and 506 of the test part, in nine classes."""
    digits = open_digits("digits", settings)
    held = np.array([part == "test" for part in digits.index.parts])
    owners = np.array([int(label) for label in digits.index.labels])
    wanted = dict(enumerate(COUNTS)) | STRANGE
    rows: list[int] = []
    for digit, count in wanted.items():
        for part, share in ((~held, 1.0), (held, 0.5)):
            rows += np.flatnonzero(part & (owners == digit))[: round(count * share)].tolist()
    draws = Draws(row_keys(0, "made/skewed", 0, len(rows)))
    ink = digits.rows[rows].astype(np.float32) / 255  # (N, 28, 28, 1)
    colour = 0.5 + 0.5 * draws.uniform("colours", 3).numpy()[:, None, None]
    ground = 0.3 * draws.uniform("ground", 3).numpy()[:, None, None]
    pixels = ((ground + ink * (colour - ground)) * 255).round().astype(np.uint8)
    labels = [NONE if owners[row] in STRANGE else str(owners[row]) for row in rows]
    parts = ["test" if held[row] else "" for row in rows]
    index = Index([f"{place:04d}" for place in range(len(rows))], labels, parts)
    return Arrays("made_skewed", "classify", Path(), index, pixels)


def recognise(place: str, settings: DataSettings) -> Match | None:
    """The places of `PLACES`."""
    if place.removeprefix("made:") not in PLACES or not place.startswith("made:"):
        return None
    return Match(1.0, "layout_made_skewed", "classify", {"most": COUNTS[0], "least": COUNTS[-1]})


def open_made(place: str, settings: DataSettings) -> Arrays:
    """The one set; ids are its pictures' numbers."""
    return skewed(settings)


CATALOGUE = {"made_skewed": Layout(recognise, open_made)}
