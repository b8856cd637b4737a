"""How well each example finds others of its class among all of the part, exactly: no example finds itself.

Reads predictions["vector"] (B, D), of length 1; targets int (B,), where equal numbers are one class. Only examples that
have another of their class are asked; equal scores count as if the wrong one came first, so a network that gives the
same vector to all finds nothing.
"""

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from deepglass.metrics.collect import Collected
from deepglass.metrics.figure import Figure, mean, missing, share

NUMBERS = 1 << 24  # scores that are looked at together


class Retrieval:
    """What both figures are made of: the scores of every example against all, in the order of the sorted ids."""

    def __init__(self) -> None:
        self._rows = Collected()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Tensor], targets: Tensor) -> None:
        """A batch."""
        self._rows.add(ids, vector=predictions["vector"], target=targets)

    def scored(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Scores (Q, N) and which of them are right, bool (Q, N), of those that are asked; itself is below all."""
        vectors, targets = self._rows.column("vector").float(), self._rows.column("target")
        step = max(1, NUMBERS // max(1, len(vectors)))
        for start in range(0, len(vectors), step):
            right = targets[start : start + step, None] == targets
            scores = vectors[start : start + step] @ vectors.T
            places = torch.arange(len(scores))
            scores[places, places + start], right[places, places + start] = -torch.inf, False
            asked = right.any(1)
            yield scores[asked], right[asked]


class RecallAt(Retrieval):
    """The share of examples with one of their class among the k nearest, with Wilson's interval."""

    def __init__(self, k: int):
        super().__init__()
        self.k = k

    def compute(self) -> Figure:
        """The figure over everything seen."""
        before = [ranks(scores, right) for scores, right in self.scored()]
        found = torch.cat(before) if before else torch.zeros(0)
        return share(int((found < self.k).sum()), len(found))


class RetrievalPrecision(Retrieval):
    """Mean average precision: over an example's others of its class, the share of right ones down to each; averaged.

    AP = mean over right ones r of (right ones among the first rank(r)) / rank(r)
    """

    def compute(self) -> Figure:
        """The figure with its bootstrap interval."""
        each = [average_precision(scores, right) for scores, right in self.scored()]
        values = torch.cat(each) if each else torch.zeros(0)
        return mean(values, "up") if len(values) else missing("up")


def ranks(scores: Tensor, right: Tensor) -> Tensor:
    """How many wrong ones stand before the first right one. (Q, N), bool (Q, N) -> int64 (Q,)"""
    best = scores.masked_fill(~right, -torch.inf).amax(1, keepdim=True)
    return (~(scores < best) & ~right & (scores != -torch.inf)).sum(1)  # so that a NaN is never right


def average_precision(scores: Tensor, right: Tensor) -> Tensor:
    """(Q, N), bool (Q, N), each row with a right one -> float64 (Q,)"""
    wrong_first = right.to(torch.uint8).argsort(dim=1, stable=True)
    order = scores.gather(1, wrong_first).argsort(dim=1, descending=True, stable=True)
    hits = right.gather(1, wrong_first).gather(1, order).double()
    precision = hits.cumsum(1) / torch.arange(1, hits.shape[1] + 1)
    return (precision * hits).sum(1) / hits.sum(1)
