"""Pictures of lines of text and what stands in them: a table of files and texts, or a text beside each picture.

A table is one that names pictures (picture_table.py) and has a column of texts (`data.target`, or one that is named
so); a text beside has the picture's name and ends in .txt. Every text stands for itself: there are no classes.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from deepglass.data.column import Texts
from deepglass.data.readers.delimited import open_delimited
from deepglass.data.readers.text import read_text
from deepglass.data.settings import DataSettings
from deepglass.data.source import Finding, Index, Layout, Match, Unreadable
from deepglass.data.sources import picture_table
from deepglass.data.sources.columns import by_name, part
from deepglass.data.sources.files import LOOKED, PictureFiles, is_picture, nameable
from deepglass.data.walk import walk
from deepglass.foundation.errors import DataError

TEXTS = (
    "text transcription transcript sentence words plate number_plate license_plate 文本 文字 内容 车牌 车牌号".split()
)
BESIDE = 0.5  # share of the first pictures that have a text beside them for it to be this layout


def recognise(place: str, settings: DataSettings) -> Match | None:
    """Pictures, and something that says what stands in each."""
    path = Path(place)
    if not path.exists():
        return None
    if match := picture_table.recognise(place, settings):
        column = _column(path, settings)
        asked = settings.layout == "lines"  # its column may have any name where this layout is what is wanted
        return Match(0.93, "layout_lines_table", "read_text", match.values) if column or asked else None
    return Match(0.93, "layout_lines_texts", "read_text") if path.is_dir() and _has_texts(path) else None


def open_lines(place: str, settings: DataSettings) -> PictureFiles:
    """Every picture as an example, its text as the answer."""
    path = Path(place)
    if picture_table.recognise(place, settings):
        found = picture_table.open_table(place, replace(settings, target=_column(path, settings)), whole=True)
        index, lines = replace(found.index, labels=Texts(found.index.labels)), found.lines
        source = PictureFiles("lines", "read_text", found.root, index, found.findings)
        source.lines = lines
        return source
    findings: list[Finding] = []
    rows = list(_beside(path, findings)) if path.is_dir() else []
    if not rows:
        raise DataError("data.not_that_layout", place=place, layout="lines")
    ids, texts = [name for name, _ in rows], [text or None for _, text in rows]
    parts = [part(name.split("/")[0]) if "/" in name else "" for name in ids]
    index = Index(ids, Texts(texts), parts if any(parts) else ())
    return PictureFiles("lines", "read_text", path, index, findings)


def _column(path: Path, settings: DataSettings) -> str:
    """The column of texts: as set, or by its name; nothing where none is named so."""
    file = picture_table.table_in(path)
    names = open_delimited(file).names if file and not settings.target else ()
    place = by_name(TEXTS, names)
    return settings.target if place is None else names[place]


def _has_texts(root: Path) -> bool:
    files = set(islice(walk(root), LOOKED))
    pictures = [name for name in files if is_picture(root, name)]
    told = sum(_text_of(name) in files for name in pictures)
    return bool(pictures) and told >= BESIDE * len(pictures)


def _beside(root: Path, findings: list[Finding]) -> Iterator[tuple[str, str]]:
    """a.png with a.txt beside it."""
    files = [name for name in walk(root) if nameable(name)]
    there, untold = set(files), list[str]()
    for name in files:
        if not is_picture(root, name):
            continue
        if _text_of(name) not in there:
            untold.append(name)
            continue
        try:
            yield name, " ".join(read_text(root / _text_of(name)).text.split())
        except Unreadable as reason:
            values = {"why": reason.reason, **reason.values}
            findings.append(Finding("unreadable_transcript", "warning", _text_of(name), values))
    if untold:
        values = {"count": len(untold), "examples": ", ".join(untold[:3])}
        findings.append(Finding("picture_without_text", "warning", "", values))


def _text_of(name: str) -> str:
    return f"{name.rpartition('.')[0] or name}.txt"


CATALOGUE = {"lines": Layout(recognise, open_lines, "read_text")}
