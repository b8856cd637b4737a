"""Maps smoothed by a fixed filter, before every second place is dropped or after places were put between.

Without it a network that doubles or halves maps learns stripes and corners where there are none (Zhang 2019,
arXiv:1904.11486). The filter is the same for all maps and is applied to each by itself, as a depthwise convolution:
"upfirdn" without a kernel of its own.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepglass.graph.shape import Shape, expect_map, slide

BINOMIAL = (1.0, 3.0, 3.0, 1.0)
SIDE = len(BINOMIAL)


class Blur(nn.Module):
    """Every map smoothed by [1 3 3 1] both ways, `padding` zeros around it, times `gain`.

    (B, C, H, W) -> (B, C, H + 2 · padding - 3, W + 2 · padding - 3)
    """

    taps: Tensor

    def __init__(self, *, padding: int, gain: float = 1.0):
        super().__init__()
        self.padding, self.gain = padding, gain
        self.register_buffer("taps", binomial(gain), persistent=False)  # it is no weight: the code has it

    def forward(self, x: Tensor) -> Tensor:
        expect_map("Blur", x.shape, 2)
        channels = x.shape[1]
        return F.conv2d(x, self.taps.expand(channels, 1, -1, -1), padding=self.padding, groups=channels)

    def out_shape(self, shape: Shape) -> Shape:
        expect_map("Blur", shape, 2)
        return *shape[:2], *slide(shape[2:], (SIDE, SIDE), (1, 1), (self.padding, self.padding))

    def extra_repr(self) -> str:
        return f"padding={self.padding}, gain={self.gain}"


class BlurUp(nn.Module):
    """Twice as many places a side: zeros put between, then smoothed, as bright as before.

    (B, C, H, W) -> (B, C, 2 H, 2 W)
    """

    taps: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("taps", binomial(4.0), persistent=False)  # of four places three are zeros

    def forward(self, x: Tensor) -> Tensor:
        expect_map("BlurUp", x.shape, 2)
        channels = x.shape[1]
        return F.conv_transpose2d(x, self.taps.expand(channels, 1, -1, -1), stride=2, padding=1, groups=channels)

    def out_shape(self, shape: Shape) -> Shape:
        expect_map("BlurUp", shape, 2)
        return *shape[:2], 2 * shape[2], 2 * shape[3]


def binomial(gain: float) -> Tensor:
    """The filter both ways, its sum `gain`. (4, 4)"""
    taps = torch.tensor(BINOMIAL)
    return torch.outer(taps, taps) * (gain / taps.sum() ** 2)


CATALOGUE = {"blur": Blur, "blur_up": BlurUp}
