"""A folder of pictures and a table of what they show: CSV or TSV with a column of file names and one of answers.

One answer a picture; or several, in one cell (separated by ; or | or spaces) or as columns of 0 and 1. A column named
split or the like gives the part, `data.group` the group. The place is the folder or the table itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from deepglass.data.readers.delimited import FIRST_LINES, MISSING, SUFFIXES, Delimited, open_delimited
from deepglass.data.readers.picture import SUFFIXES as PICTURE_SUFFIXES
from deepglass.data.settings import DataSettings
from deepglass.data.source import Finding, Index, Layout, Match
from deepglass.data.sources.columns import ANSWERS, PART_NAMES, PATHS, by_name, chosen, part
from deepglass.data.sources.files import Names, PictureFiles
from deepglass.data.walk import listing, suffix
from deepglass.foundation.errors import DataError

MANY_NAMES = frozenset(("labels", "tags", "classes", "标签"))  # columns whose name says that a cell holds several
FOUND = 0.5  # share of the first rows whose file must exist for the table to be one of pictures


@dataclass(frozen=True)
class Plan:
    """Which column is what; `flags` are columns of 0 and 1, `separator` cuts a cell of several labels."""

    path: int
    target: int | None
    part: int | None
    group: int | None
    flags: tuple[int, ...] = ()
    separator: str = ""

    @property
    def task(self) -> str:
        """What follows: one class, or several labels at once."""
        return "multilabel" if self.flags or self.separator else "classify"


def recognise(place: str, settings: DataSettings) -> Match | None:
    """A table, given or alone in its folder, of which a column names pictures that lie beside or below it."""
    file = table_in(Path(place))
    if file is None:
        return None
    table = open_delimited(file)
    if Path(place).is_file() and not settings.path and not _names_pictures(table):
        return None  # no look around a table of numbers: it may lie in a folder of anything
    names = Names(file.parent, "picture")
    if not names.ids:
        return None
    path = _path_column(table, names, settings)
    if path is None:
        return None
    plan = _plan(table, path, settings, [])
    values = {"file": file.name, "column": table.names[path]}
    return Match(0.92, "layout_picture_table", plan.task, values)


def open_table(place: str, settings: DataSettings, whole: bool = False) -> PictureFiles:
    """Every row of the table as an example; a file that does not exist is found out when it is read.

    With `whole`, an answer is what its cell holds, whatever it looks like.
    """
    file = table_in(Path(place))
    table = open_delimited(file) if file else None
    names = Names(file.parent, "picture") if file else None
    path = _path_column(table, names, settings) if table and names else None
    if file is None or table is None or names is None or path is None:
        raise DataError("data.not_that_layout", place=place, layout="picture_table")
    findings: list[Finding] = []
    plan = _plan(table, path, settings, findings)
    plan = replace(plan, separator="") if whole else plan
    index, lines = _index(table, plan, names, findings)
    unused = sorted(set(names.ids) - set(index.ids))
    if unused:
        values = {"count": len(unused), "examples": ", ".join(unused[:3]), "table": file.name}
        findings.append(Finding("not_in_table", "note", file.name, values))
    source = PictureFiles("picture_table", plan.task, file.parent, index, findings)
    source.lines = lines
    return source


def table_in(place: Path) -> Path | None:
    """The file itself, or the table of a folder; several tables in a folder are a question, not a guess."""
    if place.is_file():
        return place if suffix(place.name) in SUFFIXES else None
    if not place.is_dir():
        return None
    tables = [name for name in listing(place)[1] if suffix(name) in SUFFIXES]
    return place / tables[0] if len(tables) == 1 else None


def _path_column(table: Delimited, names: Names, settings: DataSettings) -> int | None:
    """The named column; else the one whose cells most often are pictures, columns with telling names first."""
    path = chosen("data.path", settings.path, table.names, table.file)
    if path is not None:
        return path
    rows = [cells for _, cells in islice(table.rows(), FIRST_LINES)]
    telling = by_name(PATHS, table.names)
    order = sorted(range(len(table.names)), key=lambda place: place != telling)
    found = {
        place: sum(names.find(cells[place]) is not None for cells in rows if place < len(cells)) for place in order
    }
    best = max(order, key=lambda place: found[place])
    if rows and found[best] >= FOUND * len(rows):
        return best
    looks = [place for place in order if rows and all(_ends_as_picture(cells, place) for cells in rows)]
    return looks[0] if looks else None


def _names_pictures(table: Delimited) -> bool:
    return any(_ends_as_picture(cells, place) for _, cells in islice(table.rows(), 3) for place in range(len(cells)))


def _ends_as_picture(cells: list[str], place: int) -> bool:
    return place < len(cells) and suffix(cells[place]) in PICTURE_SUFFIXES


def _plan(table: Delimited, path: int, settings: DataSettings, findings: list[Finding]) -> Plan:
    names, file = table.names, table.file
    group = chosen("data.group", settings.group, names, file)
    target = chosen("data.target", settings.target, names, file)
    if target is None:
        target = by_name(ANSWERS, names, (path, group))
    rows = [cells for _, cells in table.rows()]
    split = by_name(PART_NAMES, names, (path, target, group))
    if split is not None and not all(part(cell) for cell in _cells(rows, split) if cell):
        split = None
    if target is None:
        others = [place for place in range(len(names)) if place not in (path, split, group)]
        flags = tuple(place for place in others if set(_cells(rows, place)) <= {"0", "1", ""})
        if len(flags) >= 2:
            return Plan(path, None, split, group, flags)
        if not others:
            raise DataError("data.no_answers", place=file, column=names[path])
        target = others[-1]
    findings.append(Finding("answer_by_name", "note", file.name, {"column": names[target]}))
    separator = _separator(names[target], _cells(rows, target))
    return Plan(path, target, split, group, (), separator)


def _cells(rows: Sequence[list[str]], place: int) -> list[str]:
    return [cells[place] for cells in rows if place < len(cells)]


def _separator(name: str, cells: list[str]) -> str:
    """What parts several labels in one cell, or nothing.

    Class names may hold spaces (golden retriever), so a space parts labels only in a column that is named for several,
    or where words also stand alone and fewer words than texts are in use.
    """
    for mark in ";|":
        if any(mark in cell for cell in cells):
            return mark
    texts = {cell for cell in cells if cell}
    words = {word for text in texts for word in text.split()}
    alone = any(text in words for text in texts)
    spaced = any(" " in text for text in texts)
    return " " if spaced and (name.lower() in MANY_NAMES or (alone and len(words) < len(texts))) else ""


def _index(table: Delimited, plan: Plan, names: Names, findings: list[Finding]) -> tuple[Index, list[str]]:
    """The examples, and table:line of each."""
    ids: list[str] = []
    lines: list[str] = []
    labels: list[Any] = []
    parts: list[str] = []
    groups: list[str] = []
    code = _coder(table, plan)
    short: list[int] = []
    again: list[str] = []
    known: set[str] = set()
    for line, cells in table.rows():
        if len(cells) != len(table.names):
            short.append(line)
            continue
        id = names.find(cells[plan.path]) or cells[plan.path].replace("\\", "/")
        if id in known:
            again.append(f"{table.file.name}:{line} {id}")
            continue
        known.add(id)
        ids.append(id)
        lines.append(f"{table.file.name}:{line}")
        labels.append(code(cells))
        parts += [part(cells[plan.part])] if plan.part is not None else []
        groups += [cells[plan.group]] if plan.group is not None else []
    if short:
        values = {"count": len(short), "expected": len(table.names), "lines": ", ".join(map(str, short[:3]))}
        findings.append(Finding("rows_cut", "warning", table.file.name, values))
    if again:
        values = {"count": len(again), "examples": ", ".join(again[:3])}
        findings.append(Finding("rows_repeated", "warning", table.file.name, values))
    return Index(ids, labels, parts, groups), lines


def _coder(table: Delimited, plan: Plan) -> Callable[[list[str]], Any]:
    if plan.flags:
        return lambda cells: tuple(table.names[place] for place in plan.flags if cells[place] == "1")
    target = plan.target or 0

    def one(cells: list[str]) -> str | None:
        return None if cells[target].lower() in MISSING else cells[target]

    def several(cells: list[str]) -> tuple[str, ...]:
        pieces = cells[target].split(plan.separator)
        return tuple(sorted({piece.strip() for piece in pieces if piece.strip()}))

    return several if plan.separator else one


CATALOGUE = {"picture_table": Layout(recognise, open_table)}
