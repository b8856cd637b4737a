"""Colour changes as one linear map per picture: brightness, contrast, saturation and hue cost one small product.

Each change is x' = M·x + s·(mean grey of the picture)·1, so any chain of them folds into one (C, C) matrix and one
number per row; values are cut to 0 .. 1 once, at the end. Saturation, hue and grey need three channels and leave others
as they are.
"""

import math

import torch
from torch import Tensor

from deepglass.foundation.seeds import Draws

LUMA = (0.299, 0.587, 0.114)  # how bright red, green and blue look (ITU-R BT.601)


def colour_jitter(
    pictures: Tensor, draws: Draws, *, brightness: float, contrast: float, saturation: float, hue: float, grey: float
) -> Tensor:
    """Random factors 1 ± brightness, contrast, saturation; hue turned by ± hue of the circle; grey with a chance.

    float in [0, 1] (B, C, H, W) -> the same. After Krizhevsky 2012 and Howard 2013, arXiv:1312.5402
    """
    factors = draws.between("colour", -1.0, 1.0, 4)
    saturations = 1 + factors[:, 2] * saturation
    if grey:
        saturations = torch.where(draws.chance("grey", grey), 0.0, saturations)
    return recolour(
        pictures,
        brightness=1 + factors[:, 0] * brightness,
        contrast=1 + factors[:, 1] * contrast,
        saturation=saturations,
        hue=factors[:, 3] * hue if hue else None,
    )


def recolour(
    pictures: Tensor, *, brightness: Tensor, contrast: Tensor, saturation: Tensor, hue: Tensor | None = None
) -> Tensor:
    """Brightness, then contrast about the mean grey, then saturation about each pixel's grey, then hue; (B,) each.

    float in [0, 1] (B, C, H, W) -> the same
    """
    means = (brightness * _grey_means(pictures) * (1 - contrast))[:, None, None, None]
    factor = (brightness * contrast)[:, None, None, None]
    if pictures.shape[1] != 3:
        return (pictures * factor + means).clamp_(0, 1)
    mixing = _saturation_matrix(saturation)
    if hue is not None:
        mixing = _hue_matrix(hue) @ mixing
    mixed = (mixing @ pictures.flatten(2)).view_as(pictures)  # (B, 3, 3) · (B, 3, HW)
    return mixed.mul_(factor).add_(means).clamp_(0, 1)


def _grey_means(pictures: Tensor) -> Tensor:
    means = pictures.mean((2, 3))
    return means @ pictures.new_tensor(LUMA) if pictures.shape[1] == 3 else means.mean(1)


def _saturation_matrix(saturation: Tensor) -> Tensor:
    """s·I + (1 - s)·1·lumaᵀ. (B,) -> (B, 3, 3)"""
    grey = saturation.new_tensor(LUMA).expand(3, 3)
    return torch.lerp(grey, torch.eye(3, device=saturation.device), saturation[:, None, None])


def _hue_matrix(turns: Tensor) -> Tensor:
    """Colours turned about the grey axis in YIQ, which keeps how bright they look. (B,) in circles -> (B, 3, 3)"""
    to_yiq = turns.new_tensor([LUMA, (0.5959, -0.2746, -0.3213), (0.2115, -0.5227, 0.3112)])
    cosine, sine = torch.cos(2 * math.pi * turns), torch.sin(2 * math.pi * turns)
    one, zero = torch.ones_like(turns), torch.zeros_like(turns)
    turning = torch.stack([one, zero, zero, zero, cosine, -sine, zero, sine, cosine], dim=-1).unflatten(-1, (3, 3))
    return torch.linalg.inv(to_yiq) @ turning @ to_yiq
