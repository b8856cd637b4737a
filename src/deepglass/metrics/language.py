"""How well a language model foretells texts: bits per character, which any two models share, and perplexity."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from torch import Tensor

from deepglass.metrics.collect import Collected
from deepglass.metrics.figure import Figure, missing, of_rows

Name = Literal["bits_per_character", "perplexity"]
SUMS = ("nats", "tokens", "letters")


class Language:
    """Bits per character or perplexity over all rows; less is better.

    bits per character = Σ nats / (ln 2 · Σ letters), the same for characters, pieces and words of one text
    perplexity = exp(Σ nats / Σ tokens), which depends on how the text was cut into tokens

    Reads predictions["nats"], what each row's tokens cost in all, ["tokens"] and ["letters"], (B,). The rows are drawn
    again for the interval, for the tokens of one text are no independent examples.
    """

    def __init__(self, figure: Name):
        self.figure: Name = figure
        self._rows = Collected()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Any], targets: object = None) -> None:
        """A batch."""
        self._rows.add(ids, **{name: predictions[name] for name in SUMS})

    def compute(self) -> Figure:
        """The figure over everything seen."""
        n = len(self._rows)
        if not n:
            return missing("down")
        nats, tokens, letters = (self._rows.column(name).double() for name in SUMS)

        def figure(counts: Tensor) -> Tensor:
            if self.figure == "perplexity":
                return (counts @ nats / (counts @ tokens)).exp()
            return counts @ nats / (counts @ letters) / math.log(2)

        return of_rows(n, figure, "down")
