"""Shots of a video: where one picture gives way to the next, by the exact times of its frames.

A frame, made small, is known by the colours of its quarters: softly counted histograms h. Two frames lie as far apart
as the share of the colours that changed,  D(a, b) = ½ Σ |h_a - h_b|, meaned over quarters and channels: 0 to 1.

    D to the frame before   ····|·········|···      cut: stands out from all that moves within NEAR seconds of it
    D to SPAN seconds ago   ···__/‾‾‾\\____···      dissolve or fade: a hill as long as it takes and SPAN more

An adaptive threshold on differences of histograms (Truong 2000), and a wide difference for what takes its time (as the
twin comparison of Zhang 1993). A flash has two equal neighbours and is no cut; nor is what goes on moving.
"""

import itertools
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from deepglass.data.readers.video import Frames, Video
from deepglass.data.source import Picture

TALL, WIDE = 36, 48  # pixels of a frame as it is compared
BINS = 8  # of each channel
STANDS_OUT = 2.5  # times the largest difference near a cut ...
NEAR = 0.2  # ... seconds on either side
CUT, CHANGED = 0.14, 0.35  # how far two frames lie apart at least: over a cut, and over a dissolve
SPAN = 1.0  # seconds that a dissolve takes at most
LEAST = 0.4  # seconds; a shorter shot is none


class Shot(NamedTuple):
    """From when a shot is seen, and from when it is no more: seconds."""

    start: float
    end: float


class Trace(NamedTuple):
    """What became of the picture: of every frame when it is shown, and how far it lies from earlier ones. (T,) each"""

    times: np.ndarray
    steps: np.ndarray  # from the frame before
    wides: np.ndarray  # from the one that was shown SPAN seconds ago
    end: float  # seconds from which nothing is shown


def shots_of(file: Path | str | bytes) -> list[Shot]:
    """Every shot of a video, from its start to its end without a gap; raises Unreadable as `read_clip` does."""
    with Video(file, threads=0) as video:
        trace = traced(video)
    edges = [0.0, *cuts(trace), trace.end]
    return [Shot(*pair) for pair in itertools.pairwise(edges)]


def seen_in(file: Path | str | bytes, shots: Sequence[Shot]) -> Iterator[Picture]:
    """The frame that is shown in the middle of each shot, at its own size; decoded from the key frame before it."""
    with Video(file, threads=0) as video:
        width, height = video.size
        form = Frames(video.channels, height, width, "stretch", rate=1.0)
        for shot in shots:
            shown = next(video.frames(form, (shot.start + shot.end) / 2))
            yield Picture(np.ascontiguousarray(shown.pixels), (), video.size)


def traced(video: Video) -> Trace:
    """Every frame beside the one before it and the one SPAN seconds ago; memory holds so many seconds' histograms."""
    small = Frames(video.channels, TALL, WIDE, "stretch", rate=0.0)
    seen: deque[tuple[float, np.ndarray]] = deque()
    rows: list[tuple[float, float, float]] = []
    for shown in video.frames(small):
        colours = histograms(shown.pixels)
        before = seen[-1][1] if seen else colours
        seen.append((shown.time, colours))
        while len(seen) > 1 and seen[1][0] <= shown.time - SPAN:
            seen.popleft()
        rows.append((shown.time, apart(before, colours), apart(seen[0][1], colours)))
    return Trace(*np.array(rows).T, end=video.ended)


def histograms(pixels: np.ndarray) -> np.ndarray:
    """How often each channel has each shade, of each quarter. uint8 (H, W, C) -> (4, C, BINS), rows sum to one

    A shade between two bins counts for both: a little more light does not move it from one to the other at once.
    """
    height, width, channels = pixels.shape
    below, right = (np.arange(height) * 2 // height)[:, None], np.arange(width) * 2 // width
    place = (2 * below + right)[:, :, None] * channels + np.arange(channels)  # (H, W, C)
    counts = np.bincount((place * 256 + pixels).ravel(), minlength=4 * channels * 256).reshape(4, channels, 256)
    return counts @ SOFT / counts.sum(2, keepdims=True)


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """D: the share of the colours that differ, 0 to 1."""
    return float(np.abs(one - other).sum(-1).mean() / 2)


def cuts(trace: Trace) -> list[float]:
    """When a new shot begins, in order: the strongest where two would leave a shot of less than LEAST seconds."""
    found = _sharp(trace)
    found += _slow(trace, [time for time, _ in found])
    kept: list[tuple[float, float]] = []
    for time, strength in sorted(found):
        if kept and time - kept[-1][0] < LEAST:
            kept[-1] = max(kept[-1], (time, strength), key=lambda one: one[1])
        elif LEAST <= time <= trace.end - LEAST:
            kept.append((time, strength))
    return [time for time, _ in kept]


def _sharp(trace: Trace) -> list[tuple[float, float]]:
    """Frames that lie far from the one before, where no other does within NEAR seconds: time and difference."""
    found: list[tuple[float, float]] = []
    for place in np.flatnonzero(trace.steps >= CUT).tolist():
        time, step = float(trace.times[place]), float(trace.steps[place])
        low, high = np.searchsorted(trace.times, (time - NEAR, time + NEAR))
        others = np.delete(trace.steps[low:high], place - low)
        if place and step >= STANDS_OUT * max(others, default=0.0):
            found.append((time, step))
    return found


def _slow(trace: Trace, sharp: Sequence[float]) -> list[tuple[float, float]]:
    """The middles of changes that take a while: hills of the wide difference that are not longer than they may be."""
    wides = trace.wides.copy()
    for time in sharp:
        wides[(trace.times >= time) & (trace.times < time + SPAN)] = 0.0
    high = np.concatenate([[False], wides >= CHANGED, [False]])
    edges = np.flatnonzero(high[1:] != high[:-1])
    found: list[tuple[float, float]] = []
    for first, behind in edges.reshape(-1, 2).tolist():
        begins, ends = trace.times[first], trace.times[behind - 1]
        middle = (begins + ends - SPAN) / 2
        if SPAN / 2 <= ends - begins <= 2 * SPAN:
            place = min(len(wides) - 1, int(np.searchsorted(trace.times, middle)))
            found.append((float(trace.times[place]), float(wides[first:behind].max())))
    return found


def _soft() -> np.ndarray:
    """How much each of 256 shades counts for each bin. (256, BINS), rows sum to one"""
    place = np.clip((np.arange(256) + 0.5) * BINS / 256 - 0.5, 0, BINS - 1)
    return np.clip(1 - np.abs(place[:, None] - np.arange(BINS)), 0, 1)


SOFT = _soft()
