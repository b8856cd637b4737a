"""The front or the back of a vehicle around a plate, in the plate's own plane: millimetres from its upper left corner.

A homography takes them to pixels, so that the vehicle leans and shrinks with its plate.
"""

import math

import numpy as np
from PIL import Image, ImageDraw

from deepglass.data.sources.dice import Dice
from deepglass.data.sources.plate_place import carried
from deepglass.data.sources.plate_street import Rgb, grey, near

PAINTS = ((228, 228, 230), (24, 25, 28), (122, 126, 132), (150, 22, 30), (28, 52, 110), (196, 180, 150), (70, 40, 30))
HEAD, TAIL = ((250, 250, 240), (205, 210, 215), (255, 235, 190)), ((150, 15, 20), (200, 30, 30), (120, 10, 18))
RUBBER, GLASS = (20, 20, 22), (30, 38, 46)
BANDS = 16  # strips of a bent sheet, each with its own light


class Painter:
    """Paints on a picture in the plane of one plate; x is counted from the plate's middle."""

    def __init__(self, picture: Image.Image, matrix: np.ndarray, middle: float):
        self.draw = ImageDraw.Draw(picture)
        self.matrix = matrix
        self.middle = middle

    def fill(self, points: list[tuple[float, float]], shade: Rgb) -> None:
        """A polygon."""
        self.draw.polygon(carried(self.matrix, [(self.middle + x, y) for x, y in points]), fill=shade)

    def slab(self, box: tuple[float, float, float, float], shade: Rgb, lean: float = 0.0) -> None:
        """Left, top, right, bottom; the upper edge is shorter by `lean` on either side."""
        left, top, right, bottom = box
        self.fill([(left + lean, top), (right - lean, top), (right, bottom), (left, bottom)], shade)

    def disc(self, x: float, y: float, wide: float, tall: float, shade: Rgb) -> None:
        """An ellipse by its middle and half its size."""
        angles = [2 * math.pi * step / 20 for step in range(20)]
        self.fill([(x + wide * math.cos(angle), y + tall * math.sin(angle)) for angle in angles], shade)

    def sheet(self, box: tuple[float, float, float, float], shades: tuple[Rgb, Rgb], lean: float = 0.0) -> None:
        """A bent sheet of metal: from one shade above to another below."""
        left, top, right, bottom = box
        for band in range(BANDS):
            start, stop, share = band / BANDS, (band + 1) / BANDS, band / (BANDS - 1)
            side, next_side = lean * (1 - start), lean * (1 - stop)
            y, z = top + (bottom - top) * start, top + (bottom - top) * stop
            red, green, blue = (round(a + (b - a) * share) for a, b in zip(*shades, strict=True))
            corners = [(left + side, y), (right - side, y), (right - next_side, z), (left + next_side, z)]
            self.fill(corners, (red, green, blue))


def paint_vehicle(dice: Dice, picture: Image.Image, matrix: np.ndarray, size: tuple[float, float]) -> None:
    """A car, a lorry or a bus around a plate of that size; the matrix takes its millimetres to pixels."""
    wide, tall = size
    painter = Painter(picture, matrix, wide / 2)
    paint, half = near(dice, dice.pick(PAINTS), 14), dice.between(780, 950)
    bottom = tall + dice.between(120, 260)
    painter.slab((-half - 60, bottom - 60, half + 60, bottom + 180), RUBBER)  # its shadow
    for side in (-1, 1):
        middle = side * (half - 110)
        painter.slab((middle - 115, bottom - 160, middle + 115, bottom + 120), RUBBER)
    if dice.chance(0.25):
        _lorry(dice, painter, paint, half, bottom)
    else:
        _car(dice, painter, paint, half, bottom)
    edge = dice.between(20, 60)
    painter.sheet((-half, -edge, half, tall + edge), (_shade(paint, 0.75), _shade(paint, 0.5)))
    painter.slab((-half, tall + edge, half, bottom), dice.pick((RUBBER, _shade(paint, 0.4))))
    _lamps(dice, painter, half)
    if dice.chance(0.7):
        _grille(dice, painter)
    painter.slab((-wide / 2 - 25, -25, wide / 2 + 25, tall + 25), _shade(paint, 0.3))


def _shade(paint: Rgb, share: float) -> Rgb:
    red, green, blue = (min(255, int(part * share)) for part in paint)
    return red, green, blue


def _car(dice: Dice, painter: Painter, paint: Rgb, half: float, bottom: float) -> None:
    """A body, a roof and a window that shows the sky."""
    hood, roof = -dice.between(330, 520), dice.between(420, 560)
    painter.sheet((-half + 60, hood - roof, half - 60, hood), (_shade(paint, 0.9), _shade(paint, 0.6)), lean=180)
    sky = near(dice, (130, 150, 165), 30)
    painter.sheet((-half + 120, hood - roof + 50, half - 120, hood - 25), (sky, GLASS), lean=150)
    painter.sheet((-half, hood, half, bottom), (_shade(paint, 1.25), _shade(paint, 0.7)), lean=40)
    painter.slab((-half + 30, hood + 40, half - 30, hood + 52), _shade(paint, 0.55))


def _lorry(dice: Dice, painter: Painter, paint: Rgb, half: float, bottom: float) -> None:
    """A tall box with a window, or with doors."""
    painter.sheet(
        (-half - 120, -dice.between(1400, 2400), half + 120, bottom), (_shade(paint, 1.1), _shade(paint, 0.8))
    )
    if dice.chance(0.5):
        window = (-half + 40, -dice.between(1200, 1350), half - 40, -dice.between(560, 700))
        painter.sheet(window, (near(dice, (120, 140, 155), 30), GLASS))
        return
    for x in (-half * 0.9, 0.0, half * 0.9):
        painter.slab((x - 8, -1400, x + 8, -330), _shade(paint, 0.4))


def _lamps(dice: Dice, painter: Painter, half: float) -> None:
    lamp = near(dice, dice.pick(dice.pick((HEAD, TAIL))), 12)
    top, inner, tall = -dice.between(280, 330), dice.between(480, 600), dice.between(70, 160)
    round_ones = dice.chance(0.4)
    for side in (-1, 1):
        left, right = sorted((side * inner, side * (half - 30)))
        if round_ones:
            x, y = (left + right) / 2, top + tall / 2
            painter.disc(x, y, (right - left) / 2, tall / 2 + 25, (60, 60, 64))
            painter.disc(x, y, (right - left) / 2 - 25, tall / 2, lamp)
        else:
            painter.slab((left - 8, top - 8, right + 8, top + tall + 8), (50, 50, 54))
            painter.sheet((left, top, right, top + tall), (lamp, _shade(lamp, 0.75)))


def _grille(dice: Dice, painter: Painter) -> None:
    low, high, reach = -dice.between(60, 110), -dice.between(200, 300), dice.between(260, 460)
    painter.slab((-reach, high, reach, low), (24, 24, 26))
    chrome = grey(dice, 90, 200)
    for bar in np.linspace(high, low, 4 + dice.below(4)).tolist():
        painter.slab((-reach, bar - 6, reach, bar + 6), chrome)
    if dice.chance(0.6):  # a badge
        painter.disc(0, (low + high) / 2, 45, 40, chrome)
        painter.disc(0, (low + high) / 2, 33, 28, (40, 42, 48))
