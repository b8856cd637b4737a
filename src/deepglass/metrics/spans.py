"""Tags of tokens against true ones: how many tokens are right, and how many spans, which must be whole.

A span is what tags in BIO (or IOBES) say it is, read as conlleval and seqeval read them: it begins at a B or an S, and
at an I or an E that has no span of its own type before it; it ends behind an E or an S, and where the next token is of
no span or of another.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from deepglass.metrics.collect import Collected
from deepglass.metrics.f1 import average_f1
from deepglass.metrics.figure import Figure, bootstrap, missing

OUTSIDE = "O"
BEGINS, ENDS = ("B", "S"), ("E", "S")
UNKNOWN = "B-?"  # a tag that the training part never had


def in_spans(tags: Sequence[str]) -> bool:
    """Whether these tags are of spans: each is outside, or begins with the place in its span.

    >>> in_spans(["B-PER", "I-PER", "O"]), in_spans(["NOUN", "VERB"]), in_spans(["O"])
    (True, False, False)
    """
    named = [tag for tag in tags if tag != OUTSIDE]
    return bool(named) and all(tag[:2] in ("B-", "I-", "E-", "S-") for tag in named)


def spans_of(tags: Sequence[str]) -> list[tuple[int, int, str]]:
    """First token, the one behind the last, and type of each span.

    >>> spans_of(["B-PER", "I-PER", "O", "B-LOC", "B-LOC", "I-PER"])
    [(0, 2, 'PER'), (3, 4, 'LOC'), (4, 5, 'LOC'), (5, 6, 'PER')]
    """
    found: list[tuple[int, int, str]] = []
    start, before = -1, ""
    for place, tag in enumerate([*tags, OUTSIDE]):
        mark, _, kind = tag.partition("-")
        goes_on = start >= 0 and mark not in (OUTSIDE, *BEGINS) and kind == before
        if start >= 0 and not goes_on:
            found.append((start, place, before))
            start = -1
        if mark != OUTSIDE and not goes_on:
            start, before = place, kind
        if mark in ENDS and start >= 0:
            found.append((start, place + 1, before))
            start = -1
    return found


class TokenAccuracy:
    """Σ right / Σ tokens over all rows, with a bootstrap interval over the rows.

    Reads predictions["tags"] and the targets: rows of numbers with `values` (ΣT,) and `lengths` (B,). A true tag that
    was not told of, because the row was cut, is not right.
    """

    def __init__(self) -> None:
        self._rows = Collected()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Any], targets: Any) -> None:
        """A batch."""
        pairs = list(_pairs(predictions["tags"], targets))
        right = [sum(a == b for a, b in zip(said, true, strict=False)) for said, true in pairs]
        self._rows.add(ids, right=torch.tensor(right), tokens=torch.tensor([len(true) for _, true in pairs]))

    def compute(self) -> Figure:
        """The share over everything seen; `n` is the number of rows."""
        n = len(self._rows)
        if not n or not int(self._rows.column("tokens").sum()):
            return missing("up", n)
        right, tokens = self._rows.column("right").double(), self._rows.column("tokens").double()
        return bootstrap(float(right.sum() / tokens.sum()), n, lambda counts: counts @ right / (counts @ tokens), "up")


class SpanF1:
    """F1 = 2·TP / (2·TP + FP + FN) over spans of all types together (micro), TP where both ends and the type are right.

    Reads what `TokenAccuracy` reads; `tags` are the names of the numbers. The rows are drawn again for the interval.
    """

    def __init__(self, tags: Sequence[str]):
        self.tags = [*tags, UNKNOWN]
        self.types = sorted({tag.partition("-")[2] for tag in self.tags if tag != OUTSIDE})
        self._rows = Collected()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Any], targets: Any) -> None:
        """A batch."""
        counts = torch.zeros(3, len(ids), len(self.types))
        place = {kind: number for number, kind in enumerate(self.types)}
        for row, numbers in enumerate(_pairs(predictions["tags"], targets)):
            said, true = (set(spans_of([self.tags[number] for number in one])) for one in numbers)
            for part, spans in enumerate((said & true, said, true)):
                for *_, kind in spans:
                    counts[part, row, place[kind]] += 1
        hits, told, true = counts
        self._rows.add(ids, hits=hits, told=told, true=true)

    def compute(self) -> Figure:
        """The figure over everything seen; NaN where there is no span at all."""
        n = len(self._rows)
        if not n:
            return missing("up")
        value = float(average_f1(*self._counts(torch.ones(1, n, dtype=torch.float64)), "micro")[0])
        return bootstrap(value, n, lambda counts: average_f1(*self._counts(counts), "micro"), "up")

    def totals(self) -> tuple[Tensor, Tensor, Tensor]:
        """How many spans of each of `types` were right, were told of, and are true. float64 (K,) each"""
        right, told, true = (one[0] for one in self._counts(torch.ones(1, len(self._rows), dtype=torch.float64)))
        return right, told, true

    def _counts(self, counts: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        hits, told, true = (counts @ self._rows.column(name).double() for name in ("hits", "told", "true"))
        return hits, told, true


def _pairs(said: Any, true: Any) -> Iterator[tuple[list[int], list[int]]]:
    """Row by row what was said and what is true."""
    return zip(_each(said), _each(true), strict=True)


def _each(rows: Any) -> list[list[int]]:
    return [row.tolist() for row in torch.split(rows.values.cpu(), rows.lengths.tolist())]
