"""Columns of an index that are arrays: ids that are counted and answers that are coded, for millions of examples.

They are sequences as lists are; what is asked of a whole column is asked here, and costs what an array costs.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from deepglass.foundation.seeds import numbered_keys, text_keys


class Numbered(Sequence[str]):
    """Ids that are a name and a number, row/000000 to row/999999 and on; made when they are asked for."""

    def __init__(self, name: str, numbers: np.ndarray):
        self.name = name
        self.numbers = numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, row: Any) -> Any:
        if isinstance(row, slice):
            return Numbered(self.name, self.numbers[row])
        return f"{self.name}/{self.numbers[row]:06d}"

    def __iter__(self) -> Iterator[str]:
        return (f"{self.name}/{number:06d}" for number in self.numbers.tolist())

    def index(self, value: Any, start: int = 0, stop: int | None = None) -> int:
        """Where an id stands; ValueError where it is none of these."""
        name, _, number = str(value).rpartition("/")
        found = (
            np.flatnonzero(self.numbers == int(number)) if name == self.name and number.isdigit() else self.numbers[:0]
        )
        if not len(found) or self[int(found[0])] != value:
            raise ValueError(value)
        return int(found[0])

    def __contains__(self, value: object) -> bool:
        try:
            self.index(value)
        except ValueError:
            return False
        return True


class Coded(Sequence[Any]):
    """Answers as numbers into a short list of them; a code beyond its end is no answer."""

    def __init__(self, names: Sequence[Any], codes: np.ndarray):
        self.names = list(names)
        self.codes = codes

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, row: Any) -> Any:
        if isinstance(row, slice):
            return Coded(self.names, self.codes[row])
        code = int(self.codes[row])
        return self.names[code] if code < len(self.names) else None

    def __iter__(self) -> Iterator[Any]:
        names = [*self.names, None]
        return (names[min(code, len(self.names))] for code in self.codes.tolist())


def take(values: Sequence[Any], rows: np.ndarray) -> Sequence[Any]:
    """These rows of a column; nothing of an empty one."""
    if isinstance(values, Numbered):
        return Numbered(values.name, values.numbers[rows])
    if isinstance(values, Coded):
        return Coded(values.names, values.codes[rows])
    return [values[row] for row in rows] if len(values) else []


def tally(values: Sequence[Any]) -> Mapping[Any, int]:
    """How often each answer occurs, in the order of their first rows for lists, of their codes for coded ones."""
    if not isinstance(values, Coded):
        return Counter(values)
    counts = np.bincount(values.codes, minlength=len(values.names) + 1)
    known = {name: int(count) for name, count in zip(values.names, counts, strict=False) if count}
    missing = int(counts[len(values.names) :].sum())
    return known | ({None: missing} if missing else {})


def where(values: Sequence[Any], wanted: Callable[[Any], bool]) -> np.ndarray:
    """For which rows it holds of the answer. bool (N,)"""
    if isinstance(values, Coded):
        holds = np.array([wanted(name) for name in [*values.names, None]], dtype=bool)
        return holds[np.minimum(values.codes, len(values.names))]
    return np.fromiter((wanted(value) for value in values), dtype=bool, count=len(values))


def keys_of(seed: int, ids: Sequence[str]) -> np.ndarray:
    """One uint64 key for each id, whatever the others are. (N,)"""
    if isinstance(ids, Numbered):
        return numbered_keys(seed, ids.name, ids.numbers)
    return text_keys(seed, list(ids))
