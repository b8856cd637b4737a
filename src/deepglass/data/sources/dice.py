"""Keyed numbers one after the other, for what is drawn piece by piece: a street, the letters of a plate."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from deepglass.foundation.seeds import Draws

T = TypeVar("T")
AT_ONCE = 256


class Dice:
    """The draws of one row under a name, in the order in which they are asked for."""

    def __init__(self, draws: Draws, name: str):
        self._draws = draws
        self._name = name
        self._block = 0
        self._left: list[float] = []

    def share(self) -> float:
        """In [0, 1)."""
        if not self._left:
            self._left = self._draws.uniform(f"{self._name}/{self._block}", AT_ONCE)[0].tolist()[::-1]
            self._block += 1
        return self._left.pop()

    def between(self, low: float, high: float) -> float:
        """Evenly in [low, high)."""
        return low + (high - low) * self.share()

    def around(self, middle: float, far: float) -> float:
        """Evenly within `far` of the middle."""
        return self.between(middle - far, middle + far)

    def below(self, count: int) -> int:
        """A whole number in [0, count)."""
        return int(self.share() * count)

    def chance(self, probability: float) -> bool:
        """True with that probability."""
        return self.share() < probability

    def pick(self, some: Sequence[T]) -> T:
        """One of these."""
        return some[self.below(len(some))]

    def weighted(self, weights: dict[T, float]) -> T:
        """One of the keys, as often as its weight says."""
        place = self.share() * sum(weights.values())
        for one, weight in weights.items():
            place -= weight
            if place < 0:
                return one
        return next(reversed(weights))

    def field(self, *shape: int) -> np.ndarray:
        """An array of shares. float32 (*shape)"""
        self._block += 1
        return self._draws.uniform(f"{self._name}/{self._block}", *shape)[0].numpy()
