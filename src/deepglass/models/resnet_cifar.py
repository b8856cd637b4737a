"""ResNet for small pictures (He 2015, arXiv:1512.03385, sec. 4.2): three stages of n units, 6n + 2 layers.

image (B, 3, 32, 32) -> 16 maps -> layer1 16 -> layer2 32 -> layer3 64 (B, 64, 8, 8) -> mean -> logits (B, 10)

    3x3 ──► n units ──► n units ──► n units ──► mean ──► dense
    16      16, 32x32   32, 16x16   64, 8x8

    resnet20  n = 3   269,722       resnet56  n = 9   853,018       resnet110  n = 18   1,727,962

Where a stage changes the shape, the shortcut takes every second pixel and fills the new channels with zeros: it has no
parameters (option A), so plain and residual networks can be compared at equal size.
"""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from annotated_types import Ge
from torch import Tensor, nn

from deepglass.blocks.conv import Conv
from deepglass.blocks.dense import Dense
from deepglass.blocks.norm import BatchNorm
from deepglass.blocks.pool import GlobalPool
from deepglass.blocks.residual import BasicUnit, PaddedShortcut
from deepglass.foundation.ports import Image, Ports, Vector
from deepglass.models.contract import classes_asked, picture_asked

SMALLEST = 8
"""Below this the last stage has less than two pixels a side."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CifarResNetConfig:
    """A residual network of three stages of equally many units."""

    units: Annotated[int, Ge(1)]
    """Units of each stage; the network has 6 * units + 2 layers."""
    channels: Annotated[int, Ge(1)] = 3
    """1 for grey, 3 for colour."""
    classes: Annotated[int, Ge(1)] = 10
    """How many numbers come out, one per class."""
    height: Annotated[int, Ge(SMALLEST)] = 32
    """Preferred rows of the picture; every size from 8 on works."""
    width: Annotated[int, Ge(SMALLEST)] = 32
    """Preferred columns of the picture."""

    def ports(self) -> Ports:
        return Ports(Image(self.channels, self.height, self.width), Vector(self.classes))

    def fitted(self, ports: Ports) -> "CifarResNetConfig":
        name = f"resnet{6 * self.units + 2}"
        found = picture_asked(name, ports, least=SMALLEST)
        classes = classes_asked(name, ports)
        return replace(self, channels=found.channels, classes=classes, height=found.height, width=found.width)

    def build(self) -> "CifarResNet":
        return CifarResNet(self)


class CifarResNet(nn.Module):
    """image (B, C, H, W) -> logits (B, K)"""

    head: ClassVar[str] = "fc"

    def __init__(self, config: CifarResNetConfig):
        super().__init__()
        self.conv1 = Conv(config.channels, 16, kernel=3, padding=1, bias=False, dims=2)
        self.bn1 = BatchNorm(16, dims=2)
        self.relu = nn.ReLU(inplace=True)
        self.layer1 = nn.Sequential(*(BasicUnit(16, 16) for _ in range(config.units)))
        self.layer2 = halving_stage(config.units, 16, 32)
        self.layer3 = halving_stage(config.units, 32, 64)
        self.avgpool = GlobalPool(dims=2)
        self.fc = Dense(64, config.classes)
        for module in self.modules():
            if isinstance(module, Conv):  # keeps the spread of the signal through rectifiers (arXiv:1502.01852)
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, image: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(image)))  # (B, 16, H, W)

        x = self.layer1(x)  # (B, 16, H, W)
        x = self.layer2(x)  # (B, 32, H/2, W/2)
        x = self.layer3(x)  # (B, 64, H/4, W/4)

        x = self.avgpool(x).flatten(1)  # (B, 64)
        return self.fc(x)  # (B, K)

    def stages(self) -> list[str]:
        return ["layer1", "layer2", "layer3"]


def halving_stage(units: int, inputs: int, outputs: int) -> nn.Sequential:
    """Units of which the first halves the map and doubles the channels."""
    first = BasicUnit(inputs, outputs, stride=2, downsample=PaddedShortcut(inputs, outputs, stride=2))
    return nn.Sequential(first, *(BasicUnit(outputs, outputs) for _ in range(units - 1)))


CATALOGUE = {
    "resnet20": CifarResNetConfig(units=3),
    "resnet56": CifarResNetConfig(units=9),
    "resnet110": CifarResNetConfig(units=18),
}
