"""Pictures and what people tell of them: COCO's captions, a table of files and sentences, a text beside each picture.

A table (captions.tsv, or any that names pictures and has a column of sentences: `data.target`) may have several rows
for a picture; of a text beside, each line that is not blank is a caption. Where the same place could hold labels or
lines of text to be read, it is taken for captions if its sentences and pictures look like it, or if task=caption says
so.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from deepglass.data.annotation import UNKNOWN, Annotated
from deepglass.data.column import Texts
from deepglass.data.readers.coco import holds_captions, read_captions
from deepglass.data.readers.delimited import Delimited, open_delimited
from deepglass.data.readers.picture import SUFFIXES as PICTURE_SUFFIXES
from deepglass.data.readers.picture import header
from deepglass.data.readers.text import clean, read_text
from deepglass.data.settings import DataSettings
from deepglass.data.source import Finding, Index, Layout, Match, Unreadable
from deepglass.data.sources.boxed import Pictures, part_in, tables_at
from deepglass.data.sources.coco import BESIDE as ANNOTATIONS
from deepglass.data.sources.columns import PART_NAMES, by_name, chosen, part
from deepglass.data.sources.files import LOOKED, PictureFiles, is_picture, nameable
from deepglass.data.sources.text_table import reads
from deepglass.data.walk import listing, suffix, walk
from deepglass.foundation.errors import DataError

NAME = "captions"  # of the layout
CAPTIONS = "caption captions description 描述 图片描述 说明 图说".split()  # columns that can hold nothing else ...
SENTENCES = "comment sentence text raw title 句子 文本 内容 标题".split()  # ... and such as hold captions or others
BESIDE, TOLD = 0.5, 3.0  # share of pictures with a text beside them; words, on average, of what is told there
LINE = 3.0  # times as wide as high are pictures of lines of text
SHOWN = 3  # places that a finding names


class Row(NamedTuple):
    """One caption, or why it is none, of a picture or the name by which none was found."""

    id: str
    caption: str | Unreadable
    at: str  # the file and line that say so
    part: str = ""
    fault: Unreadable | None = None
    group: str = ""


@dataclass
class Told:
    """All that is told of one picture."""

    first: Row
    fault: Unreadable | None
    captions: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Roles:
    """Which column of a table is what."""

    path: int
    text: int
    part: int | None
    group: int | None
    named: bool  # whether the column of captions is called so


def recognise(place: str, settings: DataSettings) -> Match | None:
    """Pictures, and something that tells what they show."""
    path, asked = Path(place), settings.layout == NAME
    if not path.exists():
        return None
    if files := _json_files(path)[1]:
        return Match(0.965, "layout_captions_coco", "caption", {"files": ", ".join(file.name for file in files[:3])})
    root, files = tables_at(path, lambda table, root: _roles(table, root, settings) is not None)
    if files:
        table = open_delimited(files[0])
        roles = _roles(table, root, settings)
        if roles and (asked or roles.named or not _shows_lines(root)):
            values = {"file": table.file.name, "path": table.names[roles.path], "text": table.names[roles.text]}
            return Match(0.96 if roles.named else 0.94, "layout_captions_table", "caption", values)
    told = _told_beside(path) if path.is_dir() else 0.0
    if told and (asked or (told >= TOLD and not _shows_lines(path))):
        return Match(0.94, "layout_captions_texts", "caption")
    return None


def open_captions(place: str, settings: DataSettings) -> PictureFiles:
    """Every picture that something is told of, with all its captions."""
    path, findings = Path(place), list[Finding]()
    root, files = _json_files(path)
    if files:
        pictures = Pictures(root)
        rows = [row for file in files for row in _of_json(file, pictures)]
    else:
        root, files = tables_at(path, lambda table, root: _roles(table, root, settings) is not None)
        pictures = Pictures(root)
        if files:
            tables = [open_delimited(file) for file in files]
            rows = [row for table in tables for row in _of_table(table, pictures, settings, findings)]
        else:
            rows = list(_beside(pictures)) if path.is_dir() else []
    if not rows:
        raise DataError("data.not_that_layout", place=place, layout=NAME)
    return _gathered(rows, pictures, findings)


def _gathered(rows: Iterable[Row], pictures: Pictures, findings: list[Finding]) -> PictureFiles:
    """One example for each picture; what cannot be used is named."""
    known: dict[str, Told] = {}
    empty: list[str] = []
    for row in rows:
        told = known.setdefault(row.id, Told(row, row.fault))
        if row.part != told.first.part and told.fault is None:
            told.fault = Unreadable("two_annotations", first=told.first.at, second=row.at)
        if isinstance(row.caption, str):
            told.captions.append(row.caption)
        elif row.caption.reason == "empty_text":
            empty.append(row.at)
        else:
            values = {"why": row.caption.reason, **row.caption.values}
            findings.append(Finding("unreadable_caption", "warning", row.at, values))
    findings += _counted("captions_empty", empty)
    findings += _counted("picture_without_text", [id for id in pictures.names.ids if id not in known])
    each = list(known.values())
    parts = [told.first.part for told in each]
    groups = [told.first.group for told in each]
    labels = Texts([tuple(told.captions) or None for told in each])
    index = Index(list(known), labels, parts if any(parts) else (), groups if any(groups) else ())
    source = PictureFiles(NAME, "caption", pictures.root, index, findings)
    faults = {place: told.fault for place, told in enumerate(each) if told.fault is not None}
    source.annotated = Annotated((), np.full((len(each), 2), UNKNOWN, dtype=np.int32), faults)
    return source


def _counted(kind: str, names: list[str]) -> list[Finding]:
    values = {"count": len(names), "examples": ", ".join(names[:SHOWN])}
    return [Finding(kind, "warning", "", values)] if names else []


def _json_files(place: Path) -> tuple[Path, list[Path]]:
    """The folder under which pictures lie, and COCO's files of captions."""
    if place.is_file():
        root = place.parent.parent if place.parent.name.lower() in ANNOTATIONS else place.parent
        return root, [place] if suffix(place.name) == ".json" and holds_captions(place) else []
    if not place.is_dir():
        return place, []
    folders = [place, *(place / name for name in listing(place)[0] if name.lower() in ANNOTATIONS or part(name))]
    found = [folder / name for folder in folders for name in listing(folder)[1] if suffix(name) == ".json"]
    return place, [file for file in found if holds_captions(file)]


def _of_json(file: Path, pictures: Pictures) -> Iterator[Row]:
    images, annotations = read_captions(file)
    here = file.relative_to(pictures.root).as_posix()
    named, folder = part_in(here), here.rpartition("/")[0]
    places = {image["id"]: pictures.find(str(image["file_name"]), [folder], named) for image in images}
    for entry in annotations:
        id, fault = places.get(entry["image_id"], (f"image_id {entry['image_id']}", Unreadable("missing_file")))
        yield Row(id, _clean(entry["caption"]), f"{here}: {entry.get('id', '-')}", named or _folder_part(id), fault)


def _of_table(table: Delimited, pictures: Pictures, settings: DataSettings, findings: list[Finding]) -> Iterator[Row]:
    """Every row; one with too few or too many cells is left out and counted."""
    roles = _roles(table, pictures.root, settings)
    assert roles
    here = table.file.relative_to(pictures.root).as_posix()
    named, folder = part_in(here), here.rpartition("/")[0]
    short: list[int] = []
    for line, cells in table.rows():
        if len(cells) != len(table.names):
            short.append(line)
            continue
        id, fault = pictures.find(cells[roles.path].partition("#")[0], [folder], named)
        of = (part(cells[roles.part]) if roles.part is not None else "") or named or _folder_part(id)
        group = cells[roles.group] if roles.group is not None else ""
        yield Row(id, _clean(cells[roles.text]), f"{here}:{line}", of, fault, group)
    if short:
        values = {"count": len(short), "expected": len(table.names), "lines": ", ".join(map(str, short[:SHOWN]))}
        findings.append(Finding("rows_cut", "warning", table.file.name, values))


def _beside(pictures: Pictures) -> Iterator[Row]:
    """a.png with a.txt beside it, a caption on each line."""
    there = set(walk(pictures.root))
    for id in pictures.names.ids:
        name = _text_of(id)
        if name not in there:
            continue
        try:
            lines = [line for line in read_text(pictures.root / name).text.split("\n") if line.strip()]
        except Unreadable as reason:
            yield Row(id, reason, name, _folder_part(id))
            continue
        for line in lines:
            yield Row(id, _clean(line), name, _folder_part(id))


def _clean(text: str) -> str | Unreadable:
    """A caption on one line, or why it is none."""
    try:
        return " ".join(clean(text).text.split())
    except Unreadable as reason:
        return reason


def _roles(table: Delimited, root: Path, settings: DataSettings) -> Roles | None:
    """Which column is what; None where none names pictures or none holds sentences."""
    names, columns, asked = table.names, table.glance(), settings.layout == NAME
    if len(names) < 2 or not columns[0]:
        return None
    path = chosen("data.path", settings.path, names, table.file)
    path = _path_column(table, columns) if path is None else path
    if path is None:
        return None
    text = chosen("data.target", settings.target or settings.text, names, table.file)
    wanted = by_name(CAPTIONS, names, (path,))
    if text is None:
        text = wanted
    if text is None:
        others = [place for place in range(len(names)) if place != path]
        reading = others if asked else [place for place in others if reads(table, columns[place])]
        told = by_name(SENTENCES, names, (path,))
        text = told if told in reading else max(reading, key=lambda place: sum(map(len, columns[place])), default=None)
    elif not (asked or text == wanted or reads(table, columns[text])):
        return None
    if text is None:
        return None
    group = chosen("data.group", settings.group, names, table.file)
    split = by_name(PART_NAMES, names, (path, text, group))
    if split is not None and not all(part(cell) for cell in columns[split] if cell):
        split = None
    return Roles(path, text, split, group, named=text == wanted or Path(table.file).stem.lower().startswith(NAME))


def _path_column(table: Delimited, columns: list[list[str]]) -> int | None:
    """The column of which most cells end as pictures do, or that has a telling name and cells of one word."""
    ends = [sum(suffix(cell.partition("#")[0]) in PICTURE_SUFFIXES for cell in cells) for cells in columns]
    best = max(range(len(ends)), key=lambda place: ends[place])
    return best if ends[best] >= BESIDE * len(columns[best]) else None


def _told_beside(root: Path) -> float:
    """How many words, on average, the first texts beside pictures have; 0 where too few pictures have one."""
    files = set(islice(walk(root), LOOKED))
    pictures = [name for name in files if nameable(name) and is_picture(root, name)]
    told = sorted(_text_of(name) for name in pictures if _text_of(name) in files)
    if not told or len(told) < BESIDE * len(pictures):
        return 0.0
    counts = [_words(root / name) for name in told[:20]]
    return sum(counts) / len(counts)


def _words(file: Path) -> int:
    """Words of a text's first line, each letter of a script without spaces being half of one; numbers are none."""
    try:
        first = read_text(file).text.lstrip().partition("\n")[0]
    except Unreadable:
        return 0
    far = sum(letter > "\u2e80" for letter in first)
    return sum(any(map(str.isalpha, word)) for word in first.split()) + far // 2


def _shows_lines(root: Path) -> bool:
    """Whether the first pictures are as wide as lines of text."""
    shapes: list[float] = []
    for name in islice((name for name in walk(root) if nameable(name) and is_picture(root, name)), 20):
        try:
            wide, high, _ = header(root / name)
        except Unreadable:
            continue
        shapes.append(wide / high)
    return bool(shapes) and float(np.median(shapes)) >= LINE


def _folder_part(id: str) -> str:
    return part_in(id.rpartition("/")[0])


def _text_of(name: str) -> str:
    return f"{name.rpartition('.')[0] or name}.txt"


CATALOGUE = {"captions": Layout(recognise, open_captions, "caption")}
