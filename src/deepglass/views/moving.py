"""Frames of a clip side by side with heat laid over them: when and where a network looked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from deepglass.foundation.words import say
from deepglass.views.heat import Heat, hottest
from deepglass.views.picture import SMALL, Gallery, Picture, as_bytes, fitted, sheet
from deepglass.views.picture import png as png_of
from deepglass.views.view import number

SHOWN, ACROSS = 12, 4  # frames of a sheet, and of one of its rows
SIDE, GAP, BELOW = 160, 8, 16  # pixels of a frame of the picture, between two, and under one for its time


@dataclass(frozen=True)
class Moving:
    """Frames uint8 (T, H, W, C), heat (T, H, W) on one scale, and seconds (T,); only positive heat counts."""

    frames: np.ndarray
    heat: np.ndarray
    times: Sequence[float]
    caption: str = ""
    lang: str | None = None

    def terminal(self, width: int = 80, ansi: bool = False) -> str:
        """Four frames beside each other."""
        return Gallery([self._one(at) for at in self.places(ACROSS)], self.caption, ACROSS, self.lang).terminal(
            width, ansi
        )

    def places(self, count: int = SHOWN) -> list[int]:
        """Frames worth showing: evenly over the clip, the hottest among them."""
        count = min(count, len(self.frames))
        chosen = [round((place + 0.5) * len(self.frames) / count - 0.5) for place in range(count)]
        peak = self.peak()
        if peak is not None and peak not in chosen:
            chosen[min(range(count), key=lambda place: abs(chosen[place] - peak))] = peak
        return chosen

    def strength(self) -> np.ndarray:
        """How much of all the heat lies in each frame. (T,)"""
        total = np.nan_to_num(np.asarray(self.heat, float)).clip(min=0).sum((1, 2))
        return total / total.sum() if total.sum() > 0 else total

    def peak(self) -> int | None:
        """The frame with most heat; None where there is none."""
        strength = self.strength()
        return int(strength.argmax()) if len(strength) and strength.max() > 0 else None

    def frame_of(self, place: int) -> np.ndarray:
        """One frame with its heat, paler than where most of it lies. (H, W, 3)"""
        pixels = as_bytes(self.frames[place]) / 255
        heat = np.nan_to_num(np.asarray(self.heat, float)).clip(min=0)
        here, most = heat[place], float(heat.max()) if heat.size else 0.0
        if most <= 0 or not here.any():
            return pixels
        share = float(here.max()) / most
        return pixels * (1 - share) + np.asarray(Heat(self.frames[place], here).overlay().pixels) * share

    def png(self) -> bytes:
        """The contact sheet as one picture."""
        places = self.places()
        across = max(1, min(ACROSS, len(places)))
        tiles = [fitted(self.frame_of(place), SIDE) for place in places]
        wide, tall = (max((tile.size[axis] for tile in tiles), default=1) for axis in (0, 1))
        down = -(-len(tiles) // across)
        size = (across * (wide + GAP) - GAP, max(1, down * (tall + BELOW + GAP) - GAP))
        page = Image.new("RGB", size, "white")
        for number_of, (place, tile) in enumerate(zip(places, tiles, strict=True)):
            left, top = number_of % across * (wide + GAP), number_of // across * (tall + BELOW + GAP)
            page.paste(tile, (left, top))
            ImageDraw.Draw(page).text((left, top + tall + 2), f"{self.times[place]:.2f} s", fill="black")
        return png_of(page)

    def svg(self) -> str:
        """Frames in rows, each with its time."""
        places = self.places()
        return sheet([self._one(at) for at in places], min(ACROSS, len(places)), SMALL, self.caption, self.text())

    def json(self) -> dict[str, Any]:
        """How much of the heat lies in each frame, and the chosen ones as small pictures."""
        strength = [round(value, 4) for value in self.strength().tolist()]
        times = [round(float(time), 4) for time in self.times]
        frames = [{"frame": at, **self._one(at).json()} for at in self.places()]
        known = {"caption": self.caption, "times": times, "strength": strength}
        return {"kind": "moving", **known, "peak": self.peak(), "frames": frames}

    def text(self) -> str:
        """From when to when the frames are, and when and where most heat lies."""
        caption = say("views.caption", self.lang, words=self.caption) if self.caption else ""
        first, last = (number(float(time)) for time in (self.times[0], self.times[-1]))
        values = {"count": len(self.frames), "start": first, "end": last, "caption": caption}
        peak = self.peak()
        if peak is None:
            return say("views.moving_flat", self.lang, **values)
        place = hottest(np.nan_to_num(np.asarray(self.heat[peak], float)).clip(min=0), self.lang)
        return say("views.moving", self.lang, time=number(float(self.times[peak])), place=place, **values)

    def _one(self, place: int) -> Picture:
        return Picture(self.frame_of(place), f"{self.times[place]:.2f} s")
