"""Where made plates hang: grounds of several families, and signs that are none.

The families of UNSEEN are those of test pictures alone: figures are not about grounds that were learned by heart.
"""

import math
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from deepglass.data.sources.dice import Dice
from deepglass.data.sources.plate_ink import cloud
from deepglass.data.sources.plate_weather import grained

Size = tuple[int, int]
Rgb = tuple[int, int, int]
Ground = Callable[[Dice, Size], Image.Image]


def colour(dice: Dice, low: int = 0, high: int = 256) -> Rgb:
    """Any colour whose parts lie in [low, high)."""
    return low + dice.below(high - low), low + dice.below(high - low), low + dice.below(high - low)


def grey(dice: Dice, low: int, high: int) -> Rgb:
    """A grey that leans to some side a little."""
    return near(dice, (dice.between(low, high),) * 3, 10)


def near(dice: Dice, base: tuple[float, ...], far: float) -> Rgb:
    """A colour whose parts differ from another's by up to `far`."""
    red, green, blue = (int(min(255, max(0, dice.around(part, far)))) for part in base)
    return red, green, blue


def _lighter(dice: Dice, base: Rgb, far: float) -> Rgb:
    """The same paint in other light."""
    change = dice.around(0, far)
    return near(dice, tuple(part + change for part in base), 4)


def _blend(mask: Image.Image, first: Rgb, second: Rgb) -> Image.Image:
    """The first colour where the mask (mode L) is 0, the second where it is 255."""
    return Image.composite(Image.new("RGB", mask.size, second), Image.new("RGB", mask.size, first), mask)


def _rough(dice: Dice, picture: Image.Image, depth: float) -> Image.Image:
    """With unevenness of its surface, fine and coarse."""
    width, height = picture.size
    greys = Image.blend(cloud(dice, picture.size, width // 3, height // 3), cloud(dice, picture.size, 9, 6), 0.6)
    return grained(picture, greys.point([round(128 + (value - 128) * depth / 40) for value in range(256)]))


def road(dice: Dice, size: Size) -> Image.Image:
    """Sky, houses with windows, and a road with its lanes."""
    width, height = size
    horizon = int(height * dice.between(0.25, 0.6))
    down = Image.linear_gradient("L").resize(size)
    picture = _blend(down, near(dice, (150, 180, 215), 40), grey(dice, 200, 245))
    draw, left = ImageDraw.Draw(picture), 0
    while left < width:
        wide, tall = int(width * dice.between(0.08, 0.3)), int(horizon * dice.between(0.3, 1.1))
        _house(dice, draw, (left, horizon - tall, left + wide, horizon))
        left += wide
    draw.rectangle((0, horizon, width, height), fill=grey(dice, 60, 130))
    draw.rectangle((0, horizon, width, horizon + height // 40), fill=grey(dice, 90, 170))
    middle, white = dice.around(width / 2, width / 4), grey(dice, 180, 240)
    for lane in range(-2, 3):
        foot = middle + lane * width * 0.55
        draw.polygon([(middle, horizon), (foot, height), (foot + width * 0.03, height)], fill=white)
    for _ in range(dice.below(5)):  # what stands at its side
        x, tall, wide = dice.between(0, width), height * dice.between(0.1, 0.5), width * dice.between(0.005, 0.05)
        foot = horizon + dice.between(0, height / 4)
        draw.rectangle((x, foot - tall, x + wide, foot), fill=near(dice, (60, 70, 50), 40))
    return _rough(dice, picture, 12)


def _house(dice: Dice, draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = box
    wall = near(dice, dice.pick(((180, 170, 155), (150, 90, 75), (200, 200, 205), (110, 115, 125))), 25)
    draw.rectangle(box, fill=wall)
    step = max(5, int((right - left) / dice.between(2.5, 7)))
    for x in range(left + step // 3, right - step // 2, step):
        for y in range(top + step // 3, bottom - step // 2, step):
            draw.rectangle((x, y, x + step // 2, y + step // 2), fill=grey(dice, 30, 110))


def bricks(dice: Dice, size: Size) -> Image.Image:
    """A wall in courses."""
    width, height = size
    tall = int(dice.between(height / 24, height / 8))
    wide = int(tall * dice.between(1.8, 3.2))
    base = near(dice, dice.pick(((165, 85, 65), (190, 180, 160), (120, 120, 125), (200, 195, 190))), 30)
    picture = Image.new("RGB", size, grey(dice, 90, 190))
    draw = ImageDraw.Draw(picture)
    for row, y in enumerate(range(-tall, height, tall)):
        for x in range(-wide * (1 + row % 2) // 2, width, wide):
            draw.rectangle((x, y, x + wide - 2, y + tall - 2), fill=_lighter(dice, base, 22))
    return _rough(dice, picture, 16)


def leaves(dice: Dice, size: Size) -> Image.Image:
    """Bushes and lawns."""
    greys = Image.blend(cloud(dice, size, 8, 4), cloud(dice, size, 28, 14), 0.5)
    greys = Image.blend(greys, cloud(dice, size, size[0] // 4, size[1] // 4), 0.3)
    dark = (dice.below(40), 40 + dice.below(50), dice.below(40))
    light = (110 + dice.below(90), 140 + dice.below(90), 60 + dice.below(40))
    return _blend(greys.point([min(255, max(0, round((value - 76) * 2.2))) for value in range(256)]), dark, light)


def lights(dice: Dice, size: Size) -> Image.Image:
    """A place out of focus: discs of light over a slow ground."""
    width, height = size
    picture = _blend(cloud(dice, size, 4, 3), colour(dice, 0, 90), grey(dice, 60, 200))
    draw = ImageDraw.Draw(picture, "RGBA")
    for _ in range(6 + dice.below(24)):
        x, y, radius = dice.below(width), dice.below(height), dice.between(3, height / 7)
        lamp = near(dice, dice.pick(((255, 240, 200), (255, 200, 110), (230, 60, 40), (170, 255, 190))), 20)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(*lamp, 50 + dice.below(110)))
    return picture.filter(ImageFilter.BoxBlur(height / 90))


def shops(dice: Dice, size: Size) -> Image.Image:
    """Fronts of many colours, with bars where writing would be."""
    width, height = size
    picture = Image.new("RGB", size, grey(dice, 60, 200))
    draw = ImageDraw.Draw(picture)
    for _ in range(8 + dice.below(14)):
        x, y = dice.below(width), dice.below(height)
        wide, tall = int(width * dice.between(0.08, 0.4)), int(height * dice.between(0.06, 0.3))
        draw.rectangle((x, y, x + wide, y + tall), fill=colour(dice, 20, 230))
        bar, ink = max(2, tall // 4), colour(dice)
        for start in range(x + bar, x + wide - bar, 2 * bar):
            draw.rectangle((start, y + tall // 3, start + bar, y + 2 * tall // 3), fill=ink)
    return _rough(dice, picture, 12)


def stones(dice: Dice, size: Size) -> Image.Image:
    """Cobbles."""
    width, height = size
    step = max(10, int(height * dice.between(0.06, 0.16)))
    base = near(dice, dice.pick(((150, 145, 140), (170, 155, 130), (110, 112, 120))), 15)
    picture = Image.new("RGB", size, grey(dice, 30, 80))
    draw = ImageDraw.Draw(picture)
    for row, y in enumerate(range(-step, height + step, int(step * 0.8))):
        for x in range(-step * (row % 2) // 2, width + step, step):
            left, top = x + dice.around(0, step / 8), y + dice.around(0, step / 8)
            wide, tall = step * dice.between(0.38, 0.48), step * dice.between(0.32, 0.4)
            draw.ellipse((left - wide, top - tall, left + wide, top + tall), fill=_lighter(dice, base, 30))
    return _rough(dice, picture, 20)


def stripes(dice: Dice, size: Size) -> Image.Image:
    """Fences, shutters and crossings: bars that lean."""
    width, height = size
    across, down = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    angle, length = dice.between(0, math.pi), dice.between(height / 24, height / 3)
    wave = np.sin((across * math.cos(angle) + down * math.sin(angle)) * (2 * math.pi / length))
    sharp = np.clip(wave * dice.between(1, 6), -1, 1) * 127.5 + 127.5
    return _rough(dice, _blend(Image.fromarray(sharp.astype(np.uint8)), colour(dice, 0, 140), grey(dice, 120, 250)), 14)


def wood(dice: Dice, size: Size) -> Image.Image:
    """Boards whose grain flows."""
    down = np.linspace(0, dice.between(4, 14), size[1], dtype=np.float32)[:, None]
    flow = np.asarray(cloud(dice, size, 3, 4), dtype=np.float32) * (dice.between(1, 3) / 255) + down
    waves = Image.fromarray((127.5 + 127.5 * np.sin(2 * math.pi * flow)).astype(np.uint8))
    base = near(dice, (150, 105, 65), 45)
    return _rough(dice, _blend(waves, base, near(dice, tuple(part * 0.75 for part in base), 8)), 14)


def heap(dice: Dice, size: Size) -> Image.Image:
    """Things of every colour with corners, one over the other."""
    width, height = size
    picture = Image.new("RGB", size, colour(dice))
    draw = ImageDraw.Draw(picture)
    for _ in range(40 + dice.below(80)):
        x, y, far = dice.below(width), dice.below(height), height * dice.between(0.03, 0.2)
        corners = [(x + dice.around(0, far), y + dice.around(0, far)) for _ in range(3 + dice.below(3))]
        draw.polygon(corners, fill=near(dice, (120, 115, 110), 100))
    return _rough(dice, picture, 10)


KNOWN: tuple[Ground, ...] = (road, bricks, leaves, lights, shops)
UNSEEN: tuple[Ground, ...] = (stones, stripes, wood, heap)


def paint_sign(dice: Dice, picture: Image.Image) -> None:
    """A board in the colours of plates, of other proportions or without characters: none that is asked for."""
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
