"""Where a network looked in a picture while it wrote each word: the picture with the heat of one word after another."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deepglass.foundation.words import say
from deepglass.views.cells import columns, pad, tidy
from deepglass.views.heat import Heat, hottest
from deepglass.views.picture import SMALL, Picture, sheet

ACROSS = 5  # pictures in a row
LONGEST = 14  # cells of a word


@dataclass(frozen=True)
class Looked:
    """Pixels as a `Picture` takes them, L words, and for each of them heat (L, h, w) of any size and scale."""

    pixels: np.ndarray
    words: Sequence[str]
    heat: np.ndarray
    title: str = ""
    lang: str | None = None

    def terminal(self, width: int = 80) -> str:
        """Each word and the part of the picture that it looked at most."""
        lines = [self.title] if self.title else []
        room = min(LONGEST, max(map(columns, self.words), default=0))
        places = zip(self.words, self._places(), strict=True)
        return tidy([*lines, *(f"{pad(word, room)}  {place}" for word, place in places)])

    def overlays(self) -> list[Picture]:
        """The picture alone, then with the heat of each word."""
        own = [heat.overlay() for heat in self._heats()]
        return [Picture(self.pixels, "", self.lang), *own]

    def svg(self) -> str:
        """All of them in rows."""
        pictures = self.overlays()
        across = min(ACROSS, len(pictures))
        across = math.ceil(len(pictures) / math.ceil(len(pictures) / across))  # rows of nearly one length
        return sheet(pictures, across, SMALL, self.title, self.text())

    def json(self) -> dict[str, Any]:
        """The picture, the words, and the heat of each as numbers."""
        heat = np.nan_to_num(np.asarray(self.heat, float)).round(4).tolist()
        told = {"title": self.title, "words": list(self.words), "heat": heat}
        return {"kind": "looked", **told, "picture": Picture(self.pixels).json()}

    def text(self) -> str:
        """The part of the picture that each word looked at most."""
        places = zip(self.words, self._places(), strict=True)
        told = say("views.list_mark", self.lang).join(
            say("views.word_looked", self.lang, word=word, place=place) for word, place in places
        )
        return say("views.looked", self.lang, title=self.title, words=told or "…")

    def _heats(self) -> list[Heat]:
        maps = zip(self.words, np.asarray(self.heat, float), strict=True)
        return [Heat(self.pixels, heat, word, self.lang) for word, heat in maps]

    def _places(self) -> list[str]:
        return [hottest(heat.spread(), self.lang) for heat in self._heats()]
