"""A table of what is in videos when, beside the videos: a row for each moment, with columns for file, start, end, tag.

Times are seconds, or minutes and seconds as players show them (1:02.5). A row of a file alone, without a tag, is a
video in which nothing is tagged. A column named split or the like gives the part, `data.group` the group.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from deepglass.data.annotation import Moment
from deepglass.data.readers.delimited import MISSING, SUFFIXES, Delimited, open_delimited
from deepglass.data.readers.video import LOOK_LONGEST, Clip, Frames
from deepglass.data.readers.video import MISSING as MISSING_END
from deepglass.data.settings import DataSettings
from deepglass.data.source import Finding, Index, Layout, Match, Unreadable
from deepglass.data.sources.columns import ANSWERS, PART_NAMES, PATHS, by_name, chosen, part
from deepglass.data.sources.files import ClipFiles, Names
from deepglass.data.walk import listing, suffix
from deepglass.foundation.errors import DataError

STARTS = "start begin from onset start_time starttime start_s 开始 起始 开始时间".split()
ENDS = "end stop to offset end_time endtime end_s finish 结束 结束时间".split()
FILES = (*PATHS, "video", "clip", "video_id", "视频")
TAGS = (*ANSWERS, "event", "action", "activity", "what")
CLOCK = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{1,2}(?:[.,]\d+)?)")
TRIED = 50  # rows by which it is told whether a table names videos


class Plan(NamedTuple):
    """Which column is what."""

    path: int
    start: int
    end: int
    tag: int
    part: int | None
    group: int | None


@dataclass
class Rows:
    """What the rows of one video say together."""

    at: str
    part: str = ""
    group: str = ""
    moments: list[Moment] = field(default_factory=list)
    lines: dict[Moment, str] = field(default_factory=dict)  # where the table says each
    fault: Unreadable | None = None
    joined: int = 0  # moments that were part of another of the same tag

    def answer(self) -> tuple[Moment, ...]:
        """The moments in the order of their starts; those of one tag that overlap are one."""
        found: list[Moment] = []
        last: dict[str, int] = {}  # of each tag, its moment in `found` that ends last
        for one in sorted(self.moments, key=lambda moment: (moment.start, moment.label)):
            place = last.get(one.label)
            if place is not None and one.start < found[place].end:
                self.joined += 1
                line = self.lines[max(found[place], one, key=lambda moment: moment.end)]
                found[place] = found[place]._replace(end=max(found[place].end, one.end))
                self.lines[found[place]] = line
            else:
                last[one.label] = len(found)
                found.append(one)
        return tuple(found)


def recognise(place: str, settings: DataSettings) -> Match | None:
    """A table, given or alone in its folder, with columns for a start, an end and videos beside or below it."""
    file = table_in(Path(place))
    if file is None:
        return None
    table = open_delimited(file)
    if _plan(table, settings) is None:
        return None
    return Match(0.97, "layout_moments", "tag_video", {"file": file.name})


def open_table(place: str, settings: DataSettings) -> ClipFiles:
    """Every video that the table names, with the moments of all its rows in the order of their starts."""
    file = table_in(Path(place))
    table = open_delimited(file) if file else None
    plan = _plan(table, settings) if table else None
    if file is None or table is None or plan is None:
        raise DataError("data.not_that_layout", place=place, layout="moments")
    names = Names(file.parent, "clip")
    rows = _gathered(table, plan, names)
    ids = list(rows)
    labels = [one.answer() for one in rows.values()]
    parts = [one.part for one in rows.values()] if plan.part is not None else ()
    groups = [one.group for one in rows.values()] if plan.group is not None else ()
    index = Index(ids, labels, parts, groups, kind="clip")
    findings: list[Finding] = []
    if unused := sorted(set(names.ids) - set(ids)):
        values = {"count": len(unused), "examples": ", ".join(unused[:3]), "table": file.name}
        findings.append(Finding("not_in_table", "note", file.name, values))
    if overlapping := [id for id, one in rows.items() if one.joined]:
        values = {"count": sum(one.joined for one in rows.values()), "examples": ", ".join(overlapping[:3])}
        findings.append(Finding("moments_joined", "note", file.name, values))
    source = ClipFiles("moments", "tag_video", file.parent, index, findings)
    stated = [one.lines for one in rows.values()]
    source.judge = lambda row, clip, fit: _refuse_beyond(labels[row], stated[row], clip, fit)
    source.lines = [one.at for one in rows.values()]
    source.faults = {place: one.fault for place, one in enumerate(rows.values()) if one.fault}
    return source


def seconds(cell: str) -> float | None:
    """A time as people write it, in seconds; None where it is none.

    >>> seconds("12.5"), seconds("1:02.5"), seconds("1:00:00"), seconds("soon")
    (12.5, 62.5, 3600.0, None)
    """
    if found := CLOCK.fullmatch(cell.strip()):
        hours, minutes, rest = found.groups()
        return 3600.0 * int(hours or 0) + 60.0 * int(minutes) + float(rest.replace(",", "."))
    try:
        value = float(cell.replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def table_in(place: Path) -> Path | None:
    """The file itself, or the only table of a folder; nothing where it is empty."""
    if place.is_file():
        return place if suffix(place.name) in SUFFIXES and place.stat().st_size else None
    tables = [name for name in listing(place)[1] if suffix(name) in SUFFIXES] if place.is_dir() else []
    return place / tables[0] if len(tables) == 1 and (place / tables[0]).stat().st_size else None


def _plan(table: Delimited, settings: DataSettings) -> Plan | None:
    """Which column is what; None where it is no table of moments in videos."""
    names = table.names
    start, end = by_name(STARTS, names), by_name(ENDS, names)
    if start is None or end is None:
        return None
    group = chosen("data.group", settings.group, names, table.file)
    path = chosen("data.path", settings.path, names, table.file)
    path = by_name(FILES, names, (start, end, group)) if path is None else path
    tag = chosen("data.target", settings.target, names, table.file)
    tag = by_name(TAGS, names, (start, end, group, path)) if tag is None else tag
    if path is None or tag is None or not (settings.layout or names_videos(table, path)):
        return None
    return Plan(path, start, end, tag, by_name(PART_NAMES, names, (start, end, group, path, tag)), group)


def names_videos(table: Delimited, path: int) -> bool:
    """Whether one of the first cells of a column names a video that lies beside or below the table."""
    names = Names(table.file.parent, "clip")
    cells = [cells[path] for _, cells in islice(table.rows(), TRIED) if path < len(cells)]
    return bool(names.ids) and any(names.find(cell) for cell in cells)


def _gathered(table: Delimited, plan: Plan, names: Names) -> dict[str, Rows]:
    """The rows of every video, by its id, in the order in which they are named first."""
    found: dict[str, Rows] = {}
    for line, cells in table.rows():
        if len(cells) != len(table.names):
            raise DataError(
                "data.moment_cells", place=table.file, line=line, expected=len(table.names), found=len(cells)
            )
        id = names.find(cells[plan.path]) or cells[plan.path].replace("\\", "/")
        at = f"{table.file.name}:{line}"
        rows = found.setdefault(id, Rows(at))
        of_part = part(cells[plan.part]) if plan.part is not None else ""
        if of_part and rows.part and of_part != rows.part:
            rows.at, rows.fault = at, Unreadable("moment_parts", line=line, part=of_part, other=rows.part)
        rows.part = rows.part or of_part
        rows.group = cells[plan.group] if plan.group is not None else ""
        if cells[plan.tag].lower() in MISSING:
            continue
        moment = _moment(cells, plan, line)
        if isinstance(moment, Moment):
            rows.moments.append(moment)
            rows.lines[moment] = at
        else:
            rows.at, rows.fault = at, moment
    return found


def _moment(cells: Sequence[str], plan: Plan, line: int) -> Moment | Unreadable:
    found = span(cells, plan.start, plan.end, line)
    return found if isinstance(found, Unreadable) else Moment(cells[plan.tag], *found)


def span(cells: Sequence[str], start: int, end: int, line: int) -> tuple[float, float] | Unreadable:
    """From when to when, by the cells of these two columns; or that they make no sense."""
    first, last = seconds(cells[start]), seconds(cells[end])
    if first is None or last is None or first < 0 or last <= first:
        return Unreadable("moment_times", line=line, start=cells[start] or "–", end=cells[end] or "–")
    return first, last


def _refuse_beyond(moments: Sequence[Moment], lines: Mapping[Moment, str], clip: Clip, fit: object) -> None:
    """Raise Unreadable where a moment lies behind the end of a video that was read to its end."""
    longest = fit.longest if isinstance(fit, Frames) else LOOK_LONGEST
    for moment in moments if not longest or clip.end < longest else ():
        if moment.start >= clip.end or moment.end > clip.end + MISSING_END:
            values = {"start": f"{moment.start:g}", "end": f"{moment.end:g}", "seconds": f"{clip.end:.4g}"}
            raise Unreadable("moment_beyond", **values, at=lines[moment])


CATALOGUE = {"moments": Layout(recognise, open_table)}
