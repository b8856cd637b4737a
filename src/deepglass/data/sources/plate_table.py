"""Plates in a CSV or TSV: a row for each, with a column for the picture, one for the text, and x1, y1 ... x4, y4.

Corners go clockwise from the top left as one reads the plate. kind (blue, yellow, green, white, or 蓝 黄 绿 白), lines
(1 or 2) and split may stand beside them, as in what `predict --out` writes of plates. A row whose text and corners are
empty says that its picture has no plate. The place is the table, or the folder that holds it, or one for each part.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deepglass.data.annotation import UNKNOWN, Plate
from deepglass.data.readers.delimited import MISSING, Delimited, open_delimited
from deepglass.data.settings import DataSettings
from deepglass.data.source import Finding, Layout, Match, Unreadable
from deepglass.data.sources.boxed import Lines, Marked, Pictures, part_in, size_of, tables_at
from deepglass.data.sources.columns import PART_NAMES, PATHS, by_name, chosen, part
from deepglass.data.sources.files import PictureFiles
from deepglass.data.sources.plated import clean, gathered
from deepglass.foundation.errors import DataError

CORNERS = tuple(f"{axis}{corner}" for corner in range(1, 5) for axis in "xy")
TEXTS = "text plate plate_text number plate_number license_plate licence_plate label 车牌 车牌号 号码 文本".split()
KINDS = "kind type colour color 颜色 类型".split()
LINES = ("lines", "rows", "行数")
MEANT = {"blue": "blue", "yellow": "yellow", "green": "green", "white": "white"}
MEANT |= {"蓝": "blue", "黄": "yellow", "绿": "green", "白": "white"}


@dataclass(frozen=True)
class Plan:
    """Which column is what."""

    path: int
    text: int
    corners: tuple[int, ...]
    kind: int | None
    lines: int | None
    part: int | None
    group: int | None


@dataclass
class Rows:
    """What the rows of one picture say together."""

    at: str
    part: str
    group: str
    fault: Unreadable | None
    plates: list[Plate] = field(default_factory=list)


def recognise(place: str, settings: DataSettings) -> Match | None:
    """A table with columns for pictures, texts and four corners, given or in its folder."""
    _, files = tables_at(Path(place), lambda table, _: _fits(table))
    if not files:
        return None
    return Match(0.98, "layout_plate_table", "read_plates", {"files": ", ".join(file.name for file in files[:3])})


def open_table(place: str, settings: DataSettings) -> PictureFiles:
    """Every picture that the table names, with the plates of all its rows."""
    root, files = tables_at(Path(place), lambda table, _: _fits(table))
    if not files:
        raise DataError("data.not_that_layout", place=place, layout="plate_table")
    pictures, findings = Pictures(root), list[Finding]()
    marks: list[Marked] = []
    for file in files:
        table = open_delimited(file)
        marks += _marks(table, _plan(table, settings), pictures, findings)
    return gathered("plate_table", pictures, marks, findings)


def _fits(table: Delimited) -> bool:
    """Whether it has all columns; DataError where some corners are named and others are not."""
    names = [name.lower() for name in table.names]
    there = [name for name in CORNERS if name in names]
    text = by_name(TEXTS, names) is not None
    if text and len(there) not in (0, len(CORNERS)) and {"x3", "y3"} & set(there):
        missing = ", ".join(name for name in CORNERS if name not in there)
        raise DataError("data.plate_columns", place=table.file, missing=missing, known=", ".join(table.names[:20]))
    return text and len(there) == len(CORNERS)


def _plan(table: Delimited, settings: DataSettings) -> Plan:
    names = [name.lower() for name in table.names]
    corners = tuple(names.index(name) for name in CORNERS)
    text = chosen("data.target", settings.target, table.names, table.file)
    text = by_name(TEXTS, names, corners) if text is None else text
    path = chosen("data.path", settings.path, table.names, table.file)
    path = by_name(PATHS, names, (*corners, text)) if path is None else path
    if path is None or text is None:
        raise DataError("data.no_column_of_pictures", place=table.file, known=", ".join(table.names[:20]))
    group, taken = chosen("data.group", settings.group, table.names, table.file), (*corners, path, text)
    kind, lines, split = (by_name(words, names, taken) for words in (KINDS, LINES, PART_NAMES))
    return Plan(path, text, corners, kind, lines, split, group)


def _marks(table: Delimited, plan: Plan, pictures: Pictures, findings: list[Finding]) -> list[Marked]:
    """One for each picture, in the order of their first rows."""
    lines = Lines(table, plan.path, pictures)
    known: dict[str, Rows] = {}
    for at, cells, id, fault in lines:
        if fault:
            rows = known.setdefault(id, Rows(at, lines.named, "", fault))
            rows.fault = rows.fault or fault
            continue
        id, lost = pictures.find(cells[plan.path], lines.near, lines.named)
        of = (part(cells[plan.part]) if plan.part is not None else "") or lines.named or part_in(id.rpartition("/")[0])
        group = cells[plan.group] if plan.group is not None else ""
        rows = known.setdefault(id, Rows(at, of, group, lost))
        if any(cells[place].lower() not in MISSING for place in (plan.text, *plan.corners)):
            plate = _plate(table, plan, cells, at)
            rows.fault = rows.fault or (plate if isinstance(plate, Unreadable) else None)
            rows.plates += [] if isinstance(plate, Unreadable) else [plate]
    findings += lines.findings()
    return [_mark(pictures.root, id, rows) for id, rows in known.items()]


def _mark(root: Path, id: str, rows: Rows) -> Marked:
    size = size_of(root, id) if rows.fault is None else UNKNOWN
    fault = size if isinstance(size, Unreadable) else rows.fault
    size = UNKNOWN if isinstance(size, Unreadable) else size
    return Marked(id, tuple(rows.plates), rows.at, rows.part, size, fault, rows.group)


def _plate(table: Delimited, plan: Plan, cells: Sequence[str], at: str) -> Plate | Unreadable:
    """The plate of a row, or why it is none."""
    text = clean(cells[plan.text])
    if not text:
        return Unreadable("plate_without_text", annotation=at)
    numbers = [table.number(cells[place]) for place in plan.corners]
    found = [number for number in numbers if number is not None and abs(number) < float("inf")]
    if len(found) < len(CORNERS):
        written = ", ".join(cells[place] for place in plan.corners)
        return Unreadable("plate_not_numbers", plate=text, value=written, annotation=at)
    kind = cells[plan.kind].lower() if plan.kind is not None else ""
    two = plan.lines is not None and table.number(cells[plan.lines]) == 2
    meant = next((name for word, name in MEANT.items() if word in kind), "")
    return Plate(text, tuple(zip(found[::2], found[1::2], strict=True)), meant, 2 if two else 1)


CATALOGUE = {"plate_table": Layout(recognise, open_table, "read_plates")}
