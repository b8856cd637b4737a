"""FROC: how much of what is there is found, at how many false alarms a volume (as LUNA16 counts, Setio 2017).

The mean sensitivity at 1/8, 1/4, 1/2, 1, 2, 4 and 8 false alarms a volume. Something is found where a middle that was
said lies within its radius; what is said of it again counts neither way.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from deepglass.foundation.errors import RunFailed
from deepglass.metrics.figure import FEW, Figure, missing, of_rows

RATES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


class Froc:
    """Reads predictions["balls"] Ragged (ΣM, 6): left, back, up, size, score, class.

    Targets are Ragged (ΣM, 5): class, left, back, up, size; lengths are millimetres.
    """

    def __init__(self) -> None:
        self._rows: dict[str, tuple[Tensor, Tensor, int]] = {}  # scores, whether each is right, how many there are

    def update(self, ids: Sequence[str], predictions: Mapping[str, Any], targets: Any) -> None:
        """A batch."""
        for id, said, true in zip(ids, predictions["balls"].each(), targets.each(), strict=True):
            if id in self._rows:
                raise RunFailed("metrics.repeated", id=id)
            self._rows[id] = (*judged(said.cpu().double(), true.cpu().double()), len(true))

    def compute(self) -> Figure:
        """The mean with a bootstrap interval over volumes; a few of them, all found, would look certain."""
        if not sum(count for _, _, count in self._rows.values()):
            return missing("up", len(self._rows))
        shares = self._shares()
        figure = of_rows(len(self._rows), lambda counts: shares(counts).mean(0), "up")
        return figure._replace(low=math.nan, high=math.nan) if figure.n < FEW else figure

    def found_at(self) -> list[float]:
        """The share of what is there that is found at each of RATES."""
        if not sum(count for _, _, count in self._rows.values()):
            return [math.nan] * len(RATES)
        return self._shares()(torch.ones(1, len(self._rows), dtype=torch.float64))[:, 0].tolist()

    def _shares(self) -> Callable[[Tensor], Tensor]:
        """What is found at each of RATES, of volumes that count so many times. (C, N) -> (R, C)"""
        rows = [self._rows[id] for id in sorted(self._rows)]
        scores, right = (torch.cat([row[place] for row in rows]) for place in (0, 1))  # pyright: ignore
        volume = torch.repeat_interleave(torch.arange(len(rows)), torch.tensor([len(row[0]) for row in rows]))
        order = scores.argsort(descending=True, stable=True)
        there = torch.tensor([row[2] for row in rows], dtype=torch.float64)

        def again(counts: Tensor) -> Tensor:
            each = counts[:, volume[order]]
            hits, alarms = (each * right[order]).cumsum(1), (each * ~right[order]).cumsum(1)
            least = torch.zeros(len(counts), 1, dtype=torch.float64)
            found = [
                torch.cat([least, torch.where(alarms <= rate * counts.sum(1, keepdim=True), hits, 0.0)], 1).amax(1)
                for rate in RATES
            ]
            return torch.stack(found) / (counts @ there)

        return again


def judged(said: Tensor, true: Tensor) -> tuple[Tensor, Tensor]:
    """Scores, and which of them are right, the surest first; what is said again of something found is left out.

    (M, 6), (T, 5) -> (P,), bool (P,)
    """
    said = said[said[:, 4].argsort(descending=True, stable=True)]
    apart = (said[:, None, :3] - true[None, :, 1:4]).norm(dim=2)
    near = (apart <= true[None, :, 4] / 2) & (said[:, None, 5] == true[None, :, 0])  # (M, T)
    taken: set[int] = set()
    kept: list[int] = []
    right: list[bool] = []
    for row, hits in enumerate(near):
        own = hits.nonzero()[:, 0].tolist()
        new = [one for one in own if one not in taken]
        if own and not new:
            continue
        if new:
            taken.add(new[int(apart[row, new].argmin())])
        kept.append(row)
        right.append(bool(new))
    return said[kept, 4], torch.tensor(right, dtype=torch.bool)
