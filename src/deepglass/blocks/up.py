"""Maps made larger: by a trained transposed convolution, the way back of one with the same stride."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepglass.blocks.dense import start_uniform
from deepglass.graph.shape import Shape, each, expect_map

SPREAD = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


class Up(nn.Module):
    """Every place becomes `factor` places a side, each a weighted sum of its own maps: the "up-convolution" of U-Net.

    (B, inputs, H, W) -> (B, outputs, factor · H, factor · W); weight (inputs, outputs, factor, factor)
    """

    def __init__(self, inputs: int, outputs: int, *, dims: int, factor: int | Sequence[int] = 2, bias: bool = True):
        super().__init__()
        self.inputs, self.outputs, self.dims = inputs, outputs, dims
        self.factor = each(factor, dims)
        self.weight = nn.Parameter(torch.empty(inputs, outputs, *self.factor))
        self.bias = nn.Parameter(torch.empty(outputs)) if bias else None
        start_uniform(self.weight, self.bias)

    def forward(self, x: Tensor) -> Tensor:
        expect_map("Up", x.shape, self.dims, self.inputs)
        return SPREAD[self.dims](x, self.weight, self.bias, self.factor)

    def out_shape(self, shape: Shape) -> Shape:
        expect_map("Up", shape, self.dims, self.inputs)
        return shape[0], self.outputs, *(size * factor for size, factor in zip(shape[2:], self.factor, strict=True))

    def extra_repr(self) -> str:
        return f"{self.inputs}, {self.outputs}, factor={self.factor}"


CATALOGUE = {"up": Up}
