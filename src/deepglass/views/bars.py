"""Bars with names: a figure for each class, group or model, with intervals where they are known."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deepglass.foundation.words import say
from deepglass.views.cells import columns, pad, tidy
from deepglass.views.chart import INK, WIDTH, Axes, dress, number_axis
from deepglass.views.chart import png as chart_png
from deepglass.views.chart import svg as chart_svg
from deepglass.views.palette import ACCENT
from deepglass.views.view import finite, number

USUAL, LONGEST = 22, 48  # cells of a name for which a chart has room, and at most makes room
LETTER = 6  # pixels of a cell


@dataclass(frozen=True)
class Bars:
    """Names and values from top to bottom; `label` names the axis with its unit."""

    names: Sequence[str]
    values: Sequence[float]
    title: str = ""
    label: str = ""
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    lang: str | None = None

    def terminal(self, width: int = 72) -> str:
        """A bar of blocks behind each name, its figure at the end."""
        left = min(24, max((columns(name) for name in self.names), default=0))
        right = max((columns(number(value)) for value in self.values), default=0)
        room = max(8, width - left - right - 4)
        most = max((value for value in self.values if np.isfinite(value)), default=0) or 1
        lines = [line for line in (self.title, self.label) if line]
        for name, value in zip(self.names, self.values, strict=True):
            eighths = max(0, round(value / most * room * 8)) if np.isfinite(value) else 0
            bar = "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()
            lines.append(f"{pad(name, left)}  {pad(bar, room)}  {pad(number(value), right, right=True)}")
        return tidy(lines)

    def svg(self) -> str:
        """The chart for a page."""
        return chart_svg(self._draw, self.title, self.text(), self._size())

    def png(self) -> bytes:
        """The chart as a picture."""
        return chart_png(self._draw, self.title, self._size())

    def json(self) -> dict[str, Any]:
        """Names and values as data."""
        lists = {part: [finite(value) for value in getattr(self, part)] for part in ("values", "low", "high")}
        return {"kind": "bars", "title": self.title, "label": self.label, "names": list(self.names), **lists}

    def text(self) -> str:
        """The highest and the lowest bar."""
        title = self.title or self.label
        found = [(value, name) for value, name in zip(self.values, self.names, strict=True) if np.isfinite(value)]
        if not found:
            return say("views.empty", self.lang, title=title)
        (low, lowest), (high, highest) = min(found), max(found)
        return say(
            "views.bars",
            self.lang,
            title=title,
            count=len(self.names),
            highest=highest,
            high=number(high),
            lowest=lowest,
            low=number(low),
        )

    def _size(self) -> tuple[int, int]:
        longest = min(LONGEST, max(map(columns, self.names), default=0))
        return WIDTH + LETTER * max(0, longest - USUAL), 80 + 22 * max(1, len(self.names))

    def _draw(self, axes: Axes) -> None:
        dress(axes, x_label=self.label, grid="x")
        places, values = np.arange(len(self.names)), np.nan_to_num(np.asarray(self.values, float))
        axes.barh(places, values, height=0.62, color=ACCENT)
        ends = np.asarray(self.high, float) if len(self.high) else values
        if len(self.low):
            spread = np.nan_to_num(np.stack([values - np.asarray(self.low, float), ends - values]).clip(min=0))
            axes.errorbar(values, places, xerr=spread, fmt="none", ecolor=INK, elinewidth=1.2, capsize=3)
        for place, value, end in zip(places, self.values, np.nan_to_num(ends), strict=True):
            axes.annotate(number(value), (max(end, 0), place), (5, 0), textcoords="offset points", va="center", size=9)
        axes.set_yticks(places, [pad(name, LONGEST).rstrip() for name in self.names])
        axes.set_ylim(len(self.names) - 0.4, -0.6)
        axes.margins(x=0.14)
        number_axis(axes, "x", whole=all(float(value).is_integer() for value in values))
