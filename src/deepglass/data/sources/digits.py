"""The digits that come with the package: 10,000 of MNIST, 28 x 28; the place is the word "digits".

2,000 of them (200 a class) are the test part for good; the other 8,000 are split into training and validation. Of the
place "digits-100" the first 100 of these keep their class, ten of each as `data.split_seed` draws them, and 7,900 have
none; any other number up to 4,000 in tens goes as well.
Where they come from, and their licence: data/digits.txt.
"""

from pathlib import Path

import numpy as np

from deepglass.data.settings import DataSettings
from deepglass.data.source import Index, Layout, Match
from deepglass.data.sources.arrays import Arrays
from deepglass.foundation.seeds import Permutation

FILE = Path(__file__).parent.parent / "digits.npz"
TEST_OF_A_CLASS = 200
MOST_LABELLED = 4000


def recognise(place: str, settings: DataSettings) -> Match | None:
    """The word "digits", unless a folder of that name lies here."""
    name, _, count = place.partition("-")
    if name != "digits" or Path(place).exists() or not (place == name or _kept(count)):
        return None
    if count:
        return Match(1.0, "layout_few_digits", "semi_supervised", {"labelled": int(count), "count": 8000 - int(count)})
    return Match(1.0, "layout_digits", "classify")


def open_digits(place: str, settings: DataSettings) -> Arrays:
    """All digits; ids are their places in the file, 00000 to 09999."""
    with np.load(FILE, allow_pickle=False) as stored:
        pixels, classes = stored["x"][..., None], stored["y"]
    parts = np.full(len(classes), "", dtype=object)
    for digit in range(10):
        parts[np.flatnonzero(classes == digit)[:TEST_OF_A_CLASS]] = "test"
    ids = [f"{place:05d}" for place in range(len(classes))]
    labels: list[str | None] = [str(digit) for digit in classes]
    each = _kept(place.partition("-")[2])
    for digit in range(10) if each else ():
        own = np.flatnonzero((classes == digit) & (parts != "test"))
        hidden = own[Permutation(len(own), settings.split_seed, "labelled", digit)(np.arange(len(own)))][each:]
        for row in hidden.tolist():
            labels[row] = None
    task = "semi_supervised" if each else "classify"
    return Arrays("digits", task, FILE.parent, Index(ids, labels, parts.tolist()), pixels)


def _kept(count: str) -> int:
    """How many of each class keep their label; 0 where this is no number that is offered."""
    number = int(count) if count.isascii() and count.isdigit() else 0
    return number // 10 if number % 10 == 0 and number <= MOST_LABELLED else 0


CATALOGUE = {"digits": Layout(recognise, open_digits)}
