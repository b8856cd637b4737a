"""A table of what videos show, beside the videos: a row for each clip, with columns for file and label.

With columns for start and end a row is that part of its video, and all parts of one video stay together when the data
are split; a table that has them is one of moments (task tag_video) unless the task classify is asked for. A column
named split or the like gives the part, `data.group` another group.
"""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from deepglass.data.readers.delimited import MISSING, Delimited, open_delimited
from deepglass.data.readers.video import MISSING as MISSING_END
from deepglass.data.readers.video import Clip, Frames, read_clip
from deepglass.data.readers.video import header as video_header
from deepglass.data.settings import DataSettings
from deepglass.data.source import Finding, Index, Layout, Match, Unreadable
from deepglass.data.sources.columns import PART_NAMES, by_name, chosen, part
from deepglass.data.sources.files import Files, Names, changed
from deepglass.data.sources.moments import ENDS, FILES, STARTS, TAGS, names_videos, span, table_in
from deepglass.foundation.errors import DataError


class Plan(NamedTuple):
    """Which column is what."""

    path: int
    label: int
    start: int | None
    end: int | None
    part: int | None
    group: int | None

    @property
    def timed(self) -> bool:
        """Whether rows are parts of videos."""
        return self.start is not None and self.end is not None


class Row(NamedTuple):
    """One clip: where it lies, which part of the video it is, what it shows."""

    file: str
    span: tuple[float, float] | None
    label: str | None
    part: str
    group: str
    at: str
    fault: Unreadable | None = None

    @property
    def id(self) -> str:
        """The file, with the seconds where it is a part of it."""
        return f"{self.file}@{self.span[0]:g}-{self.span[1]:g}" if self.span else self.file


class TableClips(Files):
    """Videos, or parts of them."""

    rows: Sequence[Row] = ()

    def read(self, row: int, fit: object = None) -> Clip:
        """The frames of its part as the form wants them; raises Unreadable, also where it lies behind the end."""
        one = self.rows[row]
        if one.fault:
            raise one.fault
        if one.span is None:
            return read_clip(self._file(row), fit)
        start, end = one.span
        clip = read_clip(self._file(row), fit, start, end)
        wanted = min(end, start + fit.longest) if isinstance(fit, Frames) and fit.longest else end
        short = isinstance(fit, Frames) and clip.end + MISSING_END < wanted
        if start >= clip.end or short:
            raise Unreadable("moment_beyond", start=f"{start:g}", end=f"{end:g}", seconds=f"{clip.end:.4g}")
        return clip

    def header(self, row: int) -> tuple[int, int, int]:
        """Width, height and channels by its first frame; raises Unreadable."""
        return video_header(self._file(row))[:3]

    def told(self) -> "hashlib.blake2b":
        """What the fingerprint is made of: names and times as well as the files' own."""
        state = super().told()
        for name in sorted({one.file for one in self.rows}):
            state.update(f"{name}\0{changed(f'{self.root}/{name}')}\n".encode())
        return state

    def _file(self, row: int) -> str:
        return os.path.join(self.root, self.rows[row].file)


def recognise(place: str, settings: DataSettings) -> Match | None:
    """A table, given or alone in its folder, with a column of videos that lie beside or below it, and one of labels."""
    file = table_in(Path(place))
    if file is None:
        return None
    table = open_delimited(file)
    plan = _plan(table, settings)
    if plan is None:
        return None
    reason = "layout_clip_table_parts" if plan.timed else "layout_clip_table"
    return Match(0.94, reason, "classify", {"file": file.name})


def open_table(place: str, settings: DataSettings) -> TableClips:
    """Every row of the table as a clip; a file that does not exist is found out when it is read."""
    file = table_in(Path(place))
    table = open_delimited(file) if file else None
    plan = _plan(table, settings) if table else None
    if file is None or table is None or plan is None:
        raise DataError("data.not_that_layout", place=place, layout="clip_table")
    names = Names(file.parent, "clip")
    findings: list[Finding] = []
    rows = _rows(table, plan, names, findings)
    if unused := sorted(set(names.ids) - {one.file for one in rows}):
        values = {"count": len(unused), "examples": ", ".join(unused[:3]), "table": file.name}
        findings.append(Finding("not_in_table", "note", file.name, values))
    groups = [one.group or one.file for one in rows] if plan.timed or plan.group is not None else ()
    parts = [one.part for one in rows] if plan.part is not None else ()
    index = Index([one.id for one in rows], [one.label for one in rows], parts, groups, kind="clip")
    source = TableClips("clip_table", "classify", file.parent, index, findings)
    source.rows, source.lines = rows, [one.at for one in rows]
    return source


def _plan(table: Delimited, settings: DataSettings) -> Plan | None:
    """Which column is what; None where it is no table of videos."""
    names = table.names
    start, end = by_name(STARTS, names), by_name(ENDS, names)
    start, end = (start, end) if start is not None and end is not None else (None, None)
    group = chosen("data.group", settings.group, names, table.file)
    path = chosen("data.path", settings.path, names, table.file)
    path = by_name(FILES, names, (start, end, group)) if path is None else path
    label = chosen("data.target", settings.target, names, table.file)
    label = by_name(TAGS, names, (start, end, group, path)) if label is None else label
    if path is None or label is None or not names_videos(table, path):
        return None
    return Plan(path, label, start, end, by_name(PART_NAMES, names, (start, end, group, path, label)), group)


def _rows(table: Delimited, plan: Plan, names: Names, findings: list[Finding]) -> list[Row]:
    """The rows, none twice."""
    found: dict[str, Row] = {}
    again: list[str] = []
    for line, cells in table.rows():
        if len(cells) != len(table.names):
            raise DataError(
                "data.moment_cells", place=table.file, line=line, expected=len(table.names), found=len(cells)
            )
        one = _row(table, plan, names, line, cells)
        key = f"{one.at} {one.id}" if one.fault else one.id  # what makes no sense is named line by line
        if key in found:
            again.append(f"{one.at} {one.id}")
        else:
            found[key] = one
    if again:
        values = {"count": len(again), "examples": ", ".join(again[:3])}
        findings.append(Finding("rows_repeated", "warning", table.file.name, values))
    return list(found.values())


def _row(table: Delimited, plan: Plan, names: Names, line: int, cells: Sequence[str]) -> Row:
    file = names.find(cells[plan.path]) or cells[plan.path].replace("\\", "/")
    label = None if cells[plan.label].lower() in MISSING else cells[plan.label]
    group = cells[plan.group] if plan.group is not None else ""
    given = part(cells[plan.part]) if plan.part is not None else ""
    one = Row(file, None, label, given, group, f"{table.file.name}:{line}")
    if plan.start is None or plan.end is None or not (cells[plan.start] or cells[plan.end]):
        return one  # a row without times is the whole video
    times = span(cells, plan.start, plan.end, line)
    return one._replace(fault=times) if isinstance(times, Unreadable) else one._replace(span=times)


CATALOGUE = {"clip_table": Layout(recognise, open_table, "classify")}
