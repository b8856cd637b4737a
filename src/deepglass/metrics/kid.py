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
from deepglass.metrics.figure import Z95, Figure, missing

MOST = 2000  # pictures of each kind; the table of their kernels grows with the square
HALVES = 100  # halves of them, whose spread is that of the whole
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
        n = len(self._rows)
        if n < 4:
            return missing("down", n)
        taken = torch.from_numpy(permutations(n, _keys("kid/taken", 1))[0][:MOST])
        made, real = (self._rows.column(name)[taken].double() for name in ("made", "real"))
        tables = kernel(real, real), kernel(made, made), kernel(real, made)
        value = estimate(*tables)
        count = len(taken)
        halves = torch.from_numpy(permutations(count, _keys("kid/halves", HALVES))[:, : count // 2])
        spread = float(torch.stack([estimate(*(table[half][:, half] for table in tables)) for half in halves]).std())
        low, high = float(value) - Z95 * spread, float(value) + Z95 * spread
        return Figure(float(value), low, high, count, "down", f"KID of pixels averaged to {SIDE}x{SIDE}")


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


def _keys(purpose: str, count: int) -> np.ndarray:
    return np.array([key(0, purpose, place) for place in range(count)], dtype=np.uint64)
