"""Masks changed as their pictures are: by the same draws, each new pixel with the number of the nearest old one.

>>> import torch
>>> from deepglass.foundation.seeds import Draws, row_keys
>>> masks = torch.zeros(2, 32, 32, dtype=torch.uint8)
>>> augment_masks(masks, Draws(row_keys(7, "train", 0, 2)), PictureAugment(flip=True, crop_pad=4), (32, 32)).shape
torch.Size([2, 32, 32])
"""

from torch import Tensor

from deepglass.data.augment.geometry import affine, crop_and_flip, mirrored, nearest_crop
from deepglass.data.augment.pictures import PictureAugment, moves
from deepglass.data.readers.mask import UNKNOWN
from deepglass.foundation.seeds import Draws


def unfit(settings: PictureAugment) -> list[str]:
    """The settings that change a picture in ways which a mask does not follow."""
    return [name for name in ("randaugment", "mixup", "cutmix") if getattr(settings, name)]


def augment_masks(masks: Tensor, draws: Draws, settings: PictureAugment, size: tuple[int, int]) -> Tensor:
    """Masks as `augment_pictures` leaves their pictures. uint8 (B, H, W) -> uint8 (B, h, w)"""
    flip = mirrored(draws, settings.alternate) if settings.flip else None
    if settings.resize_crop < 1:
        masks = nearest_crop(masks, draws, settings.resize_crop, size, flip)
    else:
        masks = crop_and_flip(masks[:, None], draws, flip, settings.crop_pad, settings.fill, beyond=UNKNOWN)[:, 0]
    if settings.moves:
        below = masks[:, None].float() - UNKNOWN  # so that the zeros outside are what is unknown
        moved = affine(below, moves(draws, settings, size), settings.fill, "nearest")
        masks = (moved + UNKNOWN).round_().to(masks.dtype)[:, 0]
    return masks
