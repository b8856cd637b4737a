"""Residual units: what is learned is the difference from what came in (He 2015, arXiv:1512.03385).

                 ┌───────── shortcut ─────────┐
            x ───┴── conv ─ norm ─ relu ─ ... ─ + ─ relu ── y

Names are those of public ImageNet weights: conv1, bn1, conv2, bn2, downsample.0, downsample.1.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from deepglass.blocks.conv import Conv
from deepglass.blocks.norm import BatchNorm
from deepglass.graph.shape import Shape, expect_map


class BasicUnit(nn.Module):
    """Two 3x3 convolutions (figure 5, left).

    y = relu(shortcut(x) + bn2(conv2(relu(bn1(conv1(x))))))
    (B, inputs, H, W) -> (B, outputs, H / stride, W / stride)
    """

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1, downsample: nn.Module | None = None):
        super().__init__()
        self.conv1 = Conv(inputs, outputs, kernel=3, stride=stride, padding=1, bias=False, dims=2)
        self.bn1 = BatchNorm(outputs, dims=2)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = Conv(outputs, outputs, kernel=3, padding=1, bias=False, dims=2)
        self.bn2 = BatchNorm(outputs, dims=2)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.bn2(self.conv2(x))
        return self.relu(x + shortcut)

    def out_shape(self, shape: Shape) -> Shape:
        return self.conv2.out_shape(self.conv1.out_shape(shape))


class Bottleneck(nn.Module):
    """1x1 down to a quarter of the channels, 3x3 there, 1x1 up again (figure 5, right).

    The stride stands in the 3x3, as public weights have it ("v1.5"); the paper had it in the first 1x1.
    (B, inputs, H, W) -> (B, outputs, H / stride, W / stride)
    """

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1, downsample: nn.Module | None = None):
        super().__init__()
        width = outputs // 4
        self.conv1 = Conv(inputs, width, kernel=1, bias=False, dims=2)
        self.bn1 = BatchNorm(width, dims=2)
        self.conv2 = Conv(width, width, kernel=3, stride=stride, padding=1, bias=False, dims=2)
        self.bn2 = BatchNorm(width, dims=2)
        self.conv3 = Conv(width, outputs, kernel=1, bias=False, dims=2)
        self.bn3 = BatchNorm(outputs, dims=2)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        x = self.bn3(self.conv3(x))
        return self.relu(x + shortcut)

    def out_shape(self, shape: Shape) -> Shape:
        return self.conv3.out_shape(self.conv2.out_shape(self.conv1.out_shape(shape)))


class ProjectionShortcut(nn.Sequential):
    """Shortcut by a 1x1 convolution and a normalisation (option B); its parts are named 0 and 1."""

    def __init__(self, inputs: int, outputs: int, *, stride: int):
        super().__init__(Conv(inputs, outputs, kernel=1, stride=stride, bias=False, dims=2), BatchNorm(outputs, dims=2))
        self.inputs, self.outputs, self.stride = inputs, outputs, stride

    def out_shape(self, shape: Shape) -> Shape:
        expect_map("ProjectionShortcut", shape, 2, self.inputs)
        return shape[0], self.outputs, *(-(-size // self.stride) for size in shape[2:])


class PaddedShortcut(nn.Module):
    """Shortcut without parameters: every second pixel, new channels filled with zeros (option A).

    (B, inputs, H, W) -> (B, outputs, H / stride, W / stride)
    """

    def __init__(self, inputs: int, outputs: int, *, stride: int):
        super().__init__()
        self.inputs, self.outputs, self.stride = inputs, outputs, stride

    def forward(self, x: Tensor) -> Tensor:
        more = self.outputs - self.inputs
        x = x[:, :, :: self.stride, :: self.stride]
        return F.pad(x, (0, 0, 0, 0, more // 2, more - more // 2))  # new channels on both sides of the old

    def out_shape(self, shape: Shape) -> Shape:
        expect_map("PaddedShortcut", shape, 2, self.inputs)
        return shape[0], self.outputs, *(-(-size // self.stride) for size in shape[2:])


CATALOGUE = {
    "basic_unit": BasicUnit,
    "bottleneck": Bottleneck,
    "projection_shortcut": ProjectionShortcut,
    "padded_shortcut": PaddedShortcut,
}
