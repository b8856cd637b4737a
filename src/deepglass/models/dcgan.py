"""Adversarial networks of strided convolutions (DCGAN, Radford, Metz & Chintala 2016, arXiv:1511.06434).

latent (B, Z) -> generator -> picture (B, C, H, W) from -1 to 1 -> discriminator -> verdict (B, 1)

    z ─► 512 x 4 x 4 ─► 256 x 8 x 8 ─► 128 x 16 x 16 ─► 64 x 32 x 32 ─► 3 x 64 x 64      batch norm, relu; tanh
                                                                              │
    verdict ◄─ 512 x 4 x 4 ◄─ 256 x 8 x 8 ◄─ 128 x 16 x 16 ◄─ 64 x 32 x 32 ◄──┘          batch norm, leaky relu

No pool and no dense layer. For 64x64, Z = 100 and 64 features the generator has 3,576,704 parameters and the
discriminator 2,765,568. Sides of 4 to 7 times a power of two: 28x28 begins with 7x7 places.
"""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from annotated_types import Ge
from torch import Tensor, nn

from deepglass.blocks.conv import Conv
from deepglass.blocks.strided import Grow, Shrink, start_narrow
from deepglass.foundation.ports import Image, Latent, Players, Ports
from deepglass.models.contract import halved_asked, players_asked


@dataclass(frozen=True, kw_only=True, slots=True)
class DCGANConfig:
    """Strided convolutions both ways."""

    latent: Annotated[int, Ge(1)] = 100
    """Numbers that a picture is made of."""
    features: Annotated[int, Ge(1)] = 64
    """Maps at half the picture's size, twice as many at each smaller one."""
    channels: Annotated[int, Ge(1)] = 3
    """1 for grey, 3 for colour."""
    height: Annotated[int, Ge(8)] = 64
    """Rows of the picture."""
    width: Annotated[int, Ge(8)] = 64
    """Columns of the picture."""

    def ports(self) -> Ports:
        picture = Image(self.channels, self.height, self.width)
        return Ports(Latent(self.latent), Players(("generator", "discriminator"), picture))

    def fitted(self, ports: Ports) -> "DCGANConfig":
        takes, picture = players_asked("dcgan", ports, classes=False)
        halved_asked("dcgan", picture)
        return replace(self, latent=takes.size, channels=picture.channels, height=picture.height, width=picture.width)

    def build(self) -> "DCGAN":
        return DCGAN(self)


class DCGAN(nn.Module):
    """latent (B, Z) -> verdict (B, 1) on the picture that is made of it"""

    head: ClassVar[str] = "discriminator.verdict"

    def __init__(self, config: DCGANConfig):
        super().__init__()
        picture = (config.channels, config.height, config.width)
        self.generator = Grow(config.latent, *picture, config.features)
        self.discriminator = Discriminator(picture, config.features)

    def forward(self, latent: Tensor) -> Tensor:
        return self.discriminator(self.generator(latent))

    def stages(self) -> list[str]:
        return ["generator", "discriminator.shrink"]


class Discriminator(nn.Module):
    """picture (B, C, H, W) -> verdict (B, 1): above 0 where it looks real"""

    def __init__(self, picture: tuple[int, int, int], features: int):
        super().__init__()
        self.shrink = Shrink(*picture, features)
        self.verdict = Conv(self.shrink.outputs, 1, kernel=self.shrink.smallest, dims=2, bias=False)
        start_narrow(self.verdict)

    def forward(self, picture: Tensor) -> Tensor:
        return self.verdict(self.shrink(picture)).flatten(1)


CATALOGUE = {"dcgan": DCGANConfig()}
