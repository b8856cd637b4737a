"""How often a sentence is told word for word as somebody tells it."""

from collections.abc import Mapping, Sequence
from typing import Any

from deepglass.metrics.figure import Figure, share
from deepglass.metrics.told import Told


class ExactMatch:
    """The share of pictures whose sentence has the words of one of their captions, in their order, and no others."""

    def __init__(self) -> None:
        self._told = Told()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Any], targets: Any) -> None:
        """A batch."""
        self._told.update(ids, predictions, targets)

    def compute(self) -> Figure:
        """The figure over everything seen."""
        pairs = self._told.pairs()
        return share(sum(told in wanted for told, wanted in pairs), len(pairs))
