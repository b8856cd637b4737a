"""ResNet for ImageNet (He 2015, arXiv:1512.03385): shortcuts let gradients reach 152 layers deep.

image (B, 3, 224, 224) -> stem (B, 64, 56, 56) -> layer1 ... layer4 (B, C, 7, 7) -> mean -> logits (B, 1000)

    stem       layer1    layer2     layer3     layer4
    7x7/2 ──►  n1 units  n2 units   n3 units   n4 units ──► mean ──► dense
    pool/2     56x56     28x28      14x14      7x7
                 x ──┬── conv ... conv ── + ── relu
                     └──── shortcut ──────┘

    resnet18   2 2 2 2    basic       11,689,512        resnet101  3 4 23 3   bottleneck  44,549,160
    resnet34   3 4 6 3    basic       21,797,672        resnet152  3 8 36 3   bottleneck  60,192,808
    resnet50   3 4 6 3    bottleneck  25,557,032

The stride of a bottleneck stands in its 3x3 ("v1.5") and parameters have the names of public weights: conv1, bn1,
layer1.0.conv1, ..., fc. Pictures of any size from 32x32 on and with any number of channels work.
"""

from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Len
from torch import Tensor, nn

from deepglass.blocks.conv import Conv
from deepglass.blocks.dense import Dense
from deepglass.blocks.norm import BatchNorm
from deepglass.blocks.pool import GlobalPool, MaxPool
from deepglass.blocks.residual import BasicUnit, Bottleneck, ProjectionShortcut
from deepglass.foundation.ports import Image, Ports, Vector
from deepglass.models.contract import classes_asked, picture_asked

SMALLEST = 32
"""Below this the four stages have less than one pixel to work on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ResNetConfig:
    """A residual network of four stages."""

    unit: Literal["basic", "bottleneck"]
    """basic: two 3x3 convolutions; bottleneck: 1x1, 3x3, 1x1 with four times the channels."""
    units: Annotated[tuple[Annotated[int, Ge(1)], ...], Len(4, 4)]
    """How many units each stage has."""
    stem: Annotated[int, Ge(1)] = 64
    """Channels of the stem and the first stage, 64 in the paper; each later stage has twice as many."""
    channels: Annotated[int, Ge(1)] = 3
    """1 for grey, 3 for colour."""
    classes: Annotated[int, Ge(1)] = 1000
    """How many numbers come out, one per class."""
    height: Annotated[int, Ge(SMALLEST)] = 224
    """Preferred rows of the picture; every size from 32 on works."""
    width: Annotated[int, Ge(SMALLEST)] = 224
    """Preferred columns of the picture."""

    def ports(self) -> Ports:
        return Ports(Image(self.channels, self.height, self.width), Vector(self.classes))

    def fitted(self, ports: Ports) -> "ResNetConfig":
        found = picture_asked("resnet", ports, least=SMALLEST)
        classes = classes_asked("resnet", ports)
        return replace(self, channels=found.channels, classes=classes, height=found.height, width=found.width)

    def build(self) -> "ResNet":
        return ResNet(self)

    def trunk(self, channels: int, stem: int) -> "ResNetTrunk":
        """What stands below the head, as a backbone for pictures with so many channels."""
        return ResNetTrunk(replace(self, channels=channels, stem=stem))


class ResNetTrunk(nn.Module):
    """image (B, C, H, W) -> the maps of layer2, layer3 and layer4, for what stands on a ResNet"""

    strides: ClassVar[tuple[int, ...]] = (8, 16, 32)

    def __init__(self, config: ResNetConfig):
        super().__init__()
        wide = 4 if config.unit == "bottleneck" else 1
        n1, n2, n3, n4 = config.units
        c1, c2, c3, c4 = (config.stem * times for times in (1, 2, 4, 8))
        self.conv1 = Conv(config.channels, c1, kernel=7, stride=2, padding=3, bias=False, dims=2)
        self.bn1 = BatchNorm(c1, dims=2)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = MaxPool(3, stride=2, padding=1, dims=2)
        self.layer1 = stage(config.unit, n1, c1, c1 * wide, stride=1)
        self.layer2 = stage(config.unit, n2, c1 * wide, c2 * wide, stride=2)
        self.layer3 = stage(config.unit, n3, c2 * wide, c3 * wide, stride=2)
        self.layer4 = stage(config.unit, n4, c3 * wide, c4 * wide, stride=2)
        self.widths = (c2 * wide, c3 * wide, c4 * wide)  # channels of the maps
        for module in self.modules():
            if isinstance(module, Conv):  # keeps the spread of the gradients through rectifiers (arXiv:1502.01852)
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, image: Tensor) -> Any:
        return self.maps(image)

    def maps(self, image: Tensor) -> list[Tensor]:
        """(B, 128 or 512, H/8, W/8), (B, 256 or 1024, H/16, W/16), (B, 512 or 2048, H/32, W/32)"""
        x = self.relu(self.bn1(self.conv1(image)))  # (B, 64, H/2, W/2)
        x = self.maxpool(x)  # (B, 64, H/4, W/4)

        x = self.layer1(x)  # (B, 64 or 256, H/4, W/4)
        fine = self.layer2(x)
        middle = self.layer3(fine)
        return [fine, middle, self.layer4(middle)]


class ResNet(ResNetTrunk):
    """image (B, C, H, W) -> logits (B, K)"""

    head: ClassVar[str] = "fc"

    def __init__(self, config: ResNetConfig):
        super().__init__(config)
        self.avgpool = GlobalPool(dims=2)
        self.fc = Dense(self.widths[-1], config.classes)

    def forward(self, image: Tensor) -> Tensor:
        x = self.maps(image)[-1]  # (B, 512 or 2048, H/32, W/32)
        x = self.avgpool(x).flatten(1)  # (B, 512 or 2048)
        return self.fc(x)  # (B, K)

    def stages(self) -> list[str]:
        return ["layer1", "layer2", "layer3", "layer4"]


def stage(unit: str, count: int, inputs: int, outputs: int, *, stride: int) -> nn.Sequential:
    """`count` units; the first halves the map and changes the channels, so its shortcut is a projection."""
    make = Bottleneck if unit == "bottleneck" else BasicUnit
    changes = stride != 1 or inputs != outputs
    projection = ProjectionShortcut(inputs, outputs, stride=stride) if changes else None
    first = make(inputs, outputs, stride=stride, downsample=projection)
    return nn.Sequential(first, *(make(outputs, outputs) for _ in range(count - 1)))


CATALOGUE = {
    "resnet18": ResNetConfig(unit="basic", units=(2, 2, 2, 2)),
    "resnet34": ResNetConfig(unit="basic", units=(3, 4, 6, 3)),
    "resnet50": ResNetConfig(unit="bottleneck", units=(3, 4, 6, 3)),
    "resnet101": ResNetConfig(unit="bottleneck", units=(3, 4, 23, 3)),
    "resnet152": ResNetConfig(unit="bottleneck", units=(3, 8, 36, 3)),
}
