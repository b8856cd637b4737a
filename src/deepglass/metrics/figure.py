"""A figure and how sure it is: Wilson's interval for shares, a keyed bootstrap for everything else."""

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from deepglass.foundation.seeds import Draws, key, permutations, row_keys

HALVES = 100  # halves of the rows, whose spread is that of the whole
CHUNK = 2_000_000  # how many numbers of a bootstrap are held at once
FEW = 10  # examples below which drawing them again says nothing of an interval, where whole scans are drawn
Z95 = 1.959963984540054  # the normal quantile of a 95 % interval


class Figure(NamedTuple):
    """A measured value with its 95 % interval, the number of examples behind it, and which way is better.

    A figure that does not exist (no examples, one class only) is NaN, as are the ends of an unknown interval.
    """

    value: float
    low: float
    high: float
    n: int
    better: Literal["up", "down"]
    by: str = ""  # how it was measured, where its name alone does not say it: sacrebleu's signature

    @property
    def few(self) -> bool:
        """Whether there is no interval because too few examples were measured."""
        return self.n < FEW and math.isnan(self.low) and not (math.isnan(self.value) or self.by)

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
    return Figure(value, max(0.0, min(value, middle - reach)), min(1.0, max(value, middle + reach)), n, "up")


def missing(better: Literal["up", "down"], n: int = 0) -> Figure:
    """A figure that cannot be computed."""
    return Figure(math.nan, math.nan, math.nan, n, better)


def bootstrap(
    value: float, n: int, again: Callable[[Tensor], Tensor], better: Literal["up", "down"], replicates: int = 200
) -> Figure:
    """`value` with the middle 95 % of what `again` finds over keyed resamples of the n rows (Efron 1979).

    `again` takes float64 counts (R, n), how often each of R resamples drew each row, and returns R figures (R,). The
    same n gives the same resamples every time, so equal predictions have equal intervals.
    """
    if n == 0 or math.isnan(value):
        return missing(better, n)
    keys = row_keys(0, "bootstrap", n, replicates)
    chunk = max(1, CHUNK // n)
    found = torch.cat([again(_resample(keys[at : at + chunk], n)) for at in range(0, replicates, chunk)])
    found = found[~found.isnan()].double()
    if len(found) == 0:
        return Figure(value, math.nan, math.nan, n, better)
    low, high = torch.quantile(found, found.new_tensor([0.025, 0.975])).tolist()
    return Figure(value, min(low, value), max(high, value), n, better)


def halved(
    value: float,
    n: int,
    again: Callable[[Tensor], float],
    better: Literal["up", "down"],
    by: str = "",
    times: int = HALVES,
) -> Figure:
    """`value` ± 1.96 times the spread of what `again` finds of keyed halves of the n rows, each int64 (n / 2,).

    A jackknife that leaves out every second row: the spread of halves is that of the whole. Where two of the same row
    would be a case of their own, as in distances between sets, a bootstrap would be wrong.
    """
    keys = np.array([key(0, "halves", place) for place in range(times)], dtype=np.uint64)
    rows = torch.from_numpy(permutations(n, keys)[:, : n // 2])
    around = Z95 * float(torch.tensor([again(half) for half in rows], dtype=torch.float64).std())
    return Figure(value, value - around, value + around, n, better, by)


def of_rows(n: int, again: Callable[[Tensor], Tensor], better: Literal["up", "down"]) -> Figure:
    """What `again` finds where every one of n rows counts once, with its bootstrap interval."""
    if n == 0:
        return missing(better)
    return bootstrap(float(again(torch.ones(1, n, dtype=torch.float64))[0]), n, again, better)


def mean(values: Tensor, better: Literal["up", "down"]) -> Figure:
    """The mean of one value per row, with its bootstrap interval. (N,)"""
    n = len(values)
    values = values.double()
    return bootstrap(float(values.mean()), n, lambda counts: counts @ values / n, better) if n else missing(better)


def _resample(keys: Tensor, n: int) -> Tensor:
    """How often each of n rows is drawn in n draws, for each key. (R,) -> float64 (R, n)"""
    rows = Draws(keys).integers("rows", 0, n, n)
    return torch.zeros(rows.shape, dtype=torch.float64).scatter_add_(1, rows, torch.ones(1).double().expand_as(rows))
