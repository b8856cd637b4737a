"""FCOS: every place of a feature pyramid says what stands there and how far its edges are (Tian 2019,
arXiv:1904.01355).

image (B, 3, H, W) -> backbone -> maps at strides 8, 16, 32 -> pyramid -> the same head on each -> (B, P, K + 4)

                         ┌─ conv, norm, relu ... ──► K logits a place
    P3, P4, P5 ── each ──┤
                         └─ conv, norm, relu ... ──► left, top, right, bottom in strides, through softplus

The head is FCOS's without its third output: how well a box fits is in its class' logit (arXiv:2108.07755).
Places come row by row, finest map first. Pictures of any size from 32x32 on work.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from annotated_types import Ge, MultipleOf
from torch import Tensor, nn

from deepglass.blocks.conv import Conv
from deepglass.blocks.pyramid import FeaturePyramid
from deepglass.foundation.ports import Image, Places, PortMismatch, Ports
from deepglass.models.contract import Trunk, described, picture_asked

SMALLEST = 32
STRIDES = (8, 16, 32)
GROUPS = 16
RARE = 0.01
"""What every place says of every class at first: almost all of them see nothing (arXiv:1708.02002, section 4.1)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FCOSConfig:
    """A detector on any ResNet of the catalogue."""

    backbone: str = "resnet50"
    """The model of the catalogue that it stands on."""
    stem: Annotated[int, Ge(8)] = 64
    """Channels of the backbone's first stage; 64 is the paper's."""
    features: Annotated[int, Ge(GROUPS), MultipleOf(GROUPS)] = 256
    """Channels of the pyramid and the head."""
    depth: Annotated[int, Ge(1)] = 4
    """Convolutions before each output of the head."""
    channels: Annotated[int, Ge(1)] = 3
    """1 for grey, 3 for colour."""
    classes: Annotated[int, Ge(1)] = 80
    """How many kinds of things are told apart."""
    height: Annotated[int, Ge(SMALLEST)] = 640
    """Preferred rows of the picture; every size from 32 on works."""
    width: Annotated[int, Ge(SMALLEST)] = 640
    """Preferred columns of the picture."""

    def ports(self) -> Ports:
        return Ports(Image(self.channels, self.height, self.width), Places(self.classes, STRIDES))

    def fitted(self, ports: Ports) -> "FCOSConfig":
        if not isinstance(ports.gives, Places) or ports.gives.strides != STRIDES:
            raise PortMismatch("models.gives_places", model="fcos", asked=described(ports.gives))
        found = picture_asked("fcos", ports, least=SMALLEST)
        classes = ports.gives.classes
        return replace(self, channels=found.channels, classes=classes, height=found.height, width=found.width)

    def build(self, trunk: Trunk) -> "FCOS":
        return FCOS(self, trunk)


class FCOS(nn.Module):
    """image (B, C, H, W) -> (B, P, K + 4)"""

    head: ClassVar[str] = "towers"

    def __init__(self, config: FCOSConfig, trunk: Trunk):
        super().__init__()
        self.backbone = trunk
        self.pyramid = FeaturePyramid(trunk.widths, config.features)
        self.towers = Head(config)

    def forward(self, image: Tensor) -> Tensor:
        levels = self.pyramid(*self.backbone(image))  # P3, P4, P5: (B, features, H/8, W/8) ...
        return self.towers(levels)  # (B, P, K + 4)

    def stages(self) -> list[str]:
        return ["backbone.layer1", "backbone.layer2", "backbone.layer3", "backbone.layer4"]

    def levels(self) -> list[str]:
        return [f"pyramid.smooth.{level}" for level in range(len(STRIDES))]  # P3, P4, P5


class Head(nn.Module):
    """The same two towers on every level.

    maps (B, features, H, W), finest first -> (B, P, K + 4)
    """

    def __init__(self, config: FCOSConfig):
        super().__init__()
        self.what, self.where = Tower(config, config.classes), Tower(config, 4)
        nn.init.constant_(self.what.out.bias, -math.log((1 - RARE) / RARE))  # pyright: ignore

    def forward(self, levels: Sequence[Tensor]) -> Tensor:
        what = torch.cat([self.what(level).flatten(2) for level in levels], 2)  # (B, K, P)
        where = torch.cat([self.where(level).flatten(2) for level in levels], 2)  # (B, 4, P)
        return torch.cat([what, F.softplus(where)], 1).mT


class Tower(nn.Module):
    """`depth` convolutions of one width, then one that gives the outputs; the same on every level.

    (B, width, H, W) -> (B, outputs, H, W)
    """

    def __init__(self, config: FCOSConfig, outputs: int):
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(config.depth):
            conv = Conv(config.features, config.features, kernel=3, padding=1, bias=False, dims=2)
            layers += [conv, nn.GroupNorm(GROUPS, config.features), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers)
        self.out = Conv(config.features, outputs, kernel=3, padding=1, dims=2)
        for module in self.modules():
            if isinstance(module, Conv):
                nn.init.normal_(module.weight, std=0.01)
        nn.init.zeros_(self.out.bias)  # pyright: ignore

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.layers(x))


CATALOGUE = {"fcos": FCOSConfig()}
