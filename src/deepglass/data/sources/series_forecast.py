"""Series that go on, to be foretold: a table of times and numbers, without any label, or arrays where it is asked for.

time,load,temperature        Every column of numbers is a channel; columns of series (store, item) make several series
2024-01-01 00:00,31.2,4.5    of one table (series_names.py). It is told from other tables by times that follow each
2024-01-01 01:00,30.1,4.4    other evenly, with no column of answers. data.target=load,temperature is what is foretold.

Asked for by --task forecast or data.layout=series_forecast, columns of words and of answers are let go, data.group may
name the series, and arrays of an .npz are read: (T,), (T, C) or (N, T, C).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deepglass.data.check import sentence
from deepglass.data.dates import notation_of
from deepglass.data.readers.delimited import Delimited, open_delimited
from deepglass.data.readers.series import EVEN, Gaps, bridged
from deepglass.data.season import find_season
from deepglass.data.settings import DataSettings
from deepglass.data.source import Finding, Layout, Match, Unreadable, Window
from deepglass.data.sources.columns import ANSWERS, PART_NAMES, ROW_NUMBERS, by_name, chosen, unused
from deepglass.data.sources.made_series import MADE
from deepglass.data.sources.npz import load_arrays, sizes_of
from deepglass.data.sources.series_names import first_lines, series_columns
from deepglass.data.sources.series_table import Roles, Told, gathered, moments, notation, of_numbers, time_of
from deepglass.data.sources.table import table_in
from deepglass.data.walk import suffix
from deepglass.data.windows import Windows
from deepglass.foundation.errors import DataError
from deepglass.foundation.words import say

LAYOUT = "series_forecast"
FEWEST = 50  # lines of a table whose times alone say that it is a series
FOLLOWING = 0.7  # share of such lines that stand one step behind the one before
MOST_FILLED = 1.1  # times as long a series may become by steps that are missing: weekends are left out, not made up
NAMES = ("x", "series", "values", "data")  # of an array among several
HORIZON, LONGEST_HORIZON = 12, 48  # without a season, and with one
SHORTEST, TWO_SEASONS = 16, 336  # steps of history, at least and at most where a season is shorter


@dataclass(frozen=True)
class Found:
    """Series of the same channels, and what is to be said of them."""

    series: dict[str, np.ndarray]
    columns: tuple[str, ...]
    findings: list[Finding]


def recognise(place: str, settings: DataSettings) -> Match | None:
    """A made series; a table of evenly following times with numbers alone; what is asked for."""
    asked = settings.layout == LAYOUT
    if place.startswith("made:"):
        known = place.removeprefix("made:") in MADE
        return Match(1.0, "layout_series_forecast", "forecast", {"file": place}) if known else None
    if asked and Path(place).is_file() and suffix(place) == ".npz":
        return Match(0.9, "layout_series_forecast", "forecast", {"file": Path(place).name})
    file = table_in(Path(place))
    if file is None:
        return None
    table = open_delimited(file)
    roles = _roles(table, settings)
    if not roles.channels or not (asked or _goes_on(table, roles)):
        return None
    names = tuple(table.names[column] for column in roles.channels)
    try:
        told = _targets(file, names, settings.target)
    except DataError:
        if asked or not set(_asked(settings.target)) <= set(table.names):
            raise
        return None  # a column of words is asked for: an answer, and not what goes on
    time = say("data.order_of_lines") if roles.time is None else table.names[roles.time]
    values = {"file": file.name, "time": time, "targets": ", ".join(told), "series": _called(table, roles)}
    return Match(0.8, f"layout_series_{'several' if roles.series else 'alone'}", "forecast", values)


def open_series(place: str, settings: DataSettings) -> Windows:
    """Every window of every series, by the history and horizon that are asked for or that its season suggests."""
    if settings.folds > 1:
        raise DataError("data.forecast_folds", place=place)
    found = _found(place, settings)
    targets = _targets(place, found.columns, settings.target)
    window = window_of(found, targets, settings)
    values = {"history": window.history, "horizon": window.horizon, "season": window.season}
    note = Finding("series_windows", "note", "", {**values, "targets": ", ".join(targets)})
    return Windows(LAYOUT, Path(place), found.series, found.columns, window, settings, [*found.findings, note])


def window_of(found: Found, targets: tuple[str, ...], settings: DataSettings) -> Window:
    """The window that is asked for; what is not said follows from the season of the steps before the held-back ones."""
    shortest = min(map(len, found.series.values()))
    places = [found.columns.index(name) for name in targets]
    seen = {name: round(len(one) * (1 - settings.val - settings.test)) for name, one in found.series.items()}
    known = [one[: seen[name], place] for name, one in found.series.items() for place in places]
    season = settings.season or find_season(known)
    room = max(1, shortest // 20)
    horizon = settings.horizon or max(1, min(season if season > 1 else HORIZON, LONGEST_HORIZON, room))
    history = settings.history or max(season, min(2 * season, TWO_SEASONS), 2 * horizon, min(SHORTEST, 2 * room))
    if history < season:
        raise DataError("data.history_below_season", history=history, season=season)
    return Window(history, horizon, season, targets)


def _targets(place: str | Path, columns: tuple[str, ...], asked: str) -> tuple[str, ...]:
    names = _asked(asked)
    for name in names:
        chosen("data.target", name, columns, place)
    return names or columns


def _asked(target: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in target.split(",") if name.strip()))


def _called(table: Delimited, roles: Roles) -> str:
    """The columns of series by their names."""
    return ", ".join(table.names[place] for place in roles.series)


def _found(place: str, settings: DataSettings) -> Found:
    if place.startswith("made:"):
        columns, values = MADE[place.removeprefix("made:")]()
        return Found({place: values}, columns, [])
    if suffix(place) == ".npz":
        return _arrays(Path(place))
    file = table_in(Path(place))
    if file is None:
        raise DataError("data.not_that_layout", place=place, layout=LAYOUT)
    table = open_delimited(file)
    roles = _roles(table, settings)
    lines = gathered(table, roles)
    told = Told(file.name, MOST_FILLED, notation(table, roles, lines.values()))
    names = tuple(table.names[column] for column in roles.channels)
    series: dict[str, np.ndarray] = {}
    broken: list[Finding] = []
    for name, gathering in lines.items():
        id = f"{file.name}:{name}" if name else file.name
        one = told.series(gathering)
        if isinstance(one, Unreadable):
            broken.append(Finding("unreadable", "warning", id, {**one.values, "why": one.reason}))
        elif np.isfinite(one).all():
            series[id] = one
        else:
            broken.append(Finding("unreadable", "warning", id, {"why": "series_channel_empty"}))
    if not series:
        raise DataError("data.no_series", place=file, reason=sentence(broken[0]))
    return Found(series, names, _told(table, roles, series) + told.findings() + broken)


def _told(table: Delimited, roles: Roles, series: Mapping[str, np.ndarray]) -> list[Finding]:
    """How many series there are, and which columns are not used."""
    found: list[Finding] = []
    if roles.series:
        lengths = [len(one) for one in series.values()]
        values = {"count": len(series), "column": _called(table, roles)}
        values |= {"shortest": min(lengths), "longest": max(lengths)}
        found.append(Finding("series_by_column", "note", table.file.name, values))
    return found + unused(table, (*roles.series, roles.time, *roles.channels))


def _others(table: Delimited, roles: Roles) -> list[int]:
    """The columns that are neither series nor time nor numbers."""
    taken = (*roles.series, roles.time, *roles.channels)
    return [place for place in range(len(table.names)) if place not in taken]


def _roles(table: Delimited, settings: DataSettings) -> Roles:
    """Which columns are series, time and channels; numbers of rows and names of parts are nothing here."""
    names = table.names
    numbered = [place for place, name in enumerate(names) if name.lower() in ROW_NUMBERS and table.has_header]
    known = (by_name(PART_NAMES, names), chosen("data.group", settings.group, names, table.file))
    time = time_of(table, known)
    series = series_columns(table, time, known[:1]) if known[1] is None else (known[1],)
    taken = (*series, time, known[0], *numbered)
    channels = of_numbers(table, [place for place in range(len(names)) if place not in taken])
    return Roles(series, time, None, None, None, channels)


def _goes_on(table: Delimited, roles: Roles) -> bool:
    """Whether the first lines are steps of series: numbers and evenly following times, and nothing that answers."""
    if roles.time is None or not table.has_header or by_name(ANSWERS, table.names) is not None:
        return False
    others = [place for place in _others(table, roles) if table.names[place].lower() not in ROW_NUMBERS]
    rows = first_lines(table)
    said: dict[tuple[str, ...], tuple[str, ...]] = {}  # what the other columns say of a series: always the same
    times: dict[tuple[str, ...], list[str]] = {}
    for cells in rows:
        name, told = (tuple(cells[place] for place in places) for places in (roles.series, others))
        times.setdefault(name, []).append(cells[roles.time])
        if others and (not roles.series or said.setdefault(name, told) != told):
            return False
    steps = [_steps(cells, in_order=not roles.series) for cells in times.values()]
    between = np.concatenate(steps) if steps else np.zeros(0)
    enough = len(rows) >= FEWEST and len(between) >= FEWEST / 2
    return enough and bool((between > 0).all()) and float((np.abs(between - 1) <= EVEN).mean()) >= FOLLOWING


def _steps(cells: Sequence[str], in_order: bool) -> np.ndarray:
    """From each time to the next, in units of the usual distance; nothing where they are no times.

    The lines of a series that is named may stand in any order, others from the first to the last or the other way.
    Dates that may be read two ways are read in the one that is more even: they are refused when they are opened.
    """
    told = notation_of(cells)
    if told is not None and told.order == "either":
        both = [moments(cells, told._replace(order=order)) for order in ("day", "month")]
        return max((_between(times, in_order) for times in both), key=lambda one: (np.abs(one - 1) <= EVEN).sum())
    return _between(moments(cells), in_order)


def _between(times: np.ndarray | None, in_order: bool) -> np.ndarray:
    if times is None or len(times) < 2:
        return np.zeros(0)
    between = np.diff(times if in_order else np.sort(times))
    if (between < 0).all():
        between = -between
    usual = float(np.median(between))
    return between / usual if usual > 0 else np.zeros(len(between))


def _arrays(file: Path) -> Found:
    sizes = sizes_of(file)
    name = next((name for name in NAMES if name in sizes), next(iter(sizes), "")) if sizes else ""
    values = load_arrays(file, [name])[name] if name else np.zeros(0)
    if values.dtype.kind not in "iuf" or values.ndim not in (1, 2, 3) or not values.size:
        raise DataError("data.forecast_shape", place=file, name=name or "-", shape=values.shape, kind=values.dtype)
    stack = values.reshape(values.shape if values.ndim == 3 else (1, len(values), -1)).astype(np.float32)
    count, _, width = stack.shape
    series: dict[str, np.ndarray] = {}
    gaps = Gaps(file.name)
    for row in range(count):
        whole, filled = bridged(stack[row])
        if not np.isfinite(whole).all():
            raise DataError("data.no_series", place=file, reason=sentence(Finding("series_channel_empty", "warning")))
        gaps.add(whole, filled)
        series[file.name if count == 1 else f"{file.name}:{row}"] = whole
    columns = tuple(f"x{channel}" for channel in range(1, width + 1))
    return Found(series, columns, gaps.findings())


CATALOGUE = {"series_forecast": Layout(recognise, open_series, task="forecast")}
