"""Made pictures with exact sentences for lessons, the same on every machine: made:captions, made:captions-zh.

Two things, each one of four shapes in one of five colours, 16 to 24 pixels tall on a ground of soft colours, and the
one sentence that tells them: "a red circle left of a blue square", "a green cross above a white triangle". What stands
left or above is named first. Test pictures show only pairs of things that no other picture shows.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from deepglass.data.column import Texts
from deepglass.data.settings import DataSettings
from deepglass.data.source import Index, Layout, Match
from deepglass.data.sources.arrays import Arrays
from deepglass.foundation.seeds import Draws, key, row_keys

SIDE, PICTURES, OF_TEST = 64, 3000, 300
FINE = 4  # times as many pixels a side as a shape is drawn with before it is made small
HELD_BACK = 5  # one of so many pairs of things is seen in the test part alone
COLOURS = {
    "red": (0.90, 0.15, 0.12),
    "green": (0.15, 0.75, 0.25),
    "blue": (0.20, 0.40, 0.95),
    "yellow": (0.95, 0.85, 0.15),
    "white": (0.97, 0.97, 0.97),
}
SHAPES = ("circle", "square", "triangle", "cross")
THINGS = [(colour, shape) for colour in COLOURS for shape in SHAPES]
PAIRS = [(one, other) for one in range(len(THINGS)) for other in range(len(THINGS)) if one != other]
BETWEEN = ("left of", "above")
CHINESE = {
    **{"red": "红色", "green": "绿色", "blue": "蓝色", "yellow": "黄色", "white": "白色"},
    **{"circle": "圆", "square": "正方形", "triangle": "三角形", "cross": "十字", "left of": "左边", "above": "上方"},
}


class Scene(NamedTuple):
    """What one picture shows: two things, and where the first stands from the second."""

    first: tuple[str, str]
    second: tuple[str, str]
    between: str

    def sentence(self) -> str:
        """In English.

        >>> Scene(("red", "circle"), ("blue", "square"), "left of").sentence()
        'a red circle left of a blue square'
        """
        return f"a {' '.join(self.first)} {self.between} a {' '.join(self.second)}"

    def chinese(self) -> str:
        """In Chinese.

        >>> Scene(("red", "circle"), ("blue", "square"), "left of").chinese()
        '红色的圆在蓝色的正方形的左边'
        """
        first, second = ("的".join(CHINESE[word] for word in thing) for thing in (self.first, self.second))
        return f"{first}在{second}的{CHINESE[self.between]}"


def composed() -> Iterator[tuple[np.ndarray, Scene]]:
    """3,000 pictures uint8 (64, 64, 3), each with what it shows; the last 300 are the test part."""
    draws = Draws(row_keys(0, "made/captions", 0, PICTURES))
    chosen = draws.uniform("pair").tolist()
    between = draws.integers("between", 0, len(BETWEEN)).tolist()
    ground = draws.uniform("ground", 3, 3, 3).numpy()
    places = draws.uniform("places", 4).numpy()
    tall = draws.integers("tall", 16, 25, 2).tolist()
    pools = [[pair for pair in PAIRS if held_back(*pair) == held] for held in (False, True)]
    for row in range(PICTURES):
        pool = pools[row >= PICTURES - OF_TEST]
        first, second = pool[int(chosen[row] * len(pool))]
        scene = Scene(THINGS[first], THINGS[second], BETWEEN[between[row]])
        picture = _ground(ground[row])
        for thing, size, corner in zip(
            scene[:2], tall[row], _corners(between[row], tall[row], places[row]), strict=True
        ):
            _lay(picture, thing, size, corner)
        yield (picture * 255).round().astype(np.uint8), scene


def held_back(one: int, other: int) -> bool:
    """Whether two things, in either order, are seen together in the test part alone."""
    return key("made/captions", min(one, other), max(one, other)) % HELD_BACK == 0


def _corners(between: int, tall: Sequence[int], places: np.ndarray) -> list[tuple[int, int]]:
    """Upper left corners of both, column and row: 4 to 12 pixels apart one way, nearly level the other."""
    apart = 4 + int(places[0] * 9)
    start = int(places[1] * (SIDE - sum(tall) - apart))
    middle = max(tall) / 2 + places[2] * (SIDE - max(tall))
    moved = (places[3] - 0.5) * 8
    along = [start, start + tall[0] + apart]
    across = [middle + sign * moved / 2 - size / 2 for sign, size in zip((-1, 1), tall, strict=True)]
    level = [int(min(max(0, round(place)), SIDE - size)) for place, size in zip(across, tall, strict=True)]
    return [(a, b) if between == 0 else (b, a) for a, b in zip(along, level, strict=True)]


def _lay(picture: np.ndarray, thing: tuple[str, str], size: int, corner: tuple[int, int]) -> None:
    """One thing into a picture. float32 (64, 64, 3)"""
    column, row = corner
    cover = _shape(thing[1], size)[:, :, None]
    under = picture[row : row + size, column : column + size]
    under += cover * (np.array(COLOURS[thing[0]], dtype=np.float32) - under)


@cache
def _shape(name: str, size: int) -> np.ndarray:
    """How much of each pixel a shape covers, 0 .. 1. float32 (size, size)"""
    y, x = (np.mgrid[: size * FINE, : size * FINE] + 0.5) / (size * FINE) * 2 - 1
    inside = {
        "circle": x**2 + y**2 <= 1,
        "square": (abs(x) <= 0.9) & (abs(y) <= 0.9),
        "triangle": abs(x) <= (y + 1) / 2,
        "cross": (abs(x) <= 0.35) | (abs(y) <= 0.35),
    }[name]
    return inside.reshape(size, FINE, size, FINE).mean((1, 3)).astype(np.float32)


def _ground(corners: np.ndarray) -> np.ndarray:
    """3 x 3 colours blended over the picture, none of them bright. float32 (64, 64, 3)"""
    small = Image.fromarray((corners * 90).astype(np.uint8))
    return np.asarray(small.resize((SIDE, SIDE), Image.Resampling.BICUBIC), dtype=np.float32) / 255


SETS = {"captions": Scene.sentence, "captions-zh": Scene.chinese}


def recognise(place: str, settings: DataSettings) -> Match | None:
    """The places of `SETS`."""
    name = place.removeprefix("made:")
    if not place.startswith("made:") or name not in SETS:
        return None
    return Match(1.0, "layout_made_captions", "caption", {"count": PICTURES, "name": name})


def open_made(place: str, settings: DataSettings) -> Arrays:
    """The pictures with their sentences; ids are their numbers."""
    tell = SETS[place.removeprefix("made:")]
    pictures, scenes = zip(*composed(), strict=True)
    parts = [""] * (PICTURES - OF_TEST) + ["test"] * OF_TEST
    labels = Texts([(tell(scene),) for scene in scenes])
    index = Index([f"{row:04d}" for row in range(PICTURES)], labels, parts)
    return Arrays("made_captions", "caption", Path(), index, np.stack(pictures))


CATALOGUE = {"made_captions": Layout(recognise, open_made)}
