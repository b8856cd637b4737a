"""Series: rows of numbers over time, float32 (T, C), C channels of which each row has all."""

from typing import NamedTuple

import numpy as np

from deepglass.data.source import Finding, Unreadable

EVEN = 0.1  # share of a step by which times may be off and still be even
MOST_MISSING = 2  # times as long a series may become by the steps that are missing in it


class Steps(NamedTuple):
    """A series of so many channels, taken as it is; what is not finite is refused with its place."""

    channels: int

    def __call__(self, raw: np.ndarray) -> np.ndarray:
        """The numbers. float32 (T, C)"""
        series = np.asarray(raw, dtype=np.float32)
        series = series[:, None] if series.ndim == 1 else series
        if series.ndim != 2 or series.shape[1] != self.channels:
            raise Unreadable("series_channels", expected=self.channels, shape=tuple(series.shape))
        if not len(series):
            raise Unreadable("series_empty")
        bad = np.argwhere(~np.isfinite(series))
        if len(bad):
            step, channel = bad[0].tolist()
            raise Unreadable("series_not_finite", step=step, channel=channel + 1, value=str(series[step, channel]))
        return series


def bridged(series: np.ndarray) -> tuple[np.ndarray, int]:
    """Gaps (nan) of each channel filled by a straight line between their neighbours, and how many there were.

    At an end the nearest number stands; a channel of gaps alone stays as it is. (T, C) -> (T, C)

    >>> bridged(np.array([[1.0], [np.nan], [3.0]]))[0].ravel().tolist()
    [1.0, 2.0, 3.0]
    """
    gaps = np.isnan(series)
    if not gaps.any():
        return series, 0
    filled, steps = series.copy(), np.arange(len(series))
    for channel in range(series.shape[1]):
        hole = gaps[:, channel]
        if hole.any() and not hole.all():
            filled[hole, channel] = np.interp(steps[hole], steps[~hole], series[~hole, channel])
    return filled, int(gaps.sum())


class Gaps:
    """Counts the numbers that were made up, for the doctor."""

    def __init__(self, file: str = ""):
        self.file = file
        self.series = self.filled = self.numbers = 0

    def add(self, series: np.ndarray, filled: int) -> None:
        """One series (T, C) whose gaps are filled, and how many of its numbers they were."""
        self.series += filled > 0
        self.filled += filled
        self.numbers += series.size

    def findings(self) -> list[Finding]:
        """How many numbers of how many series, where there are any."""
        values = {"count": self.series, "filled": self.filled, "of": self.numbers}
        return [Finding("gaps_bridged", "note", self.file, values)] if self.filled else []


def evened(series: np.ndarray, times: np.ndarray, most: float = MOST_MISSING) -> tuple[np.ndarray, int]:
    """Steps that are missing in an even row of rising times put in as gaps, and how many; -1: the times are uneven.

    Uneven times, or so many missing that it would become `most` times as long, leave the series as it is: its steps
    then count for more than its times. (T, C), (T,) -> (T', C)

    >>> evened(np.array([[1.0], [2.0], [4.0]]), np.array([0, 10, 30]))[0].ravel().tolist()
    [1.0, 2.0, nan, 4.0]
    """
    between = np.diff(times)
    if not len(between):
        return series, 0
    steps = between / np.quantile(between, 0.5, method="lower")  # one of them, where two are in the middle
    whole = np.rint(steps)
    if (np.abs(steps - whole) > EVEN * np.maximum(whole, 1)).any():
        return series, -1
    places = np.concatenate([[0], np.cumsum(whole)]).astype(np.int64)
    length = int(places[-1]) + 1
    if length > most * len(series):
        return series, -1
    full = np.full((length, series.shape[1]), np.nan, dtype=series.dtype)
    full[places] = series
    return full, length - len(series)
