"""Boxes over a picture, each with its label: what a detector found, or what people marked."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from deepglass.foundation.words import say
from deepglass.views.cells import tidy
from deepglass.views.chart import cjk_file
from deepglass.views.frame import SYSTEM_FONTS, frame
from deepglass.views.palette import colour
from deepglass.views.picture import LARGEST, Picture, as_bytes, data_address

LETTER = 11  # pixels of a label
CARD, READ = 300, 13  # pixels across of a card that a picture fills, and of a label there
GAP = 18  # below the picture, for its caption
NAMED = 5  # boxes that the sentence for those who do not see names


class Mark(NamedTuple):
    """One box in pixels of the picture, how sure it is (None: people marked it), and its colour's number."""

    label: str
    corners: Sequence[float]  # left, top, right, bottom
    confidence: float | None = None
    colour: int = 0
    outline: Sequence[Sequence[float]] = ()  # points x, y around it, where it is no upright box

    @property
    def words(self) -> str:
        """The label, and how sure it is."""
        return self.label if self.confidence is None else f"{self.label} {100 * self.confidence:.0f} %"


def _font(words: tuple[str, ...]) -> tuple[Any, bool]:
    """What labels are written with, and whether it has Latin letters alone."""
    file = None if all(one.isascii() for one in words) else cjk_file()
    if file is None:
        return ImageFont.load_default(LETTER), True
    return ImageFont.truetype(file, LETTER + 2), False


@dataclass(frozen=True)
class Boxes:
    """Pixels as a `Picture` takes them; `size` is the width and height that the boxes count in, if it is another."""

    pixels: np.ndarray
    marks: Sequence[Mark]
    caption: str = ""
    size: tuple[int, int] = (0, 0)
    lang: str | None = None

    def terminal(self, width: int = 48, ansi: bool = False) -> str:
        """The picture with the boxes drawn, and a line for each."""
        drawn = self.drawn(LARGEST).terminal(width, ansi).split("\n")
        lines = [f"{mark.words}  {self._place(mark)}" for mark in self.marks] or [say("views.no_boxes", self.lang)]
        return tidy([*drawn, *lines])

    def drawn(self, largest: int) -> Picture:
        """The picture with outlines and labels in its pixels."""
        picture, scale = self._fitted(largest)
        draw, font, latin = ImageDraw.Draw(picture), *_font(tuple(mark.words for mark in self.marks))
        for mark in sorted(self.marks, key=lambda mark: mark.confidence or 0):  # the surest lies on top
            left, top, right, bottom = (end * scale for end in mark.corners)
            shade = colour(mark.colour)
            if mark.outline:
                ring = [(x * scale, y * scale) for x, y in mark.outline]
                draw.line([*ring, ring[0]], fill=shade, width=2)
            else:
                draw.rectangle((left, top, max(left, right - 1), max(top, bottom - 1)), outline=shade, width=2)
            words = f"{mark.colour + 1}" if latin and not mark.words.isascii() else mark.words
            room = draw.textbbox((left + 2, max(0, top - LETTER - 2)), words, font=font)
            draw.rectangle((room[0] - 2, room[1] - 1, room[2] + 2, room[3] + 1), fill=shade)
            draw.text((left + 2, max(0, top - LETTER - 2)), words, fill="white", font=font)
        return Picture(np.asarray(picture), self.caption, self.lang)

    def png(self, largest: int = LARGEST * 2) -> bytes:
        """The picture with the boxes in it."""
        return self.drawn(largest).png(largest)

    def svg(self) -> str:
        """The picture, and the boxes as shapes over it."""
        picture, scale = self._fitted(LARGEST)
        file = io.BytesIO()
        picture.save(file, format="PNG", optimize=True)
        parts = [f'<image width="{picture.width}" height="{picture.height}" href="{data_address(file.getvalue())}"/>']
        parts += self._shapes(scale)
        if self.caption:
            below = picture.height + GAP - 5
            parts.append(f'<text x="2" y="{below}" fill="currentColor">{escape(self.caption)}</text>')
        body = f'<g style="font: {LETTER}px {SYSTEM_FONTS}">{"".join(parts)}</g>'
        height = picture.height + (GAP if self.caption else 0)
        return frame(body, picture.width, height, self.caption, self.text())

    def shapes(self, largest: int, least: float = 0.0) -> tuple[str, tuple[int, int]]:
        """The boxes alone, as shapes over a picture whose longer side has so many pixels, and that picture's size.

        What people marked is dashed; what is less sure than `least` has the class "below". Words are as large in a card
        over a wide picture as over a narrow one.
        """
        picture, scale = self._fitted(largest)
        letter = READ * picture.width / CARD
        shapes = "".join(self._shapes(scale, least, letter))
        return f'<g style="font-size: {letter:.1f}px">{shapes}</g>', picture.size

    def _shapes(self, scale: float, least: float = 0.0, letter: float = LETTER) -> list[str]:
        """Each box and its words, the surest last, so that it lies on top."""
        parts: list[str] = []
        for mark in sorted(self.marks, key=lambda mark: mark.confidence or 0):
            left, top = (end * scale for end in mark.corners[:2])
            shade, above, sure = colour(mark.colour), max(letter, top - 3), mark.confidence
            ring = mark.outline or ((mark.corners[i], mark.corners[j]) for i, j in ((0, 1), (2, 1), (2, 3), (0, 3)))
            points = " ".join(f"{x * scale:.1f},{y * scale:.1f}" for x, y in ring)
            known = "" if sure is None else f' data-score="{sure:.3f}"' + (' class="below"' if sure < least else "")
            dashes = ' stroke-dasharray="6 4"' if sure is None else ""
            parts.append(
                f'<g{known}><polygon points="{points}" fill="none" stroke="{shade}" stroke-width="2"{dashes}/>'
                f'<text x="{left + 2:.1f}" y="{above:.1f}" fill="{shade}" stroke="white" stroke-width="3" '
                f'paint-order="stroke">{escape(mark.words)}</text></g>'
            )
        return parts

    def json(self) -> dict[str, Any]:
        """The boxes in pixels of the picture, and a small copy without them."""
        small = Picture(self.pixels).json()["png"]
        boxes = [
            {"label": mark.label, "box": [*map(float, mark.corners)], "confidence": mark.confidence}
            | ({"outline": [[float(x), float(y)] for x, y in mark.outline]} if mark.outline else {})
            for mark in self.marks
        ]
        return {"kind": "boxes", "caption": self.caption, "size": [*self._size], "boxes": boxes, "png": small}

    def text(self) -> str:
        """How many, and the first."""
        found = say("views.list_mark", self.lang).join(mark.words for mark in self.marks[:NAMED])
        return say("views.boxes", self.lang, count=len(self.marks), found=found or "–")

    @property
    def _size(self) -> tuple[int, int]:
        height, width = np.asarray(self.pixels).shape[:2]
        return self.size if any(self.size) else (width, height)

    def _fitted(self, largest: int) -> tuple[Image.Image, float]:
        """The picture at a size to look at, and the scale from what the boxes count in."""
        picture = Image.fromarray(as_bytes(self.pixels))
        scale = largest / max(picture.size)
        small = picture.resize((max(1, round(picture.width * scale)), max(1, round(picture.height * scale))))
        return small, small.width / self._size[0]

    def _place(self, mark: Mark) -> str:
        left, top, right, bottom = map(round, mark.corners)
        return say("views.box_place", self.lang, left=left, top=top, right=right, bottom=bottom)
