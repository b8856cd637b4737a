"""A licence plate seen from straight ahead, in the layouts of GA 36-2018: characters, dot, rim, screws, and its age.

    blue, white      440 x 140 mm  7 characters of 45 x 90, the dot behind the second     yellow: 440 x 140, or
    green            480 x 140     8 characters, the first 45 x 90, the others 43 x 90    440 x 220 in two lines:
                                                                                          2 of 80 x 60, 5 of 65 x 110
Lengths are millimetres until the picture is made.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from deepglass.data.annotation import Plate
from deepglass.data.sources.dice import Dice
from deepglass.data.sources.plate_fonts import DIGITS, LETTERS, PROVINCES, glyph

FINE = 1.5  # pixels a millimetre in which ink is laid down
KINDS = {"blue": 0.4, "yellow": 0.25, "green": 0.25, "white": 0.1}  # how often each is made
TWO_LINES = 0.45  # of the yellow plates
LETTER = 0.3  # how often a place of a serial holds a letter; with 24 of them each is seen often enough

Colour = tuple[float, float, float]
Box = tuple[float, float, float, float]  # left, top, width, height


class Face(NamedTuple):
    """The measures of a plate: its size, the box of each character (left, top, width, height), and its dot."""

    size: tuple[float, float]
    boxes: tuple[Box, ...]
    dot: tuple[float, float]


def _line(left: float, top: float, widths: Sequence[float], gaps: Sequence[float], height: float) -> tuple[Box, ...]:
    boxes: list[Box] = []
    for width, gap in zip(widths, [*gaps, 0.0], strict=True):
        boxes.append((left, top, width, height))
        left += width + gap
    return tuple(boxes)


ONE_LINE = Face((440, 140), _line(15.5, 25, [45] * 7, [12, 34, 12, 12, 12, 12], 90), (134.5, 70))
GREEN = Face((480, 140), _line(15.5, 25, [45] + [43] * 7, [9, 49, 9, 9, 9, 9, 9], 90), (137, 70))
TWO = Face((440, 220), _line(110, 15, [80, 80], [60], 60) + _line(27.5, 90, [65] * 5, [15] * 4, 110), (220, 45))


def face_of(plate: Plate) -> Face:
    """The layout of a plate by its kind and lines."""
    if plate.lines == 2:
        return TWO
    return GREEN if plate.kind == "green" else ONE_LINE


def write_plate(dice: Dice, kinds: tuple[str, ...]) -> Plate:
    """A plate without a place: its text, kind and lines."""
    kind = dice.weighted({kind: KINDS[kind] for kind in kinds})
    two = kind == "yellow" and dice.chance(TWO_LINES)
    head = dice.pick(PROVINCES) + dice.pick(LETTERS)
    if kind == "green":
        return Plate(head + _green(dice), (), kind)
    end = {"blue": "", "white": "警", "yellow": "挂" if two else "学"}[kind]
    if kind == "yellow" and not dice.chance(0.3):
        end = ""
    return Plate(head + _serial(dice, 5 - len(end)) + end, (), kind, 2 if two else 1)


def _serial(dice: Dice, count: int) -> str:
    return "".join(dice.pick(LETTERS if dice.chance(LETTER) else DIGITS) for _ in range(count))


def _green(dice: Dice) -> str:
    """Of a small car with its letter in front, of a large one behind."""
    mark = dice.pick("DABCEFGHJK")
    if dice.chance(0.2):
        return "".join(dice.pick(DIGITS) for _ in range(5)) + dice.pick("DF")
    return mark + dice.pick(LETTERS if dice.chance(LETTER) else DIGITS) + "".join(dice.pick(DIGITS) for _ in range(4))


def paint_plate(dice: Dice, plate: Plate, file: str, scale: float) -> np.ndarray:
    """The plate in colour, and what of it is plate, at so many pixels a millimetre. float32 (H, W, 4), 0 .. 1"""
    face = face_of(plate)
    width, height = (max(8, round(side * scale)) for side in face.size)
    sheets = _inked(plate, file, dice.below(3), dice.around(0, 0.8))
    ground, colour, second = _colours(dice, plate, height, width)
    ink = _small(sheets[0], width, height)
    pixels = ground + ink[..., None] * (colour - ground)
    if "警" in plate.text:
        red = _small(sheets[1], width, height)
        pixels, ink = pixels + red[..., None] * (second - pixels), ink + red
    pixels += _relief(ink, dice.between(0.02, 0.12))[..., None]
    pixels *= 1 - _small(_holes(face), width, height)[..., None] * dice.between(0.3, 0.8)
    pixels = _aged(dice, pixels)
    outline = _small(_outline(face.size), width, height)
    return np.concatenate([np.clip(pixels, 0, 1), outline[..., None]], axis=2)


def _inked(plate: Plate, file: str, make: int, shift: float) -> tuple[Image.Image, Image.Image]:
    """The ink of characters, dot and rim, and that of what is red."""
    face = face_of(plate)
    sheets = _rim(face.size).copy(), Image.new("L", _fine(*face.size))
    for character, (left, top, width, height) in zip(plate.text, face.boxes, strict=True):
        sheet = sheets[character == "警"]
        sheet.paste(255, _fine(left + shift, top + shift), glyph(file, character, _fine(width, height), make))
    across, down = face.dot
    ImageDraw.Draw(sheets[0]).ellipse((*_fine(across - 5, down - 5), *_fine(across + 5, down + 5)), fill=255)
    return sheets


def _fine(across: float, down: float) -> tuple[int, int]:
    return round(across * FINE), round(down * FINE)


@lru_cache(maxsize=8)
def _rim(size: tuple[float, float]) -> Image.Image:
    """The line around a plate's ground."""
    sheet = Image.new("L", _fine(*size))
    corners = (*_fine(4, 4), *_fine(size[0] - 4, size[1] - 4))
    ImageDraw.Draw(sheet).rounded_rectangle(corners, radius=9 * FINE, outline=255, width=round(2 * FINE))
    return sheet


@lru_cache(maxsize=8)
def _outline(size: tuple[float, float]) -> Image.Image:
    """All that is plate, with its round corners."""
    sheet = Image.new("L", _fine(*size))
    width, height = _fine(*size)
    ImageDraw.Draw(sheet).rounded_rectangle((0, 0, width - 1, height - 1), radius=10 * FINE, fill=255)
    return sheet


@lru_cache(maxsize=8)
def _holes(face: Face) -> Image.Image:
    """Four screws, between the rim and the characters."""
    sheet = Image.new("L", _fine(*face.size))
    draw, (width, height) = ImageDraw.Draw(sheet), face.size
    for across in (width * 0.26, width * 0.74):
        for down in (11.5, height - 11.5):
            draw.ellipse((*_fine(across - 5, down - 5), *_fine(across + 5, down + 5)), fill=255)
    return sheet


def _small(sheet: Image.Image, width: int, height: int) -> np.ndarray:
    """A sheet at the size of the picture. float32 (H, W), 0 .. 1"""
    return _shares(sheet.resize((width, height), Image.Resampling.HAMMING))


def _shares(sheet: Image.Image) -> np.ndarray:
    """Mode L as numbers. float32 (H, W), 0 .. 1"""
    return np.asarray(sheet, dtype=np.float32) / 255


def _colours(dice: Dice, plate: Plate, height: int, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The ground (H, W, 3), the ink's colour and that of what is red, as new as this plate is."""
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    across = np.linspace(0, 1, width, dtype=np.float32)[None, :, None]
    dark, light = _near(dice, (0.06, 0.06, 0.07), 0.05), _near(dice, (0.94, 0.94, 0.93), 0.06)
    yellow = _near(dice, (0.96, 0.7, 0.08), 0.05)
    if plate.kind == "green" and plate.text[-1] in LETTERS:
        edge = np.clip((across - 0.27) * 60, 0, 1)
        ground = yellow + edge * (_near(dice, (0.2, 0.66, 0.36), 0.06) - yellow)
        ground = ground + np.zeros_like(down)
    elif plate.kind == "green":
        top, bottom = _near(dice, (0.86, 0.93, 0.89), 0.05), _near(dice, (0.2, 0.68, 0.42), 0.07)
        ground = top + np.clip(down * dice.between(1.0, 1.25), 0, 1) * (bottom - top) + np.zeros_like(across)
    else:
        plain = {"blue": _near(dice, (0.05, 0.25, 0.68), 0.07), "yellow": yellow, "white": light}[plate.kind]
        ground = np.broadcast_to(plain, (height, width, 3))
    return ground, light if plate.kind == "blue" else dark, _near(dice, (0.8, 0.1, 0.1), 0.06)


def _near(dice: Dice, colour: Colour, far: float) -> np.ndarray:
    """A colour not far from this one. float32 (3,)"""
    return np.array([min(1.0, max(0.0, dice.around(part, far))) for part in colour], dtype=np.float32)


def _relief(ink: np.ndarray, depth: float) -> np.ndarray:
    """Characters stand out, so that their upper left edges catch the light. (H, W)"""
    slope = np.zeros_like(ink)
    slope[1:, 1:] = ink[1:, 1:] - ink[:-1, :-1]
    return depth * slope


def cloud(dice: Dice, size: tuple[int, int], columns: int, rows: int) -> Image.Image:
    """Smooth greys with about so many hills across and down. Mode L"""
    hills = Image.fromarray((dice.field(rows, columns) * 256).astype(np.uint8))
    return hills.resize(size, Image.Resampling.BICUBIC)


def _aged(dice: Dice, pixels: np.ndarray) -> np.ndarray:
    """With the light of its place, faded, and with dirt that leaves every character to be made out."""
    size = pixels.shape[1], pixels.shape[0]
    pixels = pixels * (1 + dice.between(0, 0.35) * (_shares(cloud(dice, size, 4, 2)) - 0.5))[..., None]
    if dice.chance(0.3):  # faded
        pixels = pixels + dice.between(0.05, 0.25) * (pixels.mean() - pixels)
    if dice.chance(0.5):
        spread = _shares(Image.blend(cloud(dice, size, 12, 5), cloud(dice, size, 36, 12), 0.4))
        dirt = np.clip((spread - dice.between(0.5, 0.75)) * 4, 0, 1) * dice.between(0.2, 0.7)
        mud = _near(dice, (0.38, 0.32, 0.25), 0.12)
        pixels = pixels + dirt[..., None] * (mud - pixels)
    return pixels
