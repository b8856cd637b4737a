"""Pictures rearranged with the boxes in them: zoomed, moved, mirrored, four put together; boxes follow exactly.

Letters: B pictures, C channels, H W height and width, M boxes of a picture.
"""

import math
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import torch
from annotated_types import Ge, Gt, Le
from torch import Tensor

from deepglass.data.readers.picture import inner
from deepglass.foundation.seeds import Draws

GREY = 114.0  # what stands outside a picture
NOTHING = -1  # the class of a box that is none
LEAST_SHARE = 0.25  # of a box' area that must still be seen for it to count
LEAST_SIDE = 2.0  # pixels
QUADRANTS = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class SceneAugment:
    """What may happen to a training picture and its boxes; everything is off unless it is set."""

    flip: bool = False  # mirror left and right, half of the time
    zoom_in: Annotated[float, Gt(0), Le(1)] = 1.0  # the smallest share of a side that is shown; 1 is off
    zoom_out: Annotated[float, Ge(1), Le(8)] = 1.0  # how many times the side the frame may be; 1 is off
    stretch: Annotated[float, Ge(1), Le(4)] = 1.0  # the most that proportions change; 1 is off
    mosaic: Annotated[float, Ge(0), Le(1)] = 0.0  # chance to be put together with the next three pictures


class Windows(NamedTuple):
    """Which part of a picture is shown where in the frame: corner and size of both, in pixels. (B, 2) each: x, y"""

    corner: Tensor
    size: Tensor
    target: Tensor
    extent: Tensor


def rearrange(pictures: Tensor, boxes: Tensor, draws: Draws, settings: SceneAugment) -> tuple[Tensor, Tensor]:
    """Every row by its own draws; a mosaic shows the next three rows as well (the first after the last).

    pictures uint8 (B, C, H, W), boxes (B, M, 6): class, left, top, right, bottom, crowd -> uint8, boxes (B, M' >= M, 6)
    A box of which too little is left gets the class -1.
    """
    if settings == SceneAugment():
        return pictures, boxes
    height, width = pictures.shape[-2:]
    frame = torch.tensor([width, height], dtype=torch.float32, device=pictures.device)
    mosaic = draws.chance("mosaic", settings.mosaic)
    middle = draws.between("mosaic/middle", 0.3, 0.7, 2) * frame  # (B, 2)
    shown, covered = torch.zeros_like(pictures, dtype=torch.float32), torch.zeros(len(pictures), 1, height, width)
    covered = covered.to(pictures.device)
    found: list[Tensor] = []
    for quadrant in range(QUADRANTS if settings.mosaic else 1):
        windows = _windows(draws, settings, quadrant, mosaic, middle, frame)
        rows = torch.arange(len(pictures), device=pictures.device) if quadrant == 0 else mosaic.nonzero()[:, 0]
        source = (rows + quadrant) % len(pictures)
        part = Windows(*(values[rows] for values in windows))
        down, across = (_weights(part, axis, size, size) for axis, size in ((1, height), (0, width)))
        shown[rows] += down[:, None] @ pictures[source].float() @ across.mT[:, None]
        covered[rows] += (down.sum(2)[:, None, :, None] * across.sum(2)[:, None, None, :]).clamp(max=1)
        there = torch.full_like(boxes, NOTHING)
        there[rows] = moved_boxes(boxes[source], part)
        found.append(there)
    shown = shown + (1 - covered.clamp(max=1)) * GREY
    moved = torch.cat(found, 1)
    if settings.flip:
        mirrored = draws.chance("flip", 0.5)
        shown = torch.where(mirrored[:, None, None, None], shown.flip(-1), shown)
        kind, left, top, right, bottom, crowd = moved.unbind(-1)
        other = torch.stack([kind, width - right, top, width - left, bottom, crowd], -1)
        moved = torch.where(mirrored[:, None, None], other, moved)
    return shown.round_().clamp_(0, 255).to(torch.uint8), moved


def _windows(
    draws: Draws, settings: SceneAugment, quadrant: int, mosaic: Tensor, middle: Tensor, frame: Tensor
) -> Windows:
    """The first quadrant is the whole frame where a row is no mosaic."""
    ends = torch.tensor([quadrant % 2, quadrant // 2], device=middle.device, dtype=torch.float32)
    target = middle * ends  # 0 or the middle
    extent = torch.where(ends > 0, frame - middle, middle)
    if quadrant == 0:
        target = torch.where(mosaic[:, None], target, torch.zeros_like(target))
        extent = torch.where(mosaic[:, None], extent, frame.expand_as(extent))
    zoom = draws.between(f"zoom/{quadrant}", math.log(settings.zoom_in), math.log(settings.zoom_out)).exp()
    half = 0.5 * math.log(settings.stretch)
    sides = draws.between(f"stretch/{quadrant}", -half, half).exp()
    size = extent * zoom[:, None] * torch.stack([sides, 1 / sides], 1)
    corner = draws.uniform(f"place/{quadrant}", 2) * (frame - size)
    return Windows(corner, size, target, extent)


def _weights(windows: Windows, axis: int, size: int, count: int) -> Tensor:
    """Weights (B, count, size) by which pixels of the frame are made of those of the picture, along one axis.

    Triangles, wide where the picture shrinks; 0 outside the target, and less than 1 in sum outside the picture.
    """
    corner, extent = windows.corner[:, axis, None, None], windows.extent[:, axis, None, None]
    target, step = windows.target[:, axis, None, None], windows.size[:, axis, None, None] / extent
    frame = torch.arange(count, device=corner.device)[:, None] + 0.5
    inside = (frame >= target) & (frame < target + extent)
    pixels = torch.arange(size, device=corner.device) + 0.5
    middles = corner + (frame - target) * step
    reach = step.clamp(min=1)
    weights = (1 - (pixels - middles).abs() / reach).clamp_(min=0) / reach
    return torch.where(inside, weights, 0)


def moved_boxes(boxes: Tensor, windows: Windows) -> Tensor:
    """(B, M, 6) -> the same, cut to what is shown."""
    corner, size, target, extent = (values[:, None] for values in windows)
    low, high = ((ends - corner) * extent / size + target for ends in (boxes[..., 1:3], boxes[..., 3:5]))
    area = (high - low).clamp(min=0).prod(-1)
    low, high = (torch.minimum(torch.maximum(ends, target), target + extent) for ends in (low, high))
    sides = high - low
    kept = (sides.prod(-1) >= LEAST_SHARE * area) & (sides >= LEAST_SIDE).all(-1)
    kind = torch.where(kept, boxes[..., 0], NOTHING)
    return torch.cat([kind[..., None], low, high, boxes[..., 5:]], -1)


def letterboxed(sizes: Tensor, height: int, width: int, fit: str) -> tuple[Tensor, Tensor]:
    """How a picture lies in its frame: x' = x · scale + offset, as `fit_picture` lays it ("pad" or "stretch").

    sizes (B, 2), width and height of the stored picture -> scale (B, 2), offset (B, 2)
    """
    if fit == "stretch":
        return sizes.new_tensor([width, height]) / sizes, torch.zeros_like(sizes)
    places = [inner((int(wide), int(high)), (width, height)) for wide, high in sizes.tolist()]
    offset, extent = sizes.new_tensor(places).view(-1, 2, 2).unbind(1)
    return extent / sizes, offset
