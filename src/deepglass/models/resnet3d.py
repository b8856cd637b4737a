"""ResNet in three dimensions (Tran 2018, arXiv:1711.11248): for clips, whose depth is time, and for volumes.

volume (B, 3, 16, 112, 112) -> stem (B, 64, 16, 56, 56) -> layer1 ... layer4 (B, C, 2, 7, 7) -> mean -> logits (B, 400)

    stem        layer1      layer2      layer3      layer4
    3x7x7 ──►   n1 units    n2 units    n3 units    n4 units ──► mean ──► dense
    16x56x56    16x56x56    8x28x28     4x14x14     2x7x7

    resnet3d18    2 2 2 2   basic        33,371,472     resnet2p1d18   2 2 2 2   basic        31,505,325
    resnet3d34    3 4 6 3   basic        63,681,104     resnet2p1d34   3 4 6 3   basic        61,831,661
    resnet3d50    3 4 6 3   bottleneck   46,980,944

"R3D" has whole 3x3x3 convolutions; "R(2+1)D" takes each apart into 1x3x3 and 3x1x1 with a rectifier between them, which
does better on clips at the same size. Both counts of 18 layers are those of the public networks, and parameters have
their names: stem.0, layer1.0.conv1.0, ..., fc. Any size from 8x16x16 on and any number of channels work.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Len
from torch import Tensor, nn

from deepglass.blocks.conv import Conv
from deepglass.blocks.dense import Dense
from deepglass.blocks.norm import BatchNorm
from deepglass.blocks.pool import WHOLE
from deepglass.blocks.volume_conv import FactoredConv, between
from deepglass.foundation.ports import Ports, Vector, Volume
from deepglass.models.contract import classes_asked, volume_asked

SMALLEST = (8, 16, 16)
"""Depth, height and width below which the four stages have less than one place to work on."""
STEM_MIDDLE = 45
"""Maps between the two halves of a stem that is taken apart."""

Make = Callable[[int, int, int, int], nn.Module]  # of a 3x3x3 convolution: inputs, outputs, middle, stride


@dataclass(frozen=True, kw_only=True, slots=True)
class ResNet3DConfig:
    """A residual network of four stages in three dimensions."""

    unit: Literal["basic", "bottleneck"]
    """basic: two 3x3x3 convolutions; bottleneck: 1x1x1, 3x3x3, 1x1x1 with four times the channels."""
    units: Annotated[tuple[Annotated[int, Ge(1)], ...], Len(4, 4)]
    """How many units each stage has."""
    kernel: Literal["whole", "factored"] = "whole"
    """whole: 3x3x3 at once; factored: (2+1)D, within a slice and then from slice to slice."""
    pool: Literal["mean", "max"] = "mean"
    """What the head is told of each of the last maps: its mean, or its largest value, for which one place is enough."""
    stem: Annotated[int, Ge(1)] = 64
    """Channels of the stem and the first stage, 64 in the paper; each later stage has twice as many."""
    channels: Annotated[int, Ge(1)] = 3
    """1 for what a scanner measures, 3 for a clip in colour."""
    classes: Annotated[int, Ge(1)] = 400
    """How many numbers come out, one per class."""
    depth: Annotated[int, Ge(SMALLEST[0])] = 16
    """Preferred slices or frames; every depth from 8 on works."""
    height: Annotated[int, Ge(SMALLEST[1])] = 112
    """Preferred rows; every size from 16 on works."""
    width: Annotated[int, Ge(SMALLEST[2])] = 112
    """Preferred columns."""

    def ports(self) -> Ports:
        return Ports(Volume(self.channels, self.depth, self.height, self.width), Vector(self.classes))

    def fitted(self, ports: Ports) -> "ResNet3DConfig":
        found = volume_asked("resnet3d", ports, least=SMALLEST)
        classes = classes_asked("resnet3d", ports)
        size = {"depth": found.depth, "height": found.height, "width": found.width}
        return replace(self, channels=found.channels, classes=classes, **size)

    def build(self) -> "ResNet3D":
        return ResNet3D(self)


class ResNet3D(nn.Module):
    """volume (B, C, D, H, W) -> logits (B, K)"""

    head: ClassVar[str] = "fc"

    def __init__(self, config: ResNet3DConfig):
        super().__init__()
        make = factored if config.kernel == "factored" else whole
        wide = 4 if config.unit == "bottleneck" else 1
        n1, n2, n3, n4 = config.units
        c1, c2, c3, c4 = (config.stem * times for times in (1, 2, 4, 8))
        self.stem = stem_of(config)
        self.layer1 = stage(make, n1, c1, c1, wide, stride=1)
        self.layer2 = stage(make, n2, c1 * wide, c2, wide, stride=2)
        self.layer3 = stage(make, n3, c2 * wide, c3, wide, stride=2)
        self.layer4 = stage(make, n4, c3 * wide, c4, wide, stride=2)
        self.whole = WHOLE[config.pool](dims=3)
        self.fc = Dense(c4 * wide, config.classes)
        for module in self.modules():
            if isinstance(module, Conv):  # keeps the spread of the gradients through rectifiers (arXiv:1502.01852)
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, volume: Tensor) -> Tensor:
        x = self.stem(volume)  # (B, 64, D, H/2, W/2)

        x = self.layer1(x)  # (B, 64 or 256, D, H/2, W/2)
        x = self.layer2(x)  # (B, 128 or 512, D/2, H/4, W/4)
        x = self.layer3(x)
        x = self.layer4(x)  # (B, 512 or 2048, D/8, H/16, W/16)

        return self.fc(self.whole(x).flatten(1))  # (B, K)

    def stages(self) -> list[str]:
        return ["layer1", "layer2", "layer3", "layer4"]


class Unit(nn.Module):
    """Convolutions beside a shortcut, and a rectifier behind their sum; `convs` are called conv1, conv2, conv3."""

    def __init__(self, convs: list[nn.Sequential], downsample: nn.Module | None):
        super().__init__()
        for number, conv in enumerate(convs, start=1):
            self.add_module(f"conv{number}", conv)
        self.depth = len(convs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        for number in range(1, self.depth + 1):
            x = self.get_submodule(f"conv{number}")(x)
        return self.relu(x + shortcut)


def whole(inputs: int, outputs: int, middle: int, stride: int) -> nn.Module:
    """A 3x3x3 convolution at once."""
    return Conv(inputs, outputs, kernel=3, stride=stride, padding=1, bias=False, dims=3)


def factored(inputs: int, outputs: int, middle: int, stride: int) -> nn.Module:
    """The same taken apart."""
    return FactoredConv(inputs, outputs, middle=middle, stride=stride)


def stem_of(config: ResNet3DConfig) -> nn.Sequential:
    """7x7 within a slice with every second place kept, three slices deep."""
    inputs, outputs = config.channels, config.stem
    if config.kernel == "whole":
        conv = Conv(inputs, outputs, kernel=(3, 7, 7), stride=(1, 2, 2), padding=(1, 3, 3), bias=False, dims=3)
        return nn.Sequential(conv, BatchNorm(outputs, dims=3), nn.ReLU(inplace=True))
    return nn.Sequential(
        Conv(inputs, STEM_MIDDLE, kernel=(1, 7, 7), stride=(1, 2, 2), padding=(0, 3, 3), bias=False, dims=3),
        BatchNorm(STEM_MIDDLE, dims=3),
        nn.ReLU(inplace=True),
        Conv(STEM_MIDDLE, outputs, kernel=(3, 1, 1), padding=(1, 0, 0), bias=False, dims=3),
        BatchNorm(outputs, dims=3),
        nn.ReLU(inplace=True),
    )


def stage(make: Make, count: int, inputs: int, width: int, wide: int, *, stride: int) -> nn.Sequential:
    """`count` units; the first halves every axis and changes the channels, so its shortcut is a projection."""
    outputs = width * wide
    first = unit(make, inputs, width, wide, stride)
    return nn.Sequential(first, *(unit(make, outputs, width, wide, 1) for _ in range(count - 1)))


def unit(make: Make, inputs: int, width: int, wide: int, stride: int) -> Unit:
    """Two convolutions, or a bottleneck where what comes out is `wide` times the width."""
    outputs, middle = width * wide, between(inputs, width)
    projection = None
    if stride != 1 or inputs != outputs:
        conv = Conv(inputs, outputs, kernel=1, stride=stride, bias=False, dims=3)
        projection = nn.Sequential(conv, BatchNorm(outputs, dims=3))
    if wide == 1:
        convs = [_then(make(inputs, width, middle, stride)), _then(make(width, width, middle, 1), relu=False)]
        return Unit([nn.Sequential(*convs[0]), nn.Sequential(*convs[1])], projection)
    narrow, wider = (Conv(*sides, kernel=1, bias=False, dims=3) for sides in ((inputs, width), (width, outputs)))
    convs = [_then(narrow), _then(make(width, width, middle, stride)), _then(wider, relu=False)]
    return Unit([nn.Sequential(*conv) for conv in convs], projection)


def _then(conv: nn.Module, relu: bool = True) -> list[nn.Module]:
    """A convolution with its normalisation, and a rectifier where one follows."""
    last = conv[-1] if isinstance(conv, FactoredConv) else conv
    norm = BatchNorm(last.outputs, dims=3)  # pyright: ignore
    return [conv, norm, nn.ReLU(inplace=True)] if relu else [conv, norm]


CATALOGUE = {
    "resnet3d18": ResNet3DConfig(unit="basic", units=(2, 2, 2, 2)),
    "resnet3d34": ResNet3DConfig(unit="basic", units=(3, 4, 6, 3)),
    "resnet3d50": ResNet3DConfig(unit="bottleneck", units=(3, 4, 6, 3)),
    "resnet2p1d18": ResNet3DConfig(unit="basic", units=(2, 2, 2, 2), kernel="factored"),
    "resnet2p1d34": ResNet3DConfig(unit="basic", units=(3, 4, 6, 3), kernel="factored"),
}
