"""What each level of a network sees of a picture: a row for each, where it is strong over the picture, and channels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from deepglass.foundation.words import say
from deepglass.views.cells import columns, pad, tidy
from deepglass.views.chart import Axes
from deepglass.views.chart import png as chart_png
from deepglass.views.chart import svg as chart_svg
from deepglass.views.heat import Heat, heated
from deepglass.views.picture import as_bytes

TILE, GAP = 160, 10  # pixels of the overlay's width, and between two things
ACROSS = 3  # channels beside each other; they stand in two rows
LINE = 15  # pixels of a line of words
WORDS = 150  # pixels that the words take
NAMED = 4  # levels that the sentence for those who do not see names


class Level(NamedTuple):
    """One level: its name, what is said of it line by line, heat over the picture, and channels with their numbers."""

    name: str
    lines: Sequence[str]
    heat: Heat
    channels: Sequence[tuple[int, np.ndarray]]


@dataclass(frozen=True)
class Levels:
    """Levels in the order in which the network has them."""

    levels: Sequence[Level]
    title: str = ""
    lang: str | None = None

    def terminal(self, width: int = 80) -> str:
        """A line for each level, and its heat in greys."""
        lines = [self.title] if self.title else []
        left = max((columns(level.name) for level in self.levels), default=0)
        for level in self.levels:
            lines.append(f"{pad(level.name, left)}  {' · '.join(level.lines)}")
            lines += [
                f"  {row}"
                for row in Heat(level.heat.pixels, level.heat.heat).terminal(min(32, width // 2 - 4)).split("\n")
            ]
        return tidy(lines)

    def svg(self) -> str:
        """The rows for a page."""
        return chart_svg(self._draw, self.title, self.text(), self._size())

    def png(self) -> bytes:
        """The rows as a picture."""
        return chart_png(self._draw, self.title, self._size())

    def json(self) -> dict[str, Any]:
        """What is said of each level, its heat, and the numbers of the channels that are shown."""
        levels = [
            {
                "name": level.name,
                "lines": list(level.lines),
                "heat": np.nan_to_num(np.asarray(level.heat.heat, float)).round(4).tolist(),
                "channels": [number for number, _ in level.channels],
            }
            for level in self.levels
        ]
        return {"kind": "levels", "title": self.title, "levels": levels}

    def text(self) -> str:
        """How many, and what the first are."""
        told = [f"{level.name} ({', '.join(level.lines)})" for level in self.levels[:NAMED]]
        found = say("views.list_mark", self.lang).join([*told, *(["…"] if len(self.levels) > NAMED else [])])
        return say("views.levels", self.lang, title=self.title, count=len(self.levels), found=found or "–")

    @property
    def _tall(self) -> int:
        """Pixels of a row."""
        height, width = np.asarray(self.levels[0].heat.pixels).shape[:2] if self.levels else (1, 1)
        lines = max((len(level.lines) for level in self.levels), default=0)
        return max(round(TILE * height / width), LINE * (lines + 2))

    def _size(self) -> tuple[int, int]:
        wide = WORDS + TILE + ACROSS * (TILE + GAP) // 2 + 2 * GAP
        return wide + 20, (self._tall + GAP) * max(1, len(self.levels)) + 50

    def _draw(self, axes: Axes) -> None:
        tall = self._tall
        for place, level in enumerate(self.levels):
            top = place * (tall + GAP)
            axes.text(0, top, level.name, va="top", weight="bold", size=10)
            for line, words in enumerate(level.lines):
                axes.text(0, top + LINE * (line + 1.2), words, va="top", size=8.5)
            overlay = as_bytes(level.heat.overlay().pixels)
            high = TILE * overlay.shape[0] / overlay.shape[1]
            _picture(axes, overlay, WORDS, top, TILE, high, "antialiased")
            for at, (which, channel) in enumerate(level.channels[: 2 * ACROSS]):
                down, across = divmod(at, ACROSS)
                left = WORDS + TILE + GAP + across * (TILE / 2 + GAP / 2)
                low = top + down * (high + GAP / 2) / 2
                _picture(axes, heated(channel), left, low, (TILE - GAP / 2) / 2, (high - GAP / 2) / 2, "nearest")
                under = {"facecolor": "black", "alpha": 0.6, "pad": 1, "linewidth": 0}
                axes.text(left + 3, low + 3, str(which), va="top", size=6, color="#fefefe", bbox=under)
        axes.set_xlim(0, self._size()[0] - 20)
        axes.set_ylim(max(1, len(self.levels)) * (tall + GAP), 0)
        axes.set_aspect("equal")
        axes.axis("off")


def _picture(axes: Axes, pixels: np.ndarray, left: float, top: float, wide: float, high: float, how: str) -> None:
    axes.imshow(pixels, extent=(left, left + wide, top + high, top), interpolation=how)  # pyright: ignore
