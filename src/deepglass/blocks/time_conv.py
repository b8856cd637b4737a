"""Convolutions and normalisation along the steps of padded rows, as if each row were alone.

Letters: B rows, T steps of the longest row, F bands of a spectrum, C channels. Channels come last, as in every Padded.
What lies behind a row's end is zero, which is what a convolution pads with anyway: so no row sees its neighbours.
"""

from collections.abc import Sequence
from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepglass.blocks.dense import start_uniform
from deepglass.foundation.padded import Padded
from deepglass.graph.shape import Shape, each, expect_steps


class TimeConv(nn.Module):
    """Each output channel is a sum over the input channels, each slid over in time by its own kernel.

    y_k(t) = b_k + Σ_c Σ_j w_kc(j) x_c(stride·t + dilation·(j - middle))
    Padded (B, T, inputs) -> Padded (B, ⌈T / stride⌉, outputs); weight (outputs, inputs / groups, kernel)
    `causal` looks only back: the last j is now, so no step sees a later one (WaveNet, arXiv:1609.03499).
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        kernel: int,
        stride: int = 1,
        dilation: int = 1,
        groups: int = 1,
        causal: bool = False,
        bias: bool = True,
    ):
        super().__init__()
        if inputs % groups or outputs % groups:
            raise ValueError(f"TimeConv cannot split {inputs} inputs and {outputs} outputs into {groups} equal groups.")
        self.inputs, self.outputs, self.kernel = inputs, outputs, kernel
        self.stride, self.dilation, self.groups = stride, dilation, groups
        around = dilation * (kernel - 1)
        self.before = around if causal else around // 2
        self.after = around - self.before
        self.weight = nn.Parameter(torch.empty(outputs, inputs // groups, kernel))
        self.bias = nn.Parameter(torch.empty(outputs)) if bias else None
        start_uniform(self.weight, self.bias)

    def forward(self, x: Padded) -> Padded:
        expect_steps("TimeConv", x.values.shape, self.inputs)
        maps = F.pad(x.values.transpose(1, 2), (self.before, self.after))  # (B, C, T + around)
        maps = F.conv1d(maps, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)
        return ended(maps.transpose(1, 2), strided(x.lengths, self.stride))

    def out_shape(self, shape: Shape) -> Shape:
        expect_steps("TimeConv", shape, self.inputs)
        return shape[0], -(-shape[1] // self.stride), self.outputs

    def extra_repr(self) -> str:
        return f"{self.inputs}, {self.outputs}, kernel={self.kernel}, stride={self.stride}, dilation={self.dilation}"


class BandConv(nn.Module):
    """A convolution over time and the bands of a spectrum, both padded so that only the stride makes them fewer.

    Padded (B, T, F, inputs) -> Padded (B, ⌈T / stride⌉, ⌈F / stride⌉, outputs);
    weight (outputs, inputs, kernel in time, kernel over bands)
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        kernel: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        bias: bool = True,
    ):
        super().__init__()
        self.inputs, self.outputs = inputs, outputs
        self.kernel, self.stride = each(kernel, 2), each(stride, 2)
        self.weight = nn.Parameter(torch.empty(outputs, inputs, *self.kernel))
        self.bias = nn.Parameter(torch.empty(outputs)) if bias else None
        start_uniform(self.weight, self.bias)

    def forward(self, x: Padded) -> Padded:
        expect_bands(x.values.shape, self.inputs)
        (time, bands), (t, f) = self.kernel, self.stride
        around = ((bands - 1) // 2, bands // 2, (time - 1) // 2, time // 2)
        maps = F.pad(x.values.permute(0, 3, 1, 2), around)  # (B, C, T + around, F + around), channels last in memory
        if maps.shape[3] - bands < f:  # one band comes out: torch 2.13 strides past it and leaves what lay in memory
            maps, f = maps[..., :bands], 1
        maps = F.conv2d(maps, self.weight, self.bias, (t, f))
        return ended(maps.permute(0, 2, 3, 1), strided(x.lengths, t))

    def out_shape(self, shape: Shape) -> Shape:
        expect_bands(shape, self.inputs)
        return shape[0], *(-(-size // step) for size, step in zip(shape[1:3], self.stride, strict=True)), self.outputs

    def extra_repr(self) -> str:
        return f"{self.inputs}, {self.outputs}, kernel={self.kernel}, stride={self.stride}"


class TimeNorm(nn.Module):
    """Batch normalisation over the rows' own steps; what lies behind their ends counts for nothing (arXiv:1502.03167).

    y = γ (x - mean) / √(var + ε) + β
    Padded (B, T, ..., C) -> the same; weight γ (C,), bias β (C,), running_mean (C,), running_var (C,)
    """

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(self, channels: int, *, epsilon: float = 1e-5, momentum: float = 0.1):
        super().__init__()
        self.channels, self.epsilon, self.momentum = channels, epsilon, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def forward(self, x: Padded) -> Padded:
        expect_channels_last(x.values.shape, self.channels)
        mean, var = self._of_batch(x) if self.training else (self.running_mean, self.running_var)
        scale = self.weight / (var + self.epsilon).sqrt()
        return x.with_values((x.values - mean) * scale + self.bias)

    def _of_batch(self, x: Padded) -> tuple[Tensor, Tensor]:
        """Mean and spread of this batch's own steps, noted for evaluation. (C,) each"""
        values = x.values.float()
        count = (x.lengths.sum() * prod(values.shape[2:-1])).clamp(min=1)
        everywhere = tuple(range(values.ndim - 1))
        mean = values.sum(everywhere) / count  # what lies behind an end is zero
        var = x.with_values(values - mean).values.square().sum(everywhere) / count
        with torch.no_grad():
            unbiased = var * count / (count - 1).clamp(min=1)
            self.running_mean.lerp_(mean.to(self.running_mean.dtype), self.momentum)
            self.running_var.lerp_(unbiased.to(self.running_var.dtype), self.momentum)
            self.num_batches_tracked += 1
        return mean, var

    def out_shape(self, shape: Shape) -> Shape:
        expect_channels_last(shape, self.channels)
        return shape

    def extra_repr(self) -> str:
        return f"{self.channels}"


def ended(values: Tensor, lengths: Tensor) -> Padded:
    """Rows of these lengths, zero behind their ends. (B, T, ...), (B,)"""
    return Padded(values, lengths).with_values(values)


def strided(lengths: Tensor, stride: int) -> Tensor:
    """How many steps rows of these lengths keep. (B,)"""
    return torch.div(lengths + stride - 1, stride, rounding_mode="floor")


def expect_bands(shape: Sequence[int], channels: int) -> None:
    """Refuse a shape that is not (batch, steps, bands, channels)."""
    if len(shape) != 4 or shape[3] != channels:
        raise ValueError(f"BandConv expects (batch, steps, bands, {channels}); got shape {tuple(shape)}.")


def expect_channels_last(shape: Sequence[int], channels: int) -> None:
    """Refuse a shape that is not (batch, steps, ..., channels)."""
    if len(shape) < 3 or shape[-1] != channels:
        raise ValueError(f"TimeNorm expects (batch, steps, ..., {channels}); got shape {tuple(shape)}.")


CATALOGUE = {"time_conv": TimeConv, "band_conv": BandConv, "time_norm": TimeNorm}
