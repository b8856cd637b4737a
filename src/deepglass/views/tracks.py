"""What a layer said while it read: bands one above the other, a step after the other across, what was read below."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deepglass.foundation.words import say
from deepglass.views.cells import GREYS, columns, pad, tidy
from deepglass.views.chart import WIDTH, Axes, dress, name_steps, number_axis, width_of
from deepglass.views.chart import png as chart_png
from deepglass.views.chart import svg as chart_svg
from deepglass.views.palette import OKABE_ITO, rgb

BAND, BETWEEN = 64, 6  # pixels of a band, and of white between two
FOR, AGAINST = rgb(OKABE_ITO[0]), rgb(OKABE_ITO[5])
SHADES = 24  # steps of strength that are told apart


@dataclass(frozen=True)
class Tracks:
    """Bands by name, each (rows, T) of numbers from -1 to 1; the T tokens that were read, none where it was numbers."""

    bands: Mapping[str, np.ndarray]
    read: Sequence[str] = ()
    title: str = ""
    lang: str | None = None

    def terminal(self, width: int = 80) -> str:
        """The mean strength of each band over time in greys, and what was read."""
        left = max(map(columns, self.bands), default=0)
        room = max(1, width - left - 3)
        lines = [self.title] if self.title else []
        for name, band in self.bands.items():
            strength = np.abs(_within(band)).mean(0)[:room]
            cells = "".join(GREYS[round(float(value) * (len(GREYS) - 1))] for value in strength)
            lines.append(f"{pad(name, left)} │{cells}│")
        letters = "".join(token if columns(token) == 1 else "·" for token in self.read[:room])
        return tidy([*lines, *([" " * (left + 2) + letters] if letters else [])])

    def svg(self) -> str:
        """The chart for a page."""
        return chart_svg(self._draw, self.title, self.text(), self._size())

    def png(self) -> bytes:
        """The chart as a picture."""
        return chart_png(self._draw, self.title, self._size())

    def json(self) -> dict[str, Any]:
        """All bands and what was read."""
        bands = {name: _within(band).round(3).tolist() for name, band in self.bands.items()}
        return {"kind": "tracks", "title": self.title, "read": list(self.read), "bands": bands}

    def text(self) -> str:
        """Which bands over how many steps."""
        names = say("views.list_mark", self.lang).join(self.bands) or "–"
        return say("views.tracks", self.lang, title=self.title or names, bands=names, steps=self._steps)

    @property
    def _steps(self) -> int:
        return max((np.shape(band)[1] for band in self.bands.values()), default=0)

    def _size(self) -> tuple[int, int]:
        tall = 70 + (BAND + BETWEEN) * max(1, len(self.bands))
        return (width_of(self.read) if self.read else max(WIDTH, 640)), tall

    def _draw(self, axes: Axes) -> None:
        dress(axes, say("views.read_tokens" if self.read else "tasks.step", self.lang), grid="")
        middles: list[float] = []
        for place, band in enumerate(self.bands.values()):
            top = place * (BAND + BETWEEN)
            middles.append(top + BAND / 2)
            axes.imshow(_coloured(band), extent=(0.5, self._steps + 0.5, top + BAND, top), interpolation="nearest")
        axes.set_aspect("auto")
        axes.set_xlim(0.5, max(1, self._steps) + 0.5)
        axes.set_ylim(max(1, len(middles)) * (BAND + BETWEEN), -BETWEEN)
        if self.read:
            name_steps(axes, self.read)
        else:
            number_axis(axes, "x", whole=True)
        axes.set_yticks(middles, list(self.bands))
        for spine in axes.spines.values():
            spine.set_visible(False)


def _coloured(band: np.ndarray) -> np.ndarray:
    """Blue for what is above 0 and orange below, the stronger the denser: seen on light and on dark. (R, T, 4)"""
    band = _within(band)
    coloured = np.empty((*band.shape, 4))
    coloured[:, :, :3] = np.where(band[:, :, None] > 0, FOR, AGAINST)
    coloured[:, :, 3] = (np.abs(band) * (SHADES - 1)).round() / (SHADES - 1)
    return coloured


def _within(band: np.ndarray) -> np.ndarray:
    return np.nan_to_num(np.asarray(band, float)).clip(-1, 1)
