"""What lies between a street and its picture: light, weather, the lens and the file. float32 (H, W, 3), 0 .. 1

Strengths are bounded by how large the plates are (`fine`, the pixels of the thinnest of them a millimetre), so that
somebody who looks closely can still read them. The families of UNSEEN are those of test pictures alone.
"""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFilter

from deepglass.data.sources.dice import Dice
from deepglass.data.sources.plate_ink import cloud

Weather = Callable[[Dice, np.ndarray, float], np.ndarray]
STROKE = 10.0  # millimetres that a character's strokes are wide
TILE = 128  # pixels after which noise comes back


def _image(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray((np.clip(pixels, 0, 1) * 255).round().astype(np.uint8))


def _pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image, dtype=np.float32) / 255


def _noise(dice: Dice, height: int, width: int) -> np.ndarray:
    """Shares about 0 with spread 1, fine as pixels. float32 (H, W)"""
    tile = dice.field(TILE, TILE) - 0.5
    tile = (tile + np.roll(tile, 37, axis=1)) * 6**0.5
    return np.tile(tile, (-(-height // TILE), -(-width // TILE)))[:height, :width]


def exposed(dice: Dice, pixels: np.ndarray) -> np.ndarray:
    """As a camera takes it on an ordinary day."""
    tint = np.array([dice.around(1, 0.06) for _ in range(3)], dtype=np.float32)
    return np.clip(pixels * (tint * dice.between(0.85, 1.15)), 0, 1) ** dice.between(0.85, 1.2)


def night(dice: Dice, pixels: np.ndarray, fine: float) -> np.ndarray:
    """Little light, a lamp's colour, and the grain that comes with it."""
    lamp = np.array([1.0, dice.between(0.8, 1.0), dice.between(0.6, 1.0)], dtype=np.float32)
    height, width = pixels.shape[:2]
    dark = pixels**1.1 * lamp * dice.between(0.35, 0.6)
    return dark + 0.015 * _noise(dice, height, width)[..., None]


def glare(dice: Dice, pixels: np.ndarray, fine: float) -> np.ndarray:
    """A lamp or the sun in the picture, whose light spills over what is near."""
    height, width = pixels.shape[:2]
    x, y = dice.between(0, width), dice.between(0, height)
    across, down = np.arange(width, dtype=np.float32) - x, (np.arange(height, dtype=np.float32) - y)[:, None]
    spill = np.exp(-np.sqrt(across**2 + down**2) / (height * dice.between(0.06, 0.25)))
    return pixels + spill[..., None] * dice.between(0.25, 0.6)


def soft(dice: Dice, pixels: np.ndarray, fine: float) -> np.ndarray:
    """Out of focus."""
    return _pixels(_image(pixels).filter(ImageFilter.GaussianBlur(dice.between(0.1, 0.3) * STROKE * fine)))


def grain(dice: Dice, pixels: np.ndarray, fine: float) -> np.ndarray:
    """A cheap sensor."""
    height, width = pixels.shape[:2]
    return pixels + dice.between(0.01, 0.05) * _noise(dice, height, width)[..., None]


def patchy(dice: Dice, pixels: np.ndarray, fine: float) -> np.ndarray:
    """Shade of trees: light that changes slowly."""
    height, width = pixels.shape[:2]
    return pixels * (1 - dice.between(0.2, 0.6) * cloud(dice, height, width, 4, 6))[..., None]


def moved(dice: Dice, pixels: np.ndarray, fine: float) -> np.ndarray:
    """The camera or the vehicle moved while the shutter was open."""
    length, angle = dice.between(0.3, 0.9) * STROKE * fine, dice.between(0, np.pi)
    steps = max(2, round(length) + 1)
    found = np.zeros_like(pixels)
    for step in np.linspace(-0.5, 0.5, steps):
        shift = round(step * length * np.sin(angle)), round(step * length * np.cos(angle))
        found += np.roll(pixels, shift, axis=(0, 1))
    return found / steps


def rain(dice: Dice, pixels: np.ndarray, fine: float) -> np.ndarray:
    """Streaks that all fall one way, over a pale picture."""
    height, width = pixels.shape[:2]
    drops = (_noise(dice, height, width) > 2.15).astype(np.float32)
    lean, streaks = dice.around(0, 0.5), np.zeros_like(drops)
    for step in range(max(3, height // 24)):
        streaks = np.maximum(streaks, np.roll(drops, (step, round(step * lean)), axis=(0, 1)))
    pale = pixels * 0.8 + 0.12
    return pale + dice.between(0.1, 0.3) * streaks[..., None] * (1 - pale)


def haze(dice: Dice, pixels: np.ndarray, fine: float) -> np.ndarray:
    """Fog that takes contrast away, more in some places."""
    height, width = pixels.shape[:2]
    thick = dice.between(0.3, 0.6) * (0.6 + 0.4 * cloud(dice, height, width, 2, 3))[..., None]
    return pixels + thick * (dice.between(0.7, 0.9) - pixels)


def shadow(dice: Dice, pixels: np.ndarray, fine: float) -> np.ndarray:
    """The hard edge of a shadow right across."""
    height, width = pixels.shape[:2]
    angle, x, y = dice.between(0, 2 * np.pi), dice.between(0.2, 0.8) * width, dice.between(0.2, 0.8) * height
    across, down = np.arange(width, dtype=np.float32) - x, (np.arange(height, dtype=np.float32) - y)[:, None]
    side = np.clip(across * np.cos(angle) + down * np.sin(angle), -1, 1) / 2 + 0.5
    return pixels * (1 - dice.between(0.3, 0.65) * side[..., None].astype(np.float32))


def coarse(dice: Dice, pixels: np.ndarray, fine: float) -> np.ndarray:
    """Made small and large again, as films are sent."""
    height, width = pixels.shape[:2]
    share = max(1 / dice.between(1.2, 2.0), 0.16 / fine) if fine > 0.16 else 1.0
    small = _image(pixels).resize((max(8, round(width * share)), max(8, round(height * share))), Image.Resampling.BOX)
    return _pixels(small.resize((width, height), Image.Resampling.BILINEAR))


def specks(dice: Dice, pixels: np.ndarray, fine: float) -> np.ndarray:
    """Pixels that are dead or stuck, and snow."""
    height, width = pixels.shape[:2]
    noise = _noise(dice, height, width)[..., None]
    return np.where(noise > 2.2, 1.0, np.where(noise < -2.25, 0.0, pixels)).astype(np.float32)


KNOWN: tuple[Weather, ...] = (night, glare, soft, grain, patchy)
UNSEEN: tuple[Weather, ...] = (moved, rain, haze, shadow, coarse, specks)
AT_ONCE = {0: 0.2, 1: 0.4, 2: 0.4}


def through_weather(dice: Dice, picture: Image.Image, fine: float, unseen: bool) -> Image.Image:
    """The picture as it is stored: up to two kinds of weather, then the file's own losses."""
    pixels = exposed(dice, _pixels(picture))
    left = list(UNSEEN if unseen else KNOWN)
    for _ in range(dice.weighted(AT_ONCE)):
        pixels = np.clip(left.pop(dice.below(len(left)))(dice, pixels, fine), 0, 1)
    image = _image(pixels)
    if not dice.chance(0.7):
        return image
    stream = io.BytesIO()
    image.save(stream, "WEBP" if unseen else "JPEG", quality=40 + dice.below(50), **({"method": 0} if unseen else {}))
    return Image.open(stream).convert("RGB")
