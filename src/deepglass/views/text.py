"""A sentence: the simplest thing to look at."""

from dataclasses import dataclass
from html import escape
from typing import Any

from deepglass.views.cells import columns
from deepglass.views.frame import SYSTEM_FONTS, frame


@dataclass(frozen=True)
class Sentence:
    """Words that are shown as they are."""

    words: str

    def terminal(self) -> str:
        """The words."""
        return self.words

    def svg(self) -> str:
        """The words on one line, in the colour of the text around."""
        style = f"font: 14px {SYSTEM_FONTS}"
        words = f'<text x="4" y="17" fill="currentColor" style="{style}">{escape(self.words)}</text>'
        return frame(words, columns(self.words) * 8 + 8, 24, self.words, self.words)

    def json(self) -> dict[str, Any]:
        """The words as data."""
        return {"kind": "text", "words": self.words}

    def text(self) -> str:
        """The words."""
        return self.words
