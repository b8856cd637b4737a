"""What is in a video when, against what is marked: every step's tags, whole moments, and where they start and end.

Rows come as Ragged: predictions["share"] (ΣT, K) for every step, predictions["moments"] (ΣM, 4) tag, start, end, share;
targets (ΣM, 3) tag, start, end, in seconds. Letters: N rows, T steps, K tags, M moments.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from deepglass.metrics.collect import Collected
from deepglass.metrics.figure import Figure, bootstrap, missing, of_rows
from deepglass.metrics.multilabel import average_precision
from deepglass.metrics.ranking import rank

OVERLAP = 0.5  # of a true and a found moment, from which the latter is right
BUDGET = 20_000_000  # how many shares the resamples may pass over in all


class TagPrecision:
    """The mean over tags of the average precision of its shares over all steps of all videos; interval over videos."""

    def __init__(self, rate: float):
        self.rate = rate  # steps a second
        self._rows = Collected()
        self._shares: list[Tensor] = []
        self._true: list[Tensor] = []

    def update(self, ids: Sequence[str], predictions: Mapping[str, Any], targets: Any) -> None:
        """A batch."""
        self._rows.add(ids, place=len(self._shares) + torch.arange(len(ids)))
        for shares, moments in zip(predictions["share"].each(), targets.each(), strict=True):
            self._shares.append(shares.cpu())
            self._true.append(holding(moments.cpu(), len(shares), shares.shape[1], self.rate))

    def compute(self) -> Figure:
        """The figure over everything seen; NaN where nothing is marked."""
        n = len(self._rows)
        if not n or not any(bool(true.any()) for true in self._true):
            return missing("up", n)
        scores, true, rows = self._steps()
        ranking = rank(-scores.T)
        ranked = true.T.gather(1, ranking.order).double()

        def means(counts: Tensor) -> Tensor:
            return torch.stack([average_precision(ranking, ranked, once[rows]).nanmean() for once in counts])

        value = float(means(torch.ones(1, n, dtype=torch.float64))[0])
        return bootstrap(value, n, means, "up", replicates=min(200, max(20, BUDGET // scores.numel())))

    def per_tag(self) -> list[float]:
        """The average precision of every tag; NaN where it is marked nowhere."""
        scores, true, _ = self._steps()
        ranking = rank(-scores.T)
        ranked = true.T.gather(1, ranking.order).double()
        return average_precision(ranking, ranked, torch.ones(len(scores), dtype=torch.float64)).tolist()

    def _steps(self) -> tuple[Tensor, Tensor, Tensor]:
        order = self._rows.column("place").tolist()
        shares, true = [self._shares[at] for at in order], [self._true[at] for at in order]
        rows = torch.repeat_interleave(torch.arange(len(order)), torch.tensor([len(one) for one in shares]))
        return torch.cat(shares).double(), torch.cat(true), rows


class SegmentF1:
    """F1 = 2·TP / (2·TP + FP + FN) over whole moments of all tags: right from an overlap of one half on."""

    def __init__(self) -> None:
        self._rows = Collected()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Any], targets: Any) -> None:
        """A batch."""
        hits, said, true = [], [], []
        for found, marked in zip(predictions["moments"].each(), targets.each(), strict=True):
            hits.append(len(matched(found, marked, OVERLAP)))
            said.append(len(found))
            true.append(len(marked))
        self._rows.add(ids, hits=torch.tensor(hits), said=torch.tensor(said), true=torch.tensor(true))

    def compute(self) -> Figure:
        """The figure over everything seen, with a bootstrap interval over the videos."""
        hits, said, true = (self._rows.column(name).double() for name in ("hits", "said", "true"))
        return of_rows(len(self._rows), lambda counts: 2 * (counts @ hits) / (counts @ (said + true)), "up")


class TimelineError:
    """How many seconds the starts and ends of moments that were found lie from the true ones, in the mean.

    A true moment is compared with the found one of its tag that overlaps it most. Where a moment reaches a video's own
    start or end, there is nothing to be found, and that end is not counted.
    """

    def __init__(self, rate: float):
        self.rate = rate
        self._rows = Collected()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Any], targets: Any) -> None:
        """A batch."""
        sums, counts = [], []
        lengths = predictions["share"].lengths.tolist()
        pairs = zip(predictions["moments"].each(), targets.each(), lengths, strict=True)
        for found, marked, length in pairs:
            gaps = [
                abs(float(found[at, end]) - float(marked[place, end]))
                for place, at in matched(found, marked, 0.0)
                for end in (1, 2)
                if self._inside(float(marked[place, end]), length)
            ]
            sums.append(sum(gaps))
            counts.append(len(gaps))
        self._rows.add(ids, sums=torch.tensor(sums, dtype=torch.float64), counts=torch.tensor(counts))

    def compute(self) -> Figure:
        """The mean over all ends, with a bootstrap interval over the videos; NaN where no moment was found."""
        sums, ends = self._rows.column("sums").double(), self._rows.column("counts").double()
        if not len(self._rows) or not float(ends.sum()):
            return missing("down", len(self._rows))
        return of_rows(len(self._rows), lambda counts: (counts @ sums) / (counts @ ends), "down")

    def _inside(self, time: float, length: int) -> bool:
        return 1 / self.rate < time < (length - 1) / self.rate


def holding(moments: Tensor, steps: int, tags: int, rate: float) -> Tensor:
    """Which tags hold at every step. (M, 3) -> bool (T, K)"""
    time = torch.arange(steps) / rate
    found = torch.zeros(steps, tags, dtype=torch.bool)
    for tag, start, end in moments.tolist():
        if tag >= 0:
            found[:, int(tag)] |= (time >= start) & (time < end)
    return found


def matched(found: Tensor, marked: Tensor, least: float) -> list[tuple[int, int]]:
    """Pairs (true, found) of one tag, each in one pair at most, the largest overlaps first and all above `least`.

    Overlap is the time that both cover over the time that either does. (M, 4), (M', 3)
    """
    same = marked[:, None, 0] == found[None, :, 0]
    both = torch.minimum(marked[:, None, 2], found[None, :, 2]) - torch.maximum(marked[:, None, 1], found[None, :, 1])
    either = (marked[:, 2] - marked[:, 1])[:, None] + (found[:, 2] - found[:, 1])[None] - both.clamp(min=0)
    overlap = torch.where(same, both / either, -1.0)
    pairs: list[tuple[int, int]] = []
    order = overlap.flatten().argsort(descending=True, stable=True).tolist()
    for place in order:
        true, said = divmod(place, max(1, len(found)))
        if float(overlap[true, said]) <= least:
            break
        if all(true != one and said != other for one, other in pairs):
            pairs.append((true, said))
    return pairs
