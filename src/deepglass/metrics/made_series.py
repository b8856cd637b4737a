"""How near made series are to real ones: as a whole, in how varied they are, and in how rough.

Letters: B series, T steps of one, C channels.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from deepglass.foundation.padded import Padded
from deepglass.metrics.collect import Collected
from deepglass.metrics.figure import Figure, missing, of_rows
from deepglass.metrics.kid import distance
from deepglass.metrics.players import Variety

PLACES = 32  # that a series is averaged to; a shorter one is read at as many places between its steps


class SeriesKID:
    """The kernel distance of series averaged to 32 places, 0 where both are alike; blind to what is quicker than that.

    Reads predictions["series"] Ragged (B, T, C) and targets Padded (B, T, C), both standardised.
    """

    def __init__(self) -> None:
        self._rows = Collected()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Any], targets: Padded) -> None:
        """A batch."""
        self._rows.add(ids, made=courses(predictions["series"].each()), real=courses(rows_of(targets)))

    def compute(self) -> Figure:
        """As of pictures: at most 2,000 of each, the interval by halves."""
        if len(self._rows) < 4:
            return missing("down", len(self._rows))
        made, real = self._rows.column("made"), self._rows.column("real")
        return distance(real, made, f"KID of series averaged to {PLACES} places")


class SeriesVariety(Variety):
    """How much made series differ, beside how much real ones do: 1 where as much, near 0 where all are alike.

    As of pictures, of series averaged to 32 places. Reads what `SeriesKID` reads, and predictions["label"].
    """

    def update(self, ids: Sequence[str], predictions: Mapping[str, Any], targets: Padded) -> None:
        """A batch."""
        made, real = courses(predictions["series"].each()), courses(rows_of(targets))
        self.add(ids, made, real, predictions.get("label"))


class Roughness:
    """How far made series move from step to step, beside how far real ones do: 1 where as far, near 0 where too smooth.

    √ (Σ_i mean_t (y_t - y_(t-1))² / Σ_i mean_t (x_t - x_(t-1))²). Reads what `SeriesKID` reads.
    """

    def __init__(self) -> None:
        self._rows = Collected()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Any], targets: Padded) -> None:
        """A batch."""
        self._rows.add(ids, made=_moves(predictions["series"].each()), real=_moves(rows_of(targets)))

    def compute(self) -> Figure:
        """Over everything seen. It goes neither way: what is good is 1."""
        made, real = (self._rows.column(name).double() for name in ("made", "real"))
        if not len(made) or not real.sum():
            return missing("up", len(made))
        return of_rows(len(made), lambda counts: (counts @ made / (counts @ real)).sqrt(), "up")


def rows_of(series: Padded) -> tuple[Tensor, ...]:
    """Each row's own steps. (T, C) each"""
    return tuple(values[:length] for values, length in zip(series.values, series.lengths.tolist(), strict=True))


def courses(rows: Sequence[Tensor]) -> Tensor:
    """Series averaged to 32 places, however long they are. (T, C) each -> (B, C · 32)"""
    averaged = [F.adaptive_avg_pool1d(row.float().mT[None], PLACES)[0] for row in rows]
    return torch.stack(averaged).flatten(1)


def _moves(rows: Sequence[Tensor]) -> Tensor:
    """The mean square of the way from step to step; 0 of a single step. (T, C) each -> (B,)"""
    return torch.stack([row.float().diff(dim=0).square().sum() / max(1, len(row) - 1) for row in rows])
