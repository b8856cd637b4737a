"""A threshold for one class, and what comes of it: how many are found, and how many others are left in peace.

sensitivity = found / all that have it;   specificity = left in peace / all that have it not
The threshold is chosen on one part and judged on another: on its own part every choice looks good.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from deepglass.metrics.figure import Figure, share


class Operating(NamedTuple):
    """What a threshold does to one part."""

    threshold: float
    sensitivity: Figure
    specificity: Figure
    found: int
    missed: int
    alarmed: int  # flagged without having it
    spared: int

    @property
    def precision(self) -> Figure:
        """How many of the flagged have it; as rare as it is in this part."""
        return share(self.found, self.found + self.alarmed)


def threshold_at(scores: Tensor, positive: Tensor, specificity: float) -> float:
    """The lowest threshold that flags no more negatives than allowed, halfway to the next score; NaN without any.

    >>> round(threshold_at(torch.tensor([0.1, 0.2, 0.3, 0.5, 0.9]), torch.tensor([0, 0, 0, 0, 1]).bool(), 0.75), 6)
    0.4
    """
    scores = scores.double()
    others = scores[~positive].sort().values
    if not len(others):
        return math.nan
    allowed = math.floor((1 - specificity) * len(others) + 1e-9)  # negatives that may be flagged
    if allowed >= len(others):
        return 0.0
    border = float(others[len(others) - 1 - allowed])
    higher = scores[scores > border]
    return round((border + float(higher.min())) / 2, 12) if len(higher) else math.nextafter(border, math.inf)


def operating(scores: Tensor, positive: Tensor, threshold: float) -> Operating:
    """What is flagged at or above a threshold. scores (N,), positive bool (N,)"""
    flagged = scores.double() >= threshold
    found, missed = int((flagged & positive).sum()), int((~flagged & positive).sum())
    alarmed, spared = int((flagged & ~positive).sum()), int((~flagged & ~positive).sum())
    return Operating(
        threshold, share(found, found + missed), share(spared, spared + alarmed), found, missed, alarmed, spared
    )


def roc(scores: Tensor, positive: Tensor) -> tuple[list[float], list[float]]:
    """The share of negatives and of positives that are flagged, from the highest threshold down to none."""
    order = scores.argsort(descending=True)
    ranked, own = scores[order], positive[order].double()
    last = torch.cat([ranked[1:] != ranked[:-1], torch.tensor([True])])  # of equal scores all come at once
    found, alarmed = own.cumsum(0)[last], (1 - own).cumsum(0)[last]
    across = [0.0, *(alarmed / (1 - own).sum().clamp(min=1)).tolist()]
    return across, [0.0, *(found / own.sum().clamp(min=1)).tolist()]
