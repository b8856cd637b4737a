"""Made videos for lessons: handwritten digits come in over a ground and leave again; what is in the picture when?

The place is "made:moving": 240 videos of 6 seconds at 8 frames a second, grey, 40 pixels a side; up to three of the
digits 0, 1, 4 and 7 at a time, each in from one side, straight through and out of another. A digit's tag holds while
its middle is inside. The last 40 are the test part, whose digits are those of the test part of "digits".
"""

from pathlib import Path

import numpy as np
from PIL import Image

from deepglass.data.annotation import Moment
from deepglass.data.readers.video import Clip
from deepglass.data.settings import DataSettings
from deepglass.data.source import Index, Layout, Match
from deepglass.data.sources.digits import open_digits
from deepglass.data.sources.rows import Rows
from deepglass.foundation.seeds import Draws, row_keys

SIDE, RATE, FRAMES, VIDEOS, OF_TEST, MOST = 40, 8.0, 48, 240, 40, 3
SHOWN = ("0", "1", "4", "7")
TALL = 18  # pixels of a digit
SPEED = 16.0, 40.0  # pixels a second


def moving(settings: DataSettings) -> Rows:
    """The videos as clips with their moments."""
    digits = open_digits("digits", settings)
    labels = np.array(digits.index.labels)
    held = np.array([part == "test" for part in digits.index.parts])
    pools = [[np.flatnonzero((labels == name) & (held == late)) for name in SHOWN] for late in (False, True)]
    draws = Draws(row_keys(0, "made/moving", 0, VIDEOS))
    grounds = draws.uniform("ground", 4, 4).numpy()
    count = draws.integers("count", 0, MOST + 1).tolist()
    chosen = draws.uniform("chosen", MOST, 7).numpy()
    raws: list[Clip] = []
    answers: list[tuple[Moment, ...]] = []
    for row in range(VIDEOS):
        small = Image.fromarray((90 * grounds[row]).astype(np.uint8))
        ground = np.asarray(small.resize((SIDE, SIDE), Image.Resampling.BICUBIC), dtype=np.float32)
        frames = np.repeat(ground[None], FRAMES, axis=0)
        moments: list[Moment] = []
        for which, pick, *way in chosen[row, : count[row]].tolist():
            tag = int(which * len(SHOWN))
            pool = pools[row >= VIDEOS - OF_TEST][tag]
            inside = _pass(frames, _ink(digits.rows[pool[int(pick * len(pool))]][..., 0]), way)
            moments += [Moment(SHOWN[tag], *inside)] if inside else []
        pixels = frames.round().astype(np.uint8)[..., None]
        raws.append(Clip(pixels, np.arange(FRAMES) / RATE, (), (SIDE, SIDE), FRAMES / RATE))
        answers.append(_fused(moments))
    parts = [""] * (VIDEOS - OF_TEST) + ["test"] * OF_TEST
    index = Index([f"{row:03d}" for row in range(VIDEOS)], answers, parts, kind="clip")
    return Rows("made_moving", "tag_video", Path(), index, raws)


def _ink(digit: np.ndarray) -> np.ndarray:
    """The digit at its size in a video, 0 .. 1. float32 (18, 18)"""
    sized = Image.fromarray(np.ascontiguousarray(digit)).resize((TALL, TALL), Image.Resampling.BILINEAR)
    return np.asarray(sized, dtype=np.float32) / 255


def _pass(frames: np.ndarray, ink: np.ndarray, way: list[float]) -> tuple[float, float] | None:
    """Move a digit through the frames, and from when to when its middle is inside; None where that is never.

    From a place on one edge to a place on the opposite one, at one speed: start, speed, edge, and both places.
    """
    start, speed, edge, first, last = way
    ends = np.array([[0.0, 0.2 + 0.6 * first], [1.0, 0.2 + 0.6 * last]]) * SIDE
    if edge >= 0.5:
        ends = ends[:, ::-1]
    if int(edge * 8) % 2:
        ends = ends[::-1]
    begin = (FRAMES / RATE) * (start * 1.1 - 0.2)
    lasts = float(np.linalg.norm(ends[1] - ends[0])) / (SPEED[0] + speed * (SPEED[1] - SPEED[0]))
    for number, frame in enumerate(frames):
        share = (number / RATE - begin) / lasts
        left, top = np.rint(ends[0] + share * (ends[1] - ends[0]) - TALL / 2).astype(int).tolist()
        if -TALL < left < SIDE and -TALL < top < SIDE:
            wide, tall = slice(max(0, left), left + TALL), slice(max(0, top), top + TALL)
            part = ink[max(0, -top) : SIDE - top, max(0, -left) : SIDE - left]
            frame[tall, wide] += part * (250 - frame[tall, wide])
    found = max(0.0, begin), min(FRAMES / RATE, begin + lasts)
    return found if found[1] - found[0] > 1 / RATE else None


def _fused(moments: list[Moment]) -> tuple[Moment, ...]:
    """Moments of one digit that touch are one."""
    found: list[Moment] = []
    for one in sorted(moments):
        if found and found[-1].label == one.label and one.start <= found[-1].end:
            found[-1] = found[-1]._replace(end=max(found[-1].end, one.end))
        else:
            found.append(one)
    return tuple(sorted(found, key=lambda one: (one.start, one.label)))


SETS = {"moving": moving}


def recognise(place: str, settings: DataSettings) -> Match | None:
    """The places of `SETS`."""
    name = place.removeprefix("made:")
    if not place.startswith("made:") or name not in SETS:
        return None
    return Match(1.0, "layout_made_moving", "tag_video", {"count": VIDEOS, "name": name})


def open_made(place: str, settings: DataSettings) -> Rows:
    """The videos of one set; ids are their numbers."""
    return SETS[place.removeprefix("made:")](settings)


CATALOGUE = {"made_moving": Layout(recognise, open_made)}
