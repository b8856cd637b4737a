"""A picture with what was found in it: each class in its colour, laid over the pixels, and a legend with its share."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from PIL import Image

from deepglass.foundation.words import say
from deepglass.views.cells import tidy
from deepglass.views.frame import SYSTEM_FONTS, frame
from deepglass.views.palette import colour, rgb, sign
from deepglass.views.picture import LARGEST, Picture, as_bytes, data_address, fitted

COVER = 0.5  # how much of a pixel is its class's colour; on the edge of a class all of it
GROUND = ("background", "背景")  # a first class of this name is left as it is
UNKNOWN = 255
LINE = 20  # pixels of a line of the legend


@dataclass(frozen=True)
class Mask:
    """Pixels as a `Picture` takes them, and the class of each: uint8 (H, W), 255 where nobody knows."""

    pixels: np.ndarray
    mask: np.ndarray
    classes: Sequence[str]
    caption: str = ""
    lang: str | None = None

    def terminal(self, width: int = 32, ansi: bool = False) -> str:
        """Each class by its sign, or in colours; the classes' shares beneath."""
        if ansi:
            lines = Picture(self.overlay()).terminal(width, ansi).split("\n")
        else:
            tall, wide = self.mask.shape
            rows = max(1, round(tall * min(width, wide) / wide / 2))
            down = (np.arange(rows) * 2 + 1) * tall // (2 * rows)
            across = (np.arange(min(width, wide)) * 2 + 1) * wide // (2 * min(width, wide))
            lines = ["".join(map(self._sign, row)) for row in self.mask[down][:, across].tolist()]
        legend = [f"{self._sign(number) if not ansi else ' '} {name} {share}" for number, name, share in self._found()]
        return tidy([*lines, *legend, *([self.caption] if self.caption else [])])

    def overlay(self) -> np.ndarray:
        """The picture with the classes' colours laid over it. uint8 (H, W, 3)"""
        height, width = self.mask.shape
        picture = Image.fromarray(as_bytes(self.pixels))
        whole = np.asarray(picture if picture.size == (width, height) else picture.resize((width, height))) / 255
        cover = np.where(self.marked(), COVER, 0.0)
        cover[edges(self.mask) & self.marked()] = 1.0
        mixed = whole * (1 - cover[..., None]) + self._table()[self.mask] * cover[..., None]
        return (mixed * 255).round().astype(np.uint8)

    def marked(self) -> np.ndarray:
        """The pixels of every class that is not the background. bool (H, W)"""
        return (self.mask < len(self.classes)) & ((self.mask > 0) if self._ground else True)

    def png(self, largest: int = LARGEST) -> bytes:
        """The overlay."""
        file = io.BytesIO()
        fitted(self.overlay(), largest).save(file, format="PNG", optimize=True)
        return file.getvalue()

    def svg(self) -> str:
        """The overlay, the classes that are there beneath it."""
        picture, found = fitted(self.overlay(), LARGEST), self._found()
        file = io.BytesIO()
        picture.save(file, format="PNG", optimize=True)
        parts = [
            f'<image width="{picture.width}" height="{picture.height}" href="{data_address(file.getvalue())}"/>',
        ]
        for place, (number, name, share) in enumerate(found):
            y = picture.height + LINE * (place + 1)
            parts.append(
                f'<rect x="2" y="{y - 11}" width="12" height="12" fill="{self._colour(number)}" '
                f'stroke="currentColor" stroke-width="0.5"/><text x="20" y="{y}">{escape(name)} {share}</text>'
            )
        body = f'<g fill="currentColor" style="font: 13px {SYSTEM_FONTS}">{"".join(parts)}</g>'
        tall = picture.height + LINE * len(found) + 6
        return frame(body, max(picture.width, 120), tall, self.caption, self.text())

    def json(self) -> dict[str, Any]:
        """The overlay as a small picture, the shares, and the mask itself."""
        shares = {self.classes[number]: round(share, 6) for number, share in self._shares()}
        return Picture(self.overlay(), self.caption).json() | {
            "kind": "mask",
            "shares": shares,
            "mask": runs(self.mask),
        }

    def text(self) -> str:
        """Which classes are there, the largest first."""
        found = [f"{name} {share}" for _, name, share in self._found()]
        return say("views.mask", self.lang, found=say("views.list_mark", self.lang).join(found) or "–")

    def legend(self) -> list[tuple[str, str]]:
        """The classes that are laid over a picture: each one's colour and name."""
        return [(self._colour(number), name) for number, name in enumerate(self.classes) if number or not self._ground]

    def layer(self) -> bytes:
        """The classes' colours alone, as a PNG that lets the picture through."""
        return layer_png(
            self.mask, ["" if self._ground else self._colour(0), *map(self._colour, range(1, len(self.classes)))]
        )

    @property
    def _ground(self) -> bool:
        return bool(self.classes) and self.classes[0].lower() in GROUND

    def _colour(self, number: int) -> str:
        return colour_of(number, self._ground)

    def _sign(self, number: int) -> str:
        if number >= len(self.classes):
            return " "
        return "·" if self._ground and number == 0 else sign(number - self._ground)

    def _table(self) -> np.ndarray:
        return np.array([rgb(self._colour(number)) for number in range(256)])

    def _shares(self) -> list[tuple[int, float]]:
        known = self.mask[self.mask < len(self.classes)]
        counts = np.bincount(known, minlength=len(self.classes)) / max(1, len(known))
        found = [(number, float(share)) for number, share in enumerate(counts) if share > 0]
        return sorted(found, key=lambda one: -one[1])

    def _found(self) -> list[tuple[int, str, str]]:
        return [(number, self.classes[number], f"{100 * share:.1f} %") for number, share in self._shares()]


def colour_of(number: int, ground: bool) -> str:
    """The colour of a class; a background is white."""
    if number == UNKNOWN or (ground and number == 0):
        return "#ffffff"
    return colour(number - ground)


def edges(mask: np.ndarray) -> np.ndarray:
    """Pixels with a neighbour below or to the right, above or to the left, of another class. bool (H, W)"""
    edge = np.zeros(mask.shape, dtype=bool)
    down, across = mask[1:] != mask[:-1], mask[:, 1:] != mask[:, :-1]
    edge[1:] |= down
    edge[:-1] |= down
    edge[:, 1:] |= across
    edge[:, :-1] |= across
    return edge


def index_png(mask: np.ndarray, classes: Sequence[str]) -> bytes:
    """The class numbers as a PNG, with a palette to look at it: what a folder of masks holds. uint8 (H, W)"""
    ground = bool(classes) and classes[0].lower() in GROUND
    levels = [round(255 * share) for number in range(256) for share in rgb(colour_of(number, ground))]
    levels[:3] = [0, 0, 0] if ground else levels[:3]
    image = Image.fromarray(mask).convert("L")
    image.putpalette(levels)
    file = io.BytesIO()
    image.save(file, format="PNG", optimize=True)
    return file.getvalue()


def layer_png(mask: np.ndarray, colours: Sequence[str]) -> bytes:
    """Numbers as colours that can be laid over a picture; one without a colour, or beyond them, lets it through.

    uint8 (H, W)
    """
    shown = [number < len(colours) and bool(colours[number]) for number in range(256)]
    levels = [rgb(colours[number]) if shown[number] else (0, 0, 0) for number in range(256)]
    image = Image.fromarray(mask).convert("L")
    image.putpalette([round(255 * share) for level in levels for share in level])
    file = io.BytesIO()
    image.save(file, format="PNG", optimize=True, transparency=bytes(255 * there for there in shown))
    return file.getvalue()


def runs(mask: np.ndarray) -> dict[str, Any]:
    """A mask as data: its height and width, and row by row how often each class follows. uint8 (H, W)

    >>> runs(np.array([[0, 0, 1], [1, 1, 0]], dtype=np.uint8))
    {'size': [2, 3], 'runs': [[0, 2], [1, 3], [0, 1]]}
    """
    flat = mask.ravel()
    starts = np.flatnonzero(np.concatenate([[True], flat[1:] != flat[:-1]])) if len(flat) else np.zeros(0, dtype=int)
    counts = np.diff(np.append(starts, len(flat)))
    return {"size": list(mask.shape), "runs": np.stack([flat[starts].astype(int), counts], axis=1).tolist()}


def unrolled(told: Mapping[str, Any]) -> np.ndarray:
    """The way back: what `runs` tells as a mask.

    >>> unrolled({"size": [2, 3], "runs": [[0, 2], [1, 3], [0, 1]]}).tolist()
    [[0, 0, 1], [1, 1, 0]]
    """
    values, counts = np.array(told["runs"], dtype=int).reshape(-1, 2).T
    return np.repeat(values.astype(np.uint8), counts).reshape(told["size"])
