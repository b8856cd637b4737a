"""A volume as slices side by side, from the feet up, with what was found in it laid over them as heat or in colours."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deepglass.foundation.words import say
from deepglass.views.heat import Heat
from deepglass.views.mask import Mask
from deepglass.views.picture import SMALL, Gallery, Picture, sheet

SHOWN = 9  # slices of a sheet


@dataclass(frozen=True)
class Slices:
    """Grey values uint8 (D, H, W); heat (D, H, W) where a network looked, or the class of every place."""

    grey: np.ndarray
    caption: str = ""
    lang: str | None = None
    heat: np.ndarray | None = None
    mask: np.ndarray | None = None
    classes: Sequence[str] = ()

    def terminal(self, width: int = 80, ansi: bool = False) -> str:
        """Three slices beside each other."""
        return Gallery([self._one(place) for place in self.places(3)], self.caption, 3, self.lang).terminal(width, ansi)

    def places(self, count: int = SHOWN) -> list[int]:
        """Slices worth showing: evenly over the volume, the one with most heat or most that was found among them."""
        depth = len(self.grey)
        count = min(count, depth)
        chosen = [round((place + 0.5) * depth / count - 0.5) for place in range(count)]
        if (peak := self.peak()) is not None and peak[0] not in chosen:
            nearest = min(range(count), key=lambda place: abs(chosen[place] - peak[0]))
            chosen[nearest] = peak[0]
        return chosen

    def peak(self) -> tuple[int, int, int] | None:
        """The hottest place; in a mask a place of the slice of which most belongs to other classes than the first."""
        if self.heat is not None and self.heat.max() > 0:
            depth, height, width = np.unravel_index(int(np.nan_to_num(self.heat).argmax()), self.heat.shape)
            return int(depth), int(height), int(width)
        if self.mask is None:
            return None
        marked = (self.mask > 0) & (self.mask < max(2, len(self.classes)))
        most = int(marked.sum((1, 2)).argmax())
        if not marked[most].any():
            return None
        height, width = np.argwhere(marked[most])[0]
        return most, int(height), int(width)

    def slice_of(self, place: int) -> np.ndarray:
        """One slice with what is laid over it. (H, W) or (H, W, 3)"""
        grey = self.grey[place]
        if self.mask is not None:
            return Mask(grey, self.mask[place], self.classes, lang=self.lang).overlay()
        if self.heat is None:
            return grey
        hottest = float(np.nan_to_num(self.heat).max())
        here = np.nan_to_num(self.heat[place]).clip(min=0)
        if hottest <= 0 or not here.any():
            return grey
        shown = np.asarray(Heat(grey, here).overlay().pixels)  # of this slice's own hottest place
        share = float(here.max()) / hottest
        return np.asarray(grey, np.float64)[:, :, None] / 255 * (1 - share) + shown * share

    def png(self) -> bytes:
        """The slice that says most."""
        peak = self.peak()
        return Picture(self.slice_of(peak[0] if peak else len(self.grey) // 2)).png()

    def svg(self) -> str:
        """Slices in rows, each with its number."""
        places = self.places()
        return sheet([self._one(place) for place in places], min(3, len(places)), SMALL, self.caption, self.text())

    def json(self) -> dict[str, Any]:
        """The chosen slices as small pictures, and where most is to be seen."""
        places = self.places()
        return {
            "kind": "slices",
            "caption": self.caption,
            "shape": list(self.grey.shape),
            "peak": self.peak(),
            "slices": [{"slice": place, **self._one(place).json()} for place in places],
        }

    def text(self) -> str:
        """How many slices there are, and where most is to be seen."""
        depth, height, width = self.grey.shape
        caption = say("views.caption", self.lang, words=self.caption) if self.caption else ""
        values = {"depth": depth, "height": height, "width": width, "caption": caption}
        if (peak := self.peak()) is None:
            return say("views.slices", self.lang, **values)
        return say("views.slices_peak", self.lang, slice=peak[0] + 1, **values)

    def _one(self, place: int) -> Picture:
        return Picture(self.slice_of(place), say("views.slice", self.lang, number=place + 1, of=len(self.grey)))
