"""A convolution that is told by a style which of its input maps matter, for each picture of a batch by its own."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepglass.blocks.blur import Blur
from deepglass.graph.shape import Shape, expect_last, expect_map

EPSILON = 1e-8


class ModulatedConv(nn.Module):
    """Convolution whose kernel is scaled per image by a style, then renormalised (StyleGAN2, arXiv:1912.04958, 2.2).

    w'_kixy = s_i · w_kixy;   w''_kixy = w'_kixy / √(Σ_ixy w'_kixy² + ε)
    image (B, C, H, W), style (B, C) -> (B, K, H, W), or (B, K, 2 H, 2 W) with `up`; without `demodulate` w' is used

    s scales what goes in and the root what comes out, so that one kernel serves the whole batch: the same numbers as
    with a kernel of its own for each image, in fewer and larger products.
    """

    def __init__(self, inputs: int, outputs: int, *, kernel: int, up: bool = False, demodulate: bool = True):
        super().__init__()
        self.inputs, self.outputs, self.kernel, self.demodulate = inputs, outputs, kernel, demodulate
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.blur = Blur(padding=1, gain=4.0) if up else None

    def forward(self, image: Tensor, style: Tensor) -> Tensor:
        expect_map("ModulatedConv", image.shape, 2, self.inputs)
        expect_last("ModulatedConv", style.shape, self.inputs)
        weight = self.weight / math.sqrt(self.weight[0].numel())
        image = image * style[:, :, None, None]

        if self.blur is None:
            image = F.conv2d(image, weight, padding=self.kernel // 2)
        else:
            image = self.blur(F.conv_transpose2d(image, weight.transpose(0, 1), stride=2))  # (B, K, 2 H, 2 W)

        if not self.demodulate:
            return image
        sizes = F.linear(style.square(), weight.square().sum((2, 3)))  # (B, K)
        return image * (sizes + EPSILON).rsqrt()[:, :, None, None]

    def out_shape(self, shape: Shape, style: Shape) -> Shape:
        expect_map("ModulatedConv", shape, 2, self.inputs)
        expect_last("ModulatedConv", style, self.inputs)
        times = 1 if self.blur is None else 2
        return shape[0], self.outputs, times * shape[2], times * shape[3]

    def extra_repr(self) -> str:
        return f"{self.inputs}, {self.outputs}, kernel={self.kernel}, demodulate={self.demodulate}"


CATALOGUE = {"modulated_conv": ModulatedConv}
