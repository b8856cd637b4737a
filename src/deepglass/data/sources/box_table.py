"""A table of boxes beside pictures: a row for each, with columns for picture, label and corners or corner and size.

Corners are left, top, right, bottom or xmin, ymin, xmax, ymax, counted from 0 as here; a corner and a size are x, y, w,
h. Where all lie between 0 and 1 they are shares of the picture. A row without a box is a picture with nothing in it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from deepglass.data.annotation import UNKNOWN, Box
from deepglass.data.readers.delimited import MISSING, Delimited, open_delimited
from deepglass.data.readers.picture import SUFFIXES as PICTURE_SUFFIXES
from deepglass.data.readers.yolo import digits_of, pixels
from deepglass.data.settings import DataSettings
from deepglass.data.source import Finding, Layout, Match, Unreadable
from deepglass.data.sources.boxed import Lines, Marked, Pictures, gathered, size_of, tables_at
from deepglass.data.sources.columns import ANSWERS, PART_NAMES, PATHS, by_name, chosen, part
from deepglass.data.sources.files import Names, PictureFiles
from deepglass.data.walk import suffix
from deepglass.foundation.errors import DataError

CORNERS = (
    ("left", "top", "right", "bottom"),
    ("xmin", "ymin", "xmax", "ymax"),
    ("minx", "miny", "maxx", "maxy"),
    ("x1", "y1", "x2", "y2"),
    ("x0", "y0", "x1", "y1"),
)
SIZED = (("x", "y", "w", "h"), ("x", "y", "width", "height"), ("left", "top", "width", "height"))
WHOLE = (("width", "height"), ("imagewidth", "imageheight"), ("imgwidth", "imgheight"), ("imgw", "imgh"))
LABELS = (*ANSWERS, "labelname", "classname", "categoryname", "object", "objectname", "类别名称")
NAMES = (*PATHS, "imageid", "imagepath", "imagename", "imagefile")
CROWDS = ("crowd", "iscrowd", "isgroupof", "difficult")
NO_NAME = "object"  # the class of boxes that nothing names
TRIED = 20  # rows by which it is told whether a table names pictures
LOOKED = 1000  # rows by which it is told whether corners are shares of the picture


@dataclass(frozen=True)
class Plan:
    """Which column is what; `sized` says that the last two corners are a width and a height."""

    box: tuple[int, int, int, int]
    sized: bool
    path: int
    label: int | None
    part: int | None
    group: int | None
    crowd: int | None
    size: tuple[int, int] | None
    shares: bool


@dataclass
class Rows:
    """What the rows of one picture say together."""

    at: str
    part: str
    group: str
    size: tuple[int, int] | Unreadable
    boxes: list[Box] = field(default_factory=list)
    fault: Unreadable | None = None


def recognise(place: str, settings: DataSettings) -> Match | None:
    """A table with columns for pictures and for the four sides of a box, given or in its folder."""
    _, files = tables_at(Path(place), lambda table, root: _fits(table, root, settings))
    if not files:
        return None
    names = ", ".join(file.name for file in files[:3])
    return Match(0.97, "layout_box_table", "detect", {"files": names})


def open_table(place: str, settings: DataSettings) -> PictureFiles:
    """Every picture that the table names, with the boxes of all its rows."""
    root, files = tables_at(Path(place), lambda table, root: _fits(table, root, settings))
    if not files:
        raise DataError("data.not_that_layout", place=place, layout="box_table")
    pictures = Pictures(root)
    findings: list[Finding] = []
    marks: list[Marked] = []
    for file in files:
        table = open_delimited(file)
        plan = _plan(table, settings)
        if plan.label is None:
            findings.append(Finding("boxes_unnamed", "note", file.name, {"name": NO_NAME}))
        if plan.shares:
            findings.append(Finding("boxes_in_shares", "note", file.name))
        marks += _marks(table, plan, pictures, findings)
    return gathered("box_table", pictures, marks, findings)


def _fits(table: Delimited, root: Path, settings: DataSettings) -> bool:
    """Whether it has the columns and names pictures; a table of measures may have an x, a y, a width and a height."""
    found = _box(table)
    if found is None or settings.layout:
        return found is not None
    path = chosen("data.path", settings.path, table.names, table.file)
    path = by_name(NAMES, _plain(table.names), found[0]) if path is None else path
    if path is None:
        return False
    cells = [cells[path] for _, cells in islice(table.rows(), TRIED) if path < len(cells)]
    if any(suffix(cell) in PICTURE_SUFFIXES for cell in cells):
        return True
    names = Names(root, "picture")
    return any(names.find(cell) for cell in cells)


def _plain(names: Sequence[str]) -> list[str]:
    """Names of columns without what people write around them: bbox_x_min is xmin."""
    return [re.sub(r"[\W_]+", "", re.sub(r"^b?box[\W_]*", "", name.lower())) for name in names]


def _columns(names: Sequence[str], wanted: Sequence[tuple[str, ...]]) -> tuple[int, ...] | None:
    """Places of the first of these sets of columns that is there as a whole."""
    return next((tuple(map(names.index, some)) for some in wanted if set(some) <= set(names)), None)


def _box(table: Delimited) -> tuple[tuple[int, ...], bool] | None:
    """The columns of a box, and whether the last two are a width and a height."""
    names = _plain(table.names)
    if found := _columns(names, CORNERS):
        return found, False
    found = _columns(names, SIZED)
    return (found, True) if found else None


def _plan(table: Delimited, settings: DataSettings) -> Plan:
    names, plain = table.names, _plain(table.names)
    found = _box(table)
    if found is None:
        raise DataError("data.not_that_layout", place=table.file, layout="box_table")
    box, sized = found
    group = chosen("data.group", settings.group, names, table.file)
    path = chosen("data.path", settings.path, names, table.file)
    label = chosen("data.target", settings.target, names, table.file)
    path = by_name(NAMES, plain, (*box, group, label)) if path is None else path
    if path is None:
        raise DataError("data.no_column_of_pictures", place=table.file, known=", ".join(names[:20]))
    label = by_name(LABELS, plain, (*box, group, path)) if label is None else label
    size = _columns(["" if place in box else name for place, name in enumerate(plain)], WHOLE)
    split = by_name(PART_NAMES, plain, (*box, group, path, label))
    return Plan(
        (box[0], box[1], box[2], box[3]),
        sized,
        path,
        label,
        split,
        group,
        by_name(CROWDS, plain, (path, label)),
        (size[0], size[1]) if size else None,
        _are_shares(table, box),
    )


def _are_shares(table: Delimited, box: Sequence[int]) -> bool:
    """Whether all corners lie between 0 and 1, and not all are whole."""
    whole = True
    for _, cells in islice(table.rows(), LOOKED):
        values = [table.number(cells[place]) for place in box if place < len(cells)]
        if any(value is not None and not 0 <= value <= 1 for value in values):
            return False
        whole &= all(value is None or value == int(value) for value in values)
    return not whole


def _marks(table: Delimited, plan: Plan, pictures: Pictures, findings: list[Finding]) -> list[Marked]:
    """One for each picture, in the order of their first rows."""
    lines = Lines(table, plan.path, pictures)
    known: dict[str, Rows] = {}
    ids: dict[str, tuple[str, Unreadable | None]] = {}
    for at, cells, id, fault in lines:
        if fault:
            rows = known.setdefault(id, Rows(at, lines.named, "", fault))
            rows.fault = rows.fault or fault
            continue
        cell = cells[plan.path]
        id, lost = ids[cell] = ids.get(cell) or pictures.find(cell, lines.near, lines.named)
        if id not in known:
            of = (part(cells[plan.part]) if plan.part is not None else "") or lines.named
            group = cells[plan.group] if plan.group is not None else ""
            size = lost or _size(table, plan, cells, pictures.root, id)
            known[id] = Rows(at, of, group, size, fault=lost)
        _add(known[id], table, plan, cells, at)
    findings += lines.findings()
    return [_mark(id, rows) for id, rows in known.items()]


def _mark(id: str, rows: Rows) -> Marked:
    fault = rows.fault or (rows.size if isinstance(rows.size, Unreadable) else None)
    size = UNKNOWN if isinstance(rows.size, Unreadable) else rows.size
    return Marked(id, tuple(rows.boxes), rows.at, rows.part, size, fault, rows.group)


def _size(table: Delimited, plan: Plan, cells: list[str], root: Path, id: str) -> tuple[int, int] | Unreadable:
    """Width and height as the table says them, or those of the picture."""
    said = [table.number(cells[place]) for place in plan.size or ()]
    if len(said) == 2 and all(side is not None and side > 0 and side == int(side) for side in said):
        return int(said[0] or 0), int(said[1] or 0)
    return size_of(root, id)


def _add(rows: Rows, table: Delimited, plan: Plan, cells: list[str], at: str) -> None:
    """The row's box; a row without one adds nothing, and one that cannot be read makes the picture unusable."""
    written = [cells[place] for place in plan.box]
    label = cells[plan.label] if plan.label is not None else NO_NAME
    values = [table.number(cell) for cell in written]
    numbers = [value for value in values if value is not None and abs(value) < float("inf")]
    if all(cell.lower() in MISSING for cell in written) or (not label and not any(numbers)):
        return
    if not label:
        rows.fault = rows.fault or Unreadable("box_without_label", annotation=at)
    elif len(numbers) < 4:
        rows.fault = rows.fault or Unreadable("box_not_numbers", annotation=at, box=label, value=", ".join(written))
    elif not isinstance(rows.size, Unreadable):
        x, y, right, bottom = numbers
        corners = (x, y, x + right, y + bottom) if plan.sized else (x, y, right, bottom)
        if plan.shares:
            digits = max(map(digits_of, written))
            scaled = [pixels(corner, rows.size[place % 2], digits) for place, corner in enumerate(corners)]
            corners = (scaled[0], scaled[1], scaled[2], scaled[3])
        crowd = plan.crowd is not None and cells[plan.crowd].lower() in ("1", "true", "yes")
        rows.boxes.append(Box(label, *corners, crowd))


CATALOGUE = {"box_table": Layout(recognise, open_table, "detect")}
