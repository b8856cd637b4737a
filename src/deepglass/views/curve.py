"""Lines over a common axis: a loss over steps, accuracy over examples, with bands where they are unsure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deepglass.foundation.words import say
from deepglass.views.cells import Dots, columns, pad, tidy
from deepglass.views.chart import HEIGHT, WIDTH, Axes, dress, legend, name_steps, number_axis, width_of
from deepglass.views.chart import png as chart_png
from deepglass.views.chart import svg as chart_svg
from deepglass.views.palette import colour, shape, sign
from deepglass.views.view import finite, number

MARKS = 7  # how often a line shows its shape
MOST_POINTS = 400  # more than a screen can show; a longer line is thinned, its ends and extremes kept


@dataclass(frozen=True)
class Line:
    """One named line: places x and values y, and where known the ends of each value's interval."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()


@dataclass(frozen=True)
class Curve:
    """Lines with named axes (units in the names), linear or logarithmic."""

    lines: Sequence[Line]
    title: str = ""
    x_label: str = ""
    y_label: str = ""
    log_x: bool = False
    log_y: bool = False
    lang: str | None = None
    y_ends: tuple[float, float] | None = None  # where y begins and ends, if charts are to be compared by eye
    read: Sequence[str] = ()  # tokens that stand under x = 1, 2, 3 ..., where that is what x counts

    def terminal(self, width: int = 72, height: int = 14) -> str:
        """Braille dots with a sign for each line, the axes' ends in figures, and a legend with last values."""
        x_ends, y_ends = self._ends(0), self._ends(1)
        left = max(columns(number(end)) for end in y_ends) + 1
        canvas = Dots(max(10, width - left - 2), height)
        for index, line in enumerate(self.lines):
            x = _place(np.asarray(line.x, float), x_ends, self.log_x)
            y = _place(np.asarray(line.y, float), y_ends, self.log_y)
            canvas.line(x, y)
            for at in _marks(len(x), index, len(self.lines)):
                canvas.sign(x[at], y[at], sign(index))
        rows = canvas.rows()
        scale = {0: number(y_ends[1]), len(rows) - 1: number(y_ends[0])}
        drawn = [f"{pad(scale.get(row, ''), left, right=True)} │{cells}" for row, cells in enumerate(rows)]
        foot = number(x_ends[1])
        between = canvas.width - columns(number(x_ends[0])) - columns(foot)
        middle = pad(self.x_label.center(max(0, between)), max(0, between))
        lines = [*([self.title] if self.title else []), *([self.y_label] if self.y_label else []), *drawn]
        lines += [" " * (left + 1) + "└" + "─" * canvas.width, " " * (left + 2) + number(x_ends[0]) + middle + foot]
        lines += [f"{' ' * (left + 2)}{sign(i)} {line.name}  {_last(line)}" for i, line in enumerate(self.lines)]
        return tidy(lines)

    def svg(self) -> str:
        """The chart for a page."""
        return chart_svg(self._draw, self.title, self.text(), self._size())

    def png(self) -> bytes:
        """The chart as a picture."""
        return chart_png(self._draw, self.title, self._size())

    def json(self) -> dict[str, Any]:
        """Axes and lines as data."""
        lines = [
            {
                "name": line.name,
                **{part: [finite(value) for value in getattr(line, part)] for part in ("x", "y", "low", "high")},
            }
            for line in self.lines
        ]
        return {"kind": "curve", "title": self.title, "x": self.x_label, "y": self.y_label, "lines": lines}

    def text(self) -> str:
        """From where to where each line goes."""
        title = self.title or self.y_label
        parts = [
            say("views.curve_line", self.lang, name=line.name, first=number(line.y[0]), last=number(line.y[-1]))
            for line in self.lines
            if len(line.y)
        ]
        if not parts:
            return say("views.empty", self.lang, title=title)
        return say("views.curve", self.lang, title=title, parts=say("views.and_so_on", self.lang).join(parts))

    def _size(self) -> tuple[int, int]:
        return (width_of(self.read), HEIGHT) if self.read else (WIDTH, HEIGHT)

    def _draw(self, axes: Axes) -> None:
        dress(axes, self.x_label, self.y_label)
        for index, line in enumerate(self.lines):
            x, y = np.asarray(line.x, float), np.asarray(line.y, float)
            kept = _thin(y)
            marks = [int(np.searchsorted(kept, at)) for at in _marks(len(x), index, len(self.lines))]
            axes.plot(
                x[kept],
                y[kept],
                color=colour(index),
                marker=shape(index),
                markevery=marks,
                markersize=5,
                linewidth=1.8,
                label=line.name,
            )
            if len(line.low):
                low, high = np.asarray(line.low, float)[kept], np.asarray(line.high, float)[kept]
                axes.fill_between(x[kept], low, high, color=colour(index), alpha=0.18, linewidth=0)
        whole = all(float(value).is_integer() for line in self.lines for value in line.x)
        if self.read:
            name_steps(axes, self.read)
            axes.set_xlim(0.5, len(self.read) + 0.5)
        else:
            number_axis(axes, "x", whole=whole, log=self.log_x)
        if self.y_ends:
            axes.set_ylim(*self.y_ends)
        number_axis(axes, "y", log=self.log_y)
        if len(self.lines) > 1:
            legend(axes, [line.name for line in self.lines])

    def _ends(self, axis: int) -> tuple[float, float]:
        if axis and self.y_ends:
            return self.y_ends
        log = (self.log_x, self.log_y)[axis]
        values = np.concatenate([np.asarray((line.x, line.y)[axis], float) for line in self.lines] or [np.zeros(0)])
        values = values[np.isfinite(values) & (values > 0 if log else True)]
        if len(values) == 0:
            return (1.0, 10.0) if log else (0.0, 1.0)
        low, high = float(values.min()), float(values.max())
        return (low, high) if high > low else (low, low * 10 if log else low + 1)


def _place(values: np.ndarray, ends: tuple[float, float], log: bool) -> np.ndarray:
    """Values as shares of the axis."""
    if log:
        values = np.log(np.where(values > 0, values, np.nan))
        ends = (float(np.log(ends[0])), float(np.log(ends[1])))
    return (values - ends[0]) / (ends[1] - ends[0])


def _marks(count: int, index: int, lines: int) -> list[int]:
    """Where line `index` of `lines` shows its shape: evenly, beside the others' shapes; a short line at every point."""
    if count <= MARKS:
        return list(range(count))
    step = (count - 1) / MARKS
    return sorted({round((mark + (index + 0.5) / lines) * step) for mark in range(MARKS)})


def _thin(values: np.ndarray) -> np.ndarray:
    """Which points to draw: all of a short line; of a long one each stretch's lowest and highest."""
    if len(values) <= MOST_POINTS:
        return np.arange(len(values))
    stretches = np.array_split(np.arange(len(values)), MOST_POINTS // 2)
    filled = np.nan_to_num(values, nan=float(np.nanmean(values)))
    ends = [pick for part in stretches for pick in (part[filled[part].argmin()], part[filled[part].argmax()])]
    return np.unique([0, *ends, len(values) - 1])


def _last(line: Line) -> str:
    return number(line.y[-1]) if len(line.y) else "–"
