"""A classifier with a generator against it, for few labels and many pictures (Salimans et al. 2016, arXiv:1606.03498).

image (B, C, H, W) -> discriminator -> logits (B, K);   latent (B, Z) -> generator -> picture (B, C, H, W) from -1 to 1

    labelled   ─┐                                                               ┌─► which class: softmax of K logits
    unlabelled ─┼─► strided convolutions, dropout ─► F features ─► K logits ────┤
    made       ─┘                                        │                      └─► any at all: log Σ e^logit > 0
      ▲                                                  └── the generator matches their means over a batch
      └── strided transposed convolutions ◄── z ~ N(0, 1)

The discriminator has no batch norm, for labelled, unlabelled and made pictures would each be judged by the company they
came in, but dropout. Its features are the last maps place by place: their mean learned so slowly from few labels that
what tells real from made won. semi_gan_alone is that discriminator by itself, an ordinary classifier to compare with.
523,178 parameters for ten classes of 28x28, of which 176,106 classify.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from math import prod
from typing import Annotated, ClassVar

from annotated_types import Ge, Lt
from torch import Tensor, nn

from deepglass.blocks.conv import Conv
from deepglass.blocks.dense import Dense
from deepglass.blocks.strided import Grow, halvings
from deepglass.foundation.ports import Image, PortMismatch, Ports, Rivals, Vector
from deepglass.models.contract import classes_asked, described, halved_asked, picture_asked

LEAK = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class AloneConfig:
    """A discriminator that names classes, without a generator."""

    features: Annotated[int, Ge(1)] = 32
    """Maps at half the picture's size, of a generator too; twice as many at each smaller one."""
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.25
    """Share of the discriminator's maps silenced at random while training, between one halving and the next."""
    hidden: Annotated[float, Ge(0), Lt(1)] = 0.1
    """Share of the picture's points that the discriminator does not see while training."""
    classes: Annotated[int, Ge(2)] = 10
    """How many numbers come out, one per class."""
    channels: Annotated[int, Ge(1)] = 1
    """1 for grey, 3 for colour."""
    height: Annotated[int, Ge(8)] = 28
    """Rows of the picture."""
    width: Annotated[int, Ge(8)] = 28
    """Columns of the picture."""

    def ports(self) -> Ports:
        return Ports(Image(self.channels, self.height, self.width), Vector(self.classes))

    def fitted(self, ports: Ports) -> "AloneConfig":
        return replace(self, classes=classes_asked("semi_gan_alone", ports), **_sizes("semi_gan_alone", ports))

    def build(self) -> nn.Module:
        return Discriminator(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class SemiGANConfig(AloneConfig):
    """The same discriminator, and a generator against it."""

    latent: Annotated[int, Ge(1)] = 100
    """Numbers that a picture is made of."""

    def ports(self) -> Ports:
        return Ports(Image(self.channels, self.height, self.width), Rivals(self.classes, self.latent))

    def fitted(self, ports: Ports) -> "SemiGANConfig":
        gives = ports.gives
        if not isinstance(gives, Rivals):
            raise PortMismatch("models.gives_rivals", model="semi_gan", asked=described(gives))
        return replace(self, latent=gives.latent, classes=gives.size, **_sizes("semi_gan", ports))

    def build(self) -> nn.Module:
        return SemiGAN(self)


def _sizes(model: str, ports: Ports) -> dict[str, int]:
    picture = picture_asked(model, ports, least=8)
    halved_asked(model, picture)
    return {"channels": picture.channels, "height": picture.height, "width": picture.width}


class SemiGAN(nn.Module):
    """image (B, C, H, W) -> logits (B, K); the generator stands beside it"""

    head: ClassVar[str] = "discriminator.known"

    def __init__(self, config: SemiGANConfig):
        super().__init__()
        self.generator = Grow(config.latent, config.channels, config.height, config.width, config.features)
        self.discriminator = Discriminator(config)

    def forward(self, image: Tensor) -> Tensor:
        return self.discriminator(image)

    def stages(self) -> list[str]:
        return [f"discriminator.{name}" for name in self.discriminator.stages()]


class Discriminator(nn.Module):
    """image (B, C, H, W) -> features (B, F) -> logits (B, K)"""

    head: ClassVar[str] = "known"

    def __init__(self, config: AloneConfig):
        super().__init__()
        count, smallest = halvings(config.height, config.width)
        widths = [config.channels, *(config.features << place for place in range(count + 1))]
        self.hidden = nn.Dropout(config.hidden)
        self.halves = nn.ModuleList()
        for place, (before, after) in enumerate(pairwise(widths)):
            dropped = [nn.Dropout(config.dropout)] if place else []
            conv = Conv(before, after, kernel=4, stride=2, padding=1, dims=2)
            self.halves.append(nn.Sequential(*dropped, _started(conv), nn.LeakyReLU(LEAK)))
        seen = widths[-1] * prod(side // 2 for side in smallest)
        self.known = _started(Dense(seen, config.classes))

    def features(self, image: Tensor) -> Tensor:
        """What the generator's pictures are matched by. (B, F)"""
        maps = self.hidden(image)
        for halve in self.halves:
            maps = halve(maps)  # (B, W, H / 2, W / 2), then twice the maps at half of that
        return maps.flatten(1)

    def forward(self, image: Tensor) -> Tensor:
        return self.known(self.features(image))

    def stages(self) -> list[str]:
        return [f"halves.{place}" for place in range(len(self.halves))]


def _started(layer: Conv | Dense) -> Conv | Dense:
    """Weights by which numbers keep their spread behind a leaky rectifier (He 2015); those of classes start small."""
    nn.init.kaiming_normal_(layer.weight, a=LEAK if isinstance(layer, Conv) else 3.0)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


CATALOGUE = {"semi_gan": SemiGANConfig(), "semi_gan_alone": AloneConfig()}
