"""How well pictures were translated from one side to another: near what lies there, and back to what they were."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from deepglass.metrics.collect import Collected
from deepglass.metrics.figure import Figure, mean, missing
from deepglass.metrics.kid import LEAST, SIDE, distance, pixels


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
        made, real = (self._rows.column(name) for name in ("made", "real"))
        to = self._rows.column("to").long()
        sides = [(made[to == side], real[to != side]) for side in (0, 1)]
        if min(len(part) for pair in sides for part in pair) < LEAST:
            return missing("down", len(to))
        found = [distance(real, made) for made, real in sides]
        value = sum(one.value for one in found) / 2
        around = sum((one.high - one.value) ** 2 for one in found) ** 0.5 / 2
        low, high = value - around, value + around
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
