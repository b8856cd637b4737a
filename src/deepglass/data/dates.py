"""Dates as people write them besides ISO's way: 2026/1/31, 31.01.2026, 1/31/2026, 31 Jan 2026, 2026年1月, Jan 2026.

Whether the day or the month comes first in 01/31/2026 is asked of all cells together: what is above 12 is a day. Where
none is, nobody can tell, and nothing is guessed. With dots the day comes first.
"""

import re
from collections.abc import Sequence
from datetime import datetime, time
from typing import Literal, NamedTuple

MONTHS = "January February March April May June July August September October November December".split()
_NAME = r"(?P<name>[A-Za-z]{3,9})\.?"
_TIME = r"(?:(?P<gap>[T ]|, )(?P<clock>\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?))?"
_FORMS = [
    re.compile(form + _TIME)
    for form in (
        r"(?P<year>\d{4})(?P<mark>[-/.])(?P<month>\d{1,2})(?:(?P=mark)(?P<day>\d{1,2}))?",
        r"(?P<year>\d{4})年(?P<month>\d{1,2})月(?:(?P<day>\d{1,2})日)?",
        rf"(?P<day>\d{{1,2}})[ -]{_NAME}[ -](?P<year>\d{{4}})",
        rf"{_NAME}[ -](?:(?P<day>\d{{1,2}}),? )?(?P<year>\d{{4}})",
        r"(?P<month>\d{1,2})(?P<mark>[-/.])(?P<year>\d{4})",
        r"(?P<first>\d{1,2})(?P<mark>[-/.])(?P<second>\d{1,2})(?P=mark)(?P<year>\d{4})",
    )
]


class Notation(NamedTuple):
    """How the dates of a column are written; "either" where day and month cannot be told apart."""

    form: re.Pattern[str]
    order: Literal["", "day", "month", "either"]  # which of two numbers comes first
    padded: bool  # 01, not 1
    like: str  # a cell

    def read(self, cell: str) -> datetime:
        """The moment; ValueError where it is none, or is written otherwise."""
        found = self.form.fullmatch(cell.strip())
        if found is None or self.order == "either":
            raise ValueError(cell)
        parts = found.groupdict()
        if self.order:
            parts |= dict(zip(_ordered(self.order), (parts["first"], parts["second"]), strict=True))
        month = _month(parts["name"]) if parts.get("name") else int(parts["month"])
        moment = datetime(int(parts["year"]), month, int(parts.get("day") or 1))
        hour, _, rest = (parts["clock"] or "0:00").partition(":")
        return datetime.combine(moment.date(), time.fromisoformat(f"{int(hour):02d}:{rest}"))

    def write(self, moment: datetime) -> str:
        """The moment as this column's cells are written.

        >>> column = notation_of(["31/1/2026", "28/2/2026"])
        >>> column.write(column.read("31/12/2026"))
        '31/12/2026'
        """
        found = self.form.fullmatch(self.like)
        assert found is not None
        numbers = {"year": f"{moment.year}", "month": self._number(moment.month), "day": self._number(moment.day)}
        numbers |= dict(zip(("first", "second"), (numbers[part] for part in _ordered(self.order)), strict=False))
        names = {"name": MONTHS[moment.month - 1][: None if (found.groupdict().get("name") or "") in MONTHS else 3]}
        spec = "seconds" if (found["clock"] or "").count(":") > 1 else "minutes"
        clock = {"clock": moment.isoformat(" ", spec)[11:]}
        texts = numbers | names | clock
        spans = sorted((found.span(part), text) for part, text in texts.items() if _has(found, part))
        written, end = "", 0
        for (start, stop), text in spans:
            written, end = written + self.like[end:start] + text, stop
        return written + self.like[end:]

    def _number(self, value: int) -> str:
        return f"{value:02d}" if self.padded else f"{value}"


def notation_of(cells: Sequence[str]) -> Notation | None:
    """The way in which all of these dates are written; None where they are no dates or not written alike.

    >>> [notation_of(cells).order for cells in (["01/02/2026", "13/02/2026"], ["1/2/2026", "1/13/2026"], ["1.2.2026"])]
    ['day', 'month', 'day']
    >>> notation_of(["01/02/2026", "01/03/2026"]).order, notation_of(["2026年1月", "5 o'clock"])
    ('either', None)
    """
    cells = [cell.strip() for cell in cells]
    for form in _FORMS:
        if not cells or form.fullmatch(cells[0]) is None:
            continue
        found = [match for cell in cells if (match := form.fullmatch(cell))]
        numbers = [match[part] for match in found for part in ("month", "day", "first", "second") if _has(match, part)]
        marked = _has(found[0], "mark")  # 年 and names of months stand beside 1, marks more often beside 01
        padded = any(one[0] == "0" for one in numbers) or (marked and all(len(one) == 2 for one in numbers))
        notation = Notation(form, _order(found), padded, cells[-1])
        return notation if len(found) == len(cells) and _all_read(notation, cells) else None
    return None


def _order(found: Sequence[re.Match[str]]) -> Literal["", "day", "month", "either"]:
    if not _has(found[0], "first"):
        return ""
    if all(match["mark"] == "." for match in found) or any(int(match["first"]) > 12 for match in found):
        return "day"
    return "month" if any(int(match["second"]) > 12 for match in found) else "either"


def _all_read(notation: Notation, cells: Sequence[str]) -> bool:
    if notation.order == "either":
        return True
    try:
        return all(notation.read(cell) for cell in cells)
    except ValueError:
        return False


def _ordered(order: str) -> tuple[str, ...]:
    return {"day": ("day", "month"), "month": ("month", "day")}.get(order, ())


def _month(name: str) -> int:
    for number, month in enumerate(MONTHS, start=1):
        if name.lower() in (month.lower(), month[:3].lower(), month[:4].lower()):
            return number
    raise ValueError(name)


def _has(found: re.Match[str], part: str) -> bool:
    return part in found.re.groupindex and found[part] is not None
