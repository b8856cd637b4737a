"""Made pictures with masks for lessons, the same on every machine: the place "made:traced".

The pictures of made:scattered; every pixel that is half or more a digit's ink is of that digit's class.
"""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from deepglass.data.settings import DataSettings
from deepglass.data.source import Index, Layout, Match, Picture
from deepglass.data.sources.arrays import Arrays
from deepglass.data.sources.made_boxes import PICTURES, SIDE, composed, index_of

PLACE = "made:traced"
CLASSES = ("background", *map(str, range(10)))
INKED = 0.5


class MaskedArrays(Arrays):
    """Pictures in memory with the masks that belong to them, uint8 (N, H, W)."""

    def __init__(self, layout: str, index: Index, rows: np.ndarray, masks: np.ndarray):
        super().__init__(layout, "segment", Path(), index, rows)
        self.masks = masks

    def read(self, row: int, fit: object = None) -> Picture:
        """One picture with its mask."""
        return Picture(self.rows[row], mask=self.masks[row])

    def fingerprint(self) -> str:
        """A hash over pictures, answers and masks."""
        return hashlib.blake2b(super().fingerprint().encode() + self.masks.tobytes(), digest_size=16).hexdigest()


def recognise(place: str, settings: DataSettings) -> Match | None:
    """The one place."""
    return Match(1.0, "layout_made_masks", "segment", {"count": PICTURES}) if place == PLACE else None


def open_traced(place: str, settings: DataSettings) -> MaskedArrays:
    """Every picture with its mask; its answer says which digits are in it."""
    pictures, masks, answers = [], np.zeros((PICTURES, SIDE, SIDE), dtype=np.uint8), []
    for mask, (picture, placed) in zip(masks, composed(settings), strict=True):
        for one in placed:
            height, width = one.ink.shape
            inside = mask[one.top : one.top + height, one.left : one.left + width]
            inside[one.ink >= INKED] = CLASSES.index(one.name)
        pictures.append(picture)
        answers.append(tuple(sorted({one.name for one in placed})))
    index = replace(index_of(answers), classes=CLASSES)
    return MaskedArrays("made_masks", index, np.stack(pictures), masks)


CATALOGUE = {"made_masks": Layout(recognise, open_traced)}
