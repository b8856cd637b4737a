"""Tables of texts: CSV or TSV with a column of sentences and one of answers, with or without a header.

The text is `data.text`, else the column whose cells are the longest of those that read like sentences; the answer is
`data.target`, else one with a telling name, else the one with the fewest different cells. A column named split or the
like gives the part. train.tsv with test.tsv (and val.tsv) beside it in a folder are the parts of one table.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from deepglass.data.readers.delimited import FIRST_LINES, MISSING, SUFFIXES, Delimited, numbered, open_delimited
from deepglass.data.readers.text import Text, clean
from deepglass.data.settings import DataSettings
from deepglass.data.source import Finding, Index, Layout, Match, Unreadable
from deepglass.data.sources.columns import ANSWERS, PART_NAMES, by_name, chosen, part, unused
from deepglass.data.sources.rows import Rows
from deepglass.data.walk import listing, suffix
from deepglass.foundation.errors import DataError

WORDS = 3.0  # a column's cells have at least so many words on average to be taken for texts ...
LETTERS = 12.0  # ... or so many letters of a language that is written without spaces
DIFFERENT = 0.5  # share of a text column's cells that differ
REPEATED = 0.5  # share of an answer column's cells up to which they may differ


@dataclass(frozen=True)
class Roles:
    """Which column is what."""

    text: int
    target: int
    part: int | None
    group: int | None


def recognise(place: str, settings: DataSettings) -> Match | None:
    """A table, or tables named after parts, with a column of sentences and one of few answers."""
    tables = _tables(Path(place))
    if not tables:
        return None
    table = _opened(tables[0][0], settings)
    roles = _roles(table, settings)
    if roles is None:
        return None
    values = {"file": table.file.name, "text": table.names[roles.text], "target": table.names[roles.target]}
    return Match(0.9, "layout_text_table", "classify", values)


def open_table(place: str, settings: DataSettings) -> Rows:
    """Every row as a text with its answer."""
    findings: list[Finding] = []
    ids: list[str] = []
    texts: list[Text | Unreadable] = []
    labels: list[str | None] = []
    parts: list[str] = []
    groups: list[str] = []
    columns: tuple[str, ...] = ()
    for file, named in _tables(Path(place)):
        table = _opened(file, settings)
        roles = _roles(table, settings)
        if roles is None:
            raise DataError("data.not_that_layout", place=file, layout="text_table")
        columns = columns or (table.names[roles.text],)
        if not settings.target:
            findings.append(Finding("answer_by_name", "note", file.name, {"column": table.names[roles.target]}))
        findings += unused(table, (roles.text, roles.target, roles.part, roles.group))
        for line, cells in table.rows():
            ids.append(f"{file.name}:{line}")
            texts.append(_text(table, cells, roles.text, line))
            labels.append(_answer(cells, roles.target))
            split = _cell(cells, roles.part)
            parts.append(named or part(split))
            groups.append(_cell(cells, roles.group))
    given = parts if any(parts) else ()
    index = Index(ids, labels, given, groups if any(groups) else (), kind="text", columns=columns)
    return Rows("text_table", "classify", Path(place), index, texts, findings)


def _tables(place: Path) -> list[tuple[Path, str]]:
    """The table, or the tables of a folder, each with the part that its name says."""
    if place.is_file():
        return [(place, "")] if suffix(place.name) in SUFFIXES else []
    if not place.is_dir():
        return []
    folders, files = listing(place)
    tables = [place / name for name in files if suffix(name) in SUFFIXES]
    if len(tables) == 1 and not folders:
        return [(tables[0], "")]
    named = [(file, part(file.stem)) for file in tables]
    known = [name for _, name in named]
    return named if len(tables) > 1 and all(known) and "train" in known and len(set(known)) == len(known) else []


def _opened(file: Path, settings: DataSettings) -> Delimited:
    """The table; what looks like a header may be the first example, for texts hold no numbers either."""
    table = open_delimited(file)
    if not table.has_header:
        return table
    rows = [cells for _, cells in islice(table.rows(), FIRST_LINES)]
    if {settings.text, settings.target} & set(table.names):
        return table
    for place, name in enumerate(table.names):
        cells = [row[place] for row in rows if place < len(row)]
        few = len(set(cells)) <= len(cells) / 4
        if len(name.split()) > 5 or (few and name in cells):
            return replace(table, names=numbered(len(table.names)), has_header=False)
    return table


def _roles(table: Delimited, settings: DataSettings) -> Roles | None:
    """Which column is what; None where none reads like sentences or none like answers."""
    names, file = table.names, table.file
    columns = table.glance()
    if len(names) < 2 or not columns[0]:
        return None
    group = chosen("data.group", settings.group, names, file)
    target = chosen("data.target", settings.target, names, file)
    text = chosen("data.text", settings.text, names, file)
    if text is None:
        reading = [place for place in range(len(names)) if place != target and reads(table, columns[place])]
        text = max(reading, key=lambda place: sum(map(len, columns[place])), default=None)
    if text is None:
        return None
    split = by_name(PART_NAMES, names, (text, target, group))
    if split is not None and not all(part(cell) for cell in columns[split] if cell):
        split = None
    if target is None:
        target = by_name(ANSWERS, names, (text, group, split))
    if target is None:
        others = [place for place in range(len(names)) if place not in (text, group, split)]
        few = [place for place in others if len(set(columns[place])) <= max(2, REPEATED * len(columns[0]))]
        target = min(few, key=lambda place: len(set(columns[place])), default=None)
    return None if target is None else Roles(text, target, split, group)


def reads(table: Delimited, cells: Sequence[str]) -> bool:
    """Whether a column reads like sentences."""
    there = [cell for cell in cells if cell]
    if not there or len(set(there)) < DIFFERENT * len(there):
        return False
    if sum(table.number(cell) is not None for cell in there) > len(there) / 10:
        return False
    words = sum(len(cell.split()) for cell in there) / len(there)
    far = sum(letter > "\u2e80" for cell in there for letter in cell) / len(there)
    return words >= WORDS or far >= LETTERS


def _text(table: Delimited, cells: list[str], place: int, line: int) -> Text | Unreadable:
    if len(cells) != len(table.names):
        return Unreadable("wrong_cells", line=line, expected=len(table.names), found=len(cells))
    try:
        return clean(cells[place])
    except Unreadable as reason:
        return reason


def _answer(cells: list[str], place: int) -> str | None:
    cell = _cell(cells, place)
    return None if cell.lower() in MISSING else cell


def _cell(cells: list[str], place: int | None) -> str:
    return cells[place] if place is not None and place < len(cells) else ""


CATALOGUE = {"text_table": Layout(recognise, open_table)}
