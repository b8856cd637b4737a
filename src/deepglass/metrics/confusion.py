"""Which classes are taken for which: counts of (true, predicted)."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from deepglass.metrics.collect import Collected


class Confusion:
    """M_ij = #{b : y_b = i, argmax z_b = j}. Reads predictions["logits"] (B, K), targets int (B,).

    A row of a class that the network does not have (-1) is in no cell.
    """

    def __init__(self) -> None:
        self._classes = 0
        self._rows = Collected()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Tensor], targets: Tensor) -> None:
        """A batch."""
        self._classes = predictions["logits"].shape[1]
        self._rows.add(ids, predicted=predictions["logits"].argmax(1), target=targets)

    def compute(self) -> Tensor:
        """Counts, true classes down, predicted ones across. int64 (K, K)"""
        return confusion_matrix(self._rows.column("predicted"), self._rows.column("target"), self._classes)


def confusion_matrix(predicted: Tensor, targets: Tensor, classes: int) -> Tensor:
    """int (N,), int (N,) -> int64 (K, K), true classes down"""
    cells = (targets.long() * classes + predicted.long())[targets >= 0]
    return torch.bincount(cells, minlength=classes**2).view(classes, classes)
