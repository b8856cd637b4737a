"""Points of several classes in two dimensions, with a network's regions behind them where they are given."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from deepglass.foundation.words import say
from deepglass.views.cells import tidy
from deepglass.views.chart import HEIGHT, WIDTH, Axes, dress, legend, number_axis
from deepglass.views.chart import png as chart_png
from deepglass.views.chart import svg as chart_svg
from deepglass.views.palette import colour, rgb, shape, sign
from deepglass.views.view import finite

MANY_POINTS = 1500  # from here on points are stored as pixels, which keeps a page small


class Regions(NamedTuple):
    """Which class a network answers over a grid: int (h, w), the first row lowest, and the places of its ends."""

    classes: np.ndarray
    x: tuple[float, float]
    y: tuple[float, float]


@dataclass(frozen=True)
class Scatter:
    """Points (N, 2), the class number of each (N,), and the classes' names."""

    points: np.ndarray
    classes: np.ndarray
    labels: Sequence[str]
    title: str = ""
    x_label: str = ""
    y_label: str = ""
    regions: Regions | None = None
    lang: str | None = None

    def terminal(self, width: int = 60, height: int = 20) -> str:
        """A sign for every class; where points fall together the last is shown."""
        (left, right), (low, high) = self._ends()
        grid = [[" "] * width for _ in range(height)]
        for (x, y), number in zip(np.asarray(self.points, float), np.asarray(self.classes), strict=True):
            if np.isfinite(x) and np.isfinite(y):
                column = round((x - left) / (right - left) * (width - 1))
                row = round((high - y) / (high - low) * (height - 1))
                grid[min(max(row, 0), height - 1)][min(max(column, 0), width - 1)] = sign(int(number))
        frame = ["┌" + "─" * width + "┐", *(f"│{''.join(row)}│" for row in grid), "└" + "─" * width + "┘"]
        names = "   ".join(f"{sign(number)} {label}" for number, label in enumerate(self.labels))
        return tidy([*([self.title] if self.title else []), *frame, names])

    def svg(self) -> str:
        """The chart for a page."""
        return chart_svg(self._draw, self.title, self.text(), (WIDTH, HEIGHT + 90))

    def png(self) -> bytes:
        """The chart as a picture."""
        return chart_png(self._draw, self.title, (WIDTH, HEIGHT + 90))

    def json(self) -> dict[str, Any]:
        """Points and classes as data."""
        points = [[finite(x), finite(y)] for x, y in np.asarray(self.points, float)]
        classes = [int(number) for number in self.classes]
        return {
            "kind": "scatter",
            "title": self.title,
            "x": self.x_label,
            "y": self.y_label,
            "points": points,
            "classes": classes,
            "labels": list(self.labels),
        }

    def text(self) -> str:
        """How many points of which classes."""
        names = say("views.list_mark", self.lang).join(self.labels)
        return say(
            "views.scatter",
            self.lang,
            title=self.title,
            count=len(self.points),
            classes=len(self.labels),
            names=names,
        )

    def _draw(self, axes: Axes) -> None:
        dress(axes, self.x_label, self.y_label, grid="")
        self._draw_regions(axes)
        points, classes = np.asarray(self.points, float), np.asarray(self.classes)
        size = float(np.clip(9000 / max(len(points), 1), 7, 42))
        for number, label in enumerate(self.labels):
            own = points[classes == number]
            axes.scatter(
                own[:, 0],
                own[:, 1],
                s=size,
                color=colour(number),
                marker=shape(number),
                linewidths=0,
                alpha=0.85,
                label=label,
                rasterized=len(points) > MANY_POINTS,
            )
        number_axis(axes, "x")
        number_axis(axes, "y")
        if len(self.labels) > 1:
            legend(axes, list(self.labels))

    def _draw_regions(self, axes: Axes) -> None:
        if self.regions is None:
            return
        shades = np.array([rgb(colour(number)) for number in range(max(len(self.labels), 1))])
        pixels = np.dstack([shades[self.regions.classes], np.full(self.regions.classes.shape, 0.22)])
        extent = (*self.regions.x, *self.regions.y)
        axes.imshow(pixels, origin="lower", extent=extent, aspect="auto", interpolation="nearest")

    def _ends(self) -> tuple[tuple[float, float], tuple[float, float]]:
        if self.regions is not None:
            return self.regions.x, self.regions.y
        found = []
        for axis in (0, 1):
            values = np.asarray(self.points, float).reshape(-1, 2)[:, axis]
            values = values[np.isfinite(values)]
            low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
            found.append((low, high if high > low else low + 1))
        return found[0], found[1]
