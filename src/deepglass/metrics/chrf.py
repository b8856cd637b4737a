"""chrF: how many runs of one to six letters a translation shares with its reference (Popović 2015)."""

from collections.abc import Mapping, Sequence
from typing import Any

from deepglass.metrics.figure import Figure
from deepglass.metrics.sacre import Texts, figure, scorer


class ChrF:
    """100 · 5PR / (4P + R): precision P and recall R are means over letter n-grams, n = 1 ... 6; recall weighs double.

    Computed and signed by sacrebleu as chrF2. Fairer than BLEU to languages that inflect or write without spaces. Reads
    predictions["text"], targets: Ragged UTF-8.
    """

    def __init__(self) -> None:
        self._scorer = scorer("CHRF")
        self._texts = Texts()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Any], targets: Any) -> None:
        """A batch."""
        self._texts.add(ids, predictions["text"], targets)

    def compute(self) -> Figure:
        """The figure over everything seen."""
        return figure(self._scorer, *self._texts.pairs())
