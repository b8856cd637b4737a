"""Precision, recall and their harmonic mean F1 of every class, and over all classes (van Rijsbergen 1979)."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from deepglass.metrics.collect import Collected
from deepglass.metrics.figure import Figure, bootstrap

Average = Literal["macro", "micro"]


class ClassScores(NamedTuple):
    """What every class has, float64 (K,): 0 where a share has nothing under it; support is how many rows are of it."""

    precision: Tensor
    recall: Tensor
    f1: Tensor
    support: Tensor


class F1:
    """F1 = 2·TP / (2·TP + FP + FN); macro: its mean over the classes that occur, micro: of the sums.

    Reads predictions["logits"] (B, K), targets int (B,). A row of a class that the network does not have (-1) is only
    a false positive of the class it was taken for.
    """

    def __init__(self, average: Average = "macro"):
        self._classes = 0
        self.average: Average = average
        self._rows = Collected()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Tensor], targets: Tensor) -> None:
        """A batch."""
        self._classes = predictions["logits"].shape[1]
        self._rows.add(ids, predicted=predictions["logits"].argmax(1), target=targets)

    def compute(self) -> Figure:
        """The average over everything seen, with a bootstrap interval."""
        n = len(self._rows)
        value = float(average_f1(*self._counts(torch.ones(1, n, dtype=torch.float64)), self.average)[0])
        return bootstrap(value, n, lambda counts: average_f1(*self._counts(counts), self.average), "up")

    def per_class(self) -> ClassScores:
        """Precision, recall, F1 and support of each class."""
        hit, predicted, true = (each[0] for each in self._counts(torch.ones(1, len(self._rows), dtype=torch.float64)))
        return ClassScores(ratio(hit, predicted), ratio(hit, true), ratio(2 * hit, predicted + true), true)

    def _counts(self, counts: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Weighted numbers of hits, predictions and true rows of each class. (R, N) -> three times (R, K)"""
        predicted, targets = self._rows.column("predicted").long(), self._rows.column("target").long()
        empty = counts.new_zeros(len(counts), self._classes)
        hits = empty.index_add(1, predicted, counts * (predicted == targets))
        true = empty.index_add(1, targets.clamp(min=0), counts * (targets >= 0))
        return hits, empty.index_add(1, predicted, counts), true


def average_f1(hits: Tensor, predicted: Tensor, true: Tensor, average: Average) -> Tensor:
    """F1 over classes out of TP, TP+FP and TP+FN, each (R, K) -> (R,); NaN where no class occurs."""
    if average == "micro":
        return 2 * hits.sum(1) / (predicted + true).sum(1)
    occurs = predicted + true > 0
    return (ratio(2 * hits, predicted + true) * occurs).sum(1) / occurs.sum(1)


def ratio(part: Tensor, whole: Tensor) -> Tensor:
    """part / whole, and 0 where both are 0."""
    return part / whole.clamp(min=1)
