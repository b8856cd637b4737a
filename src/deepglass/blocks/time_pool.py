"""Pooling over the steps of padded rows: one vector for a whole row, or one for every few of its steps."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepglass.blocks.recurrent import last_of
from deepglass.blocks.time_conv import ended, strided
from deepglass.foundation.padded import Padded
from deepglass.graph.shape import Shape

How = Literal["mean", "max", "last"]


class TimePool(nn.Module):
    """The mean, the largest or the last of each row's own steps; zeros for a row without steps.

    Padded (B, T, C) -> (B, C)
    """

    def __init__(self, how: How):
        super().__init__()
        self.how = how

    def forward(self, x: Padded) -> Tensor:
        expect_rows("TimePool", x.values.shape)
        if self.how == "max":
            return largest(x)
        if self.how == "mean":
            return x.values.sum(dim=1) / x.lengths.clamp(min=1)[:, None]  # zeros behind the ends add nothing
        return last_of(x, x.values.new_zeros(x.values.shape[0], x.values.shape[2]))

    def out_shape(self, shape: Shape) -> Shape:
        expect_rows("TimePool", shape)
        return shape[0], shape[2]

    def extra_repr(self) -> str:
        return self.how


class TimeMaxPool(nn.Module):
    """The largest of the steps around each place, row by row; what lies behind an end never wins.

    Padded (B, T, C) -> Padded (B, ⌈T / stride⌉, C)
    """

    def __init__(self, kernel: int, *, stride: int = 1):
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, x: Padded) -> Padded:
        expect_rows("TimeMaxPool", x.values.shape)
        lowest = torch.finfo(x.values.dtype).min
        maps = x.values.masked_fill(~x.mask[:, :, None], lowest).transpose(1, 2)  # (B, C, T)
        maps = F.pad(maps, ((self.kernel - 1) // 2, self.kernel // 2), value=lowest)
        maps = F.max_pool1d(maps, self.kernel, self.stride)
        return ended(maps.transpose(1, 2), strided(x.lengths, self.stride))

    def out_shape(self, shape: Shape) -> Shape:
        expect_rows("TimeMaxPool", shape)
        return shape[0], -(-shape[1] // self.stride), shape[2]

    def extra_repr(self) -> str:
        return f"{self.kernel}, stride={self.stride}"


def largest(x: Padded) -> Tensor:
    """The largest of each row's own steps; zeros for a row without any. (B, T, C) -> (B, C)"""
    own = x.values.masked_fill(~x.mask[:, :, None], torch.finfo(x.values.dtype).min)
    return own.amax(dim=1).masked_fill((x.lengths == 0)[:, None], 0)


def expect_rows(block: str, shape: Shape) -> None:
    """Refuse a shape that is not (batch, steps, channels)."""
    if len(shape) != 3:
        raise ValueError(f"{block} expects (batch, steps, channels); got shape {tuple(shape)}.")


CATALOGUE = {"time_pool": TimePool, "time_max_pool": TimeMaxPool}
