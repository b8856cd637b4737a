"""Parts of volumes, of the size that a network takes: drawn in training, side by side with overlap when asked about.

Letters: B rows, D H W a volume's own depth, height and width, d h w those of a part.
"""

import math
from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from deepglass.foundation.seeds import Draws

UNKNOWN = 255
Size = tuple[int, int, int]


def drawn(
    volumes: Sequence[Tensor], masks: Sequence[Tensor], draws: Draws, size: Size, focus: float
) -> tuple[Tensor, Tensor]:
    """One part of each row; a share `focus` of them has a place in its middle that is of another class than the first.

    (D, H, W) each, of any size -> float (B, 1, d, h, w), uint8 (B, d, h, w)
    """
    places, sought, which = (
        draws.uniform("patch", 3).tolist(),
        draws.chance("patch/focus", focus).tolist(),
        draws.uniform("patch/place").tolist(),
    )
    parts: list[tuple[Tensor, Tensor]] = []
    for row, (volume, mask) in enumerate(zip(volumes, masks, strict=True)):
        free = [max(0, own - wanted) for own, wanted in zip(volume.shape, size, strict=True)]
        start = [math.floor(share * (room + 1)) for share, room in zip(places[row], free, strict=True)]
        marked = ((mask > 0) & (mask != UNKNOWN)).flatten().nonzero()[:, 0] if sought[row] else mask[:0]
        if len(marked):
            flat = int(marked[math.floor(which[row] * len(marked))])
            middle = [int(at) for at in torch.unravel_index(torch.tensor(flat), mask.shape)]
            start = [min(max(0, at - side // 2), room) for at, side, room in zip(middle, size, free, strict=True)]
        parts.append((cut(volume, start, size, float(volume.min())), cut(mask, start, size, UNKNOWN)))
    cuts = [torch.stack(side) for side in zip(*parts, strict=True)]
    return cuts[0].float()[:, None], cuts[1]


def cut(volume: Tensor, start: Sequence[int], size: Size, beyond: float) -> Tensor:
    """A part of that size; what lies outside is `beyond`. (D, H, W) -> (d, h, w)"""
    part = volume[tuple(slice(at, at + side) for at, side in zip(start, size, strict=True))]
    missing = [wanted - own for wanted, own in zip(size, part.shape, strict=True)]
    return (
        F.pad(part, [side for room in reversed(missing) for side in (0, room)], value=beyond) if any(missing) else part
    )


def starts(shape: Sequence[int], size: Size, overlap: float) -> list[Size]:
    """Where parts begin that cover a volume: evenly, each with at least so much of its side over the one before."""
    axes: list[list[int]] = []
    for own, side in zip(shape, size, strict=True):
        free = max(0, own - side)
        count = math.ceil(free / max(1, side * (1 - overlap))) + 1
        axes.append([round(free * place / max(1, count - 1)) for place in range(count)])
    return [(z, y, x) for z in axes[0] for y in axes[1] for x in axes[2]]


def weights(size: Size) -> Tensor:
    """How much each place of a part counts where parts overlap: a bell, for at the border a network sees one side only.

    (d, h, w); nnU-Net (Isensee 2021) takes a spread of an eighth of the side
    """
    bells = [torch.exp(-(((torch.arange(side) - (side - 1) / 2) / (side / 8)) ** 2) / 2) for side in size]
    bell = bells[0][:, None, None] * bells[1][:, None] * bells[2]
    return bell.clamp(min=1e-3)


def windows(volume: Tensor, size: Size, overlap: float, most: int) -> Iterator[tuple[list[Size], Tensor]]:
    """Parts that cover a volume, a few at a time with where they begin. (D, H, W) -> (n, 1, d, h, w)"""
    places = starts(volume.shape, size, overlap)
    low = float(volume.min())
    for first in range(0, len(places), most):
        some = places[first : first + most]
        yield some, torch.stack([cut(volume, place, size, low) for place in some])[:, None]
