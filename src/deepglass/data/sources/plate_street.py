"""Where made plates hang: grounds of several families, vehicles around plates, and signs that are none.

The families of UNSEEN are those of test pictures alone: figures are not about grounds that were learned by heart.
"""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from deepglass.data.sources.dice import Dice
from deepglass.data.sources.plate_ink import cloud
from deepglass.data.sources.plate_place import carried

Ground = Callable[[Dice, int, int], Image.Image]
Rgb = tuple[int, ...]
LEAVES = ((4, 0.4), (14, 0.35), (40, 0.25))  # hills down of three sizes, and how much each tells
PAINTS = ((228, 228, 230), (24, 25, 28), (122, 126, 132), (150, 22, 30), (28, 52, 110), (196, 180, 150), (70, 40, 30))


def colour(dice: Dice, low: int = 0, high: int = 256) -> Rgb:
    """Any colour whose parts lie in [low, high)."""
    return tuple(low + dice.below(high - low) for _ in range(3))


def grey(dice: Dice, low: int, high: int) -> Rgb:
    """A grey that leans to some side a little."""
    middle = dice.between(low, high)
    return tuple(int(min(255, max(0, dice.around(middle, 10)))) for _ in range(3))


def _blend(pixels: np.ndarray, first: Rgb, second: Rgb) -> Image.Image:
    """The first colour where pixels are 0, the second where they are 1."""
    one, other = np.array(first, dtype=np.float32), np.array(second, dtype=np.float32)
    return Image.fromarray(np.clip(one + pixels[..., None] * (other - one), 0, 255).astype(np.uint8))


def road(dice: Dice, width: int, height: int) -> Image.Image:
    """Sky, houses with windows, and a road with its lanes."""
    horizon = int(height * dice.between(0.25, 0.6))
    down = np.repeat(np.linspace(0, 1, height, dtype=np.float32)[:, None], width, axis=1)
    picture = _blend(down, grey(dice, 130, 220), grey(dice, 200, 245))
    draw, left = ImageDraw.Draw(picture), 0
    while left < width:
        wide, tall = int(width * dice.between(0.08, 0.3)), int(horizon * dice.between(0.3, 1.1))
        _house(dice, draw, (left, horizon - tall, left + wide, horizon))
        left += wide
    draw.rectangle((0, horizon, width, height), fill=grey(dice, 60, 130))
    middle, white = dice.around(width / 2, width / 4), grey(dice, 180, 240)
    for lane in range(-2, 3):
        foot = middle + lane * width * 0.55
        draw.polygon([(middle, horizon), (foot, height), (foot + width * 0.03, height)], fill=white)
    return _grained(dice, picture, 10)


def _house(dice: Dice, draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = box
    draw.rectangle(box, fill=grey(dice, 60, 200))
    glass, step = grey(dice, 30, 230), max(5, int((right - left) / dice.between(2.5, 7)))
    for x in range(left + step // 3, right - step // 2, step):
        for y in range(top + step // 3, bottom - step // 2, step):
            draw.rectangle((x, y, x + step // 2, y + step // 2), fill=glass)


def bricks(dice: Dice, width: int, height: int) -> Image.Image:
    """A wall in courses."""
    tall = int(dice.between(8, height / 6))
    wide = int(tall * dice.between(1.8, 3.2))
    base, joint = colour(dice, 60, 210), grey(dice, 90, 190)
    picture = Image.new("RGB", (width, height), joint)
    draw = ImageDraw.Draw(picture)
    for row, y in enumerate(range(-tall, height, tall)):
        for x in range(-wide * (1 + row % 2) // 2, width, wide):
            shade = tuple(int(min(255, max(0, part + dice.around(0, 20)))) for part in base)
            draw.rectangle((x, y, x + wide - 2, y + tall - 2), fill=shade)
    return _grained(dice, picture, 14)


def leaves(dice: Dice, width: int, height: int) -> Image.Image:
    """Bushes and lawns."""
    pixels = sum(cloud(dice, height, width, rows, 2 * rows) * share for rows, share in LEAVES)
    dark = (dice.below(40), 40 + dice.below(50), dice.below(40))
    light = (110 + dice.below(90), 140 + dice.below(90), 90)
    return _blend(np.clip((np.asarray(pixels) - 0.3) * 2.2, 0, 1), dark, light)


def lights(dice: Dice, width: int, height: int) -> Image.Image:
    """A place out of focus: discs of light over a slow ground."""
    picture = _blend(cloud(dice, height, width, 3, 4), colour(dice, 0, 90), colour(dice, 60, 200))
    draw = ImageDraw.Draw(picture, "RGBA")
    for _ in range(6 + dice.below(24)):
        x, y, radius = dice.below(width), dice.below(height), dice.between(3, height / 7)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(*colour(dice, 90), 60 + dice.below(120)))
    return picture.filter(ImageFilter.BoxBlur(height / 90))


def shops(dice: Dice, width: int, height: int) -> Image.Image:
    """Fronts of many colours, with bars where writing would be."""
    picture = Image.new("RGB", (width, height), grey(dice, 60, 200))
    draw = ImageDraw.Draw(picture)
    for _ in range(8 + dice.below(14)):
        x, y = dice.below(width), dice.below(height)
        wide, tall = int(width * dice.between(0.08, 0.4)), int(height * dice.between(0.06, 0.3))
        draw.rectangle((x, y, x + wide, y + tall), fill=colour(dice))
        bar, ink = max(2, tall // 4), colour(dice)
        for start in range(x + bar, x + wide - bar, 2 * bar):
            draw.rectangle((start, y + tall // 3, start + bar, y + 2 * tall // 3), fill=ink)
    return _grained(dice, picture, 10)


def stones(dice: Dice, width: int, height: int) -> Image.Image:
    """Cobbles."""
    step = max(10, int(height * dice.between(0.06, 0.16)))
    base, picture = grey(dice, 90, 190), Image.new("RGB", (width, height), grey(dice, 30, 80))
    draw = ImageDraw.Draw(picture)
    for row, y in enumerate(range(-step, height + step, int(step * 0.8))):
        for x in range(-step * (row % 2) // 2, width + step, step):
            left, top = x + dice.around(0, step / 8), y + dice.around(0, step / 8)
            radius = step * dice.between(0.36, 0.48)
            shade = tuple(int(min(255, max(0, part + dice.around(0, 25)))) for part in base)
            draw.ellipse((left - radius, top - radius * 0.85, left + radius, top + radius * 0.85), fill=shade)
    return _grained(dice, picture, 16)


def stripes(dice: Dice, width: int, height: int) -> Image.Image:
    """Fences, shutters and crossings: bars that lean."""
    across, down = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    angle, length = dice.between(0, np.pi), dice.between(8, height / 3)
    wave = np.sin((across * np.cos(angle) + down * np.sin(angle)) * 2 * np.pi / length)
    sharp = np.clip(wave * dice.between(1, 6), -1, 1) / 2 + 0.5
    return _grained(dice, _blend(sharp, colour(dice, 0, 140), colour(dice, 90, 256)), 12)


def wood(dice: Dice, width: int, height: int) -> Image.Image:
    """Boards whose grain flows."""
    down = np.linspace(0, dice.between(8, 30), height, dtype=np.float32)[:, None]
    flow = cloud(dice, height, width, 4, 3) * dice.between(2, 6) + down
    knots = 0.5 + 0.5 * np.sin(2 * np.pi * flow)
    base = (90 + dice.below(110), 60 + dice.below(70), 30 + dice.below(50))
    return _grained(dice, _blend(knots, base, tuple(int(part * 0.6) for part in base)), 12)


def crowd(dice: Dice, width: int, height: int) -> Image.Image:
    """Heaps of things of every colour with corners."""
    picture = Image.new("RGB", (width, height), colour(dice))
    draw = ImageDraw.Draw(picture)
    for _ in range(40 + dice.below(80)):
        x, y, size = dice.below(width), dice.below(height), height * dice.between(0.03, 0.2)
        corners = [(x + dice.around(0, size), y + dice.around(0, size)) for _ in range(3 + dice.below(3))]
        draw.polygon(corners, fill=colour(dice))
    return _grained(dice, picture, 8)


KNOWN: tuple[Ground, ...] = (road, bricks, leaves, lights, shops)
UNSEEN: tuple[Ground, ...] = (stones, stripes, wood, crowd)


def _grained(dice: Dice, picture: Image.Image, depth: float) -> Image.Image:
    """With unevenness of its surface, fine and coarse."""
    width, height = picture.size
    rough = cloud(dice, height, width, height // 3, width // 3) + cloud(dice, height, width, 6, 9) * 1.5 - 1.25
    return Image.fromarray(np.clip(np.asarray(picture) + depth * 2 * rough[..., None], 0, 255).astype(np.uint8))


def paint_sign(dice: Dice, picture: Image.Image) -> None:
    """A board in the colours of plates, of other proportions or empty: none of those that are asked for."""
    width, height = picture.size
    tall = height * dice.between(0.05, 0.2)
    wide = tall * dice.between(0.8, 4.5)
    x, y = dice.between(0, width - wide), dice.between(0, height - tall)
    paint = dice.pick(((20, 60, 170), (245, 180, 20), (60, 170, 110), (235, 235, 235), colour(dice)))
    ink = dice.pick(((240, 240, 240), (15, 15, 15)))
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle((x, y, x + wide, y + tall), radius=tall * 0.08, fill=paint, outline=ink)
    if dice.chance(0.6):
        for line in range(1 + dice.below(3)):
            top = y + tall * (0.2 + 0.25 * line)
            draw.rectangle((x + wide * 0.15, top, x + wide * dice.between(0.4, 0.85), top + tall * 0.1), fill=ink)


def paint_vehicle(dice: Dice, picture: Image.Image, matrix: np.ndarray, size: tuple[float, float]) -> None:
    """The front or the back of a vehicle around a plate of that size; the matrix takes its millimetres to pixels."""
    draw, (wide, tall) = ImageDraw.Draw(picture), size
    paint = tuple(int(min(255, max(0, part + dice.around(0, 14)))) for part in dice.pick(PAINTS))
    dark, middle, half = tuple(part // 2 for part in paint), wide / 2, dice.between(780, 950)

    def fill(points: list[tuple[float, float]], shade: Rgb) -> None:
        draw.polygon(carried(matrix, [(middle + x, y) for x, y in points]), fill=shade)

    def slab(left: float, top: float, right: float, bottom: float, shade: Rgb, lean: float = 0.0) -> None:
        fill([(left + lean, top), (right - lean, top), (right, bottom), (left, bottom)], shade)

    bottom, hood = tall + dice.between(120, 260), -dice.between(330, 520)
    slab(-half - 60, bottom - 60, half + 60, bottom + 180, (22, 22, 24))  # its shadow
    for side in (-1, 1):
        slab(side * (half - 110) - 110, bottom - 160, side * (half - 110) + 110, bottom + 120, (18, 18, 18))
    if dice.chance(0.25):  # a lorry or a bus
        slab(-half - 120, -dice.between(1400, 2400), half + 120, bottom, paint)
        slab(-half + 40, -dice.between(1200, 1350), half - 40, -dice.between(560, 700), grey(dice, 20, 90))
    else:
        slab(-half, hood, half, bottom, paint, lean=40)
        slab(-half + 60, hood - dice.between(420, 560), half - 60, hood, dark, lean=dice.between(120, 220))
        slab(-half + 120, hood - dice.between(360, 410), half - 120, hood - 30, grey(dice, 25, 110), lean=140)
    slab(-half, -dice.between(20, 60), half, tall + dice.between(20, 60), dark)
    _paint_lamps(dice, slab, half)
    if dice.chance(0.7):  # a grille
        low, high, reach = -dice.between(60, 110), -dice.between(200, 300), dice.between(260, 460)
        slab(-reach, high, reach, low, (24, 24, 26))
        for bar in np.linspace(high, low, 4 + dice.below(4)).tolist():
            slab(-reach, bar - 6, reach, bar + 6, grey(dice, 90, 200))
    slab(-wide / 2 - 25, -25, wide / 2 + 25, tall + 25, tuple(part // 3 for part in paint))


def _paint_lamps(dice: Dice, slab: Callable[..., None], half: float) -> None:
    lamp = dice.pick(((250, 250, 240), (200, 205, 210), (190, 20, 25), (255, 225, 150)))
    top, inner = -dice.between(280, 330), dice.between(480, 600)
    low = top + dice.between(70, 160)
    for side in (-1, 1):
        left, right = sorted((side * inner, side * (half - 30)))
        slab(left, top, right, low, lamp)
