"""Where each output pixel comes from: whole-pixel crops and flips, resampled crops, and one affine map per picture.

Letters: B pictures, C channels, H W before, h w after. Every row uses its own draws and its own pixels only.
"""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from deepglass.foundation.seeds import Draws

Fill = Literal["zero", "reflect"]


def mirrored(draws: Draws, alternate: bool) -> Tensor:
    """Which pictures are mirrored: half of them by chance, or each on every other visit. bool (B,)

    Alternating shows every picture both ways in any two epochs (Jordan 2024, arXiv:2404.00498, section 3.6).
    """
    return draws.alternates() if alternate else draws.chance("flip", 0.5)


def crop_and_flip(pictures: Tensor, draws: Draws, flip: Tensor | None, pad: int, fill: Fill, beyond: int = 0) -> Tensor:
    """Pad by `pad` pixels, cut the old size out at a random place, mirror those of `flip`: one gather, any dtype.

    `beyond` is what stands outside where `fill` is "zero": of masks another number than of pictures.
    (B, C, H, W), flip bool (B,) -> (B, C, H, W)
    """
    if flip is None and not pad:
        return pictures
    height, width = pictures.shape[-2:]
    rows = torch.arange(height, device=pictures.device).expand(len(pictures), -1)
    columns = torch.arange(width, device=pictures.device).expand(len(pictures), -1)
    if flip is not None:
        columns = torch.where(flip[:, None], width - 1 - columns, columns)
    if pad:
        place = draws.integers("crop", 0, 2 * pad + 1, 2)  # (B, 2): down and right
        rows, columns = rows + place[:, :1], columns + place[:, 1:]
        if fill == "zero":
            pictures = F.pad(pictures, (pad,) * 4, value=beyond)
        else:  # nothing is padded: a place outside is read inside, as far from the edge
            rows, columns = _reflect(rows - pad, height), _reflect(columns - pad, width)
    places = (rows[:, :, None] * pictures.shape[-1] + columns[:, None, :]).flatten(1)  # (B, HW)
    taken = pictures.flatten(2).gather(2, places[:, None].expand(-1, pictures.shape[1], -1))
    return taken.unflatten(2, (height, width))


def resize(pictures: Tensor, size: tuple[int, int]) -> Tensor:
    """The whole picture at another size, smoothed where it shrinks. uint8 (B, C, H, W) -> uint8 (B, C, h, w)"""
    if pictures.shape[-2:] == size:
        return pictures
    resized = F.interpolate(pictures.float(), size=size, mode="bilinear", antialias=True)
    return resized.round_().clamp_(0, 255).to(torch.uint8)


def resized_crop(pictures: Tensor, draws: Draws, lowest: float, size: tuple[int, int], flip: Tensor | None) -> Tensor:
    """A random part of the picture (share of the area from `lowest` to 1, sides 3:4 to 4:3), mirrored where `flip` is.

    The part is resampled by two small matrices per picture, smoothed where it shrinks: out = R · picture · Sᵀ.
    (B, C, H, W) -> float (B, C, h, w). Szegedy et al. 2014, arXiv:1409.4842, section 6
    """
    height, width = pictures.shape[-2:]
    (top, tall), (left, wide) = _crop(draws, lowest, height, width)
    down = _resampling(top, tall, height, size[0])  # (B, h, H)
    across = _resampling(left, wide, width, size[1])  # (B, w, W)
    if flip is not None:
        across = torch.where(flip[:, None, None], across.flip(1), across)
    return down[:, None] @ pictures.float() @ across.mT[:, None]


def nearest_crop(masks: Tensor, draws: Draws, lowest: float, size: tuple[int, int], flip: Tensor | None) -> Tensor:
    """The part that `resized_crop` takes, each new pixel with the number of the one that its middle falls into.

    (B, H, W), any dtype -> (B, h, w)
    """
    height, width = masks.shape[-2:]
    (top, tall), (left, wide) = _crop(draws, lowest, height, width)
    rows, columns = _nearest(top, tall, height, size[0]), _nearest(left, wide, width, size[1])
    if flip is not None:
        columns = torch.where(flip[:, None], columns.flip(1), columns)
    places = (rows[:, :, None] * width + columns[:, None, :]).flatten(1)  # (B, hw)
    return masks.flatten(1).gather(1, places).unflatten(1, size)


def affine(pictures: Tensor, matrices: Tensor, fill: Fill, mode: Literal["bilinear", "nearest"] = "bilinear") -> Tensor:
    """Read each picture through its own map: output pixel p comes from A·p + t, about the middle, in pixels.

    float (B, C, H, W), matrices (B, 2, 3) = [A t] -> (B, C, H, W)
    """
    height, width = pictures.shape[-2:]
    across = (torch.arange(width, device=pictures.device) - (width - 1) / 2)[None, None, :, None]
    down = (torch.arange(height, device=pictures.device) - (height - 1) / 2)[None, :, None, None]
    right, below, start = matrices[:, None, None].unbind(-1)  # (B, 1, 1, 2) each: where a step right or down leads
    halves = torch.tensor([width / 2, height / 2], device=pictures.device)
    grid = (right * across + (below * down + start)) / halves  # (B, H, W, 2), in grid_sample's -1 .. 1
    outside = "zeros" if fill == "zero" else "reflection"
    return F.grid_sample(pictures, grid, mode=mode, padding_mode=outside, align_corners=False)


def affine_matrices(turn: Tensor, zoom: Tensor, shear: Tensor, shift: Tensor) -> Tensor:
    """[A t] of the way back for pictures turned and sheared (radians), zoomed (factor) and shifted (pixels (B, 2)).

    forward: p' = zoom · R(turn) · [[1, tan shear], [0, 1]] · p + shift;   returned: p = A·p' + t. (B, 2, 3)
    """
    cosine, sine, slope = turn.cos() / zoom, turn.sin() / zoom, shear.tan()
    back = torch.stack([cosine + slope * sine, sine - slope * cosine, -sine, cosine], dim=-1).unflatten(-1, (2, 2))
    return torch.cat([back, -back @ shift[:, :, None]], dim=-1)


def _reflect(places: Tensor, size: int) -> Tensor:
    """Places outside 0 .. size-1 mirrored back in; the edge itself is not repeated."""
    period = max(2 * (size - 1), 1)
    return size - 1 - (places.remainder(period) - (size - 1)).abs() if size > 1 else torch.zeros_like(places)


def _crop(draws: Draws, lowest: float, height: int, width: int) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Where a random part begins and how long it is, down and across, in pixels: (B,) each."""
    area = draws.between("crop/area", lowest, 1.0)
    stretch = torch.exp(0.5 * draws.between("crop/sides", math.log(3 / 4), math.log(4 / 3)))
    tall = (area.sqrt() / stretch).clamp(max=1.0) * height
    wide = (area.sqrt() * stretch).clamp(max=1.0) * width
    place = draws.uniform("crop/place", 2)
    return ((height - tall) * place[:, 0], tall), ((width - wide) * place[:, 1], wide)


def _nearest(start: Tensor, length: Tensor, size: int, count: int) -> Tensor:
    """The pixels into which the middles of `count` even places of start .. start+length fall. int64 (B, count)"""
    middles = start[:, None] + (torch.arange(count, device=start.device) + 0.5) * (length / count)[:, None]
    return middles.floor().long().clamp_(0, size - 1)


def _resampling(start: Tensor, length: Tensor, size: int, count: int) -> Tensor:
    """Weights (B, count, size) of `count` even places of start .. start+length: triangles, wide where shrinking."""
    step = (length / count)[:, None, None]
    middles = start[:, None, None] + (torch.arange(count, device=start.device)[:, None] + 0.5) * step
    middles = middles.clamp(min=0.5, max=size - 0.5)  # the outermost half pixel repeats the edge
    pixels = torch.arange(size, device=start.device) + 0.5
    weights = (1 - (pixels - middles).abs() / step.clamp(min=1)).clamp_(min=0)
    return weights / weights.sum(-1, keepdim=True)
