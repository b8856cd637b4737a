"""Series in a wide table, one row a series and one column a step; only where data.layout=series_wide asks for it.

A table cannot tell whether its columns follow each other, so it is not guessed. The label is data.target, a column with
a telling name, or, without a header, the first column, as in the archives of time series. Empty cells behind a row's
last number make it shorter, empty cells before it are gaps. NAME_TRAIN.tsv brings NAME_TEST.tsv beside it along.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deepglass.data.readers.delimited import MISSING, SUFFIXES, Delimited, open_delimited
from deepglass.data.readers.series import Gaps, bridged
from deepglass.data.settings import DataSettings
from deepglass.data.source import Finding, Index, Layout, Match, Unreadable
from deepglass.data.sources.columns import ANSWERS, PART_NAMES, ROW_NUMBERS, by_name, chosen, part
from deepglass.data.sources.parted import parted_files
from deepglass.data.sources.rows import Rows
from deepglass.data.sources.series_table import number_of, of_numbers
from deepglass.foundation.errors import DataError

CHANNEL = "x1"
NUMBERED = sorted(ROW_NUMBERS - {"column_1"})  # names of a column that counts rows; without a header none has a name


@dataclass(frozen=True)
class Roles:
    """Which column is what; the steps are all the others."""

    target: int | None
    part: int | None
    group: int | None
    steps: tuple[int, ...]


def recognise(place: str, settings: DataSettings) -> Match | None:
    """Tables, where the setting asks for this layout."""
    files = parted_files(Path(place), SUFFIXES) if settings.layout == "series_wide" else []
    if not files:
        return None
    table = open_delimited(files[0][0])
    steps = len(_roles(table, settings).steps)
    return Match(0.9, "layout_series_wide", "classify", {"file": table.file.name, "steps": steps}) if steps else None


def open_series_wide(place: str, settings: DataSettings) -> Rows:
    """Every row of every file as a series of one channel."""
    ids: list[str] = []
    rows: list[np.ndarray | Unreadable] = []
    labels: list[str | None] = []
    parts: list[str] = []
    groups: list[str] = []
    findings: list[Finding] = []
    for file, named in parted_files(Path(place), SUFFIXES):
        table = open_delimited(file)
        roles = _roles(table, settings)
        if roles.target is None:
            raise DataError("data.series_no_label", place=file)
        if not settings.target:
            findings.append(Finding("answer_by_name", "note", file.name, {"column": table.names[roles.target]}))
        gaps = Gaps(file.name)
        for line, cells in table.rows():
            ids.append(f"{file.name}:{line}")
            label = _cell(cells, roles.target)
            labels.append(None if label.lower() in MISSING else label)
            parts.append(named or part(_cell(cells, roles.part)))
            groups.append(_cell(cells, roles.group))
            row, filled = series_of(table, cells, roles.steps, line)
            rows.append(row)
            if not isinstance(row, Unreadable):
                gaps.add(row, filled)
        findings += gaps.findings()
    given = [cells if any(cells) else () for cells in (parts, groups)]
    index = Index(ids, labels, *given, kind="series", columns=(CHANNEL,))
    return Rows("series_wide", "classify", Path(place), index, rows, findings)


def series_of(
    table: Delimited, cells: list[str], steps: tuple[int, ...], line: int
) -> tuple[np.ndarray | Unreadable, int]:
    """One row as float32 (T, 1), and how many gaps in it were filled."""
    if len(cells) > len(table.names):
        return Unreadable("wrong_cells", line=line, expected=len(table.names), found=len(cells)), 0
    try:
        numbers = [number_of(table, cells[place], line) for place in steps if place < len(cells)]
    except Unreadable as reason:
        return reason, 0
    there = np.flatnonzero(~np.isnan(numbers))
    if not len(there):
        return Unreadable("series_empty"), 0
    return bridged(np.array(numbers[: there[-1] + 1], dtype=np.float32)[:, None])


def rows_of(table: Delimited) -> Iterator[tuple[str, np.ndarray | Unreadable, None]]:
    """The series of a table without labels, one in each row, without times."""
    named = by_name(NUMBERED, table.names)
    steps = _steps(table, {named})
    for line, cells in table.rows():
        yield f"{table.file.name}:{line}", series_of(table, cells, steps, line)[0], None


def _roles(table: Delimited, settings: DataSettings) -> Roles:
    names, file = table.names, table.file
    target = chosen("data.target", settings.target, names, file)
    group = chosen("data.group", settings.group, names, file)
    split = by_name(PART_NAMES, names, (target, group))
    if target is None:
        target = by_name(ANSWERS, names, (group, split)) if table.has_header else 0
    taken = {target, group, split, by_name(NUMBERED, names)}
    return Roles(target, split, group, _steps(table, taken))


def _steps(table: Delimited, taken: Collection[int | None]) -> tuple[int, ...]:
    """The other columns of numbers; one that is empty is a step that the first rows are too short for."""
    return of_numbers(table, [place for place in range(len(table.names)) if place not in taken], empty=True)


def _cell(cells: list[str], place: int | None) -> str:
    return cells[place] if place is not None and place < len(cells) else ""


CATALOGUE = {"series_wide": Layout(recognise, open_series_wide)}
