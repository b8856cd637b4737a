"""How well pictures were translated from one side to another: near what lies there, and back to what they were."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from deepglass.foundation.seeds import key, permutations
from deepglass.metrics.collect import Collected
from deepglass.metrics.figure import Z95, Figure, mean, missing
from deepglass.metrics.kid import HALVES, MOST, SIDE, estimate, kernel, pixels


class TranslatedKID:
    """The mean over both directions of KID between translated pictures and the real ones of that side.

    Reads predictions["picture"], bytes (B, C, H, W), predictions["to"], 0 or 1 (B,), and targets: the pictures that
    were translated, which are the real ones of their own side. As in metrics/kid.py, features are coarse pixels.
    """

    def __init__(self) -> None:
        self._rows = Collected()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Any], targets: Tensor) -> None:
        """A batch."""
        made, to = pixels(predictions["picture"]), predictions["to"]
        self._rows.add(ids, made=made, real=pixels(targets), to=to)

    def compute(self) -> Figure:
        """Over as many pictures of each side as the smaller one has; `n` is how many all are."""
        if not len(self._rows):
            return missing("down")
        made, real = (self._rows.column(name).double() for name in ("made", "real"))
        to = self._rows.column("to").long()
        sides = [(made[to == side], real[to != side]) for side in (0, 1)]
        if min(len(part) for pair in sides for part in pair) < 4:
            return missing("down", len(to))
        found = [_distance(*pair) for pair in sides]
        value = sum(distance for distance, _ in found) / 2
        spread = sum(one**2 for _, one in found) ** 0.5 / 2
        low, high = value - Z95 * spread, value + Z95 * spread
        return Figure(value, low, high, len(to), "down", f"KID of pixels averaged to {SIDE}x{SIDE}, mean of both ways")


class Apart:
    """The mean of one number a row that should be small. Reads predictions[column] (B,)."""

    def __init__(self, column: str):
        self.column = column
        self._rows = Collected()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Any], targets: object = None) -> None:
        """A batch."""
        self._rows.add(ids, apart=predictions[self.column])

    def compute(self) -> Figure:
        """Over everything seen."""
        return mean(self._rows.column("apart"), "down") if len(self._rows) else missing("down")


def _distance(made: Tensor, real: Tensor) -> tuple[float, float]:
    """KID between as many of both, drawn by keys, and its spread over halves. (N, d), (M, d)"""
    count = min(len(made), len(real), MOST)
    made, real = (part[_drawn(len(part), "kid/taken", 1)[0][:count]] for part in (made, real))
    tables = kernel(real, real), kernel(made, made), kernel(real, made)
    halves = _drawn(count, "kid/halves", HALVES)[:, : count // 2]
    spread = torch.stack([estimate(*(table[half][:, half] for table in tables)) for half in halves]).std()
    return float(estimate(*tables)), float(spread)


def _drawn(count: int, purpose: str, times: int) -> Tensor:
    return torch.from_numpy(permutations(count, np.array([key(0, purpose, one) for one in range(times)], np.uint64)))
