"""A translator that has seen pairs, and a judge of pairs (pix2pix, Isola 2017, arXiv:1611.07004).

image (B, C, H, W) -> generator, a U-Net -> image (B, C, H, W) from -1 to 1;   both -> discriminator -> verdicts

    image ─► 64 ───────────────────────────────────► 64 ─► tanh     convolutions 4x4 of stride 2 down, leaky relu;
              └─► 128 ────────────────────────► 128 ──┘             transposed ones up, relu; batch norm
                    └─► 256 ─ ... 512 ... ─► 256 ─┘
    image, made ─► 64 ─► 128 ─► 256 ─► 512 ─► a verdict for every 70 x 70 pixels: do these two belong together?

Eight halvings for 256x256 have 54,413,955 parameters, the judge 2,768,705. In the paper dropout goes on when pictures
are translated, as the only chance; here the same picture gives the same answer. pix2pix_small is narrow, for 64x64.
"""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, Le, Lt
from torch import Tensor, nn

from deepglass.blocks.conv import Conv
from deepglass.blocks.norm import BatchNorm
from deepglass.blocks.strided import HALVES, start_narrow
from deepglass.blocks.transposed import TransposedConv
from deepglass.foundation.ports import Image, Players, PortMismatch, Ports
from deepglass.models.contract import described, picture_asked

WIDEST = 8  # maps grow to so many times those at half the picture's size
FORGETS = 4  # the level from which on maps are silenced while training, but for the deepest
NAMES = ("generator", "discriminator")


@dataclass(frozen=True, kw_only=True, slots=True)
class Pix2PixConfig:
    """A U-Net of strided convolutions and a judge of patches."""

    halvings: Annotated[int, Ge(2), Le(10)] = 8
    """How often the picture is halved on its way down, as far as its sides divide by two."""
    features: Annotated[int, Ge(1)] = 64
    """Maps of the translator at half the picture's size, twice as many at each smaller one, up to eight times."""
    judged: Annotated[int, Ge(1)] = 64
    """Maps of the judge's first layer."""
    layers: Annotated[int, Ge(1), Le(6)] = 3
    """How often the judge halves the pictures: with 3 a verdict is on 70x70 pixels, with 2 on 34x34."""
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.5
    """Share of the deepest maps silenced at random while training."""
    channels: Annotated[int, Ge(1)] = 3
    """1 for grey, 3 for colour."""
    height: Annotated[int, Ge(4)] = 256
    """Rows of the picture."""
    width: Annotated[int, Ge(4)] = 256
    """Columns of the picture."""

    def ports(self) -> Ports:
        picture = Image(self.channels, self.height, self.width)
        return Ports(picture, Players(NAMES, picture))

    def fitted(self, ports: Ports) -> "Pix2PixConfig":
        if not isinstance(ports.gives, Players) or ports.gives.names != NAMES:
            raise PortMismatch("models.gives_translations", model="pix2pix", asked=described(ports.gives))
        picture = picture_asked("pix2pix", ports, least=3 * 2**self.layers)
        sizes = {"height": picture.height, "width": picture.width}
        halvings = min(self.halvings, *((side & -side).bit_length() - 1 for side in sizes.values()))
        if halvings < 2:
            raise PortMismatch("models.not_in_fours", model="pix2pix", **sizes)
        return replace(self, channels=picture.channels, halvings=halvings, **sizes)

    def build(self) -> "Pix2Pix":
        return Pix2Pix(self)


class Pix2Pix(nn.Module):
    """image (B, C, H, W) -> the mean verdict on it beside its translation (B, 1)"""

    head: ClassVar[str] = "discriminator.verdict"

    def __init__(self, config: Pix2PixConfig):
        super().__init__()
        self.generator = Translator(config)
        self.discriminator = Judge(config)
        start_narrow(self)

    def forward(self, image: Tensor) -> Tensor:
        return self.discriminator(image, self.generator(image)).mean((2, 3))

    def stages(self) -> list[str]:
        return [*(f"generator.down.{level}" for level in range(len(self.generator.down))), "generator"]


class Translator(nn.Module):
    """image (B, C, H, W) -> image (B, C, H, W), both from -1 to 1"""

    def __init__(self, config: Pix2PixConfig):
        super().__init__()
        count = config.halvings
        widths = [config.features * min(WIDEST, 2**level) for level in range(count)]
        self.down = nn.ModuleList([Conv(config.channels, widths[0], **HALVES)])
        for level in range(1, count):
            norm = [BatchNorm(widths[level], dims=2)] if level < count - 1 else []
            self.down.append(nn.Sequential(nn.LeakyReLU(0.2), Conv(widths[level - 1], widths[level], **HALVES), *norm))
        self.up = nn.ModuleList()
        for level in reversed(range(1, count)):  # the way up from each level to the one above
            inputs, after = widths[level] * (1 if level == count - 1 else 2), widths[level - 1]
            dropped = [nn.Dropout(config.dropout)] if FORGETS <= level < count - 1 else []
            grow = TransposedConv(inputs, after, **HALVES)
            self.up.append(nn.Sequential(nn.ReLU(), grow, BatchNorm(after, dims=2), *dropped))
        last = TransposedConv(2 * widths[0], config.channels, kernel=4, stride=2, padding=1, dims=2)
        self.end = nn.Sequential(nn.ReLU(), last, nn.Tanh())

    def forward(self, image: Tensor) -> Tensor:
        bridges: list[Tensor] = []
        maps = image
        for shrink in self.down:
            maps = shrink(maps)  # (B, W 2^level, H / 2^(level + 1), ...)
            bridges.append(maps)
        for grow, bridge in zip(self.up, bridges[-2::-1], strict=True):
            maps = torch.cat([bridge, grow(maps)], dim=1)
        return self.end(maps)


class Judge(nn.Module):
    """image and another (B, C, H, W) -> a verdict for every patch of both (B, 1, h, w)"""

    def __init__(self, config: Pix2PixConfig):
        super().__init__()
        widths = [config.judged * min(WIDEST, 2**level) for level in range(config.layers + 1)]
        first = Conv(2 * config.channels, widths[0], kernel=4, stride=2, padding=1, dims=2)
        layers: list[nn.Module] = [first, nn.LeakyReLU(0.2)]
        for level in range(1, config.layers + 1):
            stride = 2 if level < config.layers else 1
            conv = Conv(widths[level - 1], widths[level], kernel=4, stride=stride, padding=1, dims=2, bias=False)
            layers += [conv, BatchNorm(widths[level], dims=2), nn.LeakyReLU(0.2)]
        self.seen = nn.Sequential(*layers)
        self.verdict = Conv(widths[-1], 1, kernel=4, padding=1, dims=2)

    def forward(self, image: Tensor, other: Tensor) -> Tensor:
        return self.verdict(self.seen(torch.cat([image, other], dim=1)))


CATALOGUE = {
    "pix2pix": Pix2PixConfig(),
    "pix2pix_small": Pix2PixConfig(halvings=5, features=24, judged=24, layers=2, height=64, width=64),
}
