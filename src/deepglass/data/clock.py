"""The times that follow those of a series: numbers, dates, dates with times, written as they were written.

Days of a month go on month by month, the last days of months as well; days without a weekend go on without one.
"""

import calendar
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

import numpy as np

from deepglass.data.dates import Notation, notation_of

DAY = timedelta(days=1)
WEEKS_SEEN = 10  # days without a weekend, from which it is left out
SHORTEST_MONTH = 28 * DAY


class Clock(NamedTuple):
    """The last time of a series, how to come from one to the next, and how they are written."""

    last: float | datetime
    following: Callable[..., float | datetime]
    write: Callable[..., str]

    def after(self, count: int) -> list[str]:
        """The next so many times.

        >>> clock_of(["2024-01-31", "2024-02-29"]).after(2), clock_of(["2024-01-05 22:00", "2024-01-05 23:30"]).after(2)
        (['2024-03-31', '2024-04-30'], ['2024-01-06 01:00', '2024-01-06 02:30'])
        """
        found: list[float | datetime] = [self.last]
        for _ in range(count):
            found.append(self.following(found[-1]))
        return [self.write(moment) for moment in found[1:]]


def clock_of(cells: Sequence[str], notation: Notation | None = None) -> Clock | None:
    """What goes on from these times, in whatever order they stand; None where they are no times or do not go on.

    `notation` is how dates are written that are not ISO's, where the whole column tells.
    """
    try:
        return _of_numbers(sorted(map(float, cells)))
    except ValueError:
        pass
    try:
        last = max(cells, key=lambda cell: datetime.fromisoformat(cell).timestamp())
        return _of_dates(sorted(map(datetime.fromisoformat, cells)), _written_as(last))
    except (ValueError, TypeError):  # some with an offset from UTC and some without cannot be put in order
        notation = notation or notation_of(cells)
    try:
        return _of_dates(sorted(map(notation.read, cells)), notation.write) if notation else None
    except ValueError:
        return None


def _of_numbers(times: list[float]) -> Clock | None:
    if len(times) < 2 or not np.isfinite(times).all():
        return None
    step = float(np.quantile(np.diff(times), 0.5, method="lower"))
    return Clock(times[-1], lambda time: time + step, lambda time: f"{time:.12g}") if step else None


def _of_dates(times: list[datetime], write: Callable[[datetime], str]) -> Clock | None:
    if len(times) < 2:
        return None
    step = sorted(later - earlier for earlier, later in zip(times, times[1:], strict=False))[(len(times) - 2) // 2]
    if not step:
        return None
    ends = all((time + DAY).day == 1 for time in times)
    if step >= SHORTEST_MONTH and (ends or len({time.day for time in times}) == 1):
        numbers = [12 * time.year + time.month for time in times]
        months = min(max(1, b - a) for a, b in zip(numbers, numbers[1:], strict=False))
        return Clock(times[-1], lambda time: _months_later(time, months, 31 if ends else times[-1].day), write)
    if step == DAY and len(times) >= WEEKS_SEEN and not any(time.weekday() > 4 for time in times):
        return Clock(times[-1], lambda time: time + (3 * DAY if time.weekday() == 4 else DAY), write)
    return Clock(times[-1], lambda time: time + step, write)


def _months_later(time: datetime, months: int, day: int) -> datetime:
    years, month = divmod(time.month - 1 + months, 12)
    last = calendar.monthrange(time.year + years, month + 1)[1]
    return time.replace(year=time.year + years, month=month + 1, day=min(day, last))


def _written_as(cell: str) -> Callable[[datetime], str]:
    """A date alone, or with its time to the minute, second or below, as this one is written."""
    if len(cell) <= len(date.min.isoformat()):
        return lambda time: time.date().isoformat()
    colons = cell[10:].partition("+")[0].count(":")
    spec = "auto" if "." in cell else "seconds" if colons > 1 else "minutes"
    utc = cell.upper().endswith("Z")

    def write(time: datetime) -> str:
        written = time.isoformat(cell[10], spec)
        return written.replace("+00:00", cell[-1]) if utc else written

    return write
