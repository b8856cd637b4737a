"""Drawing with the cells of a terminal: text of a known width, braille dots, half blocks."""

import unicodedata
from collections.abc import Sequence

import numpy as np

WIDE = ("W", "F")
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # braille's bits, rows down, columns across
GREYS = " ░▒▓█"


def columns(text: str) -> int:
    """How many cells the text takes; Chinese characters take two.

    >>> columns("cat"), columns("猫")
    (3, 2)
    """
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in WIDE else 1
        for letter in text
    )


def pad(text: str, width: int, right: bool = False) -> str:
    """The text at exactly `width` cells, cut with … where it is longer; `right` aligns it to the right."""
    if columns(text) > width:
        kept = ""
        for letter in text:
            if columns(kept + letter) > width - 1:
                break
            kept += letter
        text = kept + "…" if width > 0 else ""
    space = " " * (width - columns(text))
    return space + text if right else text + space


def tidy(lines: Sequence[str]) -> str:
    """Lines as one text without spaces at their ends."""
    return "\n".join(line.rstrip() for line in lines)


class Dots:
    """A canvas of braille: every cell has 2 x 4 dots. Places are shares of the canvas, (0, 0) at the lower left."""

    def __init__(self, width: int, height: int):
        self.width, self.height = width, height
        self._bits = np.zeros((height, width), dtype=int)
        self._signs: dict[tuple[int, int], str] = {}

    def line(self, x: np.ndarray, y: np.ndarray) -> None:
        """Straight pieces through the places; a NaN breaks the line."""
        across, down = x * (self.width * 2 - 1), (1 - y) * (self.height * 4 - 1)
        for start in range(max(min(1, len(x)), len(x) - 1)):  # one point alone is a dot
            ends = slice(start, min(start + 2, len(x)))
            if np.isfinite(across[ends]).all() and np.isfinite(down[ends]).all():
                self._piece(across[ends], down[ends])

    def sign(self, x: float, y: float, sign: str) -> None:
        """One letter instead of dots at a place."""
        if np.isfinite(x) and np.isfinite(y):
            row = min(self.height - 1, max(0, int((1 - y) * self.height)))
            self._signs[row, min(self.width - 1, max(0, int(x * self.width)))] = sign

    def rows(self) -> list[str]:
        """The canvas from top to bottom."""
        return [
            "".join(
                self._signs.get((row, column), chr(0x2800 + bits) if bits else " ") for column, bits in enumerate(line)
            )
            for row, line in enumerate(self._bits.tolist())
        ]

    def _piece(self, across: np.ndarray, down: np.ndarray) -> None:
        count = int(max(abs(across[-1] - across[0]), abs(down[-1] - down[0]))) + 2
        for place, level in zip(
            np.linspace(across[0], across[-1], count).round().astype(int),
            np.linspace(down[0], down[-1], count).round().astype(int),
            strict=True,
        ):
            if 0 <= place < self.width * 2 and 0 <= level < self.height * 4:
                self._bits[level // 4, place // 2] |= DOTS[level % 4][place % 2]


def blocks(pixels: np.ndarray, width: int, ansi: bool = False) -> list[str]:
    """A picture as letters: one cell is one pixel wide and two high; `ansi` uses the terminal's 24-bit colours.

    uint8 (H, W, 3)
    """
    small = shrink(pixels, width)
    if len(small) % 2:
        small = np.concatenate([small, small[-1:]])
    pairs = small.reshape(-1, 2, *small.shape[1:])  # (rows, 2, W, 3)
    if ansi:
        return [
            "".join(_coloured(*pair) for pair in zip(above, below, strict=True)) + "\x1b[0m" for above, below in pairs
        ]
    levels = pairs.mean((1, 3)) / 255 * (len(GREYS) - 1)
    return ["".join(GREYS[level] for level in row) for row in levels.round().astype(int)]


def shrink(pixels: np.ndarray, width: int) -> np.ndarray:
    """The picture at most `width` wide, every new pixel the mean of those it covers. uint8 (H, W, 3) -> the same"""
    tall, wide = pixels.shape[:2]
    if wide <= width:
        return pixels
    rows = np.linspace(0, tall, max(1, round(tall * width / wide)) + 1).astype(int)[:-1]
    across = np.linspace(0, wide, width + 1).astype(int)[:-1]
    sums = np.add.reduceat(np.add.reduceat(pixels.astype(np.float64), rows, axis=0), across, axis=1)
    heights, widths = np.diff([*rows, tall]), np.diff([*across, wide])
    return (sums / (heights[:, None] * widths)[..., None]).round().astype(np.uint8)


def _coloured(above: np.ndarray, below: np.ndarray) -> str:
    front, back = ";".join(map(str, above)), ";".join(map(str, below))
    return f"\x1b[38;2;{front}m\x1b[48;2;{back}m▀"
