"""Intersection over union of masks: how much of what is marked by either is marked by both (Jaccard 1912)."""

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from deepglass.metrics.collect import Collected
from deepglass.metrics.figure import Figure, bootstrap, missing


class MeanIou:
    """The mean over classes of Σ_b |P_bk ∩ T_bk| / Σ_b |P_bk ∪ T_bk|, over the classes that occur anywhere.

    Reads predictions["mask"] int (B, H, W), targets int (B, H, W); pixels whose target is outside 0 .. K-1 (255, "do
    not care") count nowhere.
    """

    def __init__(self, classes: int):
        self.classes = classes
        self._rows = Collected()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Tensor], targets: Tensor) -> None:
        """A batch."""
        known = ((targets >= 0) & (targets < self.classes))[..., None]
        true = F.one_hot(torch.where(known[..., 0], targets, 0).long(), self.classes).bool() & known
        marked = F.one_hot(predictions["mask"].long(), self.classes).bool() & known
        self._rows.add(ids, both=(true & marked).sum((1, 2)), either=(true | marked).sum((1, 2)))

    def compute(self) -> Figure:
        """The mean with a bootstrap interval over pictures."""
        n = len(self._rows)
        if n == 0:
            return missing("up")
        value = float(self._means(torch.ones(1, n, dtype=torch.float64))[0])
        return bootstrap(value, n, self._means, "up")

    def per_class(self) -> Tensor:
        """Each class's intersection over union; NaN where it occurs nowhere. float64 (K,)"""
        return self._shares(torch.ones(1, len(self._rows), dtype=torch.float64))[0]

    def _means(self, counts: Tensor) -> Tensor:
        return self._shares(counts).nanmean(1)

    def _shares(self, counts: Tensor) -> Tensor:
        return (counts @ self._rows.column("both").double()) / (counts @ self._rows.column("either").double())
