"""A corpus: one text file, or a folder of them without classes, cut into passages of `data.passage` letters.

Files are kept whole by the split where there are several; of one file, stretches of neighbouring passages are. So what
is tested on was never the next line of what was learned.
"""

from collections.abc import Iterator
from pathlib import Path

from deepglass.data.readers.text import Text, text_pieces
from deepglass.data.settings import DataSettings
from deepglass.data.source import Finding, Index, Layout, Match, Unreadable
from deepglass.data.sources.files import is_text, kind_held, nameable
from deepglass.data.sources.rows import Rows
from deepglass.data.walk import listing, walk

STRETCHES = 50  # into which a single file is cut for the split
FEWEST_FILES = 5  # files below which stretches are drawn, and not whole files
REMARKS = frozenset(("readme.txt", "readme.md", "license.txt", "licence.txt", "copying.txt", "requirements.txt"))


def recognise(place: str, settings: DataSettings) -> Match | None:
    """A text file, or a folder whose files are texts and whose folders, if any, are not two or more with texts."""
    path = Path(place)
    if path.is_file():
        values = {"count": 1, "name": path.name}
        return Match(0.8, "layout_corpus", "generate_text", values) if is_text(path.parent, path.name) else None
    if not path.is_dir() or kind_held(path) != "text":
        return None
    files = _files(path)
    sure = 0.75 if any(is_text(path, name) for name in listing(path)[1]) else 0.3  # below class folders
    return Match(sure, "layout_corpus", "generate_text", {"count": len(files), "name": path.name}) if files else None


def open_corpus(place: str, settings: DataSettings) -> Rows:
    """Every passage as an example; its answer is the text itself."""
    path = Path(place)
    files = [path] if path.is_file() else [path / name for name in _files(path)]
    ids: list[str] = []
    rows: list[Text | Unreadable] = []
    groups: list[str] = []
    findings: list[Finding] = []
    for file in files:
        name = file.name if path.is_file() else file.relative_to(path).as_posix()
        try:
            passages = list(_passages(file, settings.passage))
        except Unreadable as reason:
            passages = [reason]
        ids += [f"{name}:{number}" for number in range(1, len(passages) + 1)]
        rows += passages
        groups += [name] * len(passages)
    if len(files) < FEWEST_FILES:
        each = max(1, -(-len(rows) // STRETCHES))
        groups = [f"{group}/{number // each}" for number, group in enumerate(groups)]
    index = Index(ids, [""] * len(ids), (), groups, kind="text")
    return Rows("corpus", "generate_text", path if path.is_dir() else path.parent, index, rows, findings)


def _files(folder: Path) -> list[str]:
    return [
        name
        for name in walk(folder)
        if is_text(folder, name) and nameable(name) and name.rsplit("/", 1)[-1].lower() not in REMARKS
    ]


def _passages(file: Path, length: int) -> Iterator[Text | Unreadable]:
    """Stretches of `length` letters end to end; the last may be shorter. An empty file has none that can be used."""
    kept, some = "", False
    for piece in text_pieces(file):
        kept += piece.text
        end = len(kept) - len(kept) % length
        for start in range(0, end, length):
            some = True
            yield Text(kept[start : start + length])
        kept = kept[end:]
    if kept.strip():
        yield Text(kept)
    elif not some:
        yield Unreadable("empty_text")


CATALOGUE = {"corpus": Layout(recognise, open_corpus)}
