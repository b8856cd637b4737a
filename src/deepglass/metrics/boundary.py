"""Whether the edges of masks run where they should: F1 of boundary pixels within a few pixels of each other.

Csurka et al. 2013, "What is a good evaluation measure for semantic segmentation?"; the reach is theirs, 0.75 % of the
picture's diagonal.
"""

import math
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from deepglass.metrics.collect import Collected
from deepglass.metrics.figure import Figure, of_rows

REACH = 0.0075  # of the diagonal
CHUNK = 8  # pictures looked at together


class BoundaryF1:
    """The mean over classes of 2PR / (P + R): P the share of the boundary that was drawn and lies near a true one of
    the class, R the share of the true boundary that lies near a drawn one, over all pictures; of the classes that have
    a boundary anywhere.

    Reads predictions["mask"] int (B, H, W), targets int (B, H, W); next to what is unknown there is no boundary.
    """

    def __init__(self, classes: int):
        self.classes = classes
        self._rows = Collected()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Tensor], targets: Tensor) -> None:
        """A batch."""
        said = predictions["mask"].long()
        parts = [
            matched(said[start : start + CHUNK], targets[start : start + CHUNK].long(), self.classes)
            for start in range(0, len(said), CHUNK)
        ]
        self._rows.add(ids, matched=torch.cat(parts))

    def compute(self) -> Figure:
        """The mean with a bootstrap interval over pictures."""
        return of_rows(len(self._rows), self._figure, "up")

    def _figure(self, counts: Tensor) -> Tensor:
        near, drawn, found, true = torch.einsum("rn,nqk->qrk", counts, self._rows.column("matched").double())
        precision, recall = near / drawn.clamp(min=1), found / true.clamp(min=1)
        f1 = 2 * precision * recall / (precision + recall).clamp(min=1e-12)
        return torch.where(drawn + true > 0, f1, math.nan).nanmean(1)


def matched(said: Tensor, targets: Tensor, classes: int) -> Tensor:
    """Boundary pixels that were drawn near a true one, all drawn, true ones near a drawn one, all true. (B, 4, K)"""
    known = (targets >= 0) & (targets < classes)
    drawn, true = boundaries(said, known, classes), boundaries(targets, known, classes)
    reach = max(1, round(REACH * math.hypot(*targets.shape[1:])))
    near, found = drawn & widened(true, reach), true & widened(drawn, reach)
    return torch.stack([part.sum((2, 3)) for part in (near, drawn, found, true)], dim=1)


def boundaries(mask: Tensor, known: Tensor, classes: int) -> Tensor:
    """Known pixels of each class with a known neighbour, above, below or beside, of another. bool (B, K, H, W)"""
    edge = torch.zeros_like(known)
    for dim in (1, 2):
        count = mask.shape[dim] - 1
        first, second = ((mask.narrow(dim, start, count), known.narrow(dim, start, count)) for start in (0, 1))
        differ = (first[0] != second[0]) & first[1] & second[1]
        edge.narrow(dim, 0, count).logical_or_(differ)
        edge.narrow(dim, 1, count).logical_or_(differ)
    numbers = torch.arange(classes, device=mask.device)[:, None, None]
    return (mask[:, None] == numbers) & edge[:, None]


def widened(marks: Tensor, reach: int) -> Tensor:
    """All pixels at most `reach` from a mark. bool (B, K, H, W) -> the same"""
    values = marks.float()
    whole = torch.zeros_like(values)
    for down in range(-reach, reach + 1):
        across = math.isqrt(reach * reach - down * down)
        row = F.max_pool2d(values, (1, 2 * across + 1), 1, (0, across))
        moved = F.pad(row, (0, 0, max(down, 0), max(-down, 0)))
        whole = torch.maximum(whole, moved[:, :, max(-down, 0) : max(-down, 0) + values.shape[2]])
    return whole > 0
