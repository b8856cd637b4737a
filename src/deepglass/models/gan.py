"""Two networks against each other, the first adversarial ones (Goodfellow et al. 2014, arXiv:1406.2661).

latent (B, Z) -> generator -> picture (B, C, H, W) from -1 to 1 -> discriminator -> verdict (B, 1): above 0 for "real"

    z ~ N(0, 1)                          real pictures
        │                                     │
    dense ► relu ► dense ► relu ► dense ► tanh ► picture ► maxout ► maxout ► dense ► real or made?
    └─────────── generator ────────────┘         └────────── discriminator ─────────┘

Only dense layers: a rectifier network makes the picture, a maxout network with dropout judges it, as in the paper's
experiments on digits. 3,735,425 parameters for pictures of 28x28 (2,503,984 of them the generator's).
"""

from dataclasses import dataclass, replace
from math import prod
from typing import Annotated, ClassVar

from annotated_types import Ge, Lt
from torch import Tensor, nn

from deepglass.blocks.dense import Dense
from deepglass.blocks.maxout import Maxout
from deepglass.foundation.ports import Image, Latent, Players, Ports
from deepglass.models.contract import players_asked


@dataclass(frozen=True, kw_only=True, slots=True)
class GANConfig:
    """A generator of rectifiers and a discriminator of maxout units."""

    latent: Annotated[int, Ge(1)] = 100
    """Numbers that a picture is made of."""
    hidden: Annotated[int, Ge(1)] = 1200
    """Units of each of the generator's two hidden layers."""
    judged: Annotated[int, Ge(1)] = 240
    """Units of each of the discriminator's two hidden layers."""
    pieces: Annotated[int, Ge(2)] = 5
    """Linear pieces of a maxout unit."""
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.3
    """Share of the discriminator's hidden units silenced at random while training."""
    channels: Annotated[int, Ge(1)] = 1
    """1 for grey, 3 for colour."""
    height: Annotated[int, Ge(1)] = 28
    """Rows of the picture."""
    width: Annotated[int, Ge(1)] = 28
    """Columns of the picture."""

    def ports(self) -> Ports:
        return Ports(
            Latent(self.latent), Players(("generator", "discriminator"), Image(self.channels, self.height, self.width))
        )

    def fitted(self, ports: Ports) -> "GANConfig":
        takes, picture = players_asked("gan", ports, classes=False)
        return replace(self, latent=takes.size, channels=picture.channels, height=picture.height, width=picture.width)

    def build(self) -> "GAN":
        return GAN(self)


class GAN(nn.Module):
    """latent (B, Z) -> verdict (B, 1) on the picture that is made of it"""

    head: ClassVar[str] = "discriminator.verdict"

    def __init__(self, config: GANConfig):
        super().__init__()
        picture = (config.channels, config.height, config.width)
        self.generator = Generator(config.latent, config.hidden, picture)
        self.discriminator = Discriminator(picture, config)

    def forward(self, latent: Tensor) -> Tensor:
        return self.discriminator(self.generator(latent))

    def stages(self) -> list[str]:
        return ["generator", "discriminator.first", "discriminator.second"]


class Generator(nn.Module):
    """latent (B, Z) -> picture (B, C, H, W) from -1 to 1"""

    def __init__(self, latent: int, hidden: int, picture: tuple[int, int, int]):
        super().__init__()
        self.picture = picture
        self.layers = nn.Sequential(
            *(Dense(latent, hidden), nn.ReLU(), Dense(hidden, hidden), nn.ReLU(), Dense(hidden, prod(picture))),
            nn.Tanh(),
        )

    def forward(self, latent: Tensor) -> Tensor:
        return self.layers(latent).unflatten(1, self.picture)


class Discriminator(nn.Module):
    """picture (B, C, H, W) -> verdict (B, 1)"""

    def __init__(self, picture: tuple[int, int, int], config: GANConfig):
        super().__init__()
        self.first = Maxout(prod(picture), config.judged, pieces=config.pieces)
        self.second = Maxout(config.judged, config.judged, pieces=config.pieces)
        self.dropout = nn.Dropout(config.dropout)
        self.verdict = Dense(config.judged, 1)

    def forward(self, picture: Tensor) -> Tensor:
        hidden = self.dropout(self.first(picture.flatten(1)))
        return self.verdict(self.dropout(self.second(hidden)))


CATALOGUE = {"gan": GANConfig()}
