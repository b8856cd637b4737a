"""AlexNet as published (Krizhevsky, Sutskever, Hinton 2012): the network that made deep learning's name.

image (B, 3, 227, 227) -> features (B, 256, 6, 6) -> 4096 -> 4096 -> logits (B, 1000);  60,965,224 parameters

    227      55        27        13       13       13      6
    image ─► 48+48 ─► 128+128 ─► 384 ─► 192+192 ─► 128+128 ─► pool ─► 4096 ─► 4096 ─► 1000
         11x11/4   5x5        3x3    3x3       3x3         dropout  dropout
          norm pool  norm pool

It was spread over two graphics cards: in the second, fourth and fifth convolution each half sees only its own half of
the maps (groups=2). Neighbouring maps inhibit each other (local response normalisation), and pools overlap. The paper
says 224 where its arithmetic asks for 227. Other sizes from 67 on work: the
first dense layer is sized for what is left.
"""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from annotated_types import Ge, Lt
from torch import Tensor, nn

from deepglass.blocks.conv import Conv
from deepglass.blocks.dense import Dense
from deepglass.blocks.norm import LocalResponseNorm
from deepglass.blocks.pool import MaxPool
from deepglass.foundation.ports import Image, Ports, Vector
from deepglass.graph.shape import Shape, flatten
from deepglass.models.contract import classes_asked, picture_asked

SMALLEST = 67
"""Below this the last pool has nothing left to look at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AlexNet2012Config:
    """The AlexNet of the paper."""

    channels: Annotated[int, Ge(1)] = 3
    """1 for grey, 3 for colour."""
    classes: Annotated[int, Ge(1)] = 1000
    """How many numbers come out, one per class."""
    height: Annotated[int, Ge(SMALLEST)] = 227
    """Rows of the picture; the first dense layer is built for them."""
    width: Annotated[int, Ge(SMALLEST)] = 227
    """Columns of the picture."""
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.5
    """Share of hidden dense units silenced at random while training."""

    def ports(self) -> Ports:
        return Ports(Image(self.channels, self.height, self.width), Vector(self.classes))

    def fitted(self, ports: Ports) -> "AlexNet2012Config":
        found = picture_asked("alexnet_2012", ports, least=SMALLEST)
        classes = classes_asked("alexnet_2012", ports)
        return replace(self, channels=found.channels, classes=classes, height=found.height, width=found.width)

    def build(self) -> "AlexNet2012":
        return AlexNet2012(self)


class AlexNet2012(nn.Module):
    """image (B, C, H, W) -> logits (B, K)"""

    head: ClassVar[str] = "classifier.6"

    def __init__(self, config: AlexNet2012Config):
        super().__init__()
        self.features = nn.Sequential(
            Conv(config.channels, 96, kernel=11, stride=4, dims=2),
            nn.ReLU(),
            LocalResponseNorm(),
            MaxPool(3, stride=2, dims=2),  # (B, 96, 27, 27)
            Conv(96, 256, kernel=5, padding=2, groups=2, dims=2),
            nn.ReLU(),
            LocalResponseNorm(),
            MaxPool(3, stride=2, dims=2),  # (B, 256, 13, 13)
            Conv(256, 384, kernel=3, padding=1, dims=2),
            nn.ReLU(),
            Conv(384, 384, kernel=3, padding=1, groups=2, dims=2),
            nn.ReLU(),
            Conv(384, 256, kernel=3, padding=1, groups=2, dims=2),
            nn.ReLU(),
            MaxPool(3, stride=2, dims=2),  # (B, 256, 6, 6)
        )
        _, left = flatten(self._maps((1, config.channels, config.height, config.width)))
        self.classifier = nn.Sequential(
            Dense(left, 4096),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            Dense(4096, 4096),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            Dense(4096, config.classes),
        )
        self._start()

    def _maps(self, shape: Shape) -> Shape:
        """What the features make of a picture of this shape, by the blocks' own rules."""
        for layer in self.features:
            if isinstance(layer, Conv | MaxPool):
                shape = layer.out_shape(shape)
        return shape

    def _start(self) -> None:
        """Weights N(0, 0.01²); biases 1 where it keeps the rectifiers awake in the first steps, else 0 (sec. 5)."""
        one = (self.features[4], self.features[10], self.features[12], self.classifier[0], self.classifier[3])
        for layer in (*self.features, *self.classifier):
            if isinstance(layer, Conv | Dense) and layer.bias is not None:
                nn.init.normal_(layer.weight, std=0.01)
                nn.init.constant_(layer.bias, 1.0 if layer in one else 0.0)

    def forward(self, image: Tensor) -> Tensor:
        maps = self.features(image)  # (B, 256, 6, 6)
        return self.classifier(maps.flatten(1))  # (B, K)

    def stages(self) -> list[str]:
        return ["features.3", "features.7", "features.9", "features.11", "features.13", "classifier.1", "classifier.4"]


CATALOGUE = {"alexnet_2012": AlexNet2012Config()}
