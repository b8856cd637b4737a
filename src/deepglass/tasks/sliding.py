"""What a network says of a whole volume, window by window: classes blended where windows overlap.

What is held at a time is the volume, one layer of windows and what was said of it, however many slices there are.

Letters: D H W a volume's own depth, height and width, d h w those of a window, K classes.
"""

import math
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from deepglass.data.augment.patches import Size, cut, starts, weights

AT_ONCE = 1 << 18  # places that are answered together


def windows(volume: Tensor, low: float, size: Size, corners: Sequence[Size]) -> Iterator[tuple[Sequence[Size], Tensor]]:
    """Windows that begin there, a few at a time with where they do. (D, H, W) -> (n, 1, d, h, w)"""
    together = max(1, AT_ONCE // math.prod(size))
    for first in range(0, len(corners), together):
        some = corners[first : first + together]
        yield some, torch.stack([cut(volume, corner, size, low) for corner in some])[:, None]


def blended(
    shares: Callable[[Tensor], Tensor], volume: Tensor, low: float, size: Size, overlap: float
) -> tuple[Tensor, float]:
    """The likeliest class of every place, and how likely it is on average; beyond a small volume lies `low`.

    What is said of a place counts the less the nearer it is to its window's edge. `shares` gives (n, K, d, h, w) of
    windows (n, 1, d, h, w); volume (D, H, W) -> uint8 (D, H, W)
    """
    (depth, height, width), (deep, high, wide) = volume.shape, size
    bell = weights(size).to(volume.device)
    layers, *axes = (starts(own, side, overlap) for own, side in zip(volume.shape, size, strict=True))
    mask = torch.empty(depth, height, width, dtype=torch.uint8, device=volume.device)
    band, sure = None, 0.0
    for z, below in zip(layers, [*layers[1:], depth], strict=True):
        for some, parts in windows(volume, low, size, [(z, y, x) for y in axes[0] for x in axes[1]]):
            said = shares(parts)
            if band is None:
                band = said.new_zeros(said.shape[1], deep, max(high, height), max(wide, width))
            for (_, y, x), one in zip(some, said, strict=True):
                band[:, :, y : y + high, x : x + wide] += one * bell
        assert band is not None
        for place in range(z, below):  # slices that no other layer reaches
            here = band[:, place - z, :height, :width]
            found = here.max(0)
            mask[place] = found.indices
            sure += float((found.values / here.sum(0)).double().sum())
        band = torch.cat([band[:, below - z :], torch.zeros_like(band[:, : below - z])], 1)
    return mask, sure / mask.numel()
