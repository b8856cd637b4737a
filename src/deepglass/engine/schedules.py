"""The learning rate as a function of (step, scores): nothing to save, nothing to forget."""

import math
from collections.abc import Sequence

from deepglass.engine.settings import TrainSettings
from deepglass.engine.state import Score, improves


def rate(settings: TrainSettings, step: int, steps: int, scores: Sequence[Score]) -> float:
    """The rate at `step` of `steps`."""
    warm = int(settings.warmup * steps)
    if settings.schedule == "onecycle":
        return settings.lr * _one_cycle(step, steps, max(1, warm))
    if step < warm:
        return settings.lr * (step + 1) / warm
    done = (step - warm) / max(1, steps - warm)
    if settings.schedule == "linear":
        return settings.lr * max(0.0, 1 - done)
    if settings.schedule == "cosine":
        return settings.lr * 0.5 * (1 + math.cos(math.pi * done))
    if settings.schedule == "step":
        return settings.lr * settings.decay_by ** int(step / max(1.0, settings.decay_every * steps))
    if settings.schedule == "plateau":
        return settings.lr * settings.decay_by ** plateaus(scores, settings.plateau)
    return settings.lr


def plateaus(scores: Sequence[Score], patience: int) -> int:
    """How many times `patience` checks in a row brought nothing better; the count starts anew after each."""
    found, waited = 0, 0
    best: Score | None = None
    for score in scores:
        if best is None or improves(score, best):
            best, waited = score, 0
        else:
            waited += 1
        if waited == patience:
            found, waited = found + 1, 0
    return found


def out_of_patience(scores: Sequence[Score], patience: int) -> bool:
    """Whether the last `patience` checks brought nothing better than the best before them."""
    if not patience or len(scores) <= patience:
        return False
    best = scores[0]
    since = 0
    for score in scores[1:]:
        if improves(score, best):
            best, since = score, 0
        else:
            since += 1
    return since >= patience


def _one_cycle(step: int, steps: int, warm: int) -> float:
    """Linear up from a 25th, then linear down to nothing (Smith 2018, as a triangle)."""
    if step < warm:
        return 0.04 + 0.96 * (step + 1) / warm
    return max(0.0, (steps - step) / max(1, steps - warm))
