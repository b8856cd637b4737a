"""Clips: which frames of a row a network sees, and what may happen to them, alike in every frame of a clip.

    stored      ■ ■ ■ ■ ■ ■ ■ ■ ■ ■ ■ ■
    run           └─────────┘               as many frames as are wanted, one behind the other
    spread      └ · ─ · ── · ── · ─ ┘       one of each equal part: the whole of a row, however long

Letters: B rows, T frames of a row, D frames that are seen, C channels, H W height and width.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from annotated_types import Ge, Gt, Le
from torch import Tensor

from deepglass.data.augment.geometry import crop_and_flip, mirrored, resized_crop
from deepglass.data.augment.pictures import as_floats
from deepglass.data.example import Column, Ragged
from deepglass.foundation.seeds import Draws

Share = Annotated[float, Ge(0), Le(1)]
Sampling = Literal["run", "spread"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ClipAugment:
    """What may happen to a training clip; everything is off unless it is set. All frames of a clip change alike."""

    flip: bool = False  # mirror left and right, half of the time: not where the way that things go is the answer
    crop_pad: Annotated[int, Ge(0), Le(64)] = 0  # pixels around before the size is cut out; not with resize_crop
    resize_crop: Annotated[float, Gt(0), Le(1)] = 1.0  # lowest share of the area that a crop keeps; 1 is off
    brightness: Share = 0.0  # factors between 1 - this and 1 + this, for both
    contrast: Share = 0.0


def places(lengths: Tensor, count: int, sampling: Sampling, draws: Draws | None) -> Tensor:
    """Which frames of each row are seen: by keyed draws, or without them in its middle and at even distances.

    A row of too few frames stands still at its last. int64 (B,) -> (B, D)
    """
    steps = torch.arange(count, device=lengths.device)
    if sampling == "run":
        room = (lengths - count).clamp(min=0)
        share = 0.5 if draws is None else draws.uniform("start")
        start = torch.minimum((share * (room + 1)).long(), room) if draws is not None else room // 2
        found = start[:, None] + steps
    else:
        inside = 0.5 if draws is None else draws.uniform("inside", count)
        found = ((steps + inside) * (lengths[:, None] / count)).long()
    return torch.minimum(found, (lengths - 1)[:, None])


def seen(column: Column, frames: Tensor) -> Tensor:
    """These frames of each row. uint8 (B, T, C, H, W) or Ragged (ΣT, C, H, W), int64 (B, D) -> (B, D, C, H, W)"""
    if isinstance(column, Ragged):
        return column.values[(column.lengths.cumsum(0) - column.lengths)[:, None] + frames]
    return column[torch.arange(len(column), device=frames.device)[:, None], frames]


def augment_clips(clips: Tensor, draws: Draws, settings: ClipAugment) -> Tensor:
    """Clips as training sees them. uint8 (B, D, C, H, W) -> float in [0, 1] (B, D, C, H, W)"""
    shape = clips.shape
    flat, size = clips.flatten(1, 2), (shape[-2], shape[-1])  # (B, DC, H, W): a clip moves as one picture
    flip = mirrored(draws, alternate=False) if settings.flip else None
    if settings.resize_crop < 1:
        floats = resized_crop(flat, draws, settings.resize_crop, size, flip).div_(255)
    else:
        floats = as_floats(crop_and_flip(flat, draws, flip, settings.crop_pad, "zero"))
    if settings.contrast or settings.brightness:
        change = draws.between("light", -1.0, 1.0, 2)[:, :, None, None, None]  # (B, 2, 1, 1, 1)
        middle = floats.mean((1, 2, 3), keepdim=True)
        floats = middle + (floats - middle) * (1 + settings.contrast * change[:, 0])
        floats = (floats * (1 + settings.brightness * change[:, 1])).clamp_(0, 1)
    return floats.view(shape)
