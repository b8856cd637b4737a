"""What a section of the report is made of: things to look at with a sentence each, tables one click away, figures."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from deepglass.foundation.words import say
from deepglass.views.table import Table
from deepglass.views.view import View


class Exhibit(NamedTuple):
    """A drawing, what it shows in one sentence, and the table behind it."""

    view: View  # with svg()
    words: str
    table: Table | None = None
    wide: bool = False  # takes the whole width


class Over(NamedTuple):
    """What can be laid over a picture: another picture as an address, or shapes that count in `size`."""

    name: str  # of the switch that shows it
    picture: str = ""
    shapes: str = ""
    size: tuple[int, int] = (0, 0)


class Card(NamedTuple):
    """One example: its pictures as addresses, and words."""

    pictures: tuple[str, ...]
    described: str  # for those who do not see the pictures
    title: str
    lines: tuple[str, ...] = ()
    over: tuple[Over, ...] = ()  # of the first picture


class Switch(NamedTuple):
    """Shows what is laid over all pictures under its name: "true", "said" or "wrong"."""

    name: str
    words: str
    on: bool = False


class Dial(NamedTuple):
    """A slider, 0 to 1: how much what lies above covers, or from which score a shape is shown."""

    of: Literal["opacity", "score"]
    words: str
    value: float


@dataclass(frozen=True)
class Overlay:
    """Large pictures with what is true and what was said laid over them, which the reader switches."""

    cards: Sequence[Card]
    switches: Sequence[Switch]
    dial: Dial
    one: bool = False  # only one of the switches at a time
    legend: Sequence[tuple[str, str]] = ()  # colours and what they stand for


class Passage(NamedTuple):
    """A text to be read as it is set, line by line."""

    title: str
    text: str
    given: str = ""  # what stood in front of it
    even: bool = False  # in letters of one width, so that one line can be compared with the next
    wide: bool = False  # takes the whole width


class Viewer(NamedTuple):
    """A volume or a film to be leafed through: its slices or frames as addresses, which is seen first, and words."""

    slices: tuple[str, ...]
    start: int
    described: str
    title: str
    lines: tuple[str, ...] = ()
    moves: str = ""  # what the handle moves through, where that is not slices
    width: int = 0  # pixels of the page that a film takes at most; 0: as wide as slices are


class Note(NamedTuple):
    """A remark; `level` is "error", "warning" or "note"."""

    level: str
    words: str


@dataclass(frozen=True)
class Section:
    """A part of the page. `name` is its anchor, its key in report.json and report.title_NAME its heading."""

    name: str
    lead: str = ""
    exhibits: Sequence[Exhibit] = ()
    cards: Sequence[Card] = ()
    thumbs: Sequence[Card] = ()  # small ones, many in a row
    viewers: Sequence[Viewer] = ()
    legend: Sequence[tuple[str, str]] = ()  # colours of what is laid over them, and what they stand for
    overlay: Overlay | None = None
    passages: Sequence[Passage] = ()
    notes: Sequence[Note] = ()
    tables: Sequence[Table] = ()  # shown open
    folded: Sequence[Table] = ()  # one click away
    code: str = ""  # a command to copy
    figures: dict[str, Any] = field(default_factory=dict)  # what report.json holds


def sentences(*parts: str) -> str:
    """Sentences one after the other, as the language in force sets them."""
    return say("report.between_sentences").join(part for part in parts if part)


def percent(value: float) -> str:
    """A share to a tenth of a percent; what is whole stays whole.

    >>> percent(0.98765), percent(0.97), percent(0.97012), percent(0.00012), percent(1e-9)
    ('98.8 %', '97 %', '97.0 %', '0.012 %', '< 0.01 %')
    """
    value = round(100 * value, 9)
    if not math.isfinite(value):
        return "–"
    if value == int(value):
        return f"{value:.0f} %"
    return f"{value:.1f} %" if value >= 0.1 else f"{value:.2g} %" if value >= 0.01 else "< 0.01 %"
