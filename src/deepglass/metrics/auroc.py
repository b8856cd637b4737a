"""Area under the ROC curve: the chance that a row of the class is scored above a row of any other class.

A_c = P(s_pos > s_neg) + ½ P(s_pos = s_neg)   (Mann & Whitney 1947; Hanley & McNeil 1982)
The interval is DeLong's (1988): each row's own share of the area, so it needs no resampling and holds for the mean
over classes as well, because a row's shares in all classes are added before they are squared.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from deepglass.metrics.collect import Collected
from deepglass.metrics.figure import Z95, Figure, missing
from deepglass.metrics.ranking import rank

CHUNK = 1_000_000  # how many scores are ranked at once


class Areas(NamedTuple):
    """The area of each class, NaN where all or no rows are of it, and each row's share of the error of their mean."""

    per_class: Tensor  # float64 (K,)
    influence: Tensor  # float64 (N,): its sum of squares is the variance of the mean area


class AUROC:
    """The mean over classes of A_c, one class against the rest. Reads predictions["logits"] (B, K), targets int (B,).

    Rows are compared by their log-probabilities, which do not tie where probabilities saturate at 1.
    """

    def __init__(self) -> None:
        self._rows = Collected()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Tensor], targets: Tensor) -> None:
        """A batch."""
        self._rows.add(ids, logits=predictions["logits"], target=targets)

    def compute(self) -> Figure:
        """The mean area over the classes that have one, with DeLong's interval."""
        n = len(self._rows)
        return mean_area(self._areas(), n) if n else missing("up")

    def per_class(self) -> Tensor:
        """The area of each class. float64 (K,)"""
        return self._areas().per_class

    def _areas(self) -> Areas:
        logits, targets = self._rows.column("logits"), self._rows.column("target").long()
        return areas(logits.double().log_softmax(1), targets[:, None] == torch.arange(logits.shape[1]))


def mean_area(found: Areas, n: int) -> Figure:
    """The figure of the mean over classes."""
    value = float(found.per_class.nanmean())
    if math.isnan(value):
        return missing("up", n)
    reach = Z95 * float(found.influence.square().sum().sqrt())
    return Figure(value, max(0.0, value - reach), min(1.0, value + reach), n, "up")


def areas(scores: Tensor, positive: Tensor) -> Areas:
    """scores (N, K), positive bool (N, K) -> areas of the K classes"""
    n, classes = scores.shape
    chunk = max(1, CHUNK // n)
    found = [_areas(scores[:, at : at + chunk].T, positive[:, at : at + chunk].T) for at in range(0, classes, chunk)]
    per_class = torch.cat([area for area, _ in found])
    with_area = int((~per_class.isnan()).sum())
    return Areas(per_class, torch.stack([shares for _, shares in found]).sum(0) / max(with_area, 1))


def _areas(scores: Tensor, positive: Tensor) -> tuple[Tensor, Tensor]:
    """(K, N), (K, N) -> areas (K,), and each row's share summed over these classes (N,)"""
    ranking = rank(scores)
    own = positive.gather(1, ranking.order).double()
    through = own.cumsum(1)
    positives_below = (through.gather(1, ranking.last) + through.gather(1, ranking.first)) / 2
    positives_below -= own.gather(1, ranking.first) / 2  # ties count half
    negatives_below = (ranking.first + ranking.last + 1) / 2 - positives_below
    m = own.sum(1, keepdim=True)
    rest = own.shape[1] - m
    placed = torch.where(own > 0, negatives_below / rest, 1 - positives_below / m)  # how much of the others it beats
    area = (placed * own).sum(1, keepdim=True) / m
    area = torch.where((m > 0) & (rest > 0), area, math.nan)
    size = torch.where(own > 0, m, rest)
    shares = (placed - area) / (size * (size - 1).clamp(min=1)).sqrt()
    influence = torch.zeros_like(shares).scatter_(1, ranking.order, shares.nan_to_num(0.0))
    return area[:, 0], influence.sum(0)
