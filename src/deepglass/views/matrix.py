"""The confusion matrix: true classes down, predicted ones across, folded to the most confused where there are many."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deepglass.foundation.words import say
from deepglass.views.cells import columns, pad, tidy
from deepglass.views.chart import INK, WIDTH, Axes, Rectangle, dress
from deepglass.views.chart import png as chart_png
from deepglass.views.chart import svg as chart_svg
from deepglass.views.palette import ACCENT
from deepglass.views.view import number

MOST_DRAWN = 16  # classes in a chart; the others are one row and one column
MOST_WRITTEN = 12  # classes up to which every cell has its figure


@dataclass(frozen=True)
class Matrix:
    """Counts (K, K) and the names of the K classes."""

    counts: np.ndarray
    labels: Sequence[str]
    title: str = ""
    lang: str | None = None

    def terminal(self, width: int = 80) -> str:
        """Counts as a table, as many classes as fit; a dot is none."""
        left = min(16, max(columns(label) for label in self.labels))
        cell = max(4, columns(number(int(np.max(self.counts, initial=0)))) + 1, min(10, left + 1))
        folded = self.fold(max(2, (width - left - 4) // cell - 1))
        head = " " * (left + 2) + "".join(pad(pad(name, cell - 1).rstrip(), cell, True) for name in folded.labels)
        lines = [*([self.title] if self.title else []), self._axes_words(), head]
        for label, row in zip(folded.labels, folded.counts.tolist(), strict=True):
            cells = "".join(pad(number(count) if count else "·", cell, right=True) for count in row)
            lines.append(f"{pad(label, left)}  {cells}")
        return tidy(lines)

    def svg(self) -> str:
        """The chart for a page."""
        return chart_svg(self._draw, self.title, self.text(), self._size())

    def png(self) -> bytes:
        """The chart as a picture."""
        return chart_png(self._draw, self.title, self._size())

    def json(self) -> dict[str, Any]:
        """All counts and labels, unfolded."""
        counts = np.asarray(self.counts).tolist()
        return {"kind": "matrix", "title": self.title, "labels": list(self.labels), "counts": counts}

    def text(self) -> str:
        """How many are right, and the pair confused most often."""
        counts = np.asarray(self.counts)
        right, total = int(np.trace(counts)), int(counts.sum())
        wrong = counts - np.diag(np.diag(counts))
        title = self.title or say("views.matrix_title", self.lang)
        if wrong.sum() == 0:
            return say("views.matrix_clean", self.lang, title=title, right=right, total=total)
        true, taken = np.unravel_index(int(wrong.argmax()), wrong.shape)
        return say(
            "views.matrix",
            self.lang,
            title=title,
            right=number(right),
            total=number(total),
            true=self.labels[int(true)],
            taken=self.labels[int(taken)],
            times=number(int(wrong.max())),
        )

    def fold(self, most: int) -> "Matrix":
        """At most `most` classes with the most mistakes, in their old order, and the rest as one class "others"."""
        counts = np.asarray(self.counts)
        if len(counts) <= most:
            return self
        mistakes = counts.sum(0) + counts.sum(1) - 2 * np.diag(counts)
        kept = np.sort(np.argsort(-mistakes, kind="stable")[: most - 1])
        group = np.full(len(counts), most - 1)
        group[kept] = np.arange(most - 1)
        folded = np.zeros((most, most), dtype=counts.dtype)
        np.add.at(folded, (group[:, None], group[None, :]), counts)
        others = say("views.others", self.lang, count=len(counts) - most + 1)
        return Matrix(folded, [*(self.labels[int(index)] for index in kept), others], self.title, self.lang)

    def _axes_words(self) -> str:
        return f"{say('views.true_class', self.lang)} ↓   {say('views.predicted_class', self.lang)} →"

    def _size(self) -> tuple[int, int]:
        return WIDTH, WIDTH

    def _draw(self, axes: Axes) -> None:
        folded = self.fold(MOST_DRAWN)
        counts, size = np.asarray(folded.counts), len(folded.labels)
        shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
        dress(axes, say("views.predicted_class", self.lang), say("views.true_class", self.lang), grid="")
        for row, column in np.argwhere(counts > 0):
            strength = 0.08 + 0.57 * float(shares[row, column])
            place = (column - 0.48, row - 0.48)
            axes.add_patch(Rectangle(place, 0.96, 0.96, facecolor=ACCENT, alpha=strength, linewidth=0))
            if size <= MOST_WRITTEN or row != column:
                small = 10 if size <= MOST_WRITTEN else 7.5
                words = number(int(counts[row, column]))
                axes.text(column, row, words, ha="center", va="center", size=min(small, 34 / max(len(words), 3)))
        axes.add_patch(Rectangle((-0.5, -0.5), size, size, fill=False, edgecolor=INK, alpha=0.25, linewidth=0.8))
        names = [pad(label, 12).rstrip() for label in folded.labels]
        slanted = max(map(columns, names)) * size > 52
        axes.set_xticks(range(size), names, rotation=90 if slanted else 0, size=10 if size <= MOST_WRITTEN else 8.5)
        axes.set_yticks(range(size), names, size=10 if size <= MOST_WRITTEN else 8.5)
        axes.set_xlim(-0.52, size - 0.48)
        axes.set_ylim(size - 0.48, -0.52)
        axes.set_aspect("equal")
        for spine in axes.spines.values():
            spine.set_visible(False)
