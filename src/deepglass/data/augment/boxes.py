"""Random boxes in a picture, one for each row: erased, or filled from the next row, or two whole pictures blended.

Letters: B pictures, C channels, H W height and width, K classes.
"""

import math

import torch
from torch import Tensor

from deepglass.foundation.seeds import Draws


def erase(pictures: Tensor, draws: Draws, chance: float) -> Tensor:
    """With a chance, a box of 2 to 33 % of the area becomes one random colour. (B, C, H, W) -> the same

    Random erasing: Zhong et al. 2017, arXiv:1708.04896
    """
    height, width = pictures.shape[-2:]
    area = draws.between("erase/area", 0.02, 0.33)
    stretch = torch.exp(0.5 * draws.between("erase/sides", math.log(0.3), math.log(1 / 0.3)))
    tall = (area.sqrt() / stretch).clamp(max=1) * height
    wide = (area.sqrt() * stretch).clamp(max=1) * width
    place = draws.uniform("erase/place", 2)
    inside = _inside(place[:, 0] * (height - tall), tall, height)[:, :, None]
    inside = inside & _inside(place[:, 1] * (width - wide), wide, width)[:, None, :]  # (B, H, W)
    inside &= draws.chance("erase", chance)[:, None, None]
    colours = draws.uniform("erase/colour", pictures.shape[1])[:, :, None, None]
    return torch.where(inside[:, None], colours, pictures)


def mixup(pictures: Tensor, targets: Tensor, draws: Draws, alpha: float) -> tuple[Tensor, Tensor]:
    """x' = λ·x + (1-λ)·x_next and t' = λ·t + (1-λ)·t_next, λ ~ Beta(α, α) keyed for each row.

    The last row's next is the first. (B, C, H, W), (B, K) -> the same. Zhang et al. 2017, arXiv:1710.09412
    """
    share = draws.beta("mixup", alpha)
    mixed = torch.lerp(pictures.roll(-1, 0), pictures, share[:, None, None, None])
    return mixed, torch.lerp(targets.roll(-1, 0), targets, share[:, None])


def cutmix(pictures: Tensor, targets: Tensor, draws: Draws, alpha: float) -> tuple[Tensor, Tensor]:
    """A box of about 1-λ of the area comes from the next row; targets are mixed by the box's true share of pixels.

    (B, C, H, W), (B, K) -> the same. λ ~ Beta(α, α); Yun et al. 2019, arXiv:1905.04899
    """
    height, width = pictures.shape[-2:]
    side = (1 - draws.beta("cutmix", alpha)).clamp(min=0).sqrt()
    middle = draws.uniform("cutmix/middle", 2)  # the box may stick out, as in the paper
    down = _inside(middle[:, 0] * height - side * height / 2, side * height, height)
    across = _inside(middle[:, 1] * width - side * width / 2, side * width, width)
    inside = down[:, :, None] & across[:, None, :]  # (B, H, W)
    mixed = torch.where(inside[:, None], pictures.roll(-1, 0), pictures)
    kept = 1 - inside.float().mean((1, 2))
    return mixed, torch.lerp(targets.roll(-1, 0), targets, kept[:, None])


def _inside(start: Tensor, length: Tensor, size: int) -> Tensor:
    """Whether each pixel's middle lies in start .. start+length. (B,) -> bool (B, size)"""
    middles = torch.arange(size, device=start.device) + 0.5
    return (middles >= start[:, None]) & (middles < (start + length)[:, None])
