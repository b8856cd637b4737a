"""Series in a long table: one line a step, with the series that it belongs to, its time, its numbers and its label.

series,time,x,y,label          Which column is what follows from its name; the label is data.target or a telling
a,0.0,0.13,9.71,walk           name and must be one and the same within a series. Lines may stand in any order.
a,0.1,0.19,9.64,walk           Steps that are missing in an even row of times, and empty cells, are filled by
b,0.0,0.02,9.80,stand          straight lines; NAME_TRAIN.csv brings NAME_TEST.csv beside it along.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from deepglass.data.clock import Clock, clock_of
from deepglass.data.dates import Notation, notation_of
from deepglass.data.readers.delimited import FIRST_LINES, MISSING, SUFFIXES, Delimited, open_delimited
from deepglass.data.readers.series import MOST_MISSING, Gaps, bridged, evened
from deepglass.data.settings import DataSettings
from deepglass.data.source import Finding, Index, Layout, Match, Unreadable
from deepglass.data.sources.columns import ANSWERS, PART_NAMES, by_name, chosen, part, unused
from deepglass.data.sources.looks import are_dates
from deepglass.data.sources.parted import parted_files
from deepglass.data.sources.rows import Rows
from deepglass.data.sources.series_names import SERIES, series_columns
from deepglass.foundation.errors import DataError

TIMES = "time t step timestamp date datetime frame tick ms second seconds 时间 步 时刻 日期".split()
NUMBERS = 0.5  # a column with more than this share of numbers is a channel; its other cells are mistakes
WHOLE = 0.9  # share of series whose steps have one label and a time each; the others are mistakes
MOST_CLASSES = 20  # whole numbers up to so many different ones are taken for classes


@dataclass(frozen=True)
class Roles:
    """Which column is what; without `series` the whole table is one."""

    series: tuple[int, ...]
    time: int | None
    target: int | None
    part: int | None
    group: int | None
    channels: tuple[int, ...]


@dataclass
class Gathered:
    """The lines of one series."""

    channels: int
    times: list[str] = field(default_factory=list)
    values: array = field(default_factory=lambda: array("f"))
    lines: array = field(default_factory=lambda: array("q"))
    said: dict[str, str] = field(default_factory=dict)  # its label, part and group
    wrong: Unreadable | None = None

    def add(self, line: int, time: str, numbers: Sequence[float]) -> None:
        self.times.append(time)
        self.values.extend(numbers)
        self.lines.append(line)

    def say(self, what: str, cell: str, line: int) -> None:
        """Its label, part or group, which may be one only."""
        if self.said.setdefault(what, cell) != cell and what == "label":
            self.wrong = self.wrong or Unreadable("series_labels", line=line, first=self.said[what], other=cell)


def recognise(place: str, settings: DataSettings) -> Match | None:
    """Tables with columns for series, time and a label that stays the same within a series."""
    files = parted_files(Path(place), SUFFIXES)
    if not files or (len(files) > 1 and not all(named for _, named in files)):
        return None
    table = open_delimited(files[0][0])
    roles = roles_of(table, settings)
    if roles is None or not (settings.layout == "series_table" or _of_steps(table, roles)):
        return None
    columns = {"label": table.names[roles.target or 0], "series": table.names[roles.series[0]]}
    return Match(0.85, "layout_series_table", "classify", {"file": table.file.name, **columns})


def open_series_table(place: str, settings: DataSettings) -> Rows:
    """Every series of every file."""
    ids: list[str] = []
    rows: list[np.ndarray | Unreadable] = []
    said: dict[str, list[str]] = {"label": [], "part": [], "group": []}
    findings: list[Finding] = []
    names: tuple[str, ...] = ()
    for file, named in parted_files(Path(place), SUFFIXES):
        table = open_delimited(file)
        roles = roles_of(table, settings)
        if roles is None:
            raise DataError("data.not_that_layout", place=file, layout="series_table")
        names = names or tuple(table.names[place] for place in roles.channels)
        if tuple(table.names[place] for place in roles.channels) != names:
            raise DataError("data.series_columns", place=file, expected=", ".join(names))
        told = Told(file.name)
        for name, found in gathered(table, roles).items():
            ids.append(f"{file.name}:{name}")
            rows.append(told.series(found))
            for what, cells in said.items():
                cells.append(found.said.get(what, ""))
            said["part"][-1] = named or part(said["part"][-1])
        findings += told.findings() + ([] if settings.target else [_by_name(table, roles)])
        findings += unused(table, (*roles.series, roles.time, roles.target, roles.part, roles.group, *roles.channels))
    task, labels = _answers(said["label"])
    given = [cells if any(cells) else () for cells in (said["part"], said["group"])]
    index = Index(ids, labels, *given, kind="series", columns=names)
    return Rows("series_table", task, Path(place), index, rows, findings)


def roles_of(table: Delimited, settings: DataSettings) -> Roles | None:
    """Which column is what; None where none names series, time or labels, or none holds numbers."""
    names, file = table.names, table.file
    target = chosen("data.target", settings.target, names, file)
    group = chosen("data.group", settings.group, names, file)
    series = by_name(SERIES, names, (target, group))
    time = by_name(TIMES, names, (target, group, series))
    split = by_name(PART_NAMES, names, (target, group, series, time))
    if target is None:
        target = by_name(ANSWERS, names, (group, series, time, split))
    if series is None or time is None or target is None:
        return None
    taken = (series, time, target, split, group)
    channels = of_numbers(table, [place for place in range(len(names)) if place not in taken])
    return Roles((series,), time, target, split, group, channels) if channels else None


def asked_about(
    table: Delimited, columns: Sequence[str]
) -> Iterator[tuple[str, np.ndarray | Unreadable, Clock | None]]:
    """The series of a table without labels, seen through the channels that a network knows, and how time goes on."""
    file = table.file
    missing = [name for name in columns if name not in table.names]
    if missing:
        raise DataError("data.columns_missing", place=file, names=", ".join(missing[:5]), count=len(missing))
    channels = tuple(table.names.index(name) for name in columns)
    time = time_of(table, channels)
    series = series_columns(table, time, channels)
    roles = Roles(series, time, None, None, None, channels)
    lines = gathered(table, roles)
    told = Told(file.name, notation=notation(table, roles, lines.values()))
    for name, found in lines.items():
        clock = clock_of(found.times, told.notation) if time is not None else None
        yield (f"{file.name}:{name}" if name else file.name), told.series(found), clock


def time_of(table: Delimited, taken: Sequence[int | None]) -> int | None:
    """The column of times: by its name, else the first of dates."""
    named = by_name(TIMES, table.names, taken)
    if named is not None:
        return named
    rows = [cells for _, cells in islice(table.rows(), FIRST_LINES) if len(cells) == len(table.names)]
    left = [place for place in range(len(table.names)) if place not in taken]
    return next((place for place in left if are_dates(Counter(row[place] for row in rows))), None)


def gathered(table: Delimited, roles: Roles) -> dict[str, Gathered]:
    """The lines of each series, in the order of their first ones."""
    found: dict[str, Gathered] = {}
    extra = {"label": roles.target, "part": roles.part, "group": roles.group}
    for line, cells in table.rows():
        name = "/".join(cells[place] for place in roles.series if place < len(cells))
        one = found.setdefault(name, Gathered(len(roles.channels)))
        if len(cells) != len(table.names):
            wrong = Unreadable("wrong_cells", line=line, expected=len(table.names), found=len(cells))
            one.wrong = one.wrong or wrong
            continue
        for what, place in extra.items():
            if place is not None:
                one.say(what, cells[place], line)
        try:
            numbers = [number_of(table, cells[place], line) for place in roles.channels]
        except Unreadable as reason:
            one.wrong = one.wrong or reason
            continue
        one.add(line, cells[roles.time] if roles.time is not None else "", numbers)
    return found


def number_of(table: Delimited, cell: str, line: int) -> float:
    """A cell as a number, nan where it is empty; Unreadable with its line."""
    if cell.lower() in MISSING:
        return np.nan
    value = table.number(cell)
    if value is None:
        raise Unreadable("series_no_number", line=line, detail=cell)
    return value


class Told:
    """Makes series of gathered lines and counts what is to be said of them.

    A series may become `most` times as long by steps that are missing in it; what misses more has uneven times.
    """

    def __init__(self, file: str, most: float = MOST_MISSING, notation: Notation | None = None):
        self.file = file
        self.most = most
        self.notation = notation
        self.gaps = Gaps(file)
        self.counts = {"series_sorted": 0, "series_uneven": 0}

    def series(self, found: Gathered) -> np.ndarray | Unreadable:
        """float32 (T, C) in the order of time, or why it cannot be used."""
        if found.wrong is not None:
            return found.wrong
        values = np.frombuffer(found.values, np.float32).reshape(-1, found.channels)
        times = moments(found.times, self.notation)
        missing = 0
        if times is not None:
            order = np.argsort(times, kind="stable")
            twice = np.flatnonzero(np.diff(times[order]) == 0)
            if len(twice):
                line = found.lines[int(order[twice[0] + 1])]
                return Unreadable("series_time_twice", line=line, time=found.times[int(order[twice[0]])])
            self.counts["series_sorted"] += bool((np.diff(order) < 0).any())
            values, missing = evened(values[order], times[order], self.most)
        values, filled = bridged(values)
        self.gaps.add(values, filled)
        self.counts["series_uneven"] += missing < 0
        return values

    def findings(self) -> list[Finding]:
        counted = [Finding(kind, "note", self.file, {"count": count}) for kind, count in self.counts.items() if count]
        return self.gaps.findings() + counted


def notation(table: Delimited, roles: Roles, found: Iterable[Gathered]) -> Notation | None:
    """How all dates of a table are written that are not ISO's; DataError where they are dates that cannot be read."""
    cells = [cell for one in found for cell in one.times]
    if roles.time is None or not cells or moments(cells) is not None or not are_dates(Counter(cells)):
        return None
    told, names = notation_of(cells), {"place": table.file, "column": table.names[roles.time]}
    if told is None:
        raise DataError("data.dates_unread", cell=cells[0], **names)
    if told.order == "either":
        raise DataError("data.dates_either", cell=cells[0], **names)
    return told


def moments(cells: Sequence[str], notation: Notation | None = None) -> np.ndarray | None:
    """Times as numbers, dates as seconds; None where they are neither, and lines stand in their order. (T,)

    >>> moments(["2024-03-01 10:00", "2024-03-01T10:00:30"]).tolist()[1] % 60
    30.0
    """
    told = notation or notation_of(cells)
    for read in (float, _seconds, *([lambda cell: told.read(cell).replace(tzinfo=UTC).timestamp()] if told else [])):
        try:
            times = np.array([read(cell) for cell in cells])
        except ValueError:
            continue
        return times if np.isfinite(times).all() else None
    return None


def _seconds(cell: str) -> float:
    moment = datetime.fromisoformat(cell)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def of_numbers(table: Delimited, places: Sequence[int], empty: bool = False) -> tuple[int, ...]:
    """Those of the columns that hold numbers, by the first lines; what else stands in one is a mistake."""
    rows = [cells for _, cells in islice(table.rows(), FIRST_LINES)]
    found: list[int] = []
    for place in places:
        there = [cells[place] for cells in rows if place < len(cells) and cells[place].lower() not in MISSING]
        if sum(table.number(cell) is not None for cell in there) > NUMBERS * len(there) or (empty and not there):
            found.append(place)
    return tuple(found)


def _of_steps(table: Delimited, roles: Roles) -> bool:
    """Whether the first lines are steps of series: several of one, each at a time of its own, with one label."""
    labels: dict[str, set[str]] = {}
    times: dict[str, list[str]] = {}
    for _, cells in islice(table.rows(), FIRST_LINES):
        if len(cells) == len(table.names):
            name = cells[roles.series[0]]
            labels.setdefault(name, set()).add(cells[roles.target or 0])
            times.setdefault(name, []).append(cells[roles.time or 0])
    whole = sum(len(labels[name]) == 1 and len(set(found)) == len(found) for name, found in times.items())
    return whole >= WHOLE * len(times) and any(len(found) > 1 for found in times.values())


def _by_name(table: Delimited, roles: Roles) -> Finding:
    return Finding("answer_by_name", "note", table.file.name, {"column": table.names[roles.target or 0]})


def _answers(cells: Sequence[str]) -> tuple[str, list[Any]]:
    """The task, and each series' class or number."""
    labels = [None if cell.lower() in MISSING else cell for cell in cells]
    there = [label for label in labels if label is not None]
    try:
        numbers = [float(label) for label in there]
    except ValueError:
        return "classify", labels
    whole = all(number.is_integer() for number in numbers)
    if whole and len(set(numbers)) <= MOST_CLASSES:
        return "classify", labels
    return "regress", [None if label is None else float(label) for label in labels]


CATALOGUE = {"series_table": Layout(recognise, open_series_table)}
