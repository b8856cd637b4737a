"""The learning-rate range test (Smith 2015, arXiv:1506.01186): a rate that rises at every step, on copies only.

The suggestion is a third of the rate at which the smoothed loss was lowest: below it the loss still falls, above it
training soon comes apart.
"""

import copy
import math
from dataclasses import dataclass, replace

from deepglass.engine.loop import Training, one_step
from deepglass.engine.measure import Silent
from deepglass.engine.state import State
from deepglass.foundation.errors import RunFailed
from deepglass.tasks.task import Task

LOWEST, HIGHEST = 1e-5, 3.0
STEPS = 80
SMOOTHING = 0.9
BROKEN = 4.0  # times the lowest loss so far


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates tried, the smoothed loss at each, and the rate to begin with."""

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    suggestion: float


def find_rate(task: Task, state: State, training: Training) -> Rates:
    """Try rates from 1e-5 to 3 on copies of task and state; nothing of the run is touched."""
    task, state = copy.deepcopy((task, state))
    plain = replace(training.settings, schedule="constant", warmup=0.0, nonfinite="skip")
    silent = replace(training, journal=Silent(), log_every=1 << 40)  # pyright: ignore
    rates: list[float] = []
    losses: list[float] = []
    running = 0.0
    for step in range(STEPS):
        rate = LOWEST * (HIGHEST / LOWEST) ** (step / (STEPS - 1))
        silent.settings = replace(plain, lr=rate)
        one_step(task, state, silent, training.batch(step))
        running = SMOOTHING * running + (1 - SMOOTHING) * sum(silent.losses().values())
        smoothed = running / (1 - SMOOTHING ** (step + 1))
        if not math.isfinite(smoothed) or (losses and smoothed > BROKEN * min(losses)):
            break
        rates.append(rate)
        losses.append(smoothed)
    if not losses:
        raise RunFailed("train.no_rate")
    return Rates(tuple(rates), tuple(losses), rates[losses.index(min(losses))] / 3)
