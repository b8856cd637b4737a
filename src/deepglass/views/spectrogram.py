"""A sound to look at: time across, pitch up, the louder the darker; letters above where they were heard."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from deepglass.foundation.words import say
from deepglass.views.cells import GREYS, columns, pad, tidy
from deepglass.views.chart import HEIGHT, Axes, dress, number_axis
from deepglass.views.chart import png as chart_png
from deepglass.views.chart import svg as chart_svg
from deepglass.views.palette import ACCENT, rgb
from deepglass.views.view import number

WIDEST = 400  # columns of a drawn spectrogram; more is averaged
SHADES = 24  # steps of loudness that are told apart
QUIET = 0.3  # share of all moments and bands, the quietest, that stay blank
LETTERED = 1.09  # how much taller a picture with letters is
SIZE = (640, HEIGHT)


class Mark(NamedTuple):
    """Letters at a moment, in seconds."""

    at: float
    letters: str


@dataclass(frozen=True)
class Spectrogram:
    """How loud each band is at each moment, as logarithms (T, bands); the middle of each band in hertz (bands,)."""

    levels: np.ndarray
    hertz: Sequence[float]
    seconds: float
    caption: str = ""
    marks: Sequence[Mark] = ()
    lang: str | None = None

    def terminal(self, width: int = 72, height: int = 10) -> str:
        """Greys, the highest band on top, with the letters and the seconds below."""
        spread = _averaged(_averaged(self._spread(), width - 8).T, height).T  # (≤ width, ≤ height)
        shades = (spread * (len(GREYS) - 1)).round().astype(int)
        rows = ["".join(GREYS[level] for level in band) for band in shades.T[::-1]]
        scale = {0: number(self.hertz[-1]), len(rows) - 1: number(self.hertz[0])}
        drawn = [f"{pad(scale.get(row, ''), 6, right=True)} │{cells}" for row, cells in enumerate(rows)]
        wide = len(shades)
        end = say("views.seconds", self.lang, seconds=number(self.seconds))
        foot = "0" + pad(end, max(columns(end), wide - 1), right=True)
        letters = [f"{' ' * 8}{self._written(wide)}"] if self.marks else []
        caption = [self.caption] if self.caption else []
        return tidy([*caption, *drawn, " " * 7 + "└" + "─" * wide, *letters, " " * 8 + foot])

    def svg(self) -> str:
        """The chart for a page."""
        return chart_svg(self._draw, self.caption, self.text(), SIZE)

    def png(self) -> bytes:
        """The chart as a picture."""
        return chart_png(self._draw, self.caption, SIZE)

    def json(self) -> dict[str, Any]:
        """The levels as they are drawn, 0 to 1, and the letters."""
        levels = _averaged(self._spread(), WIDEST).round(3).tolist()
        marks = [{"at": mark.at, "letters": mark.letters} for mark in self.marks]
        hertz = [float(middle) for middle in self.hertz]
        named = {"kind": "spectrogram", "caption": self.caption, "seconds": self.seconds}
        return {**named, "hertz": hertz, "levels": levels, "marks": marks}

    def text(self) -> str:
        """How long it is, where it is loudest, and what is read."""
        levels = np.nan_to_num(np.asarray(self.levels, float), neginf=-100.0)
        loudest = self.hertz[int(levels.mean(0).argmax())] if levels.size else 0.0
        title = self.caption or say("views.spectrogram_title", self.lang)
        read = "".join(mark.letters for mark in self.marks)
        key = "views.spectrogram_read" if read else "views.spectrogram"
        return say(key, self.lang, title=title, seconds=number(self.seconds), hertz=number(loudest), read=read)

    def _spread(self) -> np.ndarray:
        """Levels from 0 to 1, the quietest share of them 0. (T, bands)"""
        levels = np.nan_to_num(np.asarray(self.levels, float), neginf=-100.0)
        low, high = (float(np.quantile(levels, share)) for share in (QUIET, 1.0)) if levels.size else (0.0, 0.0)
        return ((levels - low) / (high - low)).clip(0, 1) if high > low else np.zeros_like(levels)

    def _written(self, wide: int) -> str:
        """The letters under their moments, as far as they do not stand over each other."""
        line = ""
        for mark in self.marks:
            at = int(mark.at / max(self.seconds, 1e-9) * wide)
            line = pad(line, max(columns(line), at)) + mark.letters
        return line

    def _draw(self, axes: Axes) -> None:
        dress(axes, say("views.axis_seconds", self.lang), say("views.axis_hertz", self.lang), grid="")
        spread = _averaged(self._spread(), WIDEST)
        shaded = np.empty((*spread.T.shape, 4))
        shaded[:, :, :3] = rgb(ACCENT)
        shaded[:, :, 3] = (spread.T * (SHADES - 1)).round() / (SHADES - 1)  # seen on light and on dark
        bands = len(self.hertz)
        axes.imshow(shaded, origin="lower", aspect="auto", extent=(0, self.seconds, 0, bands), interpolation="nearest")
        places = np.linspace(0, bands - 1, 5).round().astype(int)
        axes.set_yticks(places + 0.5, [number(round(float(self.hertz[place]))) for place in places])
        number_axis(axes, "x")
        if self.marks:
            axes.set_ylim(0, bands * LETTERED)  # room for the letters between the picture and its title
        for mark in self.marks:
            if mark.letters.strip():
                axes.text(mark.at, bands * 1.02, mark.letters, ha="left", va="bottom", size=9)


def _averaged(values: np.ndarray, most: int) -> np.ndarray:
    """At most `most` rows, each the mean of those it covers. (N, M) -> (≤ most, M)"""
    if len(values) <= most:
        return values
    starts = np.linspace(0, len(values), most + 1).astype(int)
    return np.add.reduceat(values, starts[:-1], axis=0) / np.diff(starts)[:, None]
