"""What a section of the report is made of: things to look at with a sentence each, tables one click away, figures."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from deepglass.views.table import Table
from deepglass.views.view import View


class Exhibit(NamedTuple):
    """A drawing, what it shows in one sentence, and the table behind it."""

    view: View  # with svg()
    words: str
    table: Table | None = None
    wide: bool = False  # takes the whole width


class Card(NamedTuple):
    """One example: its pictures as addresses, and words."""

    pictures: tuple[str, ...]
    described: str  # for those who do not see the pictures
    title: str
    lines: tuple[str, ...] = ()


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
    notes: Sequence[Note] = ()
    tables: Sequence[Table] = ()  # shown open
    folded: Sequence[Table] = ()  # one click away
    code: str = ""  # a command to copy
    figures: dict[str, Any] = field(default_factory=dict)  # what report.json holds


def percent(value: float) -> str:
    """A share with three significant digits.

    >>> percent(0.98765), percent(1.0), percent(0.0)
    ('98.8 %', '100 %', '0 %')
    """
    return f"{100 * value:.3g} %"
