"""A convolution the other way round: every place is spread over its neighbourhood, which makes maps larger."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepglass.blocks.dense import start_uniform
from deepglass.graph.shape import Shape, each, expect_map

SPREAD = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


class TransposedConv(nn.Module):
    """What a convolution with the same kernel, stride and padding does to gradients, done to maps (arXiv:1603.07285).

    (B, inputs, H, W) -> (B, outputs, (H - 1) · stride - 2 · padding + kernel + beyond, ...)
    weight (inputs, outputs, kernel, kernel)
    With a stride several sizes shrink to the same one: `beyond` makes it so much larger at the far edge.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        kernel: int | tuple[int, ...],
        dims: int,
        stride: int = 1,
        padding: int = 0,
        beyond: int = 0,
        bias: bool = True,
    ):
        super().__init__()
        self.inputs, self.outputs, self.dims = inputs, outputs, dims
        self.kernel, self.stride, self.padding, self.beyond = each(kernel, dims), stride, padding, beyond
        self.weight = nn.Parameter(torch.empty(inputs, outputs, *self.kernel))
        self.bias = nn.Parameter(torch.empty(outputs)) if bias else None
        start_uniform(self.weight, self.bias)

    def forward(self, x: Tensor) -> Tensor:
        expect_map("TransposedConv", x.shape, self.dims, self.inputs)
        return SPREAD[self.dims](x, self.weight, self.bias, self.stride, self.padding, self.beyond)

    def out_shape(self, shape: Shape) -> Shape:
        expect_map("TransposedConv", shape, self.dims, self.inputs)
        spread = ((size - 1) * self.stride - 2 * self.padding + self.beyond for size in shape[2:])
        return shape[0], self.outputs, *(size + kernel for size, kernel in zip(spread, self.kernel, strict=True))

    def extra_repr(self) -> str:
        sizes = f"kernel={self.kernel}, stride={self.stride}, padding={self.padding}"
        return f"{self.inputs}, {self.outputs}, {sizes}"


CATALOGUE = {"transposed_conv": TransposedConv}
