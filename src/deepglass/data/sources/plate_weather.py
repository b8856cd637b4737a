"""What lies between a street and its picture: light, weather, the lens and the file.

Strengths are bounded by how large the plates are (`fine`: how many pixels a millimetre of the smallest takes), so that
somebody who looks closely can still read them. The families of UNSEEN are those of test pictures alone.
"""

import io
import math
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from deepglass.data.sources.dice import Dice
from deepglass.data.sources.plate_ink import cloud

Weather = Callable[[Dice, Image.Image, float], Image.Image]
STROKE = 10.0  # millimetres that a character's strokes are wide
LEAST = 0.16  # pixels a millimetre below which nothing can be read
TILE = 128  # pixels after which noise comes back
SHRUNK = 4  # times smaller are slow lights painted


def noise(dice: Dice, size: tuple[int, int], spread: float) -> Image.Image:
    """Greys around 128 that change from pixel to pixel, `spread` of them up or down. Mode L"""
    field = dice.field(TILE, TILE) - 0.5
    field = (field + np.roll(field, 37, axis=1)) * 6**0.5  # two shares together: a triangle of spread 1
    tile = np.clip(128.5 + field * spread, 0, 255).astype(np.uint8)
    return Image.fromarray(np.tile(tile, (-(-size[1] // TILE), -(-size[0] // TILE)))[: size[1], : size[0]])


def grained(picture: Image.Image, greys: Image.Image) -> Image.Image:
    """The picture with what is more than 128 added, and what is less taken away."""
    return ImageChops.add(picture, Image.merge("RGB", [greys] * 3), offset=-128)


def dimmed(picture: Image.Image, light: Image.Image) -> Image.Image:
    """The picture where light (mode L) falls on it: 255 leaves it as it is."""
    return ImageChops.multiply(picture, Image.merge("RGB", [light] * 3))


def _scaled(greys: Image.Image, low: float, high: float) -> Image.Image:
    """Mode L with 0 as `low` and 255 as `high`, in shares."""
    return greys.point([round(255 * (low + (high - low) * value / 255)) for value in range(256)])


def _toned(picture: Image.Image, tint: tuple[float, ...], power: float) -> Image.Image:
    """(tint x) ^ power for each colour."""
    shares = [min(1.0, part * value / 255) ** power for part in tint for value in range(256)]
    return picture.point([round(255 * share) for share in shares])


def exposed(dice: Dice, picture: Image.Image) -> Image.Image:
    """As a camera takes it on an ordinary day."""
    gain = dice.between(0.85, 1.15)
    return _toned(picture, tuple(gain * dice.around(1, 0.06) for _ in range(3)), dice.between(0.85, 1.2))


def night(dice: Dice, picture: Image.Image, fine: float) -> Image.Image:
    """Little light, a lamp's colour, and the grain that comes with it."""
    gain = dice.between(0.4, 0.65)
    dark = _toned(picture, (gain, gain * dice.between(0.8, 1.0), gain * dice.between(0.6, 1.0)), 1.1)
    return grained(dark, noise(dice, picture.size, 4))


def glare(dice: Dice, picture: Image.Image, fine: float) -> Image.Image:
    """A lamp or the sun in the picture, whose light spills over what is near."""
    width, height = (-(-side // SHRUNK) for side in picture.size)
    across = np.arange(width, dtype=np.float32) - dice.between(0, width)
    down = (np.arange(height, dtype=np.float32) - dice.between(0, height))[:, None]
    spill = np.exp(-np.sqrt(across**2 + down**2) / (height * dice.between(0.06, 0.25))) * dice.between(0.3, 0.65)
    mask = Image.fromarray((spill * 255).astype(np.uint8)).resize(picture.size, Image.Resampling.BILINEAR)
    return Image.composite(Image.new("RGB", picture.size, (255, 250, 235)), picture, mask)


def soft(dice: Dice, picture: Image.Image, fine: float) -> Image.Image:
    """Out of focus."""
    return picture.filter(ImageFilter.GaussianBlur(dice.between(0.1, 0.3) * STROKE * fine))


def grain(dice: Dice, picture: Image.Image, fine: float) -> Image.Image:
    """A cheap sensor."""
    return grained(picture, noise(dice, picture.size, dice.between(3, 13)))


def patchy(dice: Dice, picture: Image.Image, fine: float) -> Image.Image:
    """Shade of trees: light that changes slowly."""
    return dimmed(picture, _scaled(cloud(dice, picture.size, 6, 4), 1 - dice.between(0.2, 0.6), 1))


def moved(dice: Dice, picture: Image.Image, fine: float) -> Image.Image:
    """The camera or the vehicle moved while the shutter was open."""
    length, angle = dice.between(0.3, 0.9) * STROKE * fine, dice.between(0, math.pi)
    steps = max(2, round(length) + 1)
    found = picture
    for step in range(1, steps):
        far = length * step / (steps - 1)
        other = ImageChops.offset(picture, round(far * math.cos(angle)), round(far * math.sin(angle)))
        found = Image.blend(found, other, 1 / (step + 1))
    half = length / 2
    return ImageChops.offset(found, -round(half * math.cos(angle)), -round(half * math.sin(angle)))


def rain(dice: Dice, picture: Image.Image, fine: float) -> Image.Image:
    """Streaks that all fall one way, over a pale picture."""
    drops = noise(dice, picture.size, 40).point([0] * 216 + [255] * 40)
    lean, streaks = dice.around(0, 0.5), drops
    for step in range(1, max(3, picture.height // 24)):
        streaks = ImageChops.lighter(streaks, ImageChops.offset(drops, round(step * lean), step))
    pale = Image.blend(picture, Image.new("RGB", picture.size, (170, 175, 180)), dice.between(0.1, 0.3))
    return Image.composite(Image.new("RGB", picture.size, "white"), pale, _scaled(streaks, 0, dice.between(0.1, 0.3)))


def haze(dice: Dice, picture: Image.Image, fine: float) -> Image.Image:
    """Fog that takes contrast away, more in some places."""
    thick = dice.between(0.3, 0.6)
    pale = Image.new("RGB", picture.size, (int(dice.between(180, 230)),) * 3)
    return Image.composite(pale, picture, _scaled(cloud(dice, picture.size, 3, 2), 0.6 * thick, thick))


def shadow(dice: Dice, picture: Image.Image, fine: float) -> Image.Image:
    """The hard edge of a shadow right across."""
    width, height = picture.size
    angle, far = dice.between(0, 2 * math.pi), 2.0 * (width + height)
    x, y = dice.between(0.2, 0.8) * width, dice.between(0.2, 0.8) * height
    a, b = far * math.cos(angle), far * math.sin(angle)
    light = Image.new("L", picture.size, 255)
    lost = round(255 * (1 - dice.between(0.3, 0.65)))
    ImageDraw.Draw(light).polygon(
        [(x - b, y + a), (x + b, y - a), (x + b + a, y - a + b), (x - b + a, y + a + b)], lost
    )
    return dimmed(picture, light)


def coarse(dice: Dice, picture: Image.Image, fine: float) -> Image.Image:
    """Made small and large again, as films are sent."""
    share = min(1.0, max(1 / dice.between(1.2, 2.0), LEAST / fine))
    small = (max(8, round(picture.width * share)), max(8, round(picture.height * share)))
    return picture.resize(small, Image.Resampling.BOX).resize(picture.size, Image.Resampling.BILINEAR)


def specks(dice: Dice, picture: Image.Image, fine: float) -> Image.Image:
    """Pixels that are dead or stuck, and snow."""
    greys = noise(dice, picture.size, 40)
    bright = Image.composite(Image.new("RGB", picture.size, "white"), picture, greys.point([0] * 218 + [255] * 38))
    return Image.composite(Image.new("RGB", picture.size), bright, greys.point([255] * 38 + [0] * 218))


KNOWN: tuple[Weather, ...] = (night, glare, soft, grain, patchy)
UNSEEN: tuple[Weather, ...] = (moved, rain, haze, shadow, coarse, specks)
AT_ONCE = {0: 0.2, 1: 0.4, 2: 0.4}


def through_weather(dice: Dice, picture: Image.Image, fine: float, unseen: bool) -> Image.Image:
    """The picture as it is stored: up to two kinds of weather, then the file's own losses."""
    picture = exposed(dice, picture)
    left = list(UNSEEN if unseen else KNOWN)
    for _ in range(dice.weighted(AT_ONCE)):
        picture = left.pop(dice.below(len(left)))(dice, picture, fine)
    if not dice.chance(0.7):
        return picture
    stream = io.BytesIO()
    if unseen:
        picture.save(stream, "WEBP", quality=40 + dice.below(50), method=0)
    else:
        picture.save(stream, "JPEG", quality=40 + dice.below(50))
    return Image.open(stream).convert("RGB")
