"""Figures of masks from counts over the whole data set: intersection over union, Dice, the share of right pixels.

M_tp = how many pixels of class t were said to be p. All read predictions["mask"] int (B, H, W) and targets int
(B, H, W), of volumes all places in a row (B, N); pixels whose target is outside 0 .. K-1 (255, "do not care") count
nowhere. Of pictures of unequal size the former is runs, Ragged int32 (ΣR, 2), and the latter a mask for each.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from deepglass.metrics.collect import Collected
from deepglass.metrics.figure import Figure, of_rows

PIECE = 1 << 22  # pixels of a large picture that are counted at a time


def cells(said: Tensor, targets: Tensor, classes: int) -> Tensor:
    """M of each picture, true classes down; what is said and is no class counts as wrong. int64 (B, K, K + 1)"""
    known = (targets >= 0) & (targets < classes)
    said = torch.where((said >= 0) & (said < classes), said, classes).long()
    rows = torch.arange(len(said), device=said.device).view(-1, *[1] * (said.ndim - 1)) * classes * (classes + 1)
    places = (rows + torch.where(known, targets, 0).long() * (classes + 1) + said)[known]
    return torch.bincount(places, minlength=len(said) * classes * (classes + 1)).view(-1, classes, classes + 1)


def cells_of_many(said: Tensor, targets: Tensor, classes: int) -> Tensor:
    """M of each row, a piece at a time where a row is long, as a volume is. int64 (B, K, K + 1)"""
    if said.ndim > 2 or said.shape[1] <= PIECE:
        return cells(said, targets, classes)
    parts = zip(said.split(PIECE, 1), targets.split(PIECE, 1), strict=True)
    return torch.stack([cells(*pair, classes) for pair in parts]).sum(0)


def cells_of_runs(told: Tensor, targets: Tensor, classes: int) -> Tensor:
    """M of one picture of any size, whose mask is told as runs (R, 2). int64 (1, K, K + 1)"""
    said, true = unrolled_runs(told.cpu(), targets.numel()).view(1, 1, -1), targets.reshape(1, 1, -1).cpu()
    parts = (cells(*pair, classes) for pair in zip(said.split(PIECE, 2), true.split(PIECE, 2), strict=True))
    return torch.stack(list(parts)).sum(0)


def rolled(mask: Tensor) -> Tensor:
    """A mask as runs: row by row a class and how often it follows. uint8 (H, W) -> int32 (R, 2)"""
    values, counts = torch.unique_consecutive(mask.reshape(-1), return_counts=True)
    return torch.stack([values.int(), counts.int()], 1)


def unrolled_runs(told: Tensor, count: int) -> Tensor:
    """The way back. int32 (R, 2) -> uint8 (count,)"""
    return torch.repeat_interleave(told[:, 0].to(torch.uint8), told[:, 1], output_size=count)


class _Cells:
    """Counts M by picture; a figure is worked out from their sum."""

    def __init__(self, classes: int):
        self.classes = classes
        self._rows = Collected()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Any], targets: Any) -> None:
        """A batch."""
        said = predictions["mask"]
        if isinstance(said, Tensor):
            self._rows.add(ids, cells=cells_of_many(said, targets, self.classes))
            return
        each = [cells_of_runs(*pair, self.classes) for pair in zip(said.each(), targets, strict=True)]
        self._rows.add(ids, cells=torch.cat(each))

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

    def each(self) -> Tensor:
        """M of every picture. int64 (N, K, K + 1)"""
        return self._rows.column("cells")

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
