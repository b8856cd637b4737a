"""Series that go on, to be foretold: a table of times and numbers, without any label, or arrays where it is asked for.

time,load,temperature        Every column of numbers is a channel; a column of series (store, sensor) makes several
2024-01-01 00:00,31.2,4.5    series of one table. It is told from other tables by times that follow each other evenly,
2024-01-01 01:00,30.1,4.4    with no column of answers. data.target=load,temperature names what is to be foretold.

Asked for by --task forecast or data.layout=series_forecast, columns of words and of answers are let go, and arrays of
an .npz are read: (T,), (T, C) or (N, T, C).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from deepglass.data.check import sentence
from deepglass.data.readers.delimited import FIRST_LINES, Delimited, open_delimited
from deepglass.data.readers.series import EVEN, bridged
from deepglass.data.season import find_season
from deepglass.data.settings import DataSettings
from deepglass.data.source import Finding, Layout, Match, Unreadable, Window
from deepglass.data.sources.columns import ANSWERS, PART_NAMES, ROW_NUMBERS, by_name, chosen
from deepglass.data.sources.made_series import MADE
from deepglass.data.sources.npz import load_arrays, sizes_of
from deepglass.data.sources.series_table import SERIES, Roles, Told, gathered, moments, of_numbers, time_of
from deepglass.data.sources.table import table_in
from deepglass.data.walk import suffix
from deepglass.data.windows import Windows
from deepglass.foundation.errors import DataError

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
    roles = _roles(table)
    if not roles.channels or not (asked or (not settings.target and _goes_on(table, roles))):
        return None
    return Match(0.8, "layout_series_forecast", "forecast", {"file": file.name})


def open_series(place: str, settings: DataSettings) -> Windows:
    """Every window of every series, by the history and horizon that are asked for or that its season suggests."""
    if settings.folds > 1:
        raise DataError("data.forecast_folds", place=place)
    found = _found(place)
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


def _targets(place: str, columns: tuple[str, ...], asked: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in asked.split(",") if name.strip()))
    for name in names:
        chosen("data.target", name, columns, place)
    return names or columns


def _found(place: str) -> Found:
    if place.startswith("made:"):
        columns, values = MADE[place.removeprefix("made:")]()
        return Found({place: values}, columns, [])
    if suffix(place) == ".npz":
        return _arrays(Path(place))
    file = table_in(Path(place))
    if file is None:
        raise DataError("data.not_that_layout", place=place, layout=LAYOUT)
    table = open_delimited(file)
    roles = _roles(table)
    told = Told(file.name, MOST_FILLED)
    names = tuple(table.names[column] for column in roles.channels)
    series: dict[str, np.ndarray] = {}
    broken: list[Finding] = []
    for name, lines in gathered(table, roles).items():
        id = f"{file.name}:{name}" if name else file.name
        one = told.series(lines)
        if isinstance(one, Unreadable):
            broken.append(Finding("unreadable", "warning", id, {**one.values, "why": one.reason}))
        elif np.isfinite(one).all():
            series[id] = one
        else:
            broken.append(Finding("unreadable", "warning", id, {"why": "series_channel_empty"}))
    if not series:
        raise DataError("data.no_series", place=file, reason=sentence(broken[0]))
    return Found(series, names, told.findings() + broken)


def _roles(table: Delimited) -> Roles:
    """Which columns are series, time and channels; numbers of rows and names of parts are nothing here."""
    names = table.names
    series = by_name(SERIES, names)
    time = time_of(table, (series,))
    rows = [cells for _, cells in islice(table.rows(), FIRST_LINES) if len(cells) == len(names)]
    if series is not None and len({row[series] for row in rows}) > len(rows) / 2:
        series = None  # a number for every row
    numbered = [place for place, name in enumerate(names) if name.lower() in ROW_NUMBERS and table.has_header]
    taken = (series, time, by_name(PART_NAMES, names), *numbered)
    channels = of_numbers(table, [place for place in range(len(names)) if place not in taken])
    return Roles(series, time, None, None, None, channels)


def _goes_on(table: Delimited, roles: Roles) -> bool:
    """Whether the first lines are steps of series: numbers and evenly following times, and nothing that answers."""
    if roles.time is None or not table.has_header or by_name(ANSWERS, table.names) is not None:
        return False
    others = set(range(len(table.names))) - {roles.series, roles.time, *roles.channels}
    if any(table.names[place].lower() not in ROW_NUMBERS for place in others):
        return False
    times: dict[str, list[str]] = {}
    for _, cells in islice(table.rows(), FIRST_LINES):
        if len(cells) == len(table.names):
            times.setdefault(cells[roles.series] if roles.series is not None else "", []).append(cells[roles.time])
    steps = [_steps(cells) for cells in times.values()]
    between = np.concatenate(steps)
    enough = sum(map(len, times.values())) >= FEWEST and len(between) >= FEWEST / 2
    return enough and bool((between > 0).all()) and float((np.abs(between - 1) <= EVEN).mean()) >= FOLLOWING


def _steps(cells: Sequence[str]) -> np.ndarray:
    """From each line to the next, in units of the usual distance; nothing where they are no times."""
    times = moments(cells)
    if times is None or len(times) < 2:
        return np.zeros(0)
    between = np.diff(times)
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
    gaps = 0
    for row in range(count):
        whole, filled = bridged(stack[row])
        if not np.isfinite(whole).all():
            raise DataError("data.no_series", place=file, reason=sentence(Finding("series_channel_empty", "warning")))
        gaps += filled > 0
        series[file.name if count == 1 else f"{file.name}:{row}"] = whole
    columns = tuple(f"x{channel}" for channel in range(1, width + 1))
    return Found(series, columns, [Finding("gaps_bridged", "note", file.name, {"count": gaps})] if gaps else [])


CATALOGUE = {"series_forecast": Layout(recognise, open_series, task="forecast")}
