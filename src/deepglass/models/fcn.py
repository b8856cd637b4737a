"""FCN (Long 2015, arXiv:1411.4038): a classifier asked at every place, its coarse answers sharpened by finer maps.

image (B, 3, H, W) -> backbone -> maps at strides 8, 16, 32 -> scores -> logits (B, K, H, W)

    stride 32 ── 1x1 ──► K ── x2 ──┐
    stride 16 ── 1x1 ──► K ─────── + ── x2 ──┐
    stride  8 ── 1x1 ──► K ───────────────── + ── x8 ──► K

    fcn    23,597,471 parameters on ResNet-50 for 21 classes

It is the paper's FCN-8s on a residual network: the two doublings begin as bilinear interpolation and are learned, the
last step is bilinear. Any size from 32x32 on goes in: the picture is continued to the right and below to a whole number
of the coarsest places, and the logits are cut back.
"""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from annotated_types import Ge
from torch import Tensor, nn

from deepglass.blocks.conv import Conv
from deepglass.foundation.ports import Image, Map, Ports
from deepglass.models.contract import Trunk, picture_asked, pixels_asked

SMALLEST = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class FCNConfig:
    """A class for every pixel on any ResNet of the catalogue."""

    backbone: str = "resnet50"
    """The model of the catalogue that it stands on."""
    stem: Annotated[int, Ge(8)] = 64
    """Channels of the backbone's first stage; 64 is the paper's."""
    channels: Annotated[int, Ge(1)] = 3
    """1 for grey, 3 for colour."""
    classes: Annotated[int, Ge(1)] = 21
    """How many numbers come out for every pixel, one per class."""
    height: Annotated[int, Ge(SMALLEST)] = 512
    """Preferred rows of the picture; every size from 32 on works."""
    width: Annotated[int, Ge(SMALLEST)] = 512
    """Preferred columns of the picture."""

    def ports(self) -> Ports:
        return Ports(Image(self.channels, self.height, self.width), Map(self.classes))

    def fitted(self, ports: Ports) -> "FCNConfig":
        found = picture_asked("fcn", ports, least=SMALLEST)
        classes = pixels_asked("fcn", ports)
        return replace(self, channels=found.channels, classes=classes, height=found.height, width=found.width)

    def build(self, trunk: Trunk) -> "FCN":
        return FCN(self, trunk)


class FCN(nn.Module):
    """image (B, C, H, W) -> logits (B, K, H, W)"""

    head: ClassVar[str] = "scores"

    def __init__(self, config: FCNConfig, trunk: Trunk):
        super().__init__()
        self.backbone = trunk
        self.scores = Scores(trunk.widths, config.classes)
        self.coarsest, self.finest = trunk.strides[-1], trunk.strides[0]

    def forward(self, image: Tensor) -> Tensor:
        height, width = image.shape[2:]
        x = F.pad(image, (0, -width % self.coarsest, 0, -height % self.coarsest), mode="replicate")
        fine, middle, coarse = self.backbone(x)  # at strides 8, 16 and 32
        x = self.scores(fine, middle, coarse)  # (B, K, H/8, W/8)

        x = F.interpolate(x, scale_factor=self.finest, mode="bilinear", align_corners=False)
        return x[:, :, :height, :width]

    def stages(self) -> list[str]:
        return ["backbone.layer1", "backbone.layer2", "backbone.layer3", "backbone.layer4"]


class Scores(nn.Module):
    """What each map says of every class, the coarser ones made as fine as the finest and added up.

    (B, C_l, H_l, W_l), finest first, each twice as fine as the next -> (B, K, H_1, W_1)
    """

    def __init__(self, widths: tuple[int, ...], classes: int):
        super().__init__()
        self.each = nn.ModuleList(Conv(width, classes, kernel=1, dims=2) for width in widths)
        self.twice = nn.ModuleList(Twice(classes) for _ in widths[1:])
        for score in self.each:
            nn.init.normal_(score.weight, std=0.01)  # pyright: ignore
            nn.init.zeros_(score.bias)  # pyright: ignore

    def forward(self, *maps: Tensor) -> Tensor:
        *finer, x = [score(found) for score, found in zip(self.each, maps, strict=True)]
        for found, twice in zip(reversed(finer), reversed(self.twice), strict=True):
            x = found + twice(x)
        return x


class Twice(nn.Module):
    """Twice the size by a transposed convolution that begins as bilinear interpolation, class by class.

    (B, K, H, W) -> (B, K, 2H, 2W)
    """

    def __init__(self, classes: int):
        super().__init__()
        line = torch.tensor([0.25, 0.75, 0.75, 0.25])
        self.weight = nn.Parameter(torch.eye(classes)[:, :, None, None] * line[:, None] * line)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv_transpose2d(x, self.weight, stride=2, padding=1)


CATALOGUE = {"fcn": FCNConfig()}
