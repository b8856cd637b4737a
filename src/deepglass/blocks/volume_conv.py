"""A convolution in space and time, or in a body, taken apart: first within each slice, then from slice to slice.

(2+1)D (Tran 2018, arXiv:1711.11248): k x k within a frame, norm, relu, then k frames deep. As many numbers as one
k x k x k convolution, a rectifier more in between, and easier to learn.
"""

from torch import nn

from deepglass.blocks.conv import Conv
from deepglass.blocks.norm import BatchNorm
from deepglass.graph.shape import Shape


def between(inputs: int, outputs: int, kernel: int = 3) -> int:
    """Maps in between with which both halves have as many numbers as the whole (section 3.5).

    >>> between(64, 64), between(64, 128)
    (144, 230)
    """
    return inputs * outputs * kernel**3 // (inputs * kernel**2 + outputs * kernel)


class FactoredConv(nn.Sequential):
    """1 x k x k, norm, relu, k x 1 x 1; its parts are named 0 to 3, as those of public weights.

    (B, inputs, D, H, W) -> (B, outputs, D / stride, H / stride, W / stride)
    """

    def __init__(self, inputs: int, outputs: int, *, middle: int = 0, kernel: int = 3, stride: int = 1):
        middle = middle or between(inputs, outputs, kernel)
        half = kernel // 2
        flat, deep = (1, kernel, kernel), (kernel, 1, 1)
        across, along = (1, stride, stride), (stride, 1, 1)
        super().__init__(
            Conv(inputs, middle, kernel=flat, stride=across, padding=(0, half, half), bias=False, dims=3),
            BatchNorm(middle, dims=3),
            nn.ReLU(inplace=True),
            Conv(middle, outputs, kernel=deep, stride=along, padding=(half, 0, 0), bias=False, dims=3),
        )

    def out_shape(self, shape: Shape) -> Shape:
        within, _, _, through = self
        return through.out_shape(within.out_shape(shape))  # pyright: ignore


CATALOGUE = {"factored_conv": FactoredConv}
