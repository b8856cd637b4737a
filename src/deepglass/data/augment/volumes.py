"""Volumes varied in training: mirrored, turned, moved and scaled in space, lighter, harder and noisier in value.

Letters: B rows, C channels, D H W depth, height and width. Every row uses its own draws and its own places only.
"""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from annotated_types import Ge, Le, Lt
from torch import Tensor

from deepglass.foundation.seeds import Draws

Flip = Literal["none", "sides", "all"]


@dataclass(frozen=True, kw_only=True, slots=True)
class VolumeAugment:
    """How strongly volumes are varied; nothing of it by default."""

    flip: Flip = "none"  # sides: left and right change places in half of them; all: front and back, top and bottom too
    turn: Annotated[float, Ge(0), Le(180)] = 0.0  # degrees either way about the long axis of the body
    zoom: Annotated[float, Ge(0), Lt(1)] = 0.0  # larger or smaller by up to this share
    move: Annotated[float, Ge(0), Lt(1)] = 0.0  # moved by up to this share of each axis
    scale: Annotated[float, Ge(0), Lt(1)] = 0.0  # contrast: values multiplied by 1 ± this
    level: Annotated[float, Ge(0), Le(10)] = 0.0  # brightness: as many spreads up or down
    noise: Annotated[float, Ge(0), Le(10)] = 0.0  # up to so many spreads of what is added to every value


def augment_volumes(volumes: Tensor, draws: Draws, settings: VolumeAugment) -> Tensor:
    """Standardised volumes as training sees them. (B, C, D, H, W)"""
    volumes = placed(volumes, draws, settings)
    per_row = (-1, 1, 1, 1, 1)
    if settings.scale:
        volumes = volumes * draws.between("scale", 1 - settings.scale, 1 + settings.scale).view(per_row)
    if settings.level:
        volumes = volumes + settings.level * draws.between("level", -1.0, 1.0).view(per_row)
    if settings.noise:
        strength = settings.noise * draws.uniform("noise/strength").view(per_row)
        volumes = volumes + strength * draws.normal("noise", *volumes.shape[1:])
    return volumes


def placed(volumes: Tensor, draws: Draws, settings: VolumeAugment, *, mask: bool = False) -> Tensor:
    """Mirrored, turned, zoomed and moved; a mask is moved with its volume and stays classes. (B, C, D, H, W)"""
    for axis, name in ((4, "sides"), (3, "fronts"), (2, "ends")):
        if settings.flip == "all" or (settings.flip == "sides" and axis == 4):
            chosen = draws.chance(f"flip/{name}", 0.5).view(-1, 1, 1, 1, 1)
            volumes = torch.where(chosen, volumes.flip(axis), volumes)
    if not (settings.turn or settings.zoom or settings.move):
        return volumes
    how = "nearest" if mask else "bilinear"
    grid = F.affine_grid(_affine(volumes, draws, settings), list(volumes.shape), align_corners=False)
    beyond = "zeros" if mask else "border"
    return F.grid_sample(volumes, grid, mode=how, padding_mode=beyond, align_corners=False)


def _affine(volumes: Tensor, draws: Draws, settings: VolumeAugment) -> Tensor:
    """From places of the result to places of the volume, in halves of each axis. (B, 3, 4), axes W H D"""
    height, width = volumes.shape[-2:]
    angle = settings.turn * math.pi / 180 * draws.between("turn", -1.0, 1.0)
    size = 1 + settings.zoom * draws.between("zoom", -1.0, 1.0)
    move = 2 * settings.move * draws.between("move", -1.0, 1.0, 3)
    cos, sin, zero = angle.cos() / size, angle.sin() / size, torch.zeros_like(angle)
    rows = [
        (cos, -sin * (height / width), zero),
        (sin * (width / height), cos, zero),
        (zero, zero, 1 / size),
    ]
    ways = torch.stack([torch.stack(row, 1) for row in rows], 1)  # (B, 3, 3)
    return torch.cat([ways, move[:, :, None]], 2)
