"""Layers whose weights all begin with spread 1 and are scaled where they are used: the equalised learning rate.

Adam moves every weight by about its rate, whatever its layer; weights of one spread then learn at one speed
(Karras et al. 2018, arXiv:1710.10196, section 4.1).
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepglass.graph.shape import Shape, each, expect_last, expect_map, slide


class EqualDense(nn.Module):
    """y = rate · (x Wᵀ / √inputs + b); W begins as N(0, 1 / rate²), so that `rate` below 1 only slows its learning.

    (..., inputs) -> (..., outputs); `bias` is what the layer begins to give where it is given zeros
    """

    def __init__(self, inputs: int, outputs: int, *, bias: float = 0.0, rate: float = 1.0):
        super().__init__()
        self.inputs, self.outputs, self.rate = inputs, outputs, rate
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = nn.Parameter(torch.full((outputs,), bias / rate))

    def forward(self, x: Tensor) -> Tensor:
        expect_last("EqualDense", x.shape, self.inputs)
        return F.linear(x, self.weight * (self.rate / math.sqrt(self.inputs)), self.bias * self.rate)

    def out_shape(self, shape: Shape) -> Shape:
        expect_last("EqualDense", shape, self.inputs)
        return *shape[:-1], self.outputs

    def extra_repr(self) -> str:
        return f"{self.inputs}, {self.outputs}, rate={self.rate}"


class EqualConv(nn.Module):
    """y_k = b_k + Σ_c w_kc ⋆ x_c / √(inputs · kernel²), w begins as N(0, 1)

    (B, inputs, H, W) -> (B, outputs, H', W')
    """

    def __init__(self, inputs: int, outputs: int, *, kernel: int, stride: int = 1, padding: int = 0, bias: bool = True):
        super().__init__()
        self.inputs, self.outputs = inputs, outputs
        self.kernel, self.stride, self.padding = each(kernel, 2), each(stride, 2), each(padding, 2)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, *self.kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        expect_map("EqualConv", x.shape, 2, self.inputs)
        weight = self.weight / math.sqrt(self.weight[0].numel())
        return F.conv2d(x, weight, self.bias, self.stride, self.padding)

    def out_shape(self, shape: Shape) -> Shape:
        expect_map("EqualConv", shape, 2, self.inputs)
        return shape[0], self.outputs, *slide(shape[2:], self.kernel, self.stride, self.padding)

    def extra_repr(self) -> str:
        return f"{self.inputs}, {self.outputs}, kernel={self.kernel}, stride={self.stride}, padding={self.padding}"


CATALOGUE = {"equal_dense": EqualDense, "equal_conv": EqualConv}
