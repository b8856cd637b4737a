"""What deciding brings: the share sorted as one class, mistakes made without a person, and what it all costs.

All read predictions["decision"] (B,): a class of K, K where a person is asked, K + 1 for none of the classes.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from deepglass.metrics.collect import Collected
from deepglass.metrics.figure import Figure, mean, share


class Sorted:
    """Rows that were taken for one of the classes, as a share of all: what is set aside as none is not sorted."""

    def __init__(self, classes: int):
        self.classes = classes
        self._rows = Collected()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Tensor], targets: Tensor) -> None:
        """A batch."""
        self._rows.add(ids, sorted=predictions["decision"] < self.classes)

    def compute(self) -> Figure:
        """The share with Wilson's interval."""
        return share(int(self._rows.column("sorted").sum()), len(self._rows))


class SortedError:
    """Mistakes among the rows that no person was asked about, sorted or set aside. Targets int (B,).

    To set a row aside is right where it is of the class `none`, or of one that the network does not have (-1).
    """

    def __init__(self, classes: int, none: int = -1):
        self.classes, self.none = classes, none
        self._rows = Collected()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Tensor], targets: Tensor) -> None:
        """A batch."""
        decision = predictions["decision"].long()
        taken = torch.where(decision == self.classes + 1, self.none, decision)
        self._rows.add(ids, alone=decision != self.classes, wrong=taken != targets)

    def compute(self) -> Figure:
        """The share with Wilson's interval; there is none where a person was asked about all."""
        wrong = self._rows.column("wrong")[self._rows.column("alone").bool()]
        return share(int(wrong.sum()), len(wrong))._replace(better="down")


class MeanCost:
    """The mean of C_yj over rows of class y taken for j; to ask costs `price`.

    A row that is set aside costs what the class `none` says, or as much as asking where there is no such class. Rows of
    a class that the network does not have (-1) are left out: nobody has said what they cost.
    """

    def __init__(self, costs: Sequence[Sequence[float]], price: float, none: int = -1):
        table = torch.tensor(costs, dtype=torch.float64)
        asked = torch.full((len(table), 1), price, dtype=torch.float64)
        aside = table[:, none : none + 1] if none >= 0 else asked
        self.table = torch.cat([table, asked, aside], dim=1)  # (K, K + 2)
        self._rows = Collected()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Tensor], targets: Tensor) -> None:
        """A batch."""
        self._rows.add(ids, decision=predictions["decision"].long(), target=targets)

    def compute(self) -> Figure:
        """The mean with a bootstrap interval."""
        decision, target = self._rows.column("decision").long(), self._rows.column("target").long()
        known = target >= 0
        return mean(self.table[target[known], decision[known]], "down")
