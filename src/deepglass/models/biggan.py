"""BigGAN (Brock, Donahue & Simonyan 2019, arXiv:1809.11096): residual networks that are told a class at every level.

latent (B, Z), class (B,) -> generator -> picture (B, C, S, S) from -1 to 1 -> discriminator -> verdict (B, 1)

    z = z0 z1 z2 ...        class ─► shared vector ─┬─ beside z1 ─┬─ beside z2 ─┬─ ...    scale and shift of the norms
        │                                           ▼             ▼             ▼
        └► dense ─► 4 x 4 ────────────────────► residual ──► residual ──► residual ─ ... ─► norm, relu, conv, tanh
                                                 (x 2)         (x 2)        (x 2)   attention       │
    verdict = dense(φ) + class · φ ◄─ sum over places ◄─ relu ◄─ residual halvings ◄────────────────┘

Every kernel and matrix but the shared vectors is held by its spectral norm. At 128x128, with 96 features, 120 numbers
and the 1000 classes of ImageNet, the generator has 70,433,988 parameters and the discriminator 87,982,370, as the
authors' own PyTorch program counts them. The maps of each size are that program's too; its pictures of 32x32 have
equally many maps at every size and no attention.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from annotated_types import Ge
from torch import Tensor, nn

from deepglass.blocks.conditional_norm import ConditionalNorm
from deepglass.blocks.conv import Conv
from deepglass.blocks.dense import Dense
from deepglass.blocks.norm import BatchNorm
from deepglass.blocks.self_attention import SelfAttention
from deepglass.blocks.spectral_norm import SpectralNorm
from deepglass.foundation.ports import Image, Latent, Players, Ports
from deepglass.models.contract import players_asked, square_asked

SMALLEST = 4  # places a side that the generator begins with
WIDTHS = {  # maps in units of `features`: before the generator's first unit and after each, from 4 x 4 on
    32: (4, 4, 4, 4),
    64: (16, 16, 8, 4, 2),
    128: (16, 16, 8, 4, 2, 1),
    256: (16, 16, 8, 8, 4, 2, 1),
}
JUDGED = {  # maps behind each of the discriminator's units
    32: (4, 4, 4, 4),
    64: (1, 2, 4, 8, 16),
    128: (1, 2, 4, 8, 16, 16),
    256: (1, 2, 4, 8, 8, 16, 16),
}
HALVINGS = {32: 2, 64: 4, 128: 5, 256: 6}  # so many of these units halve the picture, the first ones


@dataclass(frozen=True, kw_only=True, slots=True)
class BigGANConfig:
    """How wide the maps are, and how a class is told."""

    latent: Annotated[int, Ge(7)] = 120
    """Numbers that a picture is made of: a share for the beginning and one for each level."""
    classes: Annotated[int, Ge(1)] = 1000
    """Different classes."""
    features: Annotated[int, Ge(1)] = 96
    """Maps at the picture's size; more at smaller ones."""
    shared: Annotated[int, Ge(1)] = 128
    """Numbers that all levels of the generator know a class by."""
    attention: Annotated[int, Ge(0)] = 64
    """Side of the maps in which every place looks at all others; where no maps are of it, none do."""
    channels: Annotated[int, Ge(1)] = 3
    """1 for grey, 3 for colour."""
    height: Annotated[int, Ge(32)] = 128
    """Rows of the picture; as many as columns."""
    width: Annotated[int, Ge(32)] = 128
    """Columns of the picture."""

    def ports(self) -> Ports:
        picture = Image(self.channels, self.height, self.width)
        return Ports(Latent(self.latent, self.classes), Players(("generator", "discriminator"), picture))

    def fitted(self, ports: Ports) -> "BigGANConfig":
        takes, picture = players_asked("biggan", ports, classes=True)
        square_asked("biggan", picture, tuple(WIDTHS))
        sizes = {"channels": picture.channels, "height": picture.height, "width": picture.width}
        return replace(self, latent=takes.size, classes=takes.classes, **sizes)

    def build(self) -> "BigGAN":
        return BigGAN(self)


class BigGAN(nn.Module):
    """latent (B, Z), class int64 (B,) -> verdict (B, 1) on the picture that is made of them"""

    head: ClassVar[str] = "discriminator.verdict"

    def __init__(self, config: BigGANConfig):
        super().__init__()
        self.generator = Generator(config)
        self.discriminator = Discriminator(config)
        start_orthogonal(self)

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        return self.discriminator(self.generator(latent, label), label)

    def stages(self) -> list[str]:
        return ["generator", "discriminator.shrink"]


class Generator(nn.Module):
    """latent (B, Z), class (B,) -> picture (B, C, S, S) from -1 to 1"""

    def __init__(self, config: BigGANConfig):
        super().__init__()
        widths = [times * config.features for times in WIDTHS[config.height]]
        self.classes, self.first = config.classes, (widths[0], SMALLEST, SMALLEST)
        self.share = config.latent // len(widths)  # of the numbers, for each unit; the beginning takes what is left
        self.begins = config.latent - self.share * (len(widths) - 1)
        self.known = Dense(config.classes, config.shared, bias=False)
        self.begin = SpectralNorm(Dense(self.begins, widths[0] * SMALLEST**2))
        told = config.shared + self.share
        self.units = nn.ModuleList([Doubled(before, after, told) for before, after in _pairs(widths)])
        sides = [SMALLEST << place for place in range(1, len(widths))]
        looks = {side: width for side, width in zip(sides, widths[1:], strict=True) if side == config.attention}
        self.attend = nn.ModuleDict({str(side): SelfAttention(width) for side, width in looks.items()})
        self.finish = nn.Sequential(
            BatchNorm(widths[-1], dims=2), nn.ReLU(), SpectralNorm(_conv(widths[-1], config.channels)), nn.Tanh()
        )

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        known = self.known(F.one_hot(label, self.classes).to(latent))  # (B, F)
        first, *others = latent.split([self.begins, *[self.share] * len(self.units)], dim=1)
        maps = self.begin(first).unflatten(1, self.first)
        for unit, own in zip(self.units, others, strict=True):
            maps = unit(maps, torch.cat([known, own], dim=1))
            if (side := str(maps.shape[2])) in self.attend:
                maps = self.attend[side](maps)
        return self.finish(maps)


class Doubled(nn.Module):
    """A residual unit of twice as many places a side. (B, C, H, W), told (B, F) -> (B, K, 2 H, 2 W)"""

    def __init__(self, inputs: int, outputs: int, told: int):
        super().__init__()
        self.norm1, self.norm2 = (_norm(channels, told) for channels in (inputs, outputs))
        self.conv1, self.conv2 = (SpectralNorm(_conv(channels, outputs)) for channels in (inputs, outputs))
        self.shortcut = SpectralNorm(_conv(inputs, outputs, kernel=1))

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        hidden = F.interpolate(torch.relu(self.norm1(x, told)), scale_factor=2)  # nearest
        hidden = self.conv2(torch.relu(self.norm2(self.conv1(hidden), told)))
        return hidden + self.shortcut(F.interpolate(x, scale_factor=2))


class Discriminator(nn.Module):
    """picture (B, C, S, S), class (B,) -> verdict (B, 1): above 0 where it looks real and of this class"""

    def __init__(self, config: BigGANConfig):
        super().__init__()
        self.classes, side = config.classes, config.height
        widths = [config.channels, *(times * config.features for times in JUDGED[side])]
        layers: list[nn.Module] = []
        for place, (before, after) in enumerate(_pairs(widths)):
            layers.append(Judging(before, after, halve=place < HALVINGS[side], bent=place > 0))
            if place < HALVINGS[side] and side >> (place + 1) == config.attention:
                layers.append(SelfAttention(after))
        self.shrink = nn.Sequential(*layers)
        self.verdict = SpectralNorm(Dense(widths[-1], 1))
        self.of_class = SpectralNorm(Dense(config.classes, widths[-1], bias=False))

    def forward(self, picture: Tensor, label: Tensor) -> Tensor:
        features = torch.relu(self.shrink(picture)).sum((2, 3))  # (B, φ)
        known = self.of_class(F.one_hot(label, self.classes).to(features))
        return self.verdict(features) + (known * features).sum(1, keepdim=True)


class Judging(nn.Module):
    """A residual unit of half as many places a side, or as many. (B, C, H, W) -> (B, K, H / 2, W / 2)

    The first is handed the picture as it is: nothing is bent before it, and its shortcut is halved first.
    """

    def __init__(self, inputs: int, outputs: int, *, halve: bool, bent: bool):
        super().__init__()
        self.halve, self.bent = halve, bent
        self.conv1, self.conv2 = (SpectralNorm(_conv(channels, outputs)) for channels in (inputs, outputs))
        changes = halve or inputs != outputs
        self.shortcut = SpectralNorm(_conv(inputs, outputs, kernel=1)) if changes else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.conv1(torch.relu(x) if self.bent else x)
        hidden = self.conv2(torch.relu(hidden))
        if not self.halve:
            return hidden + self.shortcut(x)
        beside = F.avg_pool2d(self.shortcut(x), 2) if self.bent else self.shortcut(F.avg_pool2d(x, 2))
        return F.avg_pool2d(hidden, 2) + beside


@torch.no_grad()
def start_orthogonal(module: nn.Module) -> None:
    """Every kernel and matrix begins with rows, or columns, at right angles (appendix C of the paper)."""
    for part in module.modules():
        if isinstance(part, Conv | Dense) and not part.weight.is_meta:
            nn.init.orthogonal_(part.weight)


def _norm(channels: int, told: int) -> ConditionalNorm:
    return ConditionalNorm(channels, *(SpectralNorm(Dense(told, channels, bias=False)) for _ in range(2)))


def _conv(inputs: int, outputs: int, *, kernel: int = 3) -> Conv:
    return Conv(inputs, outputs, kernel=kernel, padding=kernel // 2, dims=2)


def _pairs(widths: list[int]) -> Iterator[tuple[int, int]]:
    return zip(widths, widths[1:], strict=False)


CATALOGUE = {"biggan": BigGANConfig()}
