"""Pictures made different on every visit: a batch of bytes in, a batch of floats out, row by row from keyed draws.

>>> from deepglass.foundation.seeds import Draws, row_keys
>>> pictures = torch.zeros(2, 3, 32, 32, dtype=torch.uint8)
>>> augment_pictures(pictures, Draws(row_keys(7, "train", 0, 2)), light(), (32, 32)).shape
torch.Size([2, 3, 32, 32])
"""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Gt, Le, Lt
from torch import Tensor

from deepglass.data.augment.boxes import cutmix, erase, mixup
from deepglass.data.augment.colour import colour_jitter
from deepglass.data.augment.geometry import Fill, affine, affine_matrices, crop_and_flip, mirrored, resize, resized_crop
from deepglass.data.augment.randaugment import randaugment
from deepglass.foundation.seeds import Draws

Share = Annotated[float, Ge(0), Le(1)]
Degrees = Annotated[float, Ge(0), Le(180)]


@dataclass(frozen=True, kw_only=True, slots=True)
class PictureAugment:
    """What may happen to a training picture; everything is off unless it is set, and what is off costs nothing."""

    flip: bool = False  # mirror left and right, half of the time
    alternate: bool = False  # with flip: each picture on every other visit instead, the first by a coin
    crop_pad: Annotated[int, Ge(0), Le(64)] = 0  # pixels around before the size is cut out; not with resize_crop
    resize_crop: Annotated[float, Gt(0), Le(1)] = 1.0  # lowest share of the area that a crop keeps; 1 is off
    fill: Fill = "zero"  # what stands outside the picture
    rotate: Degrees = 0.0  # at most, either way
    shift: Share = 0.0  # of the side, at most, any way
    scale: Annotated[float, Ge(0), Lt(1)] = 0.0  # larger or smaller by at most this share
    shear: Annotated[float, Ge(0), Le(60)] = 0.0  # degrees, at most, either way
    brightness: Share = 0.0  # factors between 1 - this and 1 + this, for these three
    contrast: Share = 0.0
    saturation: Share = 0.0
    hue: Annotated[float, Ge(0), Le(0.5)] = 0.0  # of the colour circle, at most, either way
    grey: Share = 0.0  # chance to lose all colour
    invert: Share = 0.0  # chance to become its own negative: dark strokes on light paper, light ones on dark
    randaugment: Annotated[int, Ge(0), Le(8)] = 0  # how many changes of its list; 0 is off
    magnitude: Annotated[float, Ge(0), Le(10)] = 5.0  # how strong they are
    erase: Share = 0.0  # chance of a box in one colour
    mixup: Annotated[float, Ge(0), Le(8)] = 0.0  # α of Beta(α, α); 0 is off
    cutmix: Annotated[float, Ge(0), Le(8)] = 0.0  # with both on, each row takes one of the two

    @property
    def moves(self) -> bool:
        """Whether the affine family is on."""
        return any((self.rotate, self.shift, self.scale, self.shear))

    @property
    def colours(self) -> bool:
        """Whether the colour family is on."""
        return any((self.brightness, self.contrast, self.saturation, self.hue, self.grey))

    @property
    def mixes(self) -> bool:
        """Whether `mix` does anything."""
        return self.mixup > 0 or self.cutmix > 0


def none() -> PictureAugment:
    """Pictures as they are."""
    return PictureAugment()


def digits() -> PictureAugment:
    """Handwriting: turned, moved, zoomed and slanted a little; never mirrored."""
    return PictureAugment(rotate=10, shift=0.08, scale=0.1, shear=8)


def light() -> PictureAugment:
    """Small photographs, as CIFAR is trained (He et al. 2015, section 4.2): mirrored, cut out of a padded frame."""
    return PictureAugment(flip=True, crop_pad=4)


def strong() -> PictureAugment:
    """Photographs with long training: another crop, two changes of RandAugment, a box erased, pictures mixed."""
    return PictureAugment(
        flip=True, resize_crop=0.35, fill="reflect", randaugment=2, magnitude=5, erase=0.25, mixup=0.2, cutmix=1.0
    )


PRESETS = {"none": none, "digits": digits, "light": light, "strong": strong}


def as_floats(pictures: Tensor) -> Tensor:
    """Bytes 0 .. 255 as floats 0 .. 1, the same rounding wherever it is done."""
    return pictures.to(torch.float32).div_(255)


def fit_pictures(pictures: Tensor, size: tuple[int, int]) -> Tensor:
    """Pictures as evaluation sees them: resized where they must be, and nothing else.

    uint8 (B, C, H, W) -> float in [0, 1] (B, C, h, w)
    """
    return as_floats(resize(pictures, size))


def augment_pictures(pictures: Tensor, draws: Draws, settings: PictureAugment, size: tuple[int, int]) -> Tensor:
    """Pictures as training sees them; every row depends on its own pixels and draws alone.

    uint8 (B, C, H, W) -> float in [0, 1] (B, C, h, w)
    """
    flip = mirrored(draws, settings.alternate) if settings.flip else None
    if settings.resize_crop < 1:
        floats = resized_crop(pictures, draws, settings.resize_crop, size, flip).div_(255)
    else:
        pictures = crop_and_flip(resize(pictures, size), draws, flip, settings.crop_pad, settings.fill)
        floats = as_floats(pictures)
    if settings.moves:
        floats = affine(floats, moves(draws, settings, size), settings.fill)
    if settings.colours:
        floats = _colours(floats, draws, settings)
    if settings.invert:
        floats = torch.where(draws.chance("invert", settings.invert)[:, None, None, None], 1 - floats, floats)
    if settings.randaugment:
        floats = randaugment(floats, draws, settings.randaugment, settings.magnitude, settings.fill)
    if settings.erase:
        floats = erase(floats, draws, settings.erase)
    return floats


def mix(pictures: Tensor, targets: Tensor, draws: Draws, settings: PictureAugment) -> tuple[Tensor, Tensor]:
    """Each row mixed with the next row given (the last with the first): mixup, cutmix, or one of the two by a coin.

    pictures float (B, C, H, W), targets one-hot or soft (B, K) -> the same
    """
    if not settings.mixes:
        return pictures, targets
    if not settings.cutmix:
        return mixup(pictures, targets, draws, settings.mixup)
    cut, cut_targets = cutmix(pictures, targets, draws, settings.cutmix)
    if not settings.mixup:
        return cut, cut_targets
    blended, blended_targets = mixup(pictures, targets, draws, settings.mixup)
    coin = draws.chance("mix", 0.5)
    return (
        torch.where(coin[:, None, None, None], cut, blended),
        torch.where(coin[:, None], cut_targets, blended_targets),
    )


def moves(draws: Draws, settings: PictureAugment, size: tuple[int, int]) -> Tensor:
    """A random affine map per row within the settings. (B, 2, 3)"""
    draw = draws.between("affine", -1.0, 1.0, 5)  # one hash for all five
    shift = draw[:, 3:] * settings.shift * torch.tensor([size[1], size[0]], device=draw.device)
    return affine_matrices(
        turn=draw[:, 0] * math.radians(settings.rotate),
        zoom=1 + draw[:, 1] * settings.scale,
        shear=draw[:, 2] * math.radians(settings.shear),
        shift=shift,
    )


def _colours(floats: Tensor, draws: Draws, settings: PictureAugment) -> Tensor:
    return colour_jitter(
        floats,
        draws,
        brightness=settings.brightness,
        contrast=settings.contrast,
        saturation=settings.saturation,
        hue=settings.hue,
        grey=settings.grey,
    )
