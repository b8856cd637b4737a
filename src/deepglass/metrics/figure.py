"""A figure and how sure it is: Wilson's interval for shares, a keyed bootstrap for everything else."""

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from deepglass.foundation.seeds import Draws, row_keys

Z95 = 1.959963984540054  # the normal quantile of a 95 % interval


class Figure(NamedTuple):
    """A measured value with its 95 % interval, the number of examples behind it, and which way is better.

    A figure that does not exist (no examples, one class only) is NaN.
    """

    value: float
    low: float
    high: float
    n: int
    better: Literal["up", "down"]

    def beats(self, other: "Figure") -> bool:
        """Whether this figure is the better of the two; NaN beats nothing, and any number beats NaN."""
        if math.isnan(self.value) or math.isnan(other.value):
            return not math.isnan(self.value)
        return self.value > other.value if self.better == "up" else self.value < other.value


def share(hits: int, n: int) -> Figure:
    """`hits` of `n` with Wilson's interval (1927), which stays inside 0 .. 1 and is honest at the ends.

    >>> [round(end, 3) for end in share(9, 10)[:3]]
    [0.9, 0.596, 0.982]
    """
    if n == 0:
        return missing("up")
    value, z2 = hits / n, Z95 * Z95
    middle = (value + z2 / (2 * n)) / (1 + z2 / n)
    reach = Z95 / (1 + z2 / n) * math.sqrt(value * (1 - value) / n + z2 / (4 * n * n))
    return Figure(value, max(0.0, middle - reach), min(1.0, middle + reach), n, "up")


def missing(better: Literal["up", "down"], n: int = 0) -> Figure:
    """A figure that cannot be computed."""
    return Figure(math.nan, math.nan, math.nan, n, better)


def bootstrap(
    value: float, n: int, again: Callable[[Tensor], float], better: Literal["up", "down"], replicates: int = 200
) -> Figure:
    """`value` with the middle 95 % of `again(rows)` over keyed resamples of the rows (Efron 1979).

    `again` takes int64 (n,) row numbers, some repeated, and computes the figure anew. The same n gives the same rows
    every time, so equal predictions give equal intervals.
    """
    if n == 0 or math.isnan(value):
        return missing(better, n)
    draws = Draws(row_keys(0, "bootstrap", n, replicates))
    found = torch.tensor([again(rows) for rows in _resamples(draws, n)], dtype=torch.float64)
    found = found[~found.isnan()]
    if len(found) == 0:
        return Figure(value, math.nan, math.nan, n, better)
    low, high = torch.quantile(found, torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    return Figure(value, min(low, value), max(high, value), n, better)


def _resamples(draws: Draws, n: int) -> list[Tensor]:
    return list(draws.integers("rows", 0, n, n))
