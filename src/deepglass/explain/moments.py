"""What counts when, of series and sounds: stretches of time are covered one after another, and what is found is drawn.

Letters: T steps of a row, C numbers of each.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from deepglass.bundle import Bundle
from deepglass.explain.method import Row, kind_of
from deepglass.foundation.padded import Padded
from deepglass.foundation.words import say
from deepglass.tasks.forecast import Forecast
from deepglass.views.curve import Curve, Line
from deepglass.views.tracks import Tracks
from deepglass.views.view import View, number

KINDS = ("series", "sound")
ACROSS = 12  # stretches that make the whole row, without their overlap
BATCH = 32
MOST_LINES = 3  # channels that are drawn as lines; more become a band of colours
MUCH = 0.5  # of the largest effect: from where on a moment is named


class Stretch(NamedTuple):
    """The moments around the strongest that count nearly as much, from 1."""

    first: int
    last: int
    of: int


@torch.no_grad()
def occlusion_in_time(shares: Callable[[Padded], Tensor], row: Padded) -> Tensor:
    """How much each step counts for what `shares` tells, Padded (B, T, C) -> (B,). Padded (1, T, C) -> (T,)"""
    length = int(row.lengths[0])
    wide = max(1, -(-length // ACROSS))
    starts = sorted({*range(0, max(1, length - wide), max(1, wide // 2)), max(0, length - wide)})
    before = shares(row)[0]
    lost, covered = torch.zeros(length), torch.zeros(length)
    for begin in range(0, len(starts), BATCH):
        some = starts[begin : begin + BATCH]
        hidden = row.values.repeat(len(some), 1, 1)
        for one, start in zip(hidden, some, strict=True):
            one[start : start + wide] = 0  # the mean of the training part, as inputs are standardised
        drops = (before - shares(Padded(hidden, row.lengths.repeat(len(some))))).float().cpu()
        for drop, start in zip(drops, some, strict=True):
            lost[start : start + wide] += drop
            covered[start : start + wide] += 1
    return lost / covered


def stretch_of(effect: np.ndarray) -> Stretch:
    """The moments around the strongest whose effect is at least MUCH of it. (T,)"""
    strength = np.abs(effect)
    most = int(strength.argmax())
    weak = np.flatnonzero(strength < MUCH * strength[most])
    before, after = weak[weak < most], weak[weak > most]
    first, last = (before[-1] + 1 if len(before) else 0), (after[0] - 1 if len(after) else len(effect) - 1)
    return Stretch(int(first) + 1, int(last) + 1, len(effect))


def when_words(bundle: Bundle, effect: np.ndarray) -> str:
    """When most counts: steps of a series, seconds of a sound, steps back from the last one that a forecast knows."""
    first, last, of = stretch_of(effect)
    if isinstance(bundle.task, Forecast):
        return say("explain.when_before", first=first - of, last=last - of)
    if kind_of(bundle) == "sound":
        features = bundle.task.settings.sound.features  # pyright: ignore
        hop = features.hop_samples / features.rate
        return say("explain.when_seconds", first=number(round((first - 1) * hop, 3)), last=number(round(last * hop, 3)))
    return say("explain.when_steps", first=first, last=last, of=of)


def shown_in_time(bundle: Bundle, row: Row, effect: np.ndarray) -> View:
    """The effect of every step (T,) with what was read: a few channels as lines, many as a band."""
    assert row.target is not None and isinstance(row.presented, Padded)
    read = row.presented.values[0, : len(effect)].float().cpu().numpy()  # (T, C)
    title = say("explain.moments_title", name=row.target.name)
    scaled = effect / (np.abs(effect).max() or 1.0)
    counts = say("explain.counts")
    if read.shape[1] > MOST_LINES:
        names = say(f"explain.read_{kind_of(bundle)}")
        return Tracks({counts: scaled[None], names: (read / 3).T[::-1]}, title=title)  # 3 spreads are the whole scale
    names = bundle.task.facts.inputs.columns or [""]
    last = len(effect) if not isinstance(bundle.task, Forecast) else 0
    steps = range(last - len(effect) + 1, last + 1)
    lines = [Line(name or say("tasks.value"), steps, read[:, place].tolist()) for place, name in enumerate(names)]
    lines.append(Line(counts, steps, scaled.tolist()))
    return Curve(lines, title, say("tasks.step"), say("explain.standardised"))
