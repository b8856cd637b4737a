"""The share of examples whose class is found: first (top-1), or among the k best (top-k)."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from deepglass.metrics.collect import Collected
from deepglass.metrics.figure import Figure, share


class Accuracy:
    """#{b : y_b is among the k highest of z_b} / N, with Wilson's interval. Reads predictions["logits"] (B, K).

    Equal scores are ranked by class number, the lower first, as argmax does. A row of a class that the network does not
    have (-1) is a miss.
    """

    def __init__(self, k: int = 1):
        self.k = k
        self._rows = Collected()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Tensor], targets: Tensor) -> None:
        """A batch; targets int (B,)."""
        self._rows.add(ids, hit=hits(predictions["logits"], targets, self.k))

    def compute(self) -> Figure:
        """The figure over everything seen."""
        return share(int(self._rows.column("hit").sum()), len(self._rows))


def hits(scores: Tensor, targets: Tensor, k: int = 1) -> Tensor:
    """Whether each row's class is among its k best. scores (B, K), targets int (B,) -> bool (B,)"""
    own = scores.gather(1, targets[:, None].clamp(min=0))
    places = (~(scores <= own)).sum(1)  # written so that a NaN score is never a hit
    earlier = ((scores == own) & (_numbers(scores) < targets[:, None])).sum(1)
    return (places + earlier < k) & (targets >= 0)


def _numbers(scores: Tensor) -> Tensor:
    return torch.arange(scores.shape[1], device=scores.device)
