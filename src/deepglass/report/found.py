"""What a search found as one page to look at: each question with its nearest, each group of duplicates side by side."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jinja2

from deepglass.data.readers.picture import read_picture
from deepglass.data.source import Unreadable
from deepglass.foundation.sealed import write_text
from deepglass.foundation.words import language, say
from deepglass.report.thumbnail import thumbnail

PAGE = "search.html"
MOST_ASKED, MOST_GROUPS, MOST_ALIKE = 50, 100, 24  # questions, groups and pictures of a group that the page shows
SIDE = 160


class Tile(NamedTuple):
    """A small picture with a figure and where it lies; no address where it cannot be read any more."""

    address: str
    words: str
    id: str


class Row(NamedTuple):
    """What was asked, and what is like it."""

    title: str
    tiles: Sequence[Tile]
    asked: Tile | None = None


def write_found(answers: Sequence[Mapping[str, Any]], folder: Path) -> Path:
    """The page of a search."""
    answered = [one for one in answers if "nearest" in one]
    rows = [
        Row(one["id"], [tile(near["id"], f"{near['score']:.3f}") for near in one["nearest"]], tile(one["id"]))
        for one in answered[:MOST_ASKED]
    ]
    return _write(rows, folder, say("search.title_found"), len(answered))


def write_duplicates(groups: Sequence[Mapping[str, Any]], folder: Path) -> Path:
    """The page of what is there twice."""
    rows = [
        Row(f"{group['score']:.3f}", [tile(name) for name in group["ids"][:MOST_ALIKE]])
        for group in groups[:MOST_GROUPS]
    ]
    return _write(rows, folder, say("search.title_duplicates"), len(groups))


def tile(name: str, words: str = "") -> Tile:
    """The picture of that file, small."""
    try:
        return Tile(thumbnail(read_picture(Path(name)).pixels, SIDE), words, name)
    except Unreadable:
        return Tile("", words, name)


def _write(rows: Iterable[Row], folder: Path, title: str, count: int) -> Path:
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    house = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    house.globals["say"] = say
    shown = list(rows)
    rest = say("search.only_first", shown=len(shown), count=count) if len(shown) < count else ""
    page = house.get_template("found.html.jinja").render(lang=language(), rows=shown, title=title, rest=rest)
    write_text(folder / PAGE, page)
    return folder / PAGE
