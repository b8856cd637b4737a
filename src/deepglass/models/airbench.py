"""The network of the quickest published trainings on CIFAR-10 (Jordan 2024, arXiv:2404.00498; 94 % in eight epochs).

image (B, 3, 32, 32) -> whitening 24, 31x31 -> 64, 15x15 -> 256, 7x7 -> 256, 3x3 -> largest -> logits (B, 10)

    2x2 ──► gelu ──► group 1 ──► group 2 ──► group 3 ──► max ──► dense
    fixed            64          256         256

    a group:  3x3 ──► max 2x2 ──► norm ──► gelu ──► 3x3 ──► norm ──► gelu

Three things make it quick to train: its first convolution is computed from the training pictures (`start_from`), its
other kernels start as the identity on the channels they have in common, and its normalisation has no learned scale.
The logits start small: the published network divides them by the last width, here the head's start is divided, which
with rates divided by the width's square is the same arithmetic.
"""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from annotated_types import Ge, MinLen
from torch import Tensor, nn

from deepglass.blocks.conv import Conv
from deepglass.blocks.dense import Dense
from deepglass.blocks.norm import BatchNorm
from deepglass.blocks.pool import GlobalMaxPool, MaxPool
from deepglass.blocks.whitening import Whitening
from deepglass.foundation.ports import Image, Ports, Vector
from deepglass.models.contract import classes_asked, picture_asked

Width = Annotated[int, Ge(1)]


@dataclass(frozen=True, kw_only=True, slots=True)
class AirbenchConfig:
    """A whitening convolution, groups that halve the map, and a dense head."""

    widths: Annotated[tuple[Width, ...], MinLen(1)] = (64, 256, 256)
    """Channels of each group."""
    channels: Annotated[int, Ge(1)] = 3
    """1 for grey, 3 for colour."""
    classes: Annotated[int, Ge(1)] = 10
    """How many numbers come out, one per class."""
    height: Annotated[int, Ge(1)] = 32
    """Preferred rows of the picture; every size from 9 on works with three groups."""
    width: Annotated[int, Ge(1)] = 32
    """Preferred columns of the picture."""

    def ports(self) -> Ports:
        return Ports(Image(self.channels, self.height, self.width), Vector(self.classes))

    def fitted(self, ports: Ports) -> "AirbenchConfig":
        found = picture_asked("airbench94", ports, least=2 ** len(self.widths) + 1)
        classes = classes_asked("airbench94", ports)
        return replace(self, channels=found.channels, classes=classes, height=found.height, width=found.width)

    def build(self) -> "Airbench":
        return Airbench(self)


class Group(nn.Module):
    """Two convolutions; the map is halved after the first. (B, inputs, H, W) -> (B, outputs, H / 2, W / 2)"""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.conv1 = identity_conv(inputs, outputs)
        self.pool = MaxPool(2, dims=2)
        self.norm1 = quick_norm(outputs)
        self.conv2 = identity_conv(outputs, outputs)
        self.norm2 = quick_norm(outputs)
        self.gelu = nn.GELU()

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.conv1(x))  # (B, outputs, H/2, W/2)
        x = self.gelu(self.norm1(x))
        return self.gelu(self.norm2(self.conv2(x)))


class Airbench(nn.Module):
    """image (B, C, H, W) -> logits (B, K)"""

    head: ClassVar[str] = "fc"

    def __init__(self, config: AirbenchConfig):
        super().__init__()
        self.whitening = Whitening(config.channels)
        self.gelu = nn.GELU()
        inputs = (self.whitening.outputs, *config.widths[:-1])
        self.groups = nn.Sequential(*(Group(a, b) for a, b in zip(inputs, config.widths, strict=True)))
        self.pool = GlobalMaxPool(dims=2)
        self.fc = Dense(config.widths[-1], config.classes, bias=False)
        bound = 3**0.5 / config.widths[-1]  # a spread of 1 / width
        nn.init.uniform_(self.fc.weight, -bound, bound)

    def forward(self, image: Tensor) -> Tensor:
        x = self.gelu(self.whitening(image))  # (B, 24, H-1, W-1)

        x = self.groups(x)  # (B, 256, H/8, W/8)

        x = self.pool(x).flatten(1)  # (B, 256)
        return self.fc(x)  # (B, K)

    def start_from(self, inputs: Tensor) -> None:
        """The fixed first convolution, from training pictures as the network will see them. (N, C, H, W)"""
        self.whitening.fit(inputs)

    def stages(self) -> list[str]:
        return [f"groups.{place}" for place in range(len(self.groups))]


def identity_conv(inputs: int, outputs: int) -> Conv:
    """A 3x3 convolution that at first hands its input on in its first channels; the other kernels start by chance."""
    conv = Conv(inputs, outputs, kernel=3, padding=1, bias=False, dims=2)
    nn.init.dirac_(conv.weight.data[:inputs])
    return conv


def quick_norm(channels: int) -> BatchNorm:
    """Running statistics that follow within a few steps, because there are only two hundred of them."""
    return BatchNorm(channels, dims=2, epsilon=1e-12, momentum=0.4, scale=False)


CATALOGUE = {"airbench94": AirbenchConfig()}
