"""What a network says of a large picture, tile by tile: masks blended where tiles overlap, boxes brought together.

A picture's answer depends on nothing but the picture, whatever else is asked about beside it. What is held at a time is
the picture, one row of tiles and what was said of it.

Letters: H W height and width of the picture, h w those of a tile, K classes, M boxes.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from deepglass.data.example import Batch, Column, Ragged
from deepglass.data.tiles import cut, flat, starts
from deepglass.tasks.suppress import merged, whole


class Row(NamedTuple):
    """Tiles beside each other: where they begin and the next row does, and some of them at a time."""

    top: int
    below: int
    pieces: Iterator[tuple[list[int], Tensor]]  # where these begin, and they themselves: uint8 (n, C, h, w)


class Tiles:
    """How a task cuts pictures; `size` is what its network takes, h and w."""

    def __init__(self, overlap: float, size: tuple[int, int], at_once: int):
        self.overlap = overlap
        self.size = size
        self.at_once = max(1, at_once // (size[0] * size[1]))  # tiles that are answered together

    def masks(self, shares: Callable[[Tensor], Tensor], picture: Tensor) -> tuple[Tensor, float]:
        """The likeliest class of every pixel, and how likely it is on average.

        What is said of a pixel counts the less the nearer it is to its tile's edge. `shares` gives (n, K, h, w) of
        tiles (n, C, h, w), picture (H, W, C) -> uint8 (H, W)
        """
        (height, width), (tall, wide) = picture.shape[:2], self.size
        weights = _ramp(tall, picture.device)[:, None] * _ramp(wide, picture.device)
        mask = torch.empty(height, width, dtype=torch.uint8, device=picture.device)
        band, sure = None, 0.0
        for row in self._rows(picture):
            for lefts, tiles in row.pieces:
                said = shares(tiles)
                if band is None:  # the last place is what all have said is divided by
                    band = said.new_zeros(said.shape[1] + 1, tall, max(width, wide))
                for left, one in zip(lefts, said, strict=True):
                    band[:-1, :, left : left + wide] += one * weights
                    band[-1, :, left : left + wide] += weights
            assert band is not None
            done = row.below - row.top  # lines that no other row reaches
            found = (band[:-1, :done, :width] / band[-1, :done, :width]).max(0)
            mask[row.top : row.below] = found.indices
            sure += float(found.values.double().sum())
            band = torch.cat([band[:, done:], torch.zeros_like(band[:, :done])], 1)
        return mask, sure / (height * width)

    def boxes(self, found: Callable[[Tensor], Ragged], picture: Tensor, most_overlap: float, most: int) -> Tensor:
        """What is in a picture, in its pixels; `found` gives boxes of tiles, Ragged (ΣM, 6) for (n, C, h, w).

        picture (H, W, C) -> (M, 6): left, top, right, bottom, score, class
        """
        (height, width), (tall, wide) = picture.shape[:2], self.size
        tops, columns = (starts(length, tile, self.overlap) for length, tile in ((height, tall), (width, wide)))
        kept: list[Tensor] = []
        for down, row in enumerate(self._rows(picture)):
            for lefts, tiles in row.pieces:
                for left, own in zip(lefts, found(tiles).each(), strict=True):
                    across = columns.index(left)
                    own = own + own.new_tensor([left, row.top, left, row.top, 0, 0])
                    before = own.new_tensor([_end(columns, across, wide), _end(tops, down, tall)])
                    behind = own.new_tensor([_begin(columns, across), _begin(tops, down)])
                    edge = (float(left), float(row.top), float(left + wide), float(row.top + tall))
                    kept.append(own[whole(own[:, :4], edge, before, behind)])
        return merged(torch.cat(kept), most_overlap, most)

    def _rows(self, picture: Tensor) -> Iterator[Row]:
        tops, lefts = (starts(*pair, self.overlap) for pair in zip(picture.shape[:2], self.size, strict=True))
        for top, below in zip(tops, [*tops[1:], picture.shape[0]], strict=True):
            yield Row(top, below, self._pieces(picture, top, lefts))

    def _pieces(self, picture: Tensor, top: int, lefts: list[int]) -> Iterator[tuple[list[int], Tensor]]:
        for start in range(0, len(lefts), self.at_once):
            some = lefts[start : start + self.at_once]
            yield some, torch.stack([cut(picture, top, left, self.size).permute(2, 0, 1) for left in some])


def prepared(raw: Any, channels: int) -> dict[str, Tensor]:
    """A picture as it is kept whole: uint8 (H · W, C), width and height (2,), and its mask (H · W,) if it has one."""
    height, width = raw.pixels.shape[:2]
    inputs = {"input": flat(raw.pixels, channels), "size": torch.tensor([width, height], dtype=torch.int32)}
    if raw.mask is not None:
        inputs["mask"] = torch.from_numpy(np.require(raw.mask, requirements=["C", "W"]).reshape(-1))
    return inputs


def in_whole(batch: Batch) -> bool:
    """Whether a batch holds whole pictures and not what was cut out of them."""
    column = batch["input"]
    return isinstance(column, Ragged) or column.ndim == 3


def pictures(batch: Batch, name: str = "input") -> list[Tensor]:
    """The whole pictures of a batch, or their masks. (H, W, ...) each"""
    column: Column = batch[name]
    rows = column.each() if isinstance(column, Ragged) else column
    sizes = batch["size"].tolist()
    return [row.view(int(high), int(wide), *row.shape[1:]) for row, (wide, high) in zip(rows, sizes, strict=True)]


def _ramp(count: int, device: torch.device) -> Tensor:
    """From little at both ends to 1 in the middle. (count,)"""
    return 1 - (2 * (torch.arange(count, device=device) + 0.5) / count - 1).abs()


def _end(begins: list[int], place: int, length: int) -> float:
    return begins[place - 1] + length if place else float("nan")


def _begin(begins: list[int], place: int) -> float:
    return begins[place + 1] if place + 1 < len(begins) else float("nan")
