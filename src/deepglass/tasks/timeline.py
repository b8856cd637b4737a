"""What is in a video when: shares of every step, smoothed, become moments with a start and an end.

    share   1 ┤        ___
              │      /     \\       __
    threshold ┤ · · /· · · ·\\· · · /· \\· ·      crossed upwards: a start; downwards: an end, between two steps
            0 ┤___/          \\____/    \\__
                  ├──────────┤             too short a moment is none, too short a gap is bridged
    steps       · · · · · · · · · · · ·    `rate` a second

It is fed step by step, so a file that is still going on is told of by the very code that tells of a whole one.
Letters: T steps, K tags, W windows, D steps of a window.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np


class Found(NamedTuple):
    """A moment: the tag's number, seconds, and the mean share in between. Without an end it has only begun."""

    tag: int
    start: float
    end: float | None
    confidence: float


class Rules(NamedTuple):
    """How shares become moments: steps a second, each tag's threshold, and lengths in seconds."""

    rate: float
    thresholds: tuple[float, ...]
    smooth: float
    least: float
    gap: float

    @property
    def reach(self) -> int:
        """Steps on either side that a smoothed share is the mean of."""
        return round(self.smooth * self.rate / 2)


@dataclass
class Track:
    """One tag on its way: where it has risen over its threshold and sunk below it."""

    start: float = 0.0
    end: float | None = None  # where it sank, while a gap may still be bridged
    open: bool = False
    told: bool = False
    before: float = 0.0  # the last share
    total: float = 0.0
    count: int = 0


@dataclass
class Timeline:
    """Takes the shares (K,) of one step after the other; gives what has begun and what has ended."""

    rules: Rules
    step: int = 0
    _raw: deque[np.ndarray] = field(default_factory=deque)
    _taken: int = 0
    _tracks: list[Track] = field(default_factory=list)

    def feed(self, shares: np.ndarray) -> Iterator[Found]:
        """One more step; what is known of an earlier one by now."""
        self._raw.append(shares)
        self._taken += 1
        reach = self.rules.reach
        if len(self._raw) > 2 * reach + 1:
            self._raw.popleft()
        if self._taken > reach:
            yield from self._judge(self._mean(self._taken - 1 - reach))

    def finish(self) -> Iterator[Found]:
        """What the last steps say, and all that is still going on."""
        for place in range(max(0, self._taken - self.rules.reach), self._taken):
            yield from self._judge(self._mean(place))
        for tag, track in enumerate(self._tracks):
            if track.open:
                track.end = self._taken / self.rules.rate if track.end is None else track.end
                yield from self._close(tag, track)

    def _mean(self, place: int) -> np.ndarray:
        """The mean of the steps around a place that there are. (K,)"""
        first = self._taken - len(self._raw)
        low, high = max(0, place - self.rules.reach), min(self._taken, place + self.rules.reach + 1)
        return np.mean([self._raw[at - first] for at in range(low, high)], axis=0)

    def _judge(self, shares: np.ndarray) -> Iterator[Found]:
        if not self._tracks:
            self._tracks = [Track() for _ in shares]
        for tag, (track, share) in enumerate(zip(self._tracks, shares.tolist(), strict=True)):
            yield from self._move(tag, track, share)
        self.step += 1

    def _move(self, tag: int, track: Track, share: float) -> Iterator[Found]:
        limit, now = self.rules.thresholds[tag], self.step / self.rules.rate
        above = share >= limit
        if track.open and track.end is not None and now - track.end > self.rules.gap and not above:
            yield from self._close(tag, track)
        if above and not track.open:
            track.start, track.open = self._crossing(track.before, share, limit), True
            track.told, track.total, track.count = False, 0.0, 0
        elif above:
            if track.end is not None and self._crossing(track.before, share, limit) - track.end > self.rules.gap:
                yield from self._close(tag, track)
                track.start, track.open, track.told = self._crossing(track.before, share, limit), True, False
                track.total, track.count = 0.0, 0
            track.end = None
        elif track.open and track.end is None:
            track.end = self._crossing(track.before, share, limit)
        if above:
            track.total, track.count = track.total + share, track.count + 1
            if not track.told and now - track.start >= self.rules.least:
                track.told = True
                yield Found(tag, track.start, None, track.total / track.count)
        track.before = share

    def _crossing(self, before: float, share: float, limit: float) -> float:
        """Where the share went through the limit between the last step and this one, in seconds."""
        if self.step == 0:
            return 0.0
        part = (limit - before) / (share - before) if share != before else 1.0
        return (self.step - 1 + min(1.0, max(0.0, part))) / self.rules.rate

    def _close(self, tag: int, track: Track) -> Iterator[Found]:
        start, end = track.start, track.end
        track.open, track.end = False, None
        if end is not None and end - start >= self.rules.least:
            yield Found(tag, start, end, track.total / max(1, track.count))


def moments_of(shares: np.ndarray, rules: Rules) -> list[Found]:
    """All moments of a whole video, in the order of their starts. float (T, K)"""
    timeline = Timeline(rules)
    found = [one for step in shares for one in timeline.feed(step)]
    found += timeline.finish()
    return sorted((one for one in found if one.end is not None), key=lambda one: (one.start, one.tag))


def smoothed(shares: np.ndarray, rules: Rules) -> np.ndarray:
    """The mean of the steps around each, as a timeline takes it. (T, K)"""
    sums = np.concatenate([np.zeros((1, shares.shape[1])), np.cumsum(shares, axis=0, dtype=np.float64)])
    place, count = np.arange(len(shares)), len(shares)
    low, high = np.maximum(0, place - rules.reach), np.minimum(count, place + rules.reach + 1)
    return (sums[high] - sums[low]) / (high - low)[:, None]


def best_thresholds(shares: np.ndarray, true: np.ndarray) -> tuple[float, ...]:
    """For each tag the threshold with the highest F1 over all steps; one half where there is nothing to choose by.

    F1 = 2·TP / (2·TP + FP + FN); float (T, K), bool (T, K) -> (K,)
    """
    chosen: list[float] = []
    for scores, answers in zip(shares.T, true.T, strict=True):
        order = np.argsort(-scores, kind="stable")
        ranked, hits = scores[order], np.cumsum(answers[order])
        f1 = 2 * hits / (np.arange(1, len(order) + 1) + max(1, answers.sum()))
        f1[:-1][ranked[:-1] == ranked[1:]] = -1.0  # equal shares are not parted
        best = int(f1.argmax()) if answers.any() and not answers.all() else -1
        if best < 0:
            chosen.append(0.5)
            continue
        below = ranked[best + 1] if best + 1 < len(ranked) else 0.0
        chosen.append(float(np.clip((ranked[best] + below) / 2, 0.02, 0.98)))
    return tuple(chosen)
