"""Pictures of any size as they are stored, looked at through places that lie anywhere on them: windows and plates.

Letters: B pictures, C channels, N things that are cut out, H W height and width, M plates of a picture.
"""

import math
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import torch
import torch.nn.functional as F
from annotated_types import Ge, Le, Lt
from torch import Tensor

from deepglass.data.example import Column, Ragged
from deepglass.foundation.plane import boxes_around, inside
from deepglass.foundation.seeds import Draws

GREY = 114.0  # what stands outside a picture
REACH = 8  # pixels, either way, that a Gauss reaches
BEYOND = 2.0  # pixels that a plate may stick out of a window in which it counts
NOTHING, PARTLY = -1, -2  # the kind of a plate that is none, and of one that is seen in part: it teaches nothing


@dataclass(frozen=True, kw_only=True, slots=True)
class StreetAugment:
    """What may happen to a training picture and its plates; everything is off unless it is set."""

    zoom_in: Annotated[float, Ge(1), Le(8)] = 1.0  # how many times larger things may come
    zoom_out: Annotated[float, Ge(1), Le(8)] = 1.0  # how many times smaller
    turn: Annotated[float, Ge(0), Le(45)] = 0.0  # degrees, at most, either way
    jitter: Annotated[float, Ge(0), Le(0.5)] = (
        0.0  # of a plate's height: how far each corner of what is read may lie off
    )
    light: Annotated[float, Ge(0), Lt(1)] = 0.0  # of a plate that is read: factors of 1 ± this for light and contrast
    smear: Annotated[float, Ge(0), Le(4)] = 0.0  # pixels of the upright plate over which it is out of focus, at most
    grain: Annotated[float, Ge(0), Le(64)] = 0.0  # levels by which its pixels differ for no reason, at most


class Stored(NamedTuple):
    """Pictures of any sizes, pixel after pixel, row after row."""

    values: Tensor  # uint8 (ΣHW, C)
    starts: Tensor  # int64 (B,): where each begins
    sizes: Tensor  # (B, 2): width and height

    def picture(self, row: int) -> Tensor:
        """One of them. uint8 (C, H, W)"""
        width, height = self.sizes[row].long().tolist()
        start = int(self.starts[row])
        return self.values[start : start + width * height].view(height, width, -1).permute(2, 0, 1)


def stored(column: Column, sizes: Tensor) -> Stored:
    """A column of pixels, ragged where sizes differ."""
    if isinstance(column, Ragged):
        return Stored(column.values, column.lengths.cumsum(0) - column.lengths, sizes)
    starts = torch.arange(len(column), device=column.device) * column.shape[1]
    return Stored(column.flatten(0, 1), starts, sizes)


def looked_up(pictures: Stored, owner: Tensor, points: Tensor, *, filled: bool = False) -> Tensor:
    """What is at these points of their pictures, between four pixels where they lie between them.

    Outside is the nearest pixel or, `filled`, grey. owner int64 (N,), points (N, H, W, 2) -> 0 .. 255 (N, C, H, W)
    """
    sizes, starts, channels = (
        pictures.sizes[owner].long(),
        pictures.starts[owner][:, None, None],
        pictures.values.shape[1],
    )
    width, height = (side[:, None, None] for side in sizes.unbind(1))
    x, y = (points - 0.5).unbind(-1)
    left, top = x.floor(), y.floor()
    right_share, below_share = (x - left)[..., None], (y - top)[..., None]

    def at(across: Tensor, down: Tensor) -> Tensor:
        column = torch.minimum(across.long().clamp_(min=0), width - 1)
        row = torch.minimum(down.long().clamp_(min=0), height - 1)
        place = (starts + row * width + column).flatten()
        return pictures.values.index_select(0, place).view(*points.shape[:3], channels).float()

    above = torch.lerp(at(left, top), at(left + 1, top), right_share)
    below = torch.lerp(at(left, top + 1), at(left + 1, top + 1), right_share)
    found = torch.lerp(above, below, below_share)
    if filled:
        out = (x < -0.5) | (y < -0.5) | (x > width - 0.5) | (y > height - 0.5)
        found[out] = GREY
    return found.permute(0, 3, 1, 2)


def rectified(pictures: Stored, owner: Tensor, corners: Tensor, shares: Tensor) -> Tensor:
    """Plates upright, each pixel a mean of four, for they are often smaller than they were.

    corners (N, 4, 2) in pixels of the pictures, shares (N or 1, 2H, 2W, 2) -> float 0 .. 255 (N, C, H, W)
    """
    return F.avg_pool2d(looked_up(pictures, owner, inside(corners, shares)), 2)


def worn(lines: Tensor, there: Tensor, draws: Draws, settings: StreetAugment) -> Tensor:
    """Upright plates as a worse camera would show them, each in its own way: light, focus, grain.

    float 0 .. 255 (N, C, H, W), which plates of the pictures they are, bool (B, M) -> the same
    """
    count, (height, width) = there.shape[1], lines.shape[2:]

    def factor(name: str) -> Tensor:
        return 1 + settings.light * draws.between(name, -1, 1, count)[there][:, None, None, None]

    if settings.light:
        mean = lines.mean((1, 2, 3), keepdim=True)
        lines = (lines - mean) * factor("contrast") + mean * factor("light")
    if settings.smear:
        lines = blurred(lines, settings.smear * draws.uniform("smear", count)[there])
    if settings.grain:
        level = settings.grain * draws.uniform("grain/level", count)[there]
        even = draws.uniform("grain", count, height, width)[there] - 0.5  # its spread is 1 / √12
        lines = lines + (math.sqrt(12) * level[:, None, None] * even)[:, None]
    return lines.clamp(0, 255)


def blurred(pictures: Tensor, spread: Tensor) -> Tensor:
    """Each picture under a Gauss of so many pixels, its edge carried on. (N, C, H, W), (N,)"""
    if not len(pictures):
        return pictures
    places = torch.arange(-REACH, REACH + 1, device=pictures.device)
    weights = (-0.5 * (places / spread.clamp(min=0.05)[:, None]).square()).softmax(1)  # (N, 2 REACH + 1)
    weights = weights.repeat_interleave(pictures.shape[1], 0)[:, None, None]
    found = F.pad(pictures.flatten(0, 1)[None], (REACH,) * 4, mode="replicate")
    for kernel in (weights, weights.mT):
        found = F.conv2d(found, kernel, groups=len(kernel))
    return found.view_as(pictures)


def shrunk(picture: Tensor, longest: int) -> Tensor:
    """The whole picture with no side longer than that, smoothed where it shrinks. uint8 (C, H, W) -> (C, h, w)"""
    scale = longest / max(picture.shape[1:])
    if scale >= 1:
        return picture
    size = [max(1, round(side * scale)) for side in picture.shape[1:]]
    on_processor = picture.device.type == "cpu"  # whose kernel for bytes takes a quarter of the time
    small = F.interpolate(
        picture[None] if on_processor else picture[None].float(), size, mode="bilinear", antialias=True
    )
    return small[0].round().clamp(0, 255).to(torch.uint8)


def windows(
    pictures: Stored, corners: Tensor, there: Tensor, draws: Draws, settings: StreetAugment, frame: tuple[int, int, int]
) -> tuple[Tensor, Tensor, Tensor]:
    """One window of each picture at the size of a frame, around one of its plates where it has any.

    Larger, smaller and turned by the row's draws; corners (B, M, 4, 2) and which of them are plates (B, M) ->
    pictures uint8 (B, C, H, W), corners in the window, which of them are whole in it, or partly: kinds (B, M)
    """
    height, width, longest = frame
    count, device = len(pictures.sizes), corners.device
    zoom = draws.between("zoom", -math.log(settings.zoom_out), math.log(settings.zoom_in)).exp()
    scale = zoom * (longest / pictures.sizes.amax(1)).clamp(max=1)  # pixels of the window for one of the picture
    extent = torch.tensor([width, height], device=device) / scale[:, None]
    angle = draws.between("turn", -1, 1) * math.radians(settings.turn)
    turned = torch.stack([angle.cos(), angle.sin(), -angle.sin(), angle.cos()], 1).view(-1, 2, 2)  # rows: across, down
    middle = _middles(pictures.sizes, extent, corners, there, draws)
    sides = torch.tensor([[-1.0, -1], [1, -1], [1, 1], [-1, 1]], device=device) / 2
    frames = middle[:, None] + (sides * extent[:, None]) @ turned
    down, across = (torch.arange(size, device=device) + 0.5 for size in (height, width))
    grid = torch.stack(torch.meshgrid(down / height, across / width, indexing="ij")[::-1], -1)
    shown = looked_up(pictures, torch.arange(count, device=device), inside(frames, grid[None]), filled=True)
    moved = ((corners - middle[:, None, None]) @ turned.mT[:, None]) * scale[:, None, None, None]
    moved = moved + torch.tensor([width, height], device=device) / 2
    low, high = -BEYOND, torch.tensor([width, height], device=device) + BEYOND
    whole = ((moved > low) & (moved < high)).all(-1).all(-1)
    boxes = boxes_around(moved.flatten(0, 1)).unflatten(0, moved.shape[:2])
    partly = (boxes[..., 2:] > 0).all(-1) & (boxes[..., :2] < high).all(-1)
    kinds = torch.where(whole & there, 0, torch.where(partly & there, PARTLY, NOTHING))
    return shown.round_().to(torch.uint8), moved, kinds


def _middles(sizes: Tensor, extent: Tensor, corners: Tensor, there: Tensor, draws: Draws) -> Tensor:
    """Where windows are looked through: inside the picture as far as they fit, a plate in each where there is one.

    (B, 2)
    """
    half = extent / 2
    low, high = torch.minimum(half, sizes - half), torch.maximum(half, sizes - half)
    if there.shape[1]:
        rank = torch.where(there, draws.uniform("which", there.shape[1]), -1.0)
        chosen = corners[torch.arange(len(there)), rank.argmax(1)]  # (B, 4, 2)
        near_low, near_high = chosen.amax(1) - half, chosen.amin(1) + half  # from where the whole plate is seen
        near_low, near_high = torch.maximum(low, near_low), torch.minimum(high, near_high)
        fits = there.any(1)[:, None] & (near_low <= near_high)
        low, high = torch.where(fits, near_low, low), torch.where(fits, near_high, high)
    return low + draws.uniform("place", 2) * (high - low)


def jittered(corners: Tensor, draws: Draws, share: float) -> Tensor:
    """Corners as a finder might give them: each a little off, and all of them together. (B, M, 4, 2)"""
    if not share:
        return corners
    count = corners.shape[1]
    tall = (corners[:, :, 3] - corners[:, :, 0]).norm(dim=-1) + (corners[:, :, 2] - corners[:, :, 1]).norm(dim=-1)
    each = draws.between("corner", -1, 1, count, 4, 2) + draws.between("plate", -1, 1, count, 1, 2)
    return corners + share * each * tall[..., None, None] / 2
