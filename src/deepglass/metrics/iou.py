"""Figures of masks from counts over the whole data set: intersection over union, Dice, the share of right pixels.

M_tp = how many pixels of class t were said to be p. All read predictions["mask"] int (B, H, W) and targets int
(B, H, W), of volumes all places in a row (B, N); pixels whose target is outside 0 .. K-1 (255, "do not care") count
nowhere.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from deepglass.metrics.collect import Collected
from deepglass.metrics.figure import Figure, of_rows


def cells(said: Tensor, targets: Tensor, classes: int) -> Tensor:
    """M of each picture, true classes down; what is said and is no class counts as wrong. int64 (B, K, K + 1)"""
    known = (targets >= 0) & (targets < classes)
    said = torch.where((said >= 0) & (said < classes), said, classes).long()
    rows = torch.arange(len(said), device=said.device).view(-1, *[1] * (said.ndim - 1)) * classes * (classes + 1)
    places = (rows + torch.where(known, targets, 0).long() * (classes + 1) + said)[known]
    return torch.bincount(places, minlength=len(said) * classes * (classes + 1)).view(-1, classes, classes + 1)


class _Cells:
    """Counts M by picture; a figure is worked out from their sum."""

    def __init__(self, classes: int):
        self.classes = classes
        self._rows = Collected()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Tensor], targets: Tensor) -> None:
        """A batch."""
        self._rows.add(ids, cells=cells(predictions["mask"], targets, self.classes))

    def compute(self) -> Figure:
        """The figure with a bootstrap interval over pictures."""
        return of_rows(len(self._rows), self._figure, "up")

    def counted(self, counts: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Pixels of a class that were found, that are it, and that were said to be it, where row n counts
        counts[r, n] times. float64 (R, K) each
        """
        rows = self._rows.column("cells").double()
        whole = torch.einsum("rn,nij->rij", counts, rows)
        return whole.diagonal(dim1=1, dim2=2), whole.sum(2), whole[:, :, : self.classes].sum(1)

    def per_class(self) -> Tensor:
        """Each class's own; NaN where it occurs nowhere. float64 (K,)"""
        return self._shares(torch.ones(1, len(self._rows), dtype=torch.float64))[0]

    def _figure(self, counts: Tensor) -> Tensor:
        return self._shares(counts).nanmean(1)

    def _shares(self, counts: Tensor) -> Tensor:
        """What the figure is the mean of. float64 (R, K)"""
        raise NotImplementedError


class MeanIou(_Cells):
    """The mean over classes of Σ_b |P_bk ∩ T_bk| / Σ_b |P_bk ∪ T_bk|, over the classes that occur anywhere.

    Jaccard 1912
    """

    def _shares(self, counts: Tensor) -> Tensor:
        both, true, said = self.counted(counts)
        return both / (true + said - both)


class Dice(_Cells):
    """The mean over classes of 2 Σ_b |P_bk ∩ T_bk| / Σ_b (|P_bk| + |T_bk|), over the classes that occur anywhere.

    Dice 1945; F1 of a class's pixels
    """

    def _shares(self, counts: Tensor) -> Tensor:
        both, true, said = self.counted(counts)
        return 2 * both / (true + said)


class PixelAccuracy(_Cells):
    """The share of known pixels whose class was found."""

    def _shares(self, counts: Tensor) -> Tensor:
        both, true, _ = self.counted(counts)
        return both.sum(1, keepdim=True) / true.sum(1, keepdim=True)
