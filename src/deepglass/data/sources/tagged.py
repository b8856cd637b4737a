"""Sentences whose every token has a tag: names, parts of speech; CoNLL and CoNLL-U files, told by what is in them.

A folder's files that are named after parts (train, dev, test) are these parts. Documents, where a file has them, are
kept whole by the split. `data.text` and `data.target` name other cells (column_1 ...) for the token and the tag.
"""

import re
from pathlib import Path

from deepglass.data.column import Texts
from deepglass.data.readers.delimited import numbered
from deepglass.data.readers.tagged import MAYBE, SUFFIXES, Cells, looks_tagged, read_tagged, tokens_and_tags, written
from deepglass.data.readers.text import Text
from deepglass.data.settings import DataSettings
from deepglass.data.source import Finding, Index, Layout, Match, Unreadable
from deepglass.data.sources.columns import chosen, part
from deepglass.data.sources.rows import Rows
from deepglass.data.walk import listing, suffix
from deepglass.foundation.errors import DataError

MOST_FILES = 200  # of a folder, beyond which they are texts of their own


def recognise(place: str, settings: DataSettings) -> Match | None:
    """A file of tagged sentences, or a folder of them."""
    files = _files(Path(place))
    if not files:
        return None
    names = ", ".join(file.name for file in list(files)[:3])
    return Match(0.96, "layout_tagged", "tag", {"files": names})


def open_tagged(place: str, settings: DataSettings) -> Rows:
    """Every sentence as a text that is cut already, its tags as the answer."""
    path = Path(place)
    files = _files(path)
    if not files:
        raise DataError("data.not_that_layout", place=place, layout="tagged")
    ids: list[str] = []
    rows: list[Text | Unreadable] = []
    tags: list[str | None] = []
    parts: list[str] = []
    groups: list[str] = []
    findings: list[Finding] = []
    for file, told in files.items():
        cells = _asked(file, told, settings)
        named = next(filter(None, map(part, re.split(r"[._-]", file.name.lower()))), "")
        for id, row, tag, document in _sentences(file, cells):
            ids.append(id)
            rows.append(row)
            tags.append(tag)
            parts.append(named)
            groups.append(f"{file.name}/{document}" if document else "")
        if cells.width > 2:
            values = {"token": numbered(cells.width)[cells.token], "tag": numbered(cells.width)[cells.tag]}
            findings.append(Finding("tagged_cells", "note", file.name, {"width": cells.width, **values}))
    index = Index(ids, Texts(tags), parts if any(parts) else (), groups if any(groups) else (), kind="text")
    return Rows("tagged", "tag", path if path.is_dir() else path.parent, index, rows, findings)


def _files(place: Path) -> dict[Path, Cells]:
    """The file, or those of a folder, with how tokens and tags stand in each."""
    if place.is_file():
        found = [place]
    elif place.is_dir():
        found = [place / name for name in listing(place)[1] if suffix(name) in SUFFIXES | MAYBE]
    else:
        found = []
    if len(found) > MOST_FILES:
        return {}
    told = {file: looks_tagged(file) for file in found}
    return {file: cells for file, cells in told.items() if cells is not None}


def _asked(file: Path, told: Cells, settings: DataSettings) -> Cells:
    names = numbered(told.width)
    token = chosen("data.text", settings.text, names, file)
    tag = chosen("data.target", settings.target, names, file)
    return told._replace(token=told.token if token is None else token, tag=told.tag if tag is None else tag)


def _sentences(file: Path, cells: Cells) -> list[tuple[str, Text | Unreadable, str | None, int]]:
    """Id, tokens, tags and document of each; a sentence that cannot be used says why."""
    found: list[tuple[str, Text | Unreadable, str | None, int]] = []
    try:
        for sentence in read_tagged(file):
            id = f"{file.name}:{sentence.lines[0].number}"
            try:
                tokens, tags = tokens_and_tags(sentence, cells)
                found.append((id, written(tokens), "\n".join(tags), sentence.document))
            except Unreadable as reason:
                found.append((id, reason, "", sentence.document))
    except Unreadable as reason:
        found.append((file.name, reason, "", 0))
    return found


CATALOGUE = {"tagged": Layout(recognise, open_tagged)}
