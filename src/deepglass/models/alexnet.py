"""AlexNet in one tower (Krizhevsky 2014, arXiv:1404.5997): five convolutions, three dense layers, dropout.

image (B, 3, 224, 224) -> features (B, 256, 6, 6) -> 4096 -> 4096 -> logits (B, 1000);  61,100,840 parameters

    224      55      27       13       13       13      6
    image ─► 64 ──► 192 ──► 384 ──► 256 ──► 256 ──► pool ─► 4096 ─► 4096 ─► 1000
         11x11/4  5x5     3x3     3x3     3x3        dropout  dropout
            pool  pool

The form that public weights have: parameters are named features.0.weight ... classifier.6.bias. The network of 2012,
split in two halves and with local response normalisation, is alexnet_2012.
"""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from annotated_types import Ge, Lt
from torch import Tensor, nn

from deepglass.blocks.conv import Conv
from deepglass.blocks.dense import Dense
from deepglass.blocks.pool import GlobalPool, MaxPool
from deepglass.foundation.ports import Image, Ports, Vector
from deepglass.models.contract import classes_asked, picture_asked

SMALLEST = 63
"""Below this the last pool has nothing left to look at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AlexNetConfig:
    """One-tower AlexNet for pictures of at least 63x63."""

    channels: Annotated[int, Ge(1)] = 3
    """1 for grey, 3 for colour."""
    classes: Annotated[int, Ge(1)] = 1000
    """How many numbers come out, one per class."""
    height: Annotated[int, Ge(SMALLEST)] = 224
    """Preferred rows of the picture; other sizes work, the last maps are brought to 6x6."""
    width: Annotated[int, Ge(SMALLEST)] = 224
    """Preferred columns of the picture."""
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.5
    """Share of the dense layers' inputs silenced at random while training."""

    def ports(self) -> Ports:
        return Ports(Image(self.channels, self.height, self.width), Vector(self.classes))

    def fitted(self, ports: Ports) -> "AlexNetConfig":
        found = picture_asked("alexnet", ports, least=SMALLEST)
        classes = classes_asked("alexnet", ports)
        return replace(self, channels=found.channels, classes=classes, height=found.height, width=found.width)

    def build(self) -> "AlexNet":
        return AlexNet(self)


class AlexNet(nn.Module):
    """image (B, C, H, W) -> logits (B, K)"""

    head: ClassVar[str] = "classifier.6"

    def __init__(self, config: AlexNetConfig):
        super().__init__()
        self.features = nn.Sequential(
            Conv(config.channels, 64, kernel=11, stride=4, padding=2, dims=2),
            nn.ReLU(inplace=True),
            MaxPool(3, stride=2, dims=2),  # (B, 64, 27, 27)
            Conv(64, 192, kernel=5, padding=2, dims=2),
            nn.ReLU(inplace=True),
            MaxPool(3, stride=2, dims=2),  # (B, 192, 13, 13)
            Conv(192, 384, kernel=3, padding=1, dims=2),
            nn.ReLU(inplace=True),
            Conv(384, 256, kernel=3, padding=1, dims=2),
            nn.ReLU(inplace=True),
            Conv(256, 256, kernel=3, padding=1, dims=2),
            nn.ReLU(inplace=True),
            MaxPool(3, stride=2, dims=2),  # (B, 256, 6, 6)
        )
        self.avgpool = GlobalPool(6, dims=2)
        self.classifier = nn.Sequential(
            nn.Dropout(config.dropout),
            Dense(256 * 6 * 6, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(config.dropout),
            Dense(4096, 4096),
            nn.ReLU(inplace=True),
            Dense(4096, config.classes),
        )

    def forward(self, image: Tensor) -> Tensor:
        maps = self.avgpool(self.features(image))  # (B, 256, 6, 6)
        return self.classifier(maps.flatten(1))  # (B, K)

    def stages(self) -> list[str]:
        return ["features.2", "features.5", "features.7", "features.9", "features.11", "classifier.2", "classifier.5"]


CATALOGUE = {"alexnet": AlexNetConfig()}
