"""A timeline: what holds from when to when, a line for each tag; what was found, and under it what is true."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from deepglass.foundation.words import say
from deepglass.views.cells import columns, pad, tidy
from deepglass.views.chart import INK, Axes, dress, number_axis
from deepglass.views.chart import png as chart_png
from deepglass.views.chart import svg as chart_svg
from deepglass.views.palette import colour
from deepglass.views.view import number

WIDE = 640
NAMED = 6  # bands that the sentence for those who do not see names
FULL, HALF, NONE = "█", "▒", "·"


class Band(NamedTuple):
    """One thing from one time to another, in seconds; how sure it is (None: people marked it), its colour's number."""

    label: str
    start: float
    end: float
    confidence: float | None = None
    colour: int = 0


@dataclass(frozen=True)
class Bands:
    """The lines by name, the bands that were found, how many seconds there are, and the bands that are true."""

    labels: Sequence[str]
    found: Sequence[Band]
    seconds: float
    true: Sequence[Band] | None = None
    title: str = ""
    lang: str | None = None

    def terminal(self, width: int = 80) -> str:
        """A line of blocks for each tag, a thinner one under it for what is true, and the times of every band."""
        names = list(self.labels)
        left = max(map(columns, names), default=0)
        room = max(10, width - left - 4)
        lines = [self.title] if self.title else []
        for name in names:
            lines.append(f"{pad(name, left)} │{self._cells(self.found, name, room, FULL)}│")
            if self.true is not None:
                lines.append(f"{pad('', left)} │{self._cells(self.true, name, room, HALF)}│")
        lines.append(f"{pad('', left)}  0{pad(f'{number(self.seconds)} s', room - 1, right=True)}")
        lines += [f"{clock(band.start)} – {clock(band.end)}  {_words(band)}" for band in self.found]
        return tidy(lines if self.found else [*lines, say("views.no_moments", self.lang)])

    def svg(self) -> str:
        """The chart for a page."""
        return chart_svg(self._draw, self.title, self.text(), self._size())

    def png(self) -> bytes:
        """The chart as a picture."""
        return chart_png(self._draw, self.title, self._size())

    def json(self) -> dict[str, Any]:
        """All bands as data."""
        lists = {"found": [band._asdict() for band in self.found]}
        true = {} if self.true is None else {"true": [band._asdict() for band in self.true]}
        document = {"kind": "timeline", "title": self.title, "labels": list(self.labels), "seconds": self.seconds}
        return {**document, **lists, **true}

    def text(self) -> str:
        """The first bands with their times."""
        if not self.found:
            return say("views.no_moments", self.lang)
        named = [f"{band.label} {clock(band.start)}–{clock(band.end)}" for band in self.found[:NAMED]]
        listed = say("views.list_mark", self.lang).join([*named, *(["…"] if len(self.found) > NAMED else [])])
        return say("views.timeline", self.lang, count=len(self.found), seconds=number(self.seconds), moments=listed)

    def _cells(self, bands: Sequence[Band], name: str, room: int, mark: str) -> str:
        cells = [NONE] * room
        for band in bands:
            if band.label == name:
                first = min(room - 1, int(band.start / max(self.seconds, 1e-9) * room))
                last = max(first + 1, min(room, round(band.end / max(self.seconds, 1e-9) * room)))
                cells[first:last] = [mark] * (last - first)
        return "".join(cells)

    def _size(self) -> tuple[int, int]:
        return WIDE, 74 + (44 if self.true is not None else 28) * max(1, len(self.labels))

    def _draw(self, axes: Axes) -> None:
        dress(axes, say("views.time_axis", self.lang), grid="x")
        rows = {name: place for place, name in enumerate(self.labels)}
        both = self.true is not None
        for band in self.found:
            top = rows[band.label] - (0.36 if both else 0.28)
            span = [(band.start, band.end - band.start)]
            axes.broken_barh(span, (top, 0.34 if both else 0.56), facecolors=colour(band.colour), linewidth=0)
        for band in self.true or ():
            if band.label in rows:
                span = [(band.start, band.end - band.start)]
                axes.broken_barh(span, (rows[band.label] + 0.04, 0.3), facecolors="none", edgecolors=INK, linewidth=1.2)
        axes.set_yticks(range(len(rows)), [pad(name, 24).rstrip() for name in rows])
        axes.set_ylim(max(1, len(rows)) - 0.4, -0.6)
        axes.set_xlim(0, max(self.seconds, 1e-3))
        number_axis(axes, "x")


def clock(seconds: float) -> str:
    """A time as players show it, to a tenth.

    >>> clock(2.52), clock(75), clock(3725.16)
    ('0:02.5', '1:15.0', '1:02:05.2')
    """
    tenths = round(10 * seconds)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    tail = f"{rest // 10:02d}.{rest % 10}"
    return f"{hours}:{minutes:02d}:{tail}" if hours else f"{minutes}:{tail}"


def _words(band: Band) -> str:
    return band.label if band.confidence is None else f"{band.label} {100 * band.confidence:.0f} %"
