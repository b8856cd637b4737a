"""Tables of numbers: CSV or TSV with a header; text columns are categories, one column is the answer.

The answer's column is `data.target`, else one with a telling name (target, label, class ...), else the last, and said.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from deepglass.data.readers.delimited import MISSING, SUFFIXES, Delimited, open_delimited
from deepglass.data.readers.vector import Column, read_vector, vector_names
from deepglass.data.settings import DataSettings
from deepglass.data.source import Finding, Index, Layout, Match, Unreadable
from deepglass.data.sources.arrays import Arrays
from deepglass.data.sources.columns import ANSWERS, PART_NAMES, ROW_NUMBERS, by_name, chosen, part
from deepglass.data.sources.looks import (
    FEWEST_GROUPS,
    FEWEST_TEXTS,
    FEWEST_WHOLE,
    are_dates,
    counting,
    decided,
    named_group,
    named_id,
)
from deepglass.data.walk import listing, suffix
from deepglass.foundation.errors import DataError
from deepglass.foundation.words import say

MOST_CLASSES = 20  # whole numbers up to so many different ones are taken for classes
MOST_CATEGORIES = 64  # text columns with more different texts are names, not categories
NUMBERS = 0.9  # a column with at least this share of numbers is one of numbers; its other cells are mistakes


class Table(Arrays):
    """Rows of a table as vectors; a row that does not fit is Unreadable with its line."""

    def __init__(
        self, task: str, file: Path, index: Index, rows: np.ndarray, bad: dict[int, Unreadable], findings: list[Finding]
    ):
        super().__init__("table", task, file, index, rows, findings)
        self.bad = bad

    def read(self, row: int, fit: object = None) -> np.ndarray:
        """One row's vector; raises Unreadable."""
        if row in self.bad:
            raise self.bad[row]
        return self.rows[row]

    def fingerprint(self) -> str:
        """A hash over rows, answers and what could not be read."""
        bad = ",".join(f"{row} {reason.reason}" for row, reason in self.bad.items())
        return hashlib.blake2b(f"{super().fingerprint()} {bad}".encode(), digest_size=16).hexdigest()


@dataclass
class Seen:
    """What one pass over a column found."""

    numbers: int = 0
    texts: Counter[str] = field(default_factory=Counter)
    whole: bool = True
    rising: bool = True
    last: float = -np.inf
    low: float = np.inf
    high: float = -np.inf

    def see(self, cell: str, value: float | None) -> None:
        """Count one cell that is not missing."""
        self.numbers += value is not None
        if len(self.texts) <= 4096 or cell in self.texts:
            self.texts[cell] += 1
        self.whole &= value is not None and float(value).is_integer()
        self.rising &= value is not None and value == self.last + 1 or self.last == -np.inf
        self.last = np.nan if value is None else value
        if value is not None:
            self.low, self.high = min(self.low, value), max(self.high, value)

    @property
    def is_number(self) -> bool:
        """Whether the column is one of numbers."""
        return self.numbers >= NUMBERS * sum(self.texts.values()) or self.numbers > 4096

    @property
    def all_differ(self) -> bool:
        """Whether no cell occurs twice (of the first few thousand different ones)."""
        return sum(self.texts.values()) == len(self.texts)

    @property
    def shuffled(self) -> bool:
        """Whether the cells are whole numbers without a gap, in no order: row numbers of another order."""
        gapless = self.whole and self.high - self.low + 1 == self.numbers
        return gapless and not self.rising and self.numbers >= FEWEST_WHOLE


@dataclass(frozen=True)
class Roles:
    """Which column is what."""

    target: int
    part: int | None
    group: int | None
    inputs: tuple[int, ...]


def recognise(place: str, settings: DataSettings) -> Match | None:
    """A CSV or TSV file, or a folder that holds exactly one and no folders; at least two columns."""
    file = table_in(Path(place))
    if file is None:
        return None
    table = open_delimited(file)
    if len(table.names) < 2:
        raise DataError("data.one_column", place=file, column=", ".join(table.names))
    sure = 0.7 if Path(place).is_file() else 0.5
    return Match(sure, "layout_table", _task(table, settings), {"file": file.name, "columns": len(table.names)})


def table_in(place: Path) -> Path | None:
    """The file itself, or the only table of a folder without folders."""
    if place.is_file():
        return place if suffix(place.name) in SUFFIXES else None
    if not place.is_dir():
        return None
    folders, files = listing(place)
    tables = [name for name in files if suffix(name) in SUFFIXES]
    return place / tables[0] if len(tables) == 1 and not folders else None


def open_table(place: str, settings: DataSettings) -> Table:
    """Every row as a vector; two passes over the file, nothing of its text is kept."""
    file = table_in(Path(place))
    if file is None:
        raise DataError("data.unknown_file", place=place)
    table = open_delimited(file)
    seen = _look(table)
    findings: list[Finding] = []
    roles = _roles(table, seen, settings, findings)
    columns = [_column(table.names[place], seen[place]) for place in roles.inputs]
    if not columns:
        left = "".join(f" {sentence}" for sentence in _left_out(findings))
        raise DataError("data.no_inputs", place=file, target=table.names[roles.target], left=left)
    answer = _Answer(table, seen[roles.target], roles.target, findings)
    index, rows, bad = _encode(table, roles, columns, answer)
    findings += _groups(table, roles, seen, index.labels)
    if named := counting([column.name for column in columns if not column.categories]):
        values = {"count": len(named), "first": named[0], "last": named[-1]}
        findings.append(Finding("maybe_series", "note", file.name, values))
    return Table(answer.task, file, index, rows, bad, findings)


class _Answer:
    """Decides between classes and numbers, and codes a cell as one."""

    def __init__(self, table: Delimited, seen: Seen, place: int, findings: list[Finding]):
        self.table = table
        self.place = place
        distinct, total = len(seen.texts), sum(seen.texts.values())
        self.numbers = seen.is_number
        self.task = "regress" if seen.is_number and not (seen.whole and distinct <= MOST_CLASSES) else "classify"
        if self.task == "classify" and distinct > max(MOST_CLASSES, total // 2):
            raise DataError("data.answers_all_differ", place=table.file, column=table.names[place], count=distinct)
        if self.task == "classify" and seen.is_number and not table.classes:
            values = {"column": table.names[place], "count": distinct}
            findings.append(Finding("numbers_as_classes", "note", table.file.name, values))

    def code(self, cells: list[str]) -> str | float | None:
        """The cell as a label or a number; None where there is no answer."""
        cell = cells[self.place] if self.place < len(cells) else ""
        if cell.lower() in MISSING:
            return None
        if self.task == "regress":
            value = self.table.number(cell)
            return value if value is not None and np.isfinite(value) else None
        if not self.numbers:
            return cell
        value = self.table.number(cell)
        if value is None or not value.is_integer():
            return None
        names = self.table.classes
        return names[int(value)] if 0 <= value < len(names) else str(int(value))


def _task(table: Delimited, settings: DataSettings) -> str:
    """The task by the first lines; `open_table` settles it by all of them."""
    target = _target(table, settings)[0]
    seen = Seen()
    for _, (_, cells) in zip(range(200), table.rows(), strict=False):
        if target < len(cells) and cells[target].lower() not in MISSING:
            seen.see(cells[target], table.number(cells[target]))
    return "regress" if seen.is_number and not (seen.whole and len(seen.texts) <= MOST_CLASSES) else "classify"


def _target(table: Delimited, settings: DataSettings) -> tuple[int, bool]:
    """The answer's column, and whether it had to be guessed."""
    target = chosen("data.target", settings.target, table.names, table.file)
    if target is None:
        target = by_name(ANSWERS, table.names)
    return (len(table.names) - 1, True) if target is None else (target, False)


def _look(table: Delimited) -> list[Seen]:
    seen = [Seen() for _ in table.names]
    for _, cells in table.rows():
        for column, cell in zip(seen, cells, strict=False):
            if cell.lower() not in MISSING:
                column.see(cell, table.number(cell))
    return seen


def _roles(table: Delimited, seen: list[Seen], settings: DataSettings, findings: list[Finding]) -> Roles:
    target, guessed = _target(table, settings)
    if guessed or not settings.target:
        kind = "answer_is_last" if guessed else "answer_by_name"
        findings.append(Finding(kind, "note", table.file.name, {"column": table.names[target]}))
    group = chosen("data.group", settings.group, table.names, table.file)
    split = by_name(PART_NAMES, table.names, (target, group))
    if split is not None and not all(part(cell) for cell in seen[split].texts):
        split = None
    inputs: list[int] = []
    others = [place for place in range(len(table.names)) if place not in (target, group, split)]
    for place in others:
        name = table.names[place]
        if (why := _useless(name, seen[place])) and not (len(others) == 1 and seen[place].shuffled):
            findings.append(Finding(why, "note", table.file.name, {"column": name, "count": len(seen[place].texts)}))
        else:
            inputs.append(place)
    return Roles(target, split, group, tuple(inputs))


def _useless(name: str, seen: Seen) -> str:
    """Why a column is left out: empty, row numbers, dates, names of rows, or a text that differs almost everywhere."""
    if not seen.texts:
        return "column_empty"
    if name.lower() in ROW_NUMBERS and seen.rising and seen.is_number and len(seen.texts) > 2:
        return "column_counts_rows"
    if seen.is_number:
        names = seen.whole and named_id(name) and len(seen.texts) > 2
        return "column_names_rows" if seen.all_differ and (names or seen.shuffled) else ""
    if are_dates(seen.texts):
        return "column_of_dates"
    if seen.all_differ and (len(seen.texts) >= FEWEST_TEXTS or (named_id(name) and len(seen.texts) > 2)):
        return "column_names_rows"
    return "column_of_names" if len(seen.texts) > MOST_CATEGORIES else ""


def _left_out(findings: list[Finding]) -> list[str]:
    return [say(f"data.{found.kind}", **found.values) for found in findings if found.kind.startswith("column_")]


def _groups(table: Delimited, roles: Roles, seen: list[Seen], labels: Sequence[Any]) -> list[Finding]:
    """Columns that look like people, patients or scenes: the answer hangs on them, and the split cuts through them."""
    if roles.group is not None or roles.part is not None:
        return []
    places = [place for place, name in enumerate(table.names) if place != roles.target and _repeats(name, seen[place])]
    if not places:
        return []
    rows = [(cells, label) for (_, cells), label in zip(table.rows(), labels, strict=True) if label is not None]
    rows = [(cells, label) for cells, label in rows if len(cells) == len(table.names)]
    found: list[Finding] = []
    for place in places:
        told = [(cells[place], label) for cells, label in rows if cells[place].lower() not in MISSING]
        if told and (count := decided(*zip(*told, strict=True))):
            values = {"column": table.names[place], "decided": count, "count": len(told)}
            found.append(Finding("column_is_group", "warning", table.file.name, values))
    return found


def _repeats(name: str, seen: Seen) -> bool:
    """Whether a column may be a group: many values, most of them more than once; numbers only under a telling name."""
    if not FEWEST_GROUPS <= len(seen.texts) <= min(4096, sum(seen.texts.values()) // 2):
        return False
    return seen.whole and named_group(name) if seen.is_number else not are_dates(seen.texts)


def _column(name: str, seen: Seen) -> Column:
    return Column(name) if seen.is_number else Column(name, tuple(sorted(seen.texts)))


def _encode(
    table: Delimited, roles: Roles, columns: list[Column], answer: _Answer
) -> tuple[Index, np.ndarray, dict[int, Unreadable]]:
    ids: list[str] = []
    rows: list[np.ndarray] = []
    bad: dict[int, Unreadable] = {}
    extra: dict[str, list[Any]] = {"labels": [], "parts": [], "groups": []}
    blank = np.zeros(sum(column.width for column in columns), dtype=np.float32)
    for row, (line, cells) in enumerate(table.rows()):
        ids.append(f"{table.file.name}:{line}")
        extra["labels"].append(answer.code(cells))
        if roles.part is not None:
            extra["parts"].append(part(cells[roles.part]) if roles.part < len(cells) else "")
        if roles.group is not None:
            extra["groups"].append(cells[roles.group] if roles.group < len(cells) else "")
        try:
            rows.append(_vector(table, roles, columns, cells, line))
        except Unreadable as reason:
            bad[row] = reason
            rows.append(blank)
    vectors = np.stack(rows) if rows else blank[None][:0]
    index = Index(ids, extra["labels"], extra["parts"], extra["groups"], "vector", vector_names(columns))
    return index, vectors, bad


def _vector(table: Delimited, roles: Roles, columns: list[Column], cells: list[str], line: int) -> np.ndarray:
    if len(cells) != len(table.names):
        raise Unreadable("wrong_cells", line=line, expected=len(table.names), found=len(cells))
    return read_vector([cells[place] for place in roles.inputs], columns, table.number, line)


CATALOGUE = {"table": Layout(recognise, open_table)}
