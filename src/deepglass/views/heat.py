"""A heat map over a picture: where a network looked (Grad-CAM, occlusion)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from deepglass.foundation.words import say
from deepglass.views.boxes import Boxes, Mark
from deepglass.views.cells import GREYS, shrink, tidy
from deepglass.views.picture import LARGEST, Picture, as_bytes, sheet

COLD_TO_HOT = np.array([(0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164)]) / 255  # inferno
STRONGEST = 0.65  # how much of the hottest pixel is heat, so that the picture stays to be seen
PLACES = (("top_left", "top", "top_right"), ("left", "middle", "right"), ("bottom_left", "bottom", "bottom_right"))


@dataclass(frozen=True)
class Heat:
    """Pixels as a `Picture` takes them, and heat (h, w) of any size and scale; only positive heat counts.

    `marks` are boxes in pixels of the picture that are drawn over both.
    """

    pixels: np.ndarray
    heat: np.ndarray
    caption: str = ""
    lang: str | None = None
    marks: Sequence[Mark] = ()

    def terminal(self, width: int = 32, ansi: bool = False) -> str:
        """The overlay in colours, or the heat alone in greys beside the picture."""
        if ansi:
            return self.overlay().terminal(width, ansi)
        picture = Picture(self.pixels).terminal(width).split("\n")
        heat = shrink(np.repeat((self.spread() * 255).astype(np.uint8)[:, :, None], 3, 2), width)[:, :, 0] / 255
        rows = heat[: len(heat) // 2 * 2].reshape(-1, 2, heat.shape[1]).mean(1)
        shades = ["".join(GREYS[round(value * (len(GREYS) - 1))] for value in row) for row in rows.tolist()]
        room = heat.shape[1] + 3
        sides = [
            (picture[place] if place < len(picture) else "").ljust(room)
            + (shades[place] if place < len(shades) else "")
            for place in range(max(len(picture), len(shades)))
        ]
        return tidy([*sides, *([self.caption] if self.caption else [])])

    def overlay(self) -> Picture:
        """The picture with the heat laid over it, and the boxes over that."""
        heat = self.spread()
        cover = (STRONGEST * np.sqrt(heat))[:, :, None]
        mixed = as_bytes(self.pixels) / 255 * (1 - cover) + heated(heat) * cover
        if self.marks:
            return Boxes(mixed, self.marks, self.caption, lang=self.lang).drawn(LARGEST)
        return Picture(mixed, self.caption, self.lang)

    def beneath(self) -> Picture:
        """The picture alone, as large as the overlay."""
        if self.marks:
            return Boxes(self.pixels, (), self.caption, lang=self.lang).drawn(LARGEST)
        return Picture(self.pixels, self.caption, self.lang)

    def png(self) -> bytes:
        """The overlay."""
        return self.overlay().png()

    def svg(self) -> str:
        """The overlay with its caption."""
        return sheet([self.overlay()], 1, LARGEST, self.caption, self.text())

    def json(self) -> dict[str, Any]:
        """The overlay as a small picture, and the heat as numbers."""
        heat = np.nan_to_num(np.asarray(self.heat, float)).round(4).tolist()
        return self.overlay().json() | {"kind": "heat", "heat": heat}

    def text(self) -> str:
        """In which ninth of the picture most of the heat lies."""
        heat = self.spread()
        if heat.max() == heat.min():
            return say("views.heat_flat", self.lang, caption=self.caption)
        return say("views.heat", self.lang, caption=self.caption, place=hottest(heat, self.lang))

    def spread(self) -> np.ndarray:
        """Heat from 0 to 1 at every pixel of the picture. (H, W)"""
        heat = np.nan_to_num(np.asarray(self.heat, np.float32)).clip(min=0)
        heat = heat / heat.max() if heat.max() > 0 else heat
        height, width = np.asarray(self.pixels).shape[:2]
        smooth = Image.fromarray(heat).resize((width, height), Image.Resampling.BILINEAR)
        return np.asarray(smooth).clip(0, 1)


def hottest(heat: np.ndarray, lang: str | None = None) -> str:
    """The ninth of the picture in which most of the heat lies, in words. (H, W)"""
    rows = [part.sum(0) for part in np.array_split(heat, 3, axis=0)]
    ninths = np.array([[part.sum() for part in np.array_split(row, 3)] for row in rows])
    down, across = np.unravel_index(int(ninths.argmax()), (3, 3))
    return say(f"views.place_{PLACES[int(down)][int(across)]}", lang)


def heated(heat: np.ndarray) -> np.ndarray:
    """Heat of any scale as colours from dark to light; only positive heat counts. (h, w) -> floats (h, w, 3)"""
    heat = np.nan_to_num(np.asarray(heat, float)).clip(min=0)
    places = heat / (heat.max() or 1.0) * (len(COLD_TO_HOT) - 1)
    low = np.minimum(places.astype(int), len(COLD_TO_HOT) - 2)
    part = (places - low)[:, :, None]
    return COLD_TO_HOT[low] * (1 - part) + COLD_TO_HOT[low + 1] * part
