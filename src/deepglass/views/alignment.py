"""Where a network looked while it wrote: written tokens down, read ones across, the darker the more it looked there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deepglass.foundation.words import say
from deepglass.views.cells import GREYS, columns, pad, tidy
from deepglass.views.chart import WIDTH, Axes, Rectangle, dress
from deepglass.views.chart import png as chart_png
from deepglass.views.chart import svg as chart_svg
from deepglass.views.palette import ACCENT
from deepglass.views.view import number

FAINT = 0.02  # weights below it are not drawn
ROOM = 34  # pixels that a token takes at most
LARGEST = 900  # pixels a side
LONGEST = 14  # cells of a token's name


@dataclass(frozen=True)
class Alignment:
    """Weights (L, T), each row of which sums to one, with the L tokens that were written and the T that were read."""

    weights: np.ndarray
    written: Sequence[str]
    read: Sequence[str]
    title: str = ""
    lang: str | None = None

    def terminal(self, width: int = 80) -> str:
        """Greys for each written token, and the name of the read one that it looked at most."""
        if not self.written:
            return self.title
        left = min(LONGEST, max(map(columns, self.written)))
        wide = max(1, min(len(self.read), width - left - LONGEST - 12))
        lines = [self.title] if self.title else []
        for token, weights in zip(self.written, np.asarray(self.weights, float), strict=True):
            strongest = [part.max(initial=0) for part in np.array_split(weights, wide)]
            cells = "".join(GREYS[round(min(1.0, float(value)) * (len(GREYS) - 1))] for value in strongest)
            most = int(weights.argmax())
            name = f"{pad(self.read[most], LONGEST).rstrip()} {100 * weights[most]:.0f} %"
            lines.append(f"{pad(token, left)} │{cells}│ {name}")
        return tidy(lines)

    def svg(self) -> str:
        """The chart for a page."""
        return chart_svg(self._draw, self.title, self.text(), self._size())

    def png(self) -> bytes:
        """The chart as a picture."""
        return chart_png(self._draw, self.title, self._size())

    def json(self) -> dict[str, Any]:
        """All weights and tokens."""
        weights = np.asarray(self.weights, float).round(4).tolist()
        tokens = {"written": list(self.written), "read": list(self.read)}
        return {"kind": "alignment", "title": self.title, **tokens, "weights": weights}

    def text(self) -> str:
        """How sure it looked, and the first and the last token with what they looked at."""
        title = self.title or say("views.alignment_title", self.lang)
        if not self.written:
            return say("views.alignment_empty", self.lang, title=title)
        weights = np.asarray(self.weights, float)
        seen = [self.read[place] for place in weights.argmax(1).tolist()]
        values = {"first": self.written[0], "at": seen[0], "last": self.written[-1], "end": seen[-1]}
        sure = number(round(100 * float(weights.max(1).mean()), 1))
        return say("views.alignment", self.lang, title=title, sure=sure, **values)

    def _size(self) -> tuple[int, int]:
        sides = (len(self.read), len(self.written))
        wide, tall = (min(LARGEST, 110 + ROOM * count) for count in sides)
        return max(WIDTH, wide), max(160, tall)

    def _draw(self, axes: Axes) -> None:
        dress(axes, say("views.read_tokens", self.lang), say("views.written_tokens", self.lang), grid="")
        weights = np.asarray(self.weights, float)
        for row, column in np.argwhere(weights >= FAINT):
            strength = min(1.0, float(weights[row, column]))
            place = (column - 0.48, row - 0.48)
            axes.add_patch(Rectangle(place, 0.96, 0.96, facecolor=ACCENT, alpha=strength, linewidth=0))
        size = 10 if max(weights.shape) <= 30 else 7.5
        names = [[pad(token, LONGEST).rstrip() for token in side] for side in (self.read, self.written)]
        axes.set_xticks(range(len(self.read)), names[0], rotation=90, size=size)
        axes.set_yticks(range(len(self.written)), names[1], size=size)
        axes.xaxis.tick_top()
        axes.xaxis.set_label_position("top")
        axes.set_xlim(-0.52, len(self.read) - 0.48)
        axes.set_ylim(len(self.written) - 0.48, -0.52)
        for spine in axes.spines.values():
            spine.set_visible(False)
