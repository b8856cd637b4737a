"""Pictures with captions, alone or as a gallery; small copies travel in the page, the originals stay where they are."""

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from PIL import Image

from deepglass.foundation.words import say
from deepglass.views.cells import blocks, columns, pad, tidy
from deepglass.views.frame import SYSTEM_FONTS, frame

LARGEST = 320  # pixels of the longer side of a picture in a page
SMALL = 112  # and of one in a gallery
GAP, CAPTION = 10, 18


@dataclass(frozen=True)
class Picture:
    """Pixels (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), bytes or floats 0 to 1, and words under them."""

    pixels: np.ndarray
    caption: str = ""
    lang: str | None = None

    def terminal(self, width: int = 32, ansi: bool = False) -> str:
        """Half as many lines as a picture of that width has; `ansi` in the terminal's colours."""
        return tidy([*blocks(as_bytes(self.pixels), width, ansi), *([self.caption] if self.caption else [])])

    def png(self, largest: int = LARGEST) -> bytes:
        """The picture, made smaller where a side is longer than `largest`, a tiny one made larger in whole steps."""
        return png(fitted(self.pixels, largest))

    def svg(self) -> str:
        """The picture with its caption."""
        return sheet([self], 1, LARGEST, self.caption, self.text())

    def json(self) -> dict[str, Any]:
        """The small copy as a data address, with its caption."""
        height, width = np.asarray(self.pixels).shape[:2]
        return {
            "kind": "picture",
            "caption": self.caption,
            "width": width,
            "height": height,
            "png": data_address(self.png()),
        }

    def text(self) -> str:
        """Its size and caption."""
        height, width = np.asarray(self.pixels).shape[:2]
        caption = say("views.caption", self.lang, words=self.caption) if self.caption else ""
        return say("views.picture", self.lang, width=width, height=height, caption=caption)


@dataclass(frozen=True)
class Gallery:
    """Several pictures in rows."""

    pictures: Sequence[Picture]
    title: str = ""
    across: int = 0  # pictures in a row; 0: as many as fit a small screen
    lang: str | None = None

    def terminal(self, width: int = 80, ansi: bool = False) -> str:
        """Pictures beside each other, their captions under them."""
        across = self.across or max(1, min(len(self.pictures), width // 22))
        each = max(4, width // across - 2)
        lines = [self.title] if self.title else []
        for start in range(0, len(self.pictures), across):
            row = self.pictures[start : start + across]
            drawn = [blocks(as_bytes(picture.pixels), each, ansi) for picture in row]
            for place in range(max(map(len, drawn))):
                parts = [(part[place] if place < len(part) else "") for part in drawn]
                wide = [part if ansi and part else pad(part, each) for part in parts]
                lines.append("  ".join(wide))
            lines.append("  ".join(pad(picture.caption, each) for picture in row))
        return tidy(lines)

    def svg(self) -> str:
        """Rows of small pictures, each with its caption."""
        return sheet(self.pictures, self.across or min(3, max(1, len(self.pictures))), SMALL, self.title, self.text())

    def json(self) -> dict[str, Any]:
        """Every small copy with its caption."""
        return {"kind": "gallery", "title": self.title, "pictures": [picture.json() for picture in self.pictures]}

    def text(self) -> str:
        """How many, and the first captions."""
        captions = say("views.list_mark", self.lang).join(each.caption for each in self.pictures[:5] if each.caption)
        if not self.pictures:
            return say("views.empty", self.lang, title=self.title)
        values = {"title": self.title, "count": len(self.pictures), "captions": captions or "…"}
        return say("views.gallery" if self.title else "views.gallery_untitled", self.lang, **values)


def as_bytes(pixels: np.ndarray) -> np.ndarray:
    """Any picture as uint8 (H, W, 3); transparency is laid on white."""
    pixels = np.asarray(pixels)
    if pixels.dtype != np.uint8:
        pixels = (np.nan_to_num(pixels.astype(np.float64)).clip(0, 1) * 255).round().astype(np.uint8)
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    if pixels.shape[2] == 4:
        cover = pixels[:, :, 3:] / 255
        pixels = (pixels[:, :, :3] * cover + 255 * (1 - cover)).round().astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))


def fitted(pixels: np.ndarray, largest: int) -> Image.Image:
    """The picture at a size to look at: smaller by averaging, or a tiny one larger with its pixels kept square."""
    picture = Image.fromarray(as_bytes(pixels))
    longer = max(picture.size)
    if longer > largest:
        picture.thumbnail((largest, largest), Image.Resampling.LANCZOS)
    elif longer * 2 <= largest:
        factor = largest // longer
        picture = picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
    return picture


def png(image: Image.Image) -> bytes:
    """The bytes of a PNG file."""
    file = io.BytesIO()
    image.save(file, format="PNG", optimize=True)
    return file.getvalue()


def data_address(png: bytes) -> str:
    """PNG bytes as an address that a page can show without a file."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def sheet(pictures: Sequence[Picture], across: int, side: int, title: str, description: str) -> str:
    """Pictures in a grid; each is stored at its own pixels and enlarged by the browser, which keeps the page small."""
    down = math.ceil(len(pictures) / across)
    captioned = CAPTION if any(picture.caption for picture in pictures) else 0
    width, height = across * (side + GAP) - GAP, down * (side + captioned + GAP)
    parts: list[str] = []
    for number, picture in enumerate(pictures):
        x, y = number % across * (side + GAP), number // across * (side + captioned + GAP)
        small = Image.fromarray(as_bytes(picture.pixels))
        small.thumbnail((side * 2, side * 2), Image.Resampling.LANCZOS)  # twice: sharp on fine screens
        look = ";image-rendering:pixelated" if max(small.size) * 2 <= side else ""
        parts.append(
            f'<image x="{x}" y="{y}" width="{side}" height="{side}" style="{look.strip(";")}" '
            f'href="{data_address(png(small))}"/>'
            f'<text x="{x + side / 2:g}" y="{y + side + 13}">{escape(_short(picture.caption, side))}</text>'
        )
    style = f"font: 12px {SYSTEM_FONTS}"
    body = f'<g fill="currentColor" text-anchor="middle" style="{style}">{"".join(parts)}</g>'
    return frame(body, width, height, title, description)


def _short(caption: str, side: int) -> str:
    room = side // 7
    return caption if columns(caption) <= room else pad(caption, room).rstrip()
