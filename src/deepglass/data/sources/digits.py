"""The digits that come with the package: 10,000 of MNIST, 28 x 28; the place is the word "digits".

2,000 of them (200 a class) are the test part for good; the other 8,000 are split into training and validation.
Where they come from, and their licence: data/digits.txt.
"""

from pathlib import Path

import numpy as np

from deepglass.data.settings import DataSettings
from deepglass.data.source import Index, Layout, Match
from deepglass.data.sources.arrays import Arrays

FILE = Path(__file__).parent.parent / "digits.npz"
TEST_OF_A_CLASS = 200


def recognise(place: str, settings: DataSettings) -> Match | None:
    """The word "digits", unless a folder of that name lies here."""
    if place != "digits" or Path(place).exists():
        return None
    return Match(1.0, "layout_digits", "classify")


def open_digits(place: str, settings: DataSettings) -> Arrays:
    """All digits; ids are their places in the file, 00000 to 09999."""
    with np.load(FILE, allow_pickle=False) as stored:
        pixels, classes = stored["x"][..., None], stored["y"]
    parts = np.full(len(classes), "", dtype=object)
    for digit in range(10):
        parts[np.flatnonzero(classes == digit)[:TEST_OF_A_CLASS]] = "test"
    ids = [f"{place:05d}" for place in range(len(classes))]
    index = Index(ids, [str(digit) for digit in classes], parts.tolist())
    return Arrays("digits", "classify", FILE.parent, index, pixels)


CATALOGUE = {"digits": Layout(recognise, open_digits)}
