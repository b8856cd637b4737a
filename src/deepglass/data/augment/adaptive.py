"""Changes of every picture that a discriminator sees, real or made, each with the same chance (arXiv:2006.06676).

A chance well below 1 does not leak into what is made: what a generator makes must look right unchanged as well. The
changes are those that the paper found best ("bgc": mirrored, turned and moved, zoomed and stretched, other colours),
batched and differentiable, each row by its own keyed draws.

Letters: B pictures, C channels, H W height and width.
"""

import math

import torch
from torch import Tensor

from deepglass.data.augment.colour import LUMA
from deepglass.foundation.seeds import Draws

LOG2 = math.log(2)
MOVED = 0.125  # of the side: at most by whole pixels, the spread of parts of one
ZOOMED = 0.2 * LOG2  # spread of the logarithm of a factor ...
CONTRAST, SATURATION = 0.5 * LOG2, 1.0 * LOG2  # ... and of these
BRIGHTER = 0.2  # spread, where pictures go from -1 to 1


def adapted(pictures: Tensor, draws: Draws, chance: Tensor) -> Tensor:
    """Each picture changed by each change of the list with this chance; gradients go through, twice if need be.

    float from -1 to 1 (B, C, H, W), chance () -> the same
    """
    with torch.autocast(pictures.device.type, enabled=False):  # places of pixels are no business of bf16
        moved = _resampled(pictures, _ways_back(draws, chance, pictures.shape[2:]))
        return _recoloured(moved, draws, chance)


def _ways_back(draws: Draws, chance: Tensor, size: torch.Size) -> Tensor:
    """Where each pixel comes from: all moves of a picture as one map [A t], about its middle, in pixels. (B, 2, 3)"""
    height, width = size
    uniform, spread = draws.uniform("moves", 8), draws.normal("moved", 4)
    happens = draws.uniform("which moves", 8) < chance
    sides = draws.rows.new_tensor([width, height]).float()

    back = _scaled(torch.where(happens[:, 0] & (uniform[:, 0] < 0.5), -1.0, 1.0), torch.ones_like(uniform[:, 0]))
    quarter = torch.where(happens[:, 1], (uniform[:, 1] * 4).floor(), 0.0)
    back = back @ _turned(quarter * (math.pi / 2))
    whole = torch.where(happens[:, 2:3], ((uniform[:, 2:4] * 2 - 1) * MOVED * sides).round(), 0.0)
    back = back @ _shifted(whole)

    zoom = torch.where(happens[:, 3], spread[:, 0] * ZOOMED, 0.0).exp()
    back = back @ _scaled(1 / zoom, 1 / zoom)
    often = 1 - (1 - chance).clamp(min=0).sqrt()  # that one of two turns happens, before and after the stretch
    turns = torch.where(draws.uniform("which turns", 2) < often, (uniform[:, 4:6] * 2 - 1) * math.pi, 0.0)
    stretch = torch.where(happens[:, 4], spread[:, 1] * ZOOMED, 0.0).exp()
    back = back @ _turned(turns[:, 0]) @ _scaled(1 / stretch, stretch) @ _turned(turns[:, 1])
    part = torch.where(happens[:, 5:6], spread[:, 2:4] * MOVED * sides, 0.0)
    return (back @ _shifted(part))[:, :2]


def _resampled(pictures: Tensor, matrices: Tensor) -> Tensor:
    """Each pixel from between four pixels of its picture, whose edge is mirrored. (B, C, H, W), (B, 2, 3) -> the same

    By gathering: its gradient has a form that is the same every time on a GPU, and can be differentiated once more.
    """
    height, width = pictures.shape[2:]
    across = torch.arange(width, device=pictures.device) - (width - 1) / 2
    down = torch.arange(height, device=pictures.device) - (height - 1) / 2
    right, below, start = matrices[:, :, :, None, None].unbind(2)  # (B, 2, 1, 1) each
    places = right * across + below * down[:, None] + start  # (B, 2, H, W): x and y, from the middle
    x, y = places[:, 0] + (width - 1) / 2, places[:, 1] + (height - 1) / 2
    left, top = x.floor(), y.floor()

    flat, found = pictures.flatten(2), torch.zeros_like(pictures).flatten(2)
    for column, row, share in (
        (left, top, (1 - (x - left)) * (1 - (y - top))),
        (left + 1, top, (x - left) * (1 - (y - top))),
        (left, top + 1, (1 - (x - left)) * (y - top)),
        (left + 1, top + 1, (x - left) * (y - top)),
    ):
        taken = (_inside(row, height) * width + _inside(column, width)).flatten(1)  # (B, HW)
        found = found + flat.gather(2, taken[:, None].expand_as(flat)) * share.flatten(1)[:, None].to(flat)
    return found.view_as(pictures)


def _recoloured(pictures: Tensor, draws: Draws, chance: Tensor) -> Tensor:
    """x' = M x + b for each picture's colours: brighter, more contrast, its light turned round, other hues, paler."""
    spread, uniform = draws.normal("colours", 3), draws.uniform("hues", 2)
    happens = draws.uniform("which colours", 5) < chance
    bright = torch.where(happens[:, 0], spread[:, 0] * BRIGHTER, 0.0)
    contrast = torch.where(happens[:, 1], spread[:, 1] * CONTRAST, 0.0).exp()
    pictures = (pictures + bright[:, None, None, None].to(pictures)) * contrast[:, None, None, None].to(pictures)
    turned_round = happens[:, 2] & (uniform[:, 0] < 0.5)
    if pictures.shape[1] != len(LUMA):
        return torch.where(turned_round[:, None, None, None], -pictures, pictures)

    grey = torch.full((3, 3), 1 / 3, device=pictures.device)  # what a colour has of the grey axis
    unit = torch.eye(3, device=pictures.device)
    flip = torch.where(turned_round[:, None, None], unit - 2 * grey, unit)
    hue = _hue(torch.where(happens[:, 3], (uniform[:, 1] * 2 - 1) * math.pi, 0.0))
    paler = torch.where(happens[:, 4], spread[:, 2] * SATURATION, 0.0).exp()
    saturation = grey + paler[:, None, None] * (unit - grey)
    mixing = (saturation @ hue @ flip).to(pictures)  # (B, 3, 3)
    return (mixing @ pictures.flatten(2)).view_as(pictures)


def _hue(angle: Tensor) -> Tensor:
    """A turn about the grey axis: u uᵀ (1 - cos) + I cos + [u]ₓ sin, u = (1, 1, 1) / √3. (B,) -> (B, 3, 3)"""
    cosine, sine = angle.cos()[:, None, None], angle.sin()[:, None, None] / 3**0.5
    across = angle.new_tensor([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]])
    return (1 - cosine) / 3 + cosine * torch.eye(3, device=angle.device) + sine * across


def _inside(places: Tensor, size: int) -> Tensor:
    """Places outside 0 .. size-1 mirrored back in. float -> int64"""
    period = max(2 * (size - 1), 1)
    return (size - 1 - (places.remainder(period) - (size - 1)).abs()).long().clamp(0, size - 1)


def _scaled(across: Tensor, down: Tensor) -> Tensor:
    return torch.diag_embed(torch.stack([across, down, torch.ones_like(across)], dim=1))


def _turned(angle: Tensor) -> Tensor:
    cosine, sine, zero, one = angle.cos(), angle.sin(), torch.zeros_like(angle), torch.ones_like(angle)
    rows = [cosine, -sine, zero, sine, cosine, zero, zero, zero, one]
    return torch.stack(rows, dim=1).unflatten(1, (3, 3))


def _shifted(by: Tensor) -> Tensor:
    zero, one = torch.zeros_like(by[:, 0]), torch.ones_like(by[:, 0])
    return torch.stack([one, zero, -by[:, 0], zero, one, -by[:, 1], zero, zero, one], dim=1).unflatten(1, (3, 3))
