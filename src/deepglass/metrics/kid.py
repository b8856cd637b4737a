"""Kernel inception distance: how far made pictures are from real ones as a whole (Binkowski 2018, arXiv:1801.01401).

KID = E k(x, x') + E k(y, y') - 2 E k(x, y),  k(a, b) = (a·b / d + 1)³, over features x of real, y of made pictures
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from deepglass.foundation.seeds import key, permutations
from deepglass.metrics.collect import Collected
from deepglass.metrics.figure import Figure, halved, missing

MOST = 2000  # pictures of each kind; the table of their kernels grows with the square
LEAST = 4  # so that a half has two
SIDE = 8


class KID:
    """The unbiased estimate, 0 where both are alike. Reads predictions["picture"] and targets: bytes (B, C, H, W).

    Features are the pictures themselves, averaged to 8 x 8 and from -1 to 1: they see where ink is and how much of it,
    and no strokes; a low figure is necessary and not enough. The interval is the spread over halves of the pictures
    (a jackknife that leaves out every second one).
    """

    def __init__(self) -> None:
        self._rows = Collected()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Any], targets: Tensor) -> None:
        """A batch."""
        self._rows.add(ids, made=pixels(predictions["picture"]), real=pixels(targets))

    def compute(self) -> Figure:
        """Over at most 2,000 of each, drawn by a key; `n` is how many."""
        if not len(self._rows):
            return missing("down")
        return distance(
            self._rows.column("real"), self._rows.column("made"), f"KID of pixels averaged to {SIDE}x{SIDE}"
        )


def distance(real: Tensor, made: Tensor, by: str = "") -> Figure:
    """KID of as many features of both, at most 2,000, drawn by a key; `n` is how many. (N, d), (M, d)"""
    count = min(len(real), len(made), MOST)
    if count < LEAST:
        return missing("down", count)
    real, made = (part[taken(len(part), count)].double() for part in (real, made))
    tables = kernel(real, real), kernel(made, made), kernel(real, made)

    def half(rows: Tensor) -> float:
        return float(estimate(*(table[rows][:, rows] for table in tables)))

    return halved(float(estimate(*tables)), count, half, "down", by)


def taken(n: int, count: int) -> Tensor:
    """Which so many of n rows are drawn. int64 (count,)"""
    return torch.from_numpy(permutations(n, np.array([key(0, "kid/taken", 0)], dtype=np.uint64))[0][:count])


def pixels(pictures: Tensor) -> Tensor:
    """Bytes (B, C, H, W) -> from -1 to 1, averaged to 8 x 8 (B, C · 64)"""
    return F.adaptive_avg_pool2d(pictures.float() / 127.5 - 1, SIDE).flatten(1)


def kernel(a: Tensor, b: Tensor) -> Tensor:
    """(a·b / d + 1)³ of every pair. (N, d), (M, d) -> (N, M)"""
    return (a @ b.T / a.shape[1] + 1) ** 3


def estimate(real: Tensor, made: Tensor, across: Tensor) -> Tensor:
    """The unbiased distance from kernels within both and across: no row meets itself. (N, N), (N, N), (N, N) -> ()"""
    n = len(real)
    within = sum((table.sum() - table.diagonal().sum()) / (n * (n - 1)) for table in (real, made))
    return within - 2 * across.mean()
