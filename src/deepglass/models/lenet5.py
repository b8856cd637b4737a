"""LeNet-5 (LeCun 1998), the modern form: two convolutions find strokes, three dense layers name the digit.

image (B, 1, 32, 32) -> C 6 -> pool -> C 16 -> pool -> 120 -> 84 -> logits (B, 10);  61,706 parameters

    32x32      28x28       14x14       10x10       5x5
    image ──► 6 maps ──► 6 maps ──► 16 maps ──► 16 maps ──► 120 ──► 84 ──► 10
          5x5        mean        5x5         mean       dense   dense  dense

Modern: the pools are plain means, every map of the second convolution sees all six of the first, and the output is
linear. The form of the paper is lenet5_1998.
"""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from annotated_types import Ge
from torch import Tensor, nn

from deepglass.blocks.activation import Activation, activation, start_weights
from deepglass.blocks.conv import Conv
from deepglass.blocks.dense import Dense
from deepglass.blocks.pool import AveragePool
from deepglass.foundation.ports import Image, Ports, Vector
from deepglass.models.contract import classes_asked, picture_asked


@dataclass(frozen=True, kw_only=True, slots=True)
class LeNet5Config:
    """LeNet-5 for pictures of 32x32."""

    channels: Annotated[int, Ge(1)] = 1
    """1 for grey, 3 for colour."""
    classes: Annotated[int, Ge(1)] = 10
    """How many numbers come out, one per class."""
    activation: Activation = "tanh"
    """What follows every layer but the pools and the last."""

    def ports(self) -> Ports:
        return Ports(Image(self.channels, 32, 32), Vector(self.classes))

    def fitted(self, ports: Ports) -> "LeNet5Config":
        picture = picture_asked("lenet5", ports, exactly=32)
        return replace(self, channels=picture.channels, classes=classes_asked("lenet5", ports))

    def build(self) -> "LeNet5":
        return LeNet5(self)


class LeNet5(nn.Module):
    """image (B, C, 32, 32) -> logits (B, K)"""

    head: ClassVar[str] = "digit.5"

    def __init__(self, config: LeNet5Config):
        super().__init__()
        act = config.activation
        self.strokes = nn.Sequential(
            Conv(config.channels, 6, kernel=5, dims=2),
            activation(act),
            AveragePool(2, dims=2),  # (B, 6, 14, 14)
            Conv(6, 16, kernel=5, dims=2),
            activation(act),
            AveragePool(2, dims=2),  # (B, 16, 5, 5)
        )
        self.digit = nn.Sequential(
            nn.Flatten(), Dense(400, 120), activation(act), Dense(120, 84), activation(act), Dense(84, config.classes)
        )
        for layer in (*self.strokes, *self.digit):
            if isinstance(layer, Conv | Dense):
                start_weights(layer, "identity" if layer is self.digit[-1] else act)

    def forward(self, image: Tensor) -> Tensor:
        features = self.strokes(image)  # (B, 16, 5, 5)
        return self.digit(features)  # (B, K)

    def stages(self) -> list[str]:
        return ["strokes.2", "strokes.4", "digit.2", "digit.4"]


CATALOGUE = {"lenet5": LeNet5Config()}
