"""Several labels a row: all of them right, F1 over labels, and how well each label ranks the rows."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from deepglass.metrics.collect import Collected
from deepglass.metrics.f1 import average_f1
from deepglass.metrics.figure import Figure, bootstrap, missing, share
from deepglass.metrics.ranking import Ranking, rank

NAMES = ("exact_match", "f1_micro", "f1_macro", "mean_average_precision")
BUDGET = 100_000_000  # how many scores the resamples of mean average precision may pass over in all


class MultiLabel:
    """Exact match, micro and macro F1, and mean average precision. Reads predictions["logits"], targets 0/1, (B, K).

    A label is predicted where its logit is above 0, a probability above one half. Labels that are neither true nor
    predicted anywhere are left out of macro F1, and labels that are never true out of mean average precision.
    """

    def __init__(self) -> None:
        self._rows = Collected()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Tensor], targets: Tensor) -> None:
        """A batch."""
        self._rows.add(ids, logits=predictions["logits"], target=targets > 0)

    def compute(self) -> dict[str, Figure]:
        """The four figures by name."""
        n = len(self._rows)
        if n == 0:
            return dict.fromkeys(NAMES, missing("up"))
        logits, targets = self._rows.column("logits"), self._rows.column("target")
        predicted = logits > 0
        hits, said, true = (part.double() for part in (predicted & targets, predicted, targets))
        all_rows = torch.ones(1, n, dtype=torch.float64)

        def micro(counts: Tensor) -> Tensor:
            return average_f1(counts @ hits, counts @ said, counts @ true, "micro")

        def macro(counts: Tensor) -> Tensor:
            return average_f1(counts @ hits, counts @ said, counts @ true, "macro")

        return {
            "exact_match": share(int((predicted == targets).all(1).sum()), n),
            "f1_micro": bootstrap(float(micro(all_rows)), n, micro, "up"),
            "f1_macro": bootstrap(float(macro(all_rows)), n, macro, "up"),
            "mean_average_precision": mean_average_precision(logits, targets),
        }


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
