"""Parts of volumes, of the size that a network takes: drawn in training, side by side with overlap when asked about.

A volume may be larger than the memory: of a mapped one only the part is read.
Letters: B rows, D H W a volume's own depth, height and width, d h w those of a part.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from deepglass.foundation.seeds import Draws

UNKNOWN = 255
MARKS = 4096  # places of a volume by which parts are drawn that have something in their middle
PIECE = 1 << 22  # places of a mask that are looked at together
Size = tuple[int, int, int]


class Whole(NamedTuple):
    """A volume as it is kept: values and classes (D, H, W), its lowest value, and places that are marked (MARKS,)."""

    values: np.ndarray
    mask: np.ndarray
    low: float
    marks: np.ndarray


def marked(mask: np.ndarray) -> np.ndarray:
    """Places of other classes than the first, evenly over the volume; -1 where there is none. int64 (MARKS,)"""
    flat = mask.ravel()
    pieces = [flat[start : start + PIECE] for start in range(0, flat.size, PIECE)]
    found = [np.flatnonzero((piece > 0) & (piece != UNKNOWN)) + PIECE * at for at, piece in enumerate(pieces)]
    places = np.concatenate(found).astype(np.int64)
    if not len(places):
        return np.full(MARKS, -1, dtype=np.int64)
    return places[np.linspace(0, len(places) - 1, MARKS).round().astype(np.int64)]


def drawn(wholes: Sequence[Whole], draws: Draws, size: Size, focus: float) -> tuple[Tensor, Tensor]:
    """One part of each row; a share `focus` of them has a place in its middle that is of another class than the first.

    float (B, d, h, w), uint8 (B, d, h, w)
    """
    places, sought, which = (
        draws.uniform("patch", 3).tolist(),
        draws.chance("patch/focus", focus).tolist(),
        draws.uniform("patch/place").tolist(),
    )
    parts: list[tuple[Tensor, Tensor]] = []
    for row, whole in enumerate(wholes):
        shape = whole.values.shape
        free = [max(0, own - wanted) for own, wanted in zip(shape, size, strict=True)]
        start = [math.floor(share * (room + 1)) for share, room in zip(places[row], free, strict=True)]
        mark = int(whole.marks[math.floor(which[row] * len(whole.marks))])
        if sought[row] and mark >= 0:
            middle = np.unravel_index(mark, shape)
            start = [min(max(0, int(at) - side // 2), room) for at, side, room in zip(middle, size, free, strict=True)]
        here = tuple(slice(at, at + side) for at, side in zip(start, size, strict=True))
        values, mask = (torch.from_numpy(np.array(array[here])) for array in (whole.values, whole.mask))
        parts.append((cut(values, (0, 0, 0), size, whole.low), cut(mask, (0, 0, 0), size, UNKNOWN)))
    cuts = [torch.stack(side) for side in zip(*parts, strict=True)]
    return cuts[0].float(), cuts[1]


def cut(volume: Tensor, start: Sequence[int], size: Size, beyond: float) -> Tensor:
    """A part of that size; what lies outside is `beyond`. (D, H, W) -> (d, h, w)"""
    part = volume[tuple(slice(at, at + side) for at, side in zip(start, size, strict=True))]
    missing = [wanted - own for wanted, own in zip(size, part.shape, strict=True)]
    return (
        F.pad(part, [side for room in reversed(missing) for side in (0, room)], value=beyond) if any(missing) else part
    )


def starts(own: int, side: int, overlap: float) -> list[int]:
    """Where parts begin along an axis: evenly, each with at least so much of its side over the one before.

    >>> starts(100, 40, 0.25), starts(30, 40, 0.25)
    ([0, 30, 60], [0])
    """
    free = max(0, own - side)
    count = math.ceil(free / max(1, side * (1 - overlap))) + 1
    return [round(free * place / max(1, count - 1)) for place in range(count)]


def weights(size: Size) -> Tensor:
    """How much each place of a part counts where parts overlap: a bell, for at the border a network sees one side only.

    (d, h, w); nnU-Net (Isensee 2021) takes a spread of an eighth of the side
    """
    bells = [torch.exp(-(((torch.arange(side) - (side - 1) / 2) / (side / 8)) ** 2) / 2) for side in size]
    bell = bells[0][:, None, None] * bells[1][:, None] * bells[2]
    return bell.clamp(min=1e-3)
