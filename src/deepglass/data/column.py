"""Columns of an index that are arrays: ids that are counted, answers that are coded, parts, for millions of examples.

They are sequences as lists are; what is asked of a whole column is asked here, and costs what an array costs. Rows of a
column are numbered in int32 where that is enough: most of what a large index takes are lists of rows.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from deepglass.foundation.seeds import numbered_keys, text_keys

PIECE = 1 << 16  # rows of a column that are worked on together
NAMES = ("", "train", "val", "test")  # of parts, by their number; nothing is a part that is not said


class Numbered(Sequence[str]):
    """Ids that are a name and a number, row/000000 to row/999999 and on; made when they are asked for."""

    def __init__(self, name: str, numbers: np.ndarray | range):
        self.name = name
        self.numbers = numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, row: Any) -> Any:
        if isinstance(row, slice):
            return Numbered(self.name, self.numbers[row])
        return f"{self.name}/{self.numbers[row]:06d}"

    def __iter__(self) -> Iterator[str]:
        return (f"{self.name}/{number:06d}" for number in self.numbers)

    def index(self, value: Any, start: int = 0, stop: int | None = None) -> int:
        """Where an id stands; ValueError where it is none of these."""
        name, _, number = str(value).rpartition("/")
        if name == self.name and number.isdigit():
            for row in self._rows_of(int(number)):
                if self[row] == value:
                    return row
        raise ValueError(value)

    def __contains__(self, value: object) -> bool:
        try:
            self.index(value)
        except ValueError:
            return False
        return True

    def take(self, rows: np.ndarray) -> "Numbered":
        """These rows of it."""
        if isinstance(self.numbers, range):
            found = self.numbers.start + self.numbers.step * rows.astype(np.int64)
            return Numbered(self.name, found.astype(np.min_scalar_type(self.numbers[-1]) if len(self) else np.uint8))
        return Numbered(self.name, self.numbers[rows])

    def array(self) -> np.ndarray:
        """The numbers themselves. (N,)"""
        own = self.numbers
        return np.arange(own.start, own.stop, own.step) if isinstance(own, range) else own

    def _rows_of(self, number: int) -> list[int]:
        if isinstance(self.numbers, range):
            return [self.numbers.index(number)] if number in self.numbers else []
        return np.flatnonzero(self.numbers == number)[:1].tolist()


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


class Texts(Sequence[Any]):
    """Answers that are texts of their own, one or several, or None: there are no classes among them to count."""

    def __init__(self, texts: Sequence[Any]):
        self.texts = texts

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, row: Any) -> Any:
        return Texts(self.texts[row]) if isinstance(row, slice) else self.texts[row]


class Parts(Sequence[str]):
    """The part of each example, a byte each behind the face of an array of text: compared, and indexed by rows."""

    def __init__(self, codes: np.ndarray):
        self.codes = codes

    @classmethod
    def of(cls, names: Sequence[str]) -> "Parts":
        """These parts by name; ValueError where one is none."""
        if isinstance(names, Parts):
            return names
        numbers = {name: number for number, name in enumerate(NAMES)}
        try:
            return cls(np.fromiter((numbers[name] for name in names), np.int8, len(names)))
        except KeyError:
            unknown = sorted(set(names) - set(NAMES))
            raise ValueError(f"A source may name the parts train, val and test; it named {unknown}.") from None

    @classmethod
    def all(cls, name: str, count: int) -> "Parts":
        """So many examples of one part."""
        return cls(np.full(count, NAMES.index(name), np.int8))

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, row: Any) -> Any:
        found = self.codes[row]
        return Parts(found) if isinstance(found, np.ndarray) else NAMES[found]

    def __iter__(self) -> Iterator[str]:
        return (NAMES[code] for code in self.codes.tolist())

    def __eq__(self, other: Any) -> Any:
        """Where the part is that of `other`, a name or as many parts. bool (N,)"""
        if isinstance(other, str):
            return self.codes == (NAMES.index(other) if other in NAMES else -1)
        return self.codes == Parts.of(other).codes

    def __ne__(self, other: Any) -> Any:
        return ~(self == other)

    __hash__ = None  # pyright: ignore

    def rows(self, name: str, among: np.ndarray | bool = True) -> np.ndarray:
        """The rows of one part, of those for which `among` holds. int32 (n,), int64 where that is not enough"""
        return row_numbers((self == name) & among)

    def tolist(self) -> list[str]:
        """The names."""
        return list(self)


def pieces(count: int, most: int = PIECE) -> Iterator[slice]:
    """So many rows in pieces of at most `most`."""
    return (slice(start, min(start + most, count)) for start in range(0, count, most))


def row_numbers(flags: np.ndarray) -> np.ndarray:
    """Rows for which it holds, in order; int32 where that is enough. (n,)"""
    kind = np.int32 if len(flags) <= np.iinfo(np.int32).max else np.int64
    found = np.empty(np.count_nonzero(flags), kind)
    end = 0
    for piece in pieces(len(flags)):
        here = np.flatnonzero(flags[piece])
        found[end : end + len(here)] = here + piece.start
        end += len(here)
    return found


def take(values: Sequence[Any], rows: np.ndarray) -> Sequence[Any]:
    """These rows of a column; nothing of an empty one."""
    if isinstance(values, Numbered):
        return values.take(rows)
    if isinstance(values, Coded):
        return Coded(values.names, values.codes[rows])
    if isinstance(values, Parts):
        return values[rows]
    if isinstance(values, Texts):
        return Texts([values.texts[row] for row in rows.tolist()])
    return [values[row] for row in rows] if len(values) else []


def tally(values: Sequence[Any]) -> Mapping[Any, int]:
    """How often each answer occurs, in the order of their first rows for lists, of their codes for coded ones.

    Texts are all one, the empty name: what would be counted are rows.
    """
    if isinstance(values, Texts):
        return Counter(None if text is None else "" for text in values.texts)
    if not isinstance(values, Coded):
        return Counter(values)
    return _named(values.names, _counted(values, np.zeros(1, np.int8))[0])


def tally_parts(values: Sequence[Any], parts: Parts) -> Mapping[str, Mapping[Any, int]]:
    """`tally` of each part's rows, by part."""
    if not isinstance(values, Coded):
        return {part: tally(take(values, parts.rows(part))) for part in NAMES[1:]}
    counts = _counted(values, parts.codes)
    return {part: _named(values.names, counts[number]) for number, part in enumerate(NAMES) if number}


def where(values: Sequence[Any], wanted: Callable[[Any], bool]) -> np.ndarray:
    """For which rows it holds of the answer. bool (N,)"""
    if isinstance(values, Coded):
        holds = np.array([wanted(name) for name in [*values.names, None]], dtype=bool)
        if holds.all():
            return np.ones(len(values), dtype=bool)
        return holds[np.minimum(values.codes, len(values.names))]
    return np.fromiter((wanted(value) for value in values), dtype=bool, count=len(values))


def keys_of(seed: int, ids: Sequence[str]) -> np.ndarray:
    """One uint64 key for each id, whatever the others are. (N,)"""
    if not isinstance(ids, Numbered):
        return text_keys(seed, list(ids))
    keys = np.empty(len(ids), np.uint64)
    for piece in pieces(len(ids)):
        keys[piece] = numbered_keys(seed, ids.name, ids[piece].array())
    return keys


def _counted(values: Coded, parts: np.ndarray) -> np.ndarray:
    """How often each code occurs in each part, the last for no answer. int64 (parts, K + 1)"""
    width = len(values.names) + 1
    counts = np.zeros(len(NAMES) * width, np.int64)
    for piece in pieces(len(values)):
        codes = np.minimum(values.codes[piece], width - 1)
        places = codes + width * (parts[piece] if len(parts) == len(values) else parts).astype(np.int64)
        counts += np.bincount(places, minlength=len(counts))
    return counts.reshape(len(NAMES), width)


def _named(names: Sequence[Any], counts: np.ndarray) -> Mapping[Any, int]:
    return {name: int(count) for name, count in zip([*names, None], counts, strict=True) if count}
