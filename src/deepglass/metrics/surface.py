"""How far the surfaces of masks lie apart: the 95th percentile of the distances, in millimetres (HD95).

For every place on the surface of either mask the distance to the nearest place on the other's; the largest 5 % are
left out, for one stray place would decide the whole (Huttenlocher 1993; the percentile as nnU-Net and MedPy take it).
Farther than it has to, nobody looks: distances are exact up to a reach, which grows until it holds all that count.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from deepglass.metrics.collect import Collected
from deepglass.metrics.figure import Figure, of_rows

PERCENT = 95
FIRST = 8.0  # steps of the widest spacing that are looked at first


class SurfaceDistance:
    """The mean over volumes and classes, the first class left out as the background. `add` takes one volume."""

    def __init__(self, classes: int):
        self.classes = classes
        self._rows = Collected()

    def add(self, id: str, said: Tensor, true: Tensor, spacing: Sequence[float]) -> None:
        """One volume. uint8 (D, H, W) each; places that nobody has looked at count nowhere"""
        known = true < self.classes
        found = [
            hd95((said == number).logical_and(known).numpy(), (true == number).numpy(), spacing)
            for number in range(1, self.classes)
        ]
        self._rows.add([id], distance=torch.tensor([found], dtype=torch.float64))

    def compute(self) -> Figure:
        """The mean with a bootstrap interval over volumes; a class that is in neither mask of a volume is left out."""
        return of_rows(len(self._rows), self._mean, "down")

    def _mean(self, counts: Tensor) -> Tensor:
        distances = self._rows.column("distance")  # (N, K - 1)
        there = ~distances.isnan()
        sums = counts @ distances.nan_to_num(0.0)
        return (sums / (counts @ there.double())).nanmean(1)


def hd95(said: np.ndarray, true: np.ndarray, spacing: Sequence[float]) -> float:
    """Of one class in one volume: NaN where both are empty, the diagonal of the volume where one is. bool (D, H, W)"""
    if not said.any() or not true.any():
        diagonal = math.hypot(*(size * step for size, step in zip(true.shape, spacing, strict=True)))
        return diagonal if said.any() or true.any() else math.nan
    box = tuple(slice(max(0, low - 1), high + 2) for low, high in _extent(said | true))
    first, second = surface(said[box]), surface(true[box])
    reach = FIRST * max(spacing)
    while True:
        apart = np.concatenate([distances(second, spacing, reach)[first], distances(first, spacing, reach)[second]])
        last = math.ceil(PERCENT / 100 * (len(apart) - 1))  # the largest that the percentile depends on
        if np.partition(apart, last)[last] <= reach:
            return float(np.percentile(apart, PERCENT))
        reach *= 4


def surface(mask: np.ndarray) -> np.ndarray:
    """Places of a mask with a neighbour outside of it, or at the border. bool (D, H, W)"""
    wide = np.pad(mask, 1)
    inner = mask.copy()
    for axis in range(mask.ndim):
        for move in (-1, 1):
            inner &= np.roll(wide, move, axis)[(slice(1, -1),) * mask.ndim]
    return mask & ~inner


def distances(places: np.ndarray, spacing: Sequence[float], reach: float = math.inf) -> np.ndarray:
    """From everywhere to the nearest of these places: axis by axis the least of d² + (steps · spacing)².

    Exact where it is no more than `reach`; what is farther is told as farther. bool (D, H, W) -> float32 (D, H, W)
    """
    squared = np.where(places, np.float32(0), np.float32(np.inf))
    for axis, step in enumerate(spacing):
        lines = np.moveaxis(squared, axis, 0)
        best = lines.copy()
        for move in range(1, int(min(len(lines) - 1, reach / step + 1e-6)) + 1):
            far = np.float32((move * step) ** 2)
            np.minimum(best[move:], lines[:-move] + far, out=best[move:])
            np.minimum(best[:-move], lines[move:] + far, out=best[:-move])
        squared = np.moveaxis(best, 0, axis)
    return np.sqrt(squared)


def _extent(mask: np.ndarray) -> list[tuple[int, int]]:
    """The first and the last place along each axis."""
    found: list[tuple[int, int]] = []
    for axis in range(mask.ndim):
        there = np.flatnonzero(mask.any(tuple(other for other in range(mask.ndim) if other != axis)))
        found.append((int(there[0]), int(there[-1])))
    return found
