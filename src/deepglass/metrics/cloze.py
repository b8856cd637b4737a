"""How often a left-out word is found among a few that come up about as often."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from deepglass.metrics.collect import Collected
from deepglass.metrics.figure import Figure, missing, of_rows


class ClozeAccuracy:
    """Σ found / Σ asked over all rows. Reads predictions["found"], ["asked"] (B,): numbers of words of each row.

    The rows are drawn again for the interval, for the words of one text are no independent examples.
    """

    def __init__(self, found: str = "found"):
        self.found = found  # the column that counts the words found
        self._rows = Collected()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Any], targets: object = None) -> None:
        """A batch."""
        self._rows.add(ids, found=predictions[self.found], asked=predictions["asked"])

    def compute(self) -> Figure:
        """The share over everything seen; `n` is the number of rows."""
        n = len(self._rows)
        if not n:
            return missing("up")
        found, asked = self._rows.column("found").double(), self._rows.column("asked").double()

        def shares(counts: Tensor) -> Tensor:
            return counts @ found / (counts @ asked)

        return of_rows(n, shares, "up")
