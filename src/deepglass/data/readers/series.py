"""Series: rows of numbers over time, float32 (T, C), C channels of which each row has all."""

from typing import NamedTuple

import numpy as np

from deepglass.data.source import Unreadable


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
