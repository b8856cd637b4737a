"""Large pictures tile by tile: how they are kept whole, where tiles lie, and how one is cut out.

A picture that is looked at in tiles is kept at the size it is stored at, as a row of pixels (H · W, C) beside its
width and height: rows of unequal length, of which training cuts a random part the size of a tile.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge, Le
from torch import Tensor

from deepglass.data.readers.picture import fit_picture
from deepglass.foundation.seeds import Draws

GREY = 114  # what stands beside a picture that is smaller than a tile


@dataclass(frozen=True, kw_only=True, slots=True)
class TileSettings:
    """Whether pictures are looked at in tiles, and how far these overlap."""

    cut: bool = False  # as large as pictures are stored, tile by tile, instead of as small as the network takes them
    overlap: Annotated[float, Ge(0), Le(0.5)] = 0.25  # share of a side that neighbours have in common, at least


def flat(pixels: np.ndarray, channels: int) -> Tensor:
    """A decoded picture as the row that is kept of it. uint8 or uint16 (H, W, C') -> uint8 (H · W, C)"""
    height, width = pixels.shape[:2]
    if pixels.dtype != np.uint8 or pixels.shape[2] != channels:
        pixels = fit_picture(pixels, channels, height, width).transpose(1, 2, 0)
    return torch.from_numpy(np.require(pixels, requirements=["C", "W"]).reshape(-1, channels))


def starts(length: int, tile: int, overlap: float) -> list[int]:
    """Where tiles begin along a side: as few as will do, evenly, the last one ending with the picture.

    >>> starts(100, 40, 0.25), starts(30, 40, 0.25)
    ([0, 30, 60], [0])
    """
    if length <= tile:
        return [0]
    count = min(length - tile, math.ceil((length - tile) / (tile * (1 - overlap)))) + 1
    return [(length - tile) * place // (count - 1) for place in range(count)]


def cut(picture: Tensor, top: int, left: int, size: tuple[int, int], beyond: int = GREY) -> Tensor:
    """A part of this height and width; what the picture does not reach is `beyond`. (H, W, ...) -> (h, w, ...)"""
    part = picture[top : top + size[0], left : left + size[1]]
    if part.shape[:2] == size:
        return part
    whole = torch.full((*size, *part.shape[2:]), beyond, dtype=part.dtype, device=part.device)
    whole[: part.shape[0], : part.shape[1]] = part
    return whole


def corners(sizes: np.ndarray, tile: tuple[int, int], draws: Draws) -> np.ndarray:
    """Where a random part of each picture begins: widths and heights (B, 2) -> left and top, int64 (B, 2)"""
    room = np.maximum(0, sizes - np.array(tile[::-1])) + 1
    return np.floor(draws.uniform("tiles/place", 2).cpu().double().numpy() * room).astype(np.int64).clip(max=room - 1)


def parts(
    columns: Mapping[str, Sequence[np.ndarray]], names: Mapping[str, int], where: np.ndarray, tile: tuple[int, int]
) -> dict[str, Tensor]:
    """Parts of these columns of whole pictures, each with what stands beyond its rim, that begin at left and top.

    {"input": (H · W, C) of B pictures, "size": ...} -> {"input": (B, h, w, C)}
    """
    found: dict[str, Tensor] = {}
    for name, beyond in names.items():
        cuts: list[Tensor] = []
        for values, size, (left, top) in zip(columns[name], columns["size"], where.tolist(), strict=True):
            width, height = map(int, size)
            whole = values.reshape(height, width, *values.shape[1:])
            part = np.array(whole[top : top + tile[0], left : left + tile[1]])  # of a mapped file only this is read
            cuts.append(cut(torch.from_numpy(part), 0, 0, tile, beyond))
        found[name] = torch.stack(cuts)
    return found
