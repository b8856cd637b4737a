"""A made series for lessons in forecasting, the same on every machine: the place "made:demand".

temperature_t = 10 + 8 sin(2π t / 24) + e_t,   e_t = 0.8 e_(t-1) + 0.6 noise            what the weather does
demand_t      = 100 + t / 20 - 2 temperature_(t-3) + 10 sin(2π t / 12) + 2 noise        how much is asked for

1,500 steps with a season of 24, a trend that leaves the range of the training part, and demand that follows the weather
of three steps before.
"""

import math
from collections.abc import Callable

import numpy as np

from deepglass.foundation.seeds import Draws, row_keys

STEPS, SEASON, BEHIND = 1500, 24, 3


def demand() -> tuple[tuple[str, ...], np.ndarray]:
    """Names of the channels, and the series. float32 (T, 2)"""
    noise = Draws(row_keys(0, "made/demand", 0, STEPS)).normal("noise", 2).numpy().astype(np.float64)
    steps = np.arange(STEPS)
    weather = np.zeros(STEPS)
    for step in range(1, STEPS):
        weather[step] = 0.8 * weather[step - 1] + 0.6 * noise[step, 0]
    temperature = 10 + 8 * np.sin(2 * math.pi * steps / SEASON) + weather
    before = np.concatenate([np.full(BEHIND, 10.0), temperature[:-BEHIND]])
    asked = 100 + steps / 20 - 2 * before + 10 * np.sin(4 * math.pi * steps / SEASON) + 2 * noise[:, 1]
    return ("demand", "temperature"), np.stack([asked, temperature], axis=1).astype(np.float32)


MADE: dict[str, Callable[[], tuple[tuple[str, ...], np.ndarray]]] = {"demand": demand}
