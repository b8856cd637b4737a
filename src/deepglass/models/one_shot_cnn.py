"""The network that finds again what it has seen once: convolutions, and a dense head that still sees where things are.

After the two halves of Koch et al. 2015, "Siamese Neural Networks for One-shot Image Recognition", in today's form: 3x3
kernels and batch normalisation, fewer and narrower layers.

image (B, C, 64, 64) -> 32 maps of 32x32 -> 64 of 16x16 -> 128 of 8x8 -> all of their places -> vector (B, 128)

    3x3 ──► norm ──► relu ──► max 2x2     three times, 32, 64 and 128 maps;  1,142,176 parameters

A mean over the maps, as residual networks take it, forgets where an eye or a corner is: on faces of people who were
never learned, told apart by one picture each, it finds fewer than the raw pixels do (records/2026-11-27-search.md).
"""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from annotated_types import Ge, Lt, MinLen
from torch import Tensor, nn

from deepglass.blocks.activation import start_weights
from deepglass.blocks.conv import Conv
from deepglass.blocks.dense import Dense
from deepglass.blocks.norm import BatchNorm
from deepglass.blocks.pool import MaxPool
from deepglass.foundation.ports import Image, Ports, Vector
from deepglass.models.contract import classes_asked, picture_asked


@dataclass(frozen=True, kw_only=True, slots=True)
class OneShotCNNConfig:
    """Convolutions that halve the picture, and a dense head over all their places."""

    widths: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1)] = (32, 64, 128)
    """Maps of each layer; each halves the picture."""
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.3
    """Share of all places silenced at random while training."""
    channels: Annotated[int, Ge(1)] = 3
    """1 for grey, 3 for colour."""
    classes: Annotated[int, Ge(1)] = 128
    """How many numbers come out: of a vector, or one per class."""
    height: Annotated[int, Ge(1)] = 64
    """Rows of the picture."""
    width: Annotated[int, Ge(1)] = 64
    """Columns of the picture."""

    def ports(self) -> Ports:
        return Ports(Image(self.channels, self.height, self.width), Vector(self.classes))

    def fitted(self, ports: Ports) -> "OneShotCNNConfig":
        found = picture_asked("one_shot_cnn", ports, least=1 << len(self.widths))
        classes = classes_asked("one_shot_cnn", ports)
        return replace(self, channels=found.channels, classes=classes, height=found.height, width=found.width)

    def build(self) -> "OneShotCNN":
        return OneShotCNN(self)


class OneShotCNN(nn.Module):
    """image (B, C, H, W) -> vector (B, K)"""

    head: ClassVar[str] = "output"

    def __init__(self, config: OneShotCNNConfig):
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(
                Conv(inputs, maps, kernel=3, padding=1, bias=False, dims=2),
                BatchNorm(maps, dims=2),
                nn.ReLU(),
                MaxPool(2, dims=2),
            )
            for inputs, maps in zip((config.channels, *config.widths), config.widths, strict=False)
        )
        shrunk = 1 << len(config.widths)
        places = (config.height // shrunk) * (config.width // shrunk)
        self.places = nn.Sequential(nn.Flatten(), nn.Dropout(config.dropout))
        self.output = Dense(config.widths[-1] * places, config.classes)
        for module in self.modules():
            if isinstance(module, Conv):
                start_weights(module, "relu")

    def forward(self, image: Tensor) -> Tensor:
        x = image
        for layer in self.layers:
            x = layer(x)  # (B, maps, H / 2, W / 2)
        return self.output(self.places(x))  # (B, K)

    def stages(self) -> list[str]:
        return [f"layers.{place}" for place in range(len(self.layers))]


CATALOGUE = {"one_shot_cnn": OneShotCNNConfig()}
