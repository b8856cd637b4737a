"""One convolution for sound and text (1-D), pictures (2-D) and volumes or clips (3-D)."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepglass.blocks.dense import start_uniform
from deepglass.graph.shape import Shape, each, expect_map, slide

CONVOLVE = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


class Conv(nn.Module):
    """Each output map is a sum over the input maps, each slid over by its own kernel.

    y_k = b_k + Σ_c w_kc ⋆ x_c
    (B, inputs, H, W) -> (B, outputs, H', W'); weight (outputs, inputs / groups, kernel, kernel)
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        kernel: int | Sequence[int],
        dims: int,
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 0,
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
        bias: bool = True,
    ):
        super().__init__()
        if inputs % groups or outputs % groups:
            raise ValueError(f"Conv cannot split {inputs} inputs and {outputs} outputs into {groups} equal groups.")
        self.inputs, self.outputs, self.dims, self.groups = inputs, outputs, dims, groups
        self.kernel, self.stride = each(kernel, dims), each(stride, dims)
        self.padding, self.dilation = each(padding, dims), each(dilation, dims)
        self.weight = nn.Parameter(torch.empty(outputs, inputs // groups, *self.kernel))
        self.bias = nn.Parameter(torch.empty(outputs)) if bias else None
        start_uniform(self.weight, self.bias)

    def forward(self, x: Tensor) -> Tensor:
        expect_map("Conv", x.shape, self.dims, self.inputs)
        padding = self.padding
        if self.dims == 3 and padding[0] and x.shape[2] < self.kernel[0] and x.device.type == "cpu":
            # oneDNN's slope for such weights in bf16 holds what lay in memory before, not numbers among it (torch 2.13)
            x, padding = F.pad(x, (0, 0, 0, 0, padding[0], padding[0])), (0, *padding[1:])
        return CONVOLVE[self.dims](x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def out_shape(self, shape: Shape) -> Shape:
        expect_map("Conv", shape, self.dims, self.inputs)
        return shape[0], self.outputs, *slide(shape[2:], self.kernel, self.stride, self.padding, self.dilation)

    def extra_repr(self) -> str:
        return f"{self.inputs}, {self.outputs}, kernel={self.kernel}, stride={self.stride}, padding={self.padding}"


CATALOGUE = {"conv": Conv}
