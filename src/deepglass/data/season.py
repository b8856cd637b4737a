"""After how many steps a series comes back, by its autocorrelation."""

from collections.abc import Sequence

import numpy as np

LONGEST = 400  # steps of a season that is looked for
CYCLES = 3  # times that it must come back to be found
LEAST = 0.3  # correlation with itself from which a series is said to come back
RISE = 0.2  # by which it must be higher than what lies before it: what only moves slowly resembles itself as well
AS_GOOD = 0.9  # of the best season's correlation, from which a shorter one is taken: two seasons are no season
NEAR = 2  # steps by which noise may have moved the peak
MOST_SERIES = 20


def find_season(series: Sequence[np.ndarray]) -> int:
    """The steps of one season, 1 where there is none, by the first of these series (T,) together.

    >>> find_season([np.sin(np.arange(200) * 2 * np.pi / 7)]), find_season([np.arange(200.0)])
    (7, 1)
    """
    taken = [one for one in series[:MOST_SERIES] if len(one) > 4 * CYCLES and np.ptp(one) > 0]
    longest = min((len(one) // CYCLES for one in taken), default=0)
    longest = min(longest, LONGEST)
    if longest < 2:
        return 1
    found = np.mean([_autocorrelation(one.astype(np.float64), 2 * longest + 2 * NEAR) for one in taken], axis=0)
    lags = np.arange(2, longest + 1)
    peaks = (found[lags] > found[lags - 1]) & (found[lags] >= found[lags + 1]) & (found[lags] >= LEAST)
    before = np.minimum.accumulate(found)[lags - 1]
    peaks &= found[lags] - before >= RISE
    if not peaks.any():
        return 1
    best = found[lags[peaks]].max()
    first = int(lags[peaks & (found[lags] >= AS_GOOD * best)][0])
    near = np.arange(max(2, first - NEAR), first + NEAR + 1)
    return int(near[(found[near] + found[2 * near]).argmax()])  # after two seasons a step too many shows twice as much


def _autocorrelation(series: np.ndarray, longest: int) -> np.ndarray:
    """Of a series without its straight line, at lags 0 .. longest; each by the steps that it has. (longest + 1,)"""
    steps = np.arange(len(series))
    slope, level = np.polyfit(steps, series, 1)
    rest = series - (slope * steps + level)
    size = 1 << (2 * len(rest) - 1).bit_length()
    power = np.abs(np.fft.rfft(rest, size)) ** 2
    sums = np.fft.irfft(power, size)[: longest + 1] / (len(rest) - np.arange(longest + 1))
    return sums / sums[0] if sums[0] > 1e-12 * max(1.0, np.square(series).mean()) else np.zeros(longest + 1)
