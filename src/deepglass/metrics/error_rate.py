"""Error rates of transcripts: how many letters or words must be changed to get from what was said to what is true.

rate = (substitutions + deletions + insertions) / true length, by the fewest changes (Levenshtein 1966).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from deepglass.metrics.collect import Collected
from deepglass.metrics.figure import Figure, bootstrap, missing, share

Unit = Literal["letters", "words"]


class ErrorRate:
    """Σ_b errors_b / Σ_b true length_b over letters (CER) or words (WER), with a bootstrap interval over the rows.

    Reads predictions[column] and the targets: rows of Unicode numbers with `values` (ΣL,) and `lengths` (B,).
    """

    def __init__(self, unit: Unit, column: str = "text"):
        self.unit: Unit = unit
        self.column = column
        self._rows = Collected()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Any], targets: Any) -> None:
        """A batch."""
        true, said = texts(targets), texts(predictions[self.column])
        errors = [distance(units(a, self.unit), units(b, self.unit)) for a, b in zip(true, said, strict=True)]
        lengths = [len(units(text, self.unit)) for text in true]
        self._rows.add(ids, errors=torch.tensor(errors), length=torch.tensor(lengths))

    def compute(self) -> Figure:
        """The rate; it may exceed 1 where much is said that is not there."""
        n = len(self._rows)
        if not n or not int(self._rows.column("length").sum()):
            return missing("down", n)
        errors, lengths = self._rows.column("errors").double(), self._rows.column("length").double()

        def again(counts: Tensor) -> Tensor:
            return (counts @ errors) / (counts @ lengths)

        return bootstrap(float(errors.sum() / lengths.sum()), n, again, "down")


class WholeText:
    """The share of texts of which every character is right, with Wilson's interval; reads what `ErrorRate` reads."""

    def __init__(self):
        self._rows = Collected()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Any], targets: Any) -> None:
        """A batch."""
        pairs = zip(texts(targets), texts(predictions["text"]), strict=True)
        self._rows.add(ids, right=torch.tensor([true == said for true, said in pairs]))

    def compute(self) -> Figure:
        """Of all rows."""
        return share(int(self._rows.column("right").sum()) if len(self._rows) else 0, len(self._rows))


class Edit(NamedTuple):
    """One place of an alignment: what is true and what was said there; empty where the other has something more."""

    true: str
    said: str

    @property
    def kind(self) -> Literal["right", "substitution", "deletion", "insertion"]:
        """What happened there."""
        if self.true == self.said:
            return "right"
        return "substitution" if self.true and self.said else "deletion" if self.true else "insertion"


class ErrorTable(NamedTuple):
    """What went wrong over many transcripts, and which single errors are the most frequent."""

    right: int
    substitutions: int
    deletions: int
    insertions: int
    frequent: list[tuple[Edit, int]]  # the most frequent first


def units(text: str, unit: Unit) -> list[str]:
    """The letters of a text, or its words, which stand between spaces."""
    return text.split() if unit == "words" else list(text)


def texts(ragged: Any) -> list[str]:
    """Rows of Unicode numbers as texts; `values` (ΣL,), `lengths` (B,)."""
    numbers, lengths = ragged.values.cpu().numpy(), ragged.lengths.tolist()
    whole = "".join(map(chr, numbers.tolist()))
    ends = np.cumsum([0, *lengths])
    return [whole[start:end] for start, end in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)]


def distance(true: Sequence[str], said: Sequence[str]) -> int:
    """The fewest substitutions, deletions and insertions between the two.

    >>> distance("kitten", "sitting"), distance("the cat".split(), "a cat sat".split())
    (3, 2)
    """
    return int(_costs(true, said)[-1][-1]) // _change(true, said)


def align(true: Sequence[str], said: Sequence[str]) -> list[Edit]:
    """The fewest changes from one to the other, place by place; of equally few those that leave the most right.

    >>> align("the cat sat".split(), "cat sad".split())
    [Edit(true='the', said=''), Edit(true='cat', said='cat'), Edit(true='sat', said='sad')]
    """
    costs, change = _costs(true, said, whole=True), _change(true, said)
    edits: list[Edit] = []
    row, column = len(true), len(said)
    while row or column:
        here = costs[row][column]
        other = (change + 1) * (true[row - 1] != said[column - 1]) if row and column else 0
        if row and column and here == costs[row - 1][column - 1] + other:
            row, column = row - 1, column - 1
            edits.append(Edit(true[row], said[column]))
        elif row and here == costs[row - 1][column] + change:
            row -= 1
            edits.append(Edit(true[row], ""))
        else:
            column -= 1
            edits.append(Edit("", said[column]))
    return edits[::-1]


def error_table(pairs: Iterable[tuple[str, str]], unit: Unit = "words", most: int = 20) -> ErrorTable:
    """All errors of (true, said) transcripts by kind, and the `most` frequent of them."""
    counted = Counter(edit for true, said in pairs for edit in align(units(true, unit), units(said, unit)))
    kinds: Counter[str] = Counter()
    for edit, times in counted.items():
        kinds[edit.kind] += times
    wrong = sorted(((edit, times) for edit, times in counted.items() if edit.kind != "right"), key=_by_frequency)
    return ErrorTable(kinds["right"], kinds["substitution"], kinds["deletion"], kinds["insertion"], wrong[:most])


def _by_frequency(counted: tuple[Edit, int]) -> tuple[int, Edit]:
    return -counted[1], counted[0]


def _change(true: Sequence[str], said: Sequence[str]) -> int:
    """What one change costs: so much that all substitutions together, at 1 more each, cost less than another one."""
    return len(true) + len(said) + 1


def _costs(true: Sequence[str], said: Sequence[str], whole: bool = False) -> list[np.ndarray]:
    """The cheapest way to every place, row by row; only the last row unless all are asked for. int64 (m+1,) each

    A row is worked out at once: d_j = min_{k ≤ j} (t_k + (j - k) · change), where t_k comes from the row above, is a
    running minimum of t_k - k · change.
    """
    numbers = {unit: number for number, unit in enumerate(dict.fromkeys([*true, *said]))}
    columns = np.array([numbers[unit] for unit in said], dtype=np.int64)
    change = _change(true, said)
    steps = np.arange(len(said) + 1) * change
    rows = [steps]
    for place, unit in enumerate(true, start=1):
        above = rows[-1]
        best = np.empty_like(above)
        best[0] = place * change
        best[1:] = np.minimum(above[1:] + change, above[:-1] + (columns != numbers[unit]) * (change + 1))
        rows.append(np.minimum.accumulate(best - steps) + steps)
        if not whole:
            rows = rows[-1:]
    return rows
