"""Parallel text: sentences beside their translations, in two columns of a table or line by line in two files.

train.en with train.fr (and val.*, test.*) are the parts of one text, as train.tsv with test.tsv are. What is translated
is the first column, or the language that comes first in the alphabet; `data.text` and `data.target` name the sides
otherwise. A source sentence is the group of its rows: a drawn split never has it on both sides.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from deepglass.data.column import Texts
from deepglass.data.readers.delimited import FIRST_LINES, SUFFIXES, Delimited, numbered, open_delimited
from deepglass.data.readers.misfit import not_utf8
from deepglass.data.readers.picture import SUFFIXES as PICTURES
from deepglass.data.readers.sound import SUFFIXES as SOUNDS
from deepglass.data.readers.text import Text, clean, unmarked_utf16
from deepglass.data.settings import DataSettings
from deepglass.data.source import Finding, Index, Layout, Match, Unreadable
from deepglass.data.sources.columns import PART_NAMES, by_name, chosen, part
from deepglass.data.sources.languages import by_text, is_side
from deepglass.data.sources.rows import Rows
from deepglass.data.sources.sides import compared
from deepglass.data.walk import listing, suffix
from deepglass.foundation.errors import DataError

WORDS = 1.5  # on average, for a column's cells to be taken for sentences ...
LETTERS = 4.0  # ... or so many letters of a language that is written without spaces
DIFFERENT = 0.6  # share of cells that differ in one of the two columns at least ...
REPEATED = 0.2  # ... and in the other: below it they are the names of classes
FEWEST = 20  # different cells below which a column of few is one of classes
CREDIT = "CC-BY"  # how the third column of the public lists of sentence pairs begins


class Row(NamedTuple):
    """One pair as it is written, with where it stands and what it is for."""

    id: str
    source: str
    target: str
    part: str = ""
    broken: Unreadable | None = None


class Sides(NamedTuple):
    """Which columns of a table are translated into which."""

    source: int
    target: int
    part: int | None


def recognise(place: str, settings: DataSettings) -> Match | None:
    """A table of two columns of sentences, tables named after parts, or files that differ in their language alone."""
    path = Path(place)
    tables = _tables(path)
    if tables and (table := _opened(tables[0][0], settings)) and (sides := _sides(table, settings)):
        values = {"file": table.file.name, "source": table.names[sides.source], "target": table.names[sides.target]}
        return Match(0.95, "layout_parallel_table", "translate", values)
    texts = _texts(path)
    if not texts:
        return None
    source, target = _languages(path, texts, settings)
    return Match(0.95, "layout_parallel_files", "translate", {"count": len(texts), "source": source, "target": target})


def open_parallel(place: str, settings: DataSettings) -> Rows:
    """Every pair as a source text with its translation as the answer."""
    path = Path(place)
    tables = _tables(path)
    if tables:
        names, rows, findings = _from_tables(tables, settings)
    else:
        names, rows, findings = _from_files(path, settings)
    rows = [row for row in rows if row.source or row.target or row.broken]  # else a line that is empty on both sides
    raws = [row.broken or _clean(row.source) for row in rows]
    labels = [_answer(row) for row in rows]
    pairs = zip(rows, raws, labels, strict=True)
    whole = [row for row, raw, label in pairs if isinstance(raw, Text) and label is not None]
    findings += compared([row.id for row in whole], [row.source for row in whole], [row.target for row in whole])
    parts = [row.part for row in rows] if any(row.part for row in rows) else ()
    same = [" ".join(row.source.lower().split()) for row in rows]
    index = Index([row.id for row in rows], Texts(labels), parts, same, kind="text", columns=names[:1])
    return Rows("parallel", "translate", path, index, raws, findings)


def _clean(text: str) -> Text | Unreadable:
    try:
        return clean(text)
    except Unreadable as reason:
        return reason


def _answer(row: Row) -> str | None:
    """The translation, made the same as any text that is read; None where there is none."""
    found = _clean(row.target)
    return None if isinstance(found, Unreadable) or row.broken else found.text


def _tables(place: Path) -> list[tuple[Path, str]]:
    """The table, or the tables of a folder, each with the part that its name says; lines with tabs are a table too."""
    if place.is_file():
        return [(place, "")] if suffix(place.name) in SUFFIXES or _tabbed(place) else []
    if not place.is_dir():
        return []
    tables = [place / name for name in listing(place)[1] if suffix(name) in SUFFIXES]
    if len(tables) == 1:
        return [(tables[0], "")]
    named = [(file, part(file.stem)) for file in tables]
    known = {name for _, name in named}
    return named if "train" in known and "" not in known and len(known) == len(named) else []


def _tabbed(file: Path) -> bool:
    """Whether a text file has two or three cells in each of its first lines, parted by tabs."""
    if suffix(file.name) != ".txt":
        return False
    try:
        with file.open(encoding="utf-8-sig") as stream:
            counts = {line.count("\t") for line in islice(stream, FIRST_LINES) if line.strip()}
    except (OSError, UnicodeDecodeError):
        return False
    return counts in ({1}, {2})


def _opened(file: Path, settings: DataSettings) -> Delimited:
    """The table; its first row is a heading only where it names the sides, for sentences hold no numbers either."""
    table = open_delimited(file)
    asked = {settings.text, settings.target} - {""}
    if not table.has_header or asked & set(table.names) or sum(map(is_side, table.names)) >= 2:
        return table
    return replace(table, names=numbered(len(table.names)), has_header=False)


def _sides(table: Delimited, settings: DataSettings) -> Sides | None:
    """The two columns of sentences; None where there are not just two, or one names classes."""
    names, file = table.names, table.file
    columns = table.glance()
    if len(names) < 2 or not columns[0]:
        return None
    split = by_name(PART_NAMES, names)
    if split is not None and not all(part(cell) for cell in columns[split] if cell):
        split = None
    source, target = (names.index(asked) if asked in names else None for asked in (settings.text, settings.target))
    if source is None or target is None:
        left = [
            place
            for place in range(len(names))
            if place not in (source, target, split) and not all(cell.startswith(CREDIT) for cell in columns[place])
        ]
        if len(left) + sum(place is not None for place in (source, target)) != 2:
            return None
        source = left.pop(0) if source is None else source
        target = left.pop(0) if target is None else target
    if source == target:
        return None
    two = columns[source], columns[target]
    reads = all(_reads(table, cells) and _no_classes(cells) for cells in two) and max(map(_different, two)) >= DIFFERENT
    if not reads and settings.layout != "parallel":
        return None
    chosen("data.text", settings.text, names, file)  # asked only now, for a column of another kind of table is not ours
    chosen("data.target", settings.target, names, file)
    return Sides(source, target, split)


def _reads(table: Delimited, cells: Sequence[str]) -> bool:
    """Whether a column reads like sentences, be they short: no numbers, no files, mostly more than one word."""
    there = [cell for cell in cells if cell]
    if not there or sum(table.number(cell) is not None for cell in there) > len(there) / 10:
        return False
    if sum(_is_name(cell) for cell in there) > len(there) / 2:
        return False
    words = sum(len(cell.split()) for cell in there) / len(there)
    far = sum(letter > "\u2e80" for cell in there for letter in cell) / len(there)
    return words >= WORDS or far >= LETTERS


def _is_name(cell: str) -> bool:
    """Whether a cell is the name of a file, with spaces or without, or an address."""
    return suffix(cell) in PICTURES | SOUNDS or (" " not in cell and "." in cell[1:-1])


def _different(cells: Sequence[str]) -> float:
    return len(set(cells)) / len(cells)


def _no_classes(cells: Sequence[str]) -> bool:
    share = _different(cells)
    return share >= DIFFERENT or (share >= REPEATED and len(set(cells)) >= FEWEST)


def _from_tables(
    tables: Sequence[tuple[Path, str]], settings: DataSettings
) -> tuple[tuple[str, str], list[Row], list[Finding]]:
    """The names of both sides, every row, and what is translated into what."""
    names = ("", "")
    rows: list[Row] = []
    for file, named in tables:
        table = _opened(file, settings)
        sides = _sides(table, settings)
        if sides is None:
            raise DataError("data.not_that_layout", place=file, layout="parallel")
        names = names if any(names) else (table.names[sides.source], table.names[sides.target])
        rows += _rows(table, sides, named)
    return names, rows, [_direction(*names)]


def _rows(table: Delimited, sides: Sides, named: str) -> Iterator[Row]:
    for line, cells in table.rows():
        place = f"{table.file.name}:{line}"
        if len(cells) != len(table.names):
            yield Row(
                place, "", "", named, Unreadable("wrong_cells", line=line, expected=len(table.names), found=len(cells))
            )
            continue
        split = part(cells[sides.part]) if sides.part is not None else ""
        yield Row(place, cells[sides.source], cells[sides.target], named or split)


def _texts(place: Path) -> Mapping[str, Mapping[str, str]]:
    """The files of a folder that have one of another language beside them: by text, then by language."""
    if not place.is_dir():
        return {}
    found = by_text(listing(place)[1])
    return {text: files for text, files in found.items() if len(files) > 1}


def _languages(place: Path, texts: Mapping[str, Mapping[str, str]], settings: DataSettings) -> tuple[str, str]:
    """Source and target: as set, else the two that there are, in the order of the alphabet."""
    there = sorted({language for files in texts.values() for language in files})
    for setting, asked in (("data.text", settings.text), ("data.target", settings.target)):
        chosen(setting, asked, there, place)
    left = [language for language in there if language not in (settings.text, settings.target)]
    if len(left) + bool(settings.text) + bool(settings.target) > 2 and not (settings.text and settings.target):
        raise DataError("data.several_languages", place=place, names=", ".join(there), first=there[0], second=there[1])
    source = settings.text or left.pop(0)
    return source, settings.target or left.pop(0)


def _from_files(place: Path, settings: DataSettings) -> tuple[tuple[str, str], list[Row], list[Finding]]:
    """The same of files with a line for each sentence."""
    texts = _texts(place)
    if not texts:
        raise DataError("data.not_that_layout", place=place, layout="parallel")
    names = _languages(place, texts, settings)
    rows: list[Row] = []
    alone: list[str] = []
    for text, files in sorted(texts.items()):
        if not all(name in files for name in names):
            alone += files.values()
            continue
        one, other = (place / files[name] for name in names)
        first, second = _lines(one), _lines(other)
        if len(first) != len(second):
            values = {"first": one.name, "one": len(first), "second": other.name, "two": len(second)}
            raise DataError("data.lines_differ", place=place, **values)
        named = next(filter(None, map(part, re.split(r"[._-]", text))), "")
        pairs = enumerate(zip(first, second, strict=True), start=1)
        rows += [Row(f"{one.name}:{line}", source, target, named) for line, (source, target) in pairs]
    found = [Finding("side_missing", "warning", "", {"files": ", ".join(alone)})] if alone else []
    return names, rows, [_direction(*names), *found]


def _lines(file: Path) -> list[str]:
    """The lines of a file; only a line feed ends one, for what else may is now and then found inside a sentence."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise DataError("data.cannot_open", place=file, reason=error.strerror or error) from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise not_utf8(file) from None
    if unmarked_utf16(content):
        raise not_utf8(file)
    lines = [line.strip() for line in text.split("\n")]
    return lines if lines[-1] else lines[:-1]


def _direction(source: str, target: str) -> Finding:
    return Finding("translated_from", "note", "", {"source": source, "target": target})


CATALOGUE = {"parallel": Layout(recognise, open_parallel)}
