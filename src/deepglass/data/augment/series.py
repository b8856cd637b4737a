"""Series varied in training: scaled, shifted in level, roughened, warped and cut in time; each row by its own draws.

Letters: B rows, T steps of the longest row, C channels.
"""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Le
from torch import Tensor

from deepglass.foundation.padded import Padded
from deepglass.foundation.seeds import Draws

Share = Annotated[float, Ge(0), Le(1)]


@dataclass(frozen=True, kw_only=True, slots=True)
class SeriesAugment:
    """How strongly series are varied; nothing of it by default."""

    scale: Share = 0.0  # each row multiplied by 1 ± this
    shift: Annotated[float, Ge(0)] = 0.0  # each row moved up or down by as many spreads
    noise: Annotated[float, Ge(0)] = 0.0  # spreads of what is added to every number
    warp: Share = 0.0  # time bent by a slow wave: steps are read up to this share of the row away from their place
    drop: Share = 0.0  # share of the row, at one place, that becomes 0


def augment_series(rows: Padded, draws: Draws, settings: SeriesAugment) -> Padded:
    """Rows as training sees them; every row depends on its own numbers and draws alone. (B, T, C)"""
    values = rows.values
    if settings.warp:
        values = _warped(rows, draws, settings.warp)
    if settings.scale:
        values = values * draws.between("scale", 1 - settings.scale, 1 + settings.scale)[:, None, None]
    if settings.shift:
        values = values + settings.shift * draws.between("shift", -1.0, 1.0)[:, None, None]
    if settings.noise:
        values = values + settings.noise * draws.normal("noise", *values.shape[1:])
    if settings.drop:
        values = values.masked_fill(_dropped(rows, draws, settings.drop)[:, :, None], 0)
    return rows.with_values(values)


def _warped(rows: Padded, draws: Draws, strength: float) -> Tensor:
    """Each row read at t + a L sin(π t / L) sin(2π f t / L + φ), between two steps as their mean by distance."""
    steps = torch.arange(rows.values.shape[1], device=rows.lengths.device, dtype=torch.float32)
    length = rows.lengths.clamp(min=2)[:, None].float() - 1
    place = steps / length  # (B, T)
    wave = torch.sin(2 * math.pi * (draws.between("warp/waves", 0.5, 1.5)[:, None] * place))
    wave = wave * torch.sin(math.pi * place.clamp(max=1))  # both ends stay where they are
    strength_of = strength * draws.between("warp", -1.0, 1.0)[:, None]
    at = ((place + strength_of * wave).clamp(0, 1) * length).minimum((rows.lengths[:, None] - 1).clamp(min=0).float())
    low = at.floor().long()
    high = (low + 1).minimum((rows.lengths[:, None] - 1).clamp(min=0))
    share = (at - low)[:, :, None]
    wide = (-1, -1, rows.values.shape[2])
    here = rows.values.gather(1, low[:, :, None].expand(*wide))
    there = rows.values.gather(1, high[:, :, None].expand(*wide))
    return torch.lerp(here, there, share)


def _dropped(rows: Padded, draws: Draws, most: float) -> Tensor:
    """One stretch of each row, up to `most` of its length. bool (B, T)"""
    steps = torch.arange(rows.values.shape[1], device=rows.lengths.device)
    span = (draws.uniform("drop/span") * most * rows.lengths).long()
    start = (draws.uniform("drop/start") * (rows.lengths - span + 1)).long()
    return (steps >= start[:, None]) & (steps < (start + span)[:, None])
