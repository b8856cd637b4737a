"""A sentence with some of its words marked: each span in the colour of its kind, with the kind's name beneath."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from deepglass.foundation.words import say
from deepglass.views.cells import columns, tidy
from deepglass.views.frame import SYSTEM_FONTS, frame
from deepglass.views.palette import colour

WIDE = 720  # pixels of a line
LETTER = 8.0  # pixels of a letter's cell
SMALL = 6.4  # the same of a name beneath
TALL = 46  # pixels from line to line


@dataclass(frozen=True)
class Tagged:
    """Words; spans of them (first, behind the last, kind); and all kinds in the order of their colours."""

    words: Sequence[str]
    spans: Sequence[tuple[int, int, str]]
    kinds: Sequence[str]
    lang: str | None = None

    def terminal(self, width: int = 80) -> str:
        """The words with spans in brackets, the kind's name in front: [PER Anna] lives in [LOC New York]"""
        lines: list[str] = [""]
        for piece, kind in self._pieces():
            shown = f"[{kind} {piece}]" if kind else piece
            if lines[-1] and columns(lines[-1]) + 1 + columns(shown) > width:
                lines.append("")
            lines[-1] += f" {shown}" if lines[-1] else shown
        return tidy(lines)

    def svg(self) -> str:
        """The words in lines, a bar of its kind's colour under each span and the name under the bar."""
        parts: list[str] = []
        x, y = 6.0, 20.0
        for piece, kind in self._pieces():
            wide = max(columns(piece) * LETTER, columns(kind) * SMALL)
            if x > 6 and x + wide > WIDE:
                x, y = 6.0, y + TALL
            parts.append(f'<text x="{x:g}" y="{y:g}">{escape(piece)}</text>')
            if kind:
                bar = f'<rect x="{x:g}" y="{y + 5:g}" width="{wide:g}" height="4" rx="2" fill="{self._colour(kind)}"/>'
                parts.append(f'{bar}<text x="{x:g}" y="{y + 20:g}" font-size="11">{escape(kind)}</text>')
            x += wide + LETTER
        body = f'<g fill="currentColor" style="font: 14px {SYSTEM_FONTS}">{"".join(parts)}</g>'
        return frame(body, WIDE, y + 28, " ".join(self.words), self.text())

    def json(self) -> dict[str, Any]:
        """Words and spans as data."""
        spans = [{"start": start, "end": end, "label": kind} for start, end, kind in self.spans]
        return {"kind": "tagged", "words": list(self.words), "spans": spans}

    def text(self) -> str:
        """The sentence, and what is marked in it."""
        sentence = " ".join(self.words)
        named = [say("views.tagged_span", self.lang, words=piece, kind=kind) for piece, kind in self._pieces() if kind]
        if not named:
            return say("views.tagged_none", self.lang, sentence=sentence)
        return say("views.tagged", self.lang, sentence=sentence, spans=say("views.list_mark", self.lang).join(named))

    def _colour(self, kind: str) -> str:
        return colour(self.kinds.index(kind) if kind in self.kinds else len(self.kinds))

    def _pieces(self) -> list[tuple[str, str]]:
        """Words and whole spans from left to right, each with its kind or nothing."""
        starts = {start: (end, kind) for start, end, kind in self.spans}
        pieces: list[tuple[str, str]] = []
        place = 0
        while place < len(self.words):
            end, kind = starts.get(place, (place + 1, ""))
            pieces.append((" ".join(self.words[place:end]), kind))
            place = end
        return pieces
