"""Several labels a row: all of them right, F1 over labels, and how well each label ranks the rows."""

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from deepglass.metrics.collect import Collected
from deepglass.metrics.f1 import Average, average_f1
from deepglass.metrics.figure import Figure, bootstrap, mean, missing, of_rows, share
from deepglass.metrics.ranking import Ranking, rank

Name = Literal["exact_match", "f1_micro", "f1_macro", "mean_average_precision", "loss"]
BUDGET = 100_000_000  # how many scores the resamples of mean average precision may pass over in all


class MultiLabel:
    """One figure of several labels a row. Reads predictions["logits"], targets 0/1, (B, K).

    A label is predicted where its logit is above 0, a probability above one half. Labels that are neither true nor
    predicted anywhere are left out of macro F1, and labels that are never true out of mean average precision. The loss
    is the mean binary cross-entropy.
    """

    def __init__(self, figure: Name):
        self.figure: Name = figure
        self._rows = Collected()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Tensor], targets: Tensor) -> None:
        """A batch."""
        self._rows.add(ids, logits=predictions["logits"], target=targets > 0)

    def compute(self) -> Figure:
        """The figure over everything seen."""
        if not len(self._rows):
            return missing("down" if self.figure == "loss" else "up")
        logits, targets = self._rows.column("logits"), self._rows.column("target")
        if self.figure == "exact_match":
            return share(int(((logits > 0) == targets).all(1).sum()), len(targets))
        if self.figure == "mean_average_precision":
            return mean_average_precision(logits, targets)
        if self.figure == "loss":
            each = F.binary_cross_entropy_with_logits(logits, targets.to(logits.dtype), reduction="none")
            return mean(each.mean(1), "down")
        return label_f1(logits > 0, targets, "micro" if self.figure == "f1_micro" else "macro")


def label_f1(predicted: Tensor, targets: Tensor, average: Average) -> Figure:
    """F1 over labels, with a bootstrap interval. bool (N, K), bool (N, K)"""
    n = len(targets)
    hits, said, true = (part.double() for part in (predicted & targets, predicted, targets))

    def averaged(counts: Tensor) -> Tensor:
        return average_f1(counts @ hits, counts @ said, counts @ true, average)

    return of_rows(n, averaged, "up")


def mean_average_precision(scores: Tensor, targets: Tensor) -> Figure:
    """The mean of `average_precision` over the labels that are ever true, with a bootstrap interval. (N, K), (N, K)"""
    n, labels = scores.shape
    ranking = rank(-scores.T)
    true = targets.T.gather(1, ranking.order).double()

    def means(counts: Tensor) -> Tensor:
        return torch.stack([average_precision(ranking, true, once).nanmean() for once in counts])

    value = float(means(torch.ones(1, n, dtype=torch.float64))[0])
    return bootstrap(value, n, means, "up", replicates=min(200, max(20, BUDGET // (n * labels))))


def average_precision(ranking: Ranking, true: Tensor, counts: Tensor) -> Tensor:
    """AP_k = Σ over true rows of the precision among all rows scored at least as high, over their number.

    Ranked downwards: true (K, N) by place, counts (N,) by row -> (K,); NaN where no row is true.
    """
    weights = counts[ranking.order]
    hits = weights * true
    precision = hits.cumsum(1) / weights.cumsum(1).clamp(min=1)
    return (hits * precision.gather(1, ranking.last)).sum(1) / hits.sum(1)
