"""Vectors: a table's row of text to float32, column by column, strictly.

A number stands for itself; a category is one-hot: column sex with categories f and m becomes "sex=f" and "sex=m", so
the names of a vector say all that is needed to read another table the same way.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from deepglass.data.readers.delimited import MISSING
from deepglass.data.source import Unreadable


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: a number, or a category where `categories` names them."""

    name: str
    categories: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """How many numbers of the vector it fills."""
        return len(self.categories) or 1


class Numbers(NamedTuple):
    """A row of so many numbers, taken as it is."""

    width: int

    def __call__(self, raw: np.ndarray) -> np.ndarray:
        """The numbers. float32 (K,)"""
        return np.asarray(raw, dtype=np.float32)


def vector_names(columns: Iterable[Column]) -> tuple[str, ...]:
    """The name of each number of the vector.

    >>> vector_names([Column("age"), Column("sex", ("f", "m"))])
    ('age', 'sex=f', 'sex=m')
    """
    return tuple(
        f"{column.name}={category}" if category else column.name
        for column in columns
        for category in column.categories or ("",)
    )


def columns_of(names: Sequence[str]) -> tuple[Column, ...]:
    """The columns that these names come from; the opposite of `vector_names`.

    >>> columns_of(("age", "sex=f", "sex=m"))
    (Column(name='age', categories=()), Column(name='sex', categories=('f', 'm')))
    """
    found: dict[str, tuple[str, ...]] = {}
    for name in names:
        column, equals, category = name.partition("=")
        found[column] = found.get(column, ()) + ((category,) if equals else ())
    return tuple(Column(name, categories) for name, categories in found.items())


def read_vector(
    cells: Sequence[str], columns: Sequence[Column], number: Callable[[str], float | None], line: int = 0
) -> np.ndarray:
    """One cell for each column as float32 (K,); Unreadable with line and column where a cell does not fit."""
    if len(cells) != len(columns):
        raise Unreadable("wrong_cells", line=line, expected=len(columns), found=len(cells))
    vector = np.zeros(sum(column.width for column in columns), dtype=np.float32)
    place = 0
    for cell, column in zip(cells, columns, strict=True):
        if cell.lower() in MISSING and cell not in column.categories:
            raise Unreadable("missing_value", line=line, column=column.name)
        if column.categories:
            vector[place + _category(cell, column, line)] = 1
        else:
            vector[place] = _number(cell, column, number, line)
        place += column.width
    return vector


def _category(cell: str, column: Column, line: int) -> int:
    if cell not in column.categories:
        known = ", ".join(column.categories[:5])
        raise Unreadable("unseen_category", line=line, column=column.name, value=cell[:40], known=known)
    return column.categories.index(cell)


def _number(cell: str, column: Column, number: Callable[[str], float | None], line: int) -> float:
    value = number(cell)
    if value is None:
        raise Unreadable("text_for_number", line=line, column=column.name, value=cell[:40])
    if not abs(value) < np.finfo(np.float32).max:
        raise Unreadable("not_finite", line=line, column=column.name, value=cell[:40])
    return value
