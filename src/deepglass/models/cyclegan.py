"""Two translators and two judges, for pictures of two kinds that nobody has paired (CycleGAN, Zhu 2017,
arXiv:1703.10593).

image of A -> generators.there -> image that could be of B -> generators.back -> the image of A again

        ┌────────── there ──────────┐        conv 7x7 ─► /2 ─► /4 ─► 9 residual units ─► x2 ─► x2 ─► conv 7x7, tanh
    A ──┤                           ├── B    (Johnson 2016, arXiv:1603.08155; instance norm, edges mirrored)
    │   └────────── back  ──────────┘   │
    judge of A                 judge of B    a verdict for every 70 x 70 pixels (PatchGAN, arXiv:1611.07004)

Pictures go from -1 to 1, height and width in fours. With 9 units a translator has 11,378,179 parameters and a judge
2,764,737; the paper takes 9 for 256x256 and 6 for 128x128. cyclegan_small is a narrow one for small pictures on a CPU:
its judges see 22 x 22 pixels.
"""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, Le
from torch import Tensor, nn

from deepglass.blocks.conv import Conv
from deepglass.blocks.instance_norm import InstanceNorm
from deepglass.blocks.transposed import TransposedConv
from deepglass.foundation.ports import Image, Players, PortMismatch, Ports
from deepglass.models.contract import described, picture_asked

SPREAD = 0.02  # of the weights' start
WIDEST = 8  # a judge's maps grow to so many times those of its first layer
NAMES = ("generators", "discriminators")


@dataclass(frozen=True, kw_only=True, slots=True)
class CycleGANConfig:
    """Two residual translators and two judges of patches."""

    blocks: Annotated[int, Ge(1)] = 9
    """Residual units of a translator, at a quarter of the picture's size."""
    features: Annotated[int, Ge(1)] = 64
    """Maps of a translator at the picture's own size; four times as many in the residual units."""
    judged: Annotated[int, Ge(1)] = 64
    """Maps of a judge's first layer, twice as many at each of the next, up to eight times as many."""
    layers: Annotated[int, Ge(1), Le(6)] = 3
    """How often a judge halves the picture: with 3 a verdict is on 70x70 pixels, with 2 on 34x34, with 1 on 16x16."""
    channels: Annotated[int, Ge(1)] = 3
    """1 for grey, 3 for colour."""
    height: Annotated[int, Ge(8)] = 256
    """Rows of the picture."""
    width: Annotated[int, Ge(8)] = 256
    """Columns of the picture."""

    def ports(self) -> Ports:
        picture = Image(self.channels, self.height, self.width)
        return Ports(picture, Players(NAMES, picture))

    def fitted(self, ports: Ports) -> "CycleGANConfig":
        if not isinstance(ports.gives, Players) or ports.gives.names != NAMES:
            raise PortMismatch("models.gives_translations", model="cyclegan", asked=described(ports.gives))
        picture = picture_asked("cyclegan", ports, least=3 * 2**self.layers)
        if picture.height % 4 or picture.width % 4:
            sizes = {"height": picture.height, "width": picture.width}
            raise PortMismatch("models.not_in_fours", model="cyclegan", **sizes)
        return replace(self, channels=picture.channels, height=picture.height, width=picture.width)

    def build(self) -> "CycleGAN":
        return CycleGAN(self)


class CycleGAN(nn.Module):
    """image of A (B, C, H, W) -> the mean verdict on it there and back again (B, 1)"""

    head: ClassVar[str] = "discriminators.there.verdict"

    def __init__(self, config: CycleGANConfig):
        super().__init__()
        self.generators = nn.ModuleDict({way: Translator(config) for way in ("there", "back")})
        self.discriminators = nn.ModuleDict({way: Judge(config) for way in ("there", "back")})
        _start(self)

    def forward(self, image: Tensor) -> Tensor:
        made = self.generators["there"](image)
        again = self.generators["back"](made)
        verdicts = self.discriminators["there"](made), self.discriminators["back"](again)
        return (verdicts[0].mean((2, 3)) + verdicts[1].mean((2, 3))) / 2

    def stages(self) -> list[str]:
        return ["generators.there", "generators.back"]


class Translator(nn.Module):
    """image (B, C, H, W) -> image (B, C, H, W), both from -1 to 1"""

    def __init__(self, config: CycleGANConfig):
        super().__init__()
        c, w = config.channels, config.features
        self.begin = nn.Sequential(*_mirrored(c, w, 7), *_settled(w))
        self.shrink = nn.Sequential(
            *(Conv(w, 2 * w, kernel=3, stride=2, padding=1, dims=2), *_settled(2 * w)),  # (B, 2W, H / 2, W / 2)
            *(Conv(2 * w, 4 * w, kernel=3, stride=2, padding=1, dims=2), *_settled(4 * w)),
        )
        self.units = nn.Sequential(*(Unit(4 * w) for _ in range(config.blocks)))
        self.grow = nn.Sequential(
            *(TransposedConv(4 * w, 2 * w, kernel=3, stride=2, padding=1, beyond=1, dims=2), *_settled(2 * w)),
            *(TransposedConv(2 * w, w, kernel=3, stride=2, padding=1, beyond=1, dims=2), *_settled(w)),
        )
        self.end = nn.Sequential(*_mirrored(w, c, 7), nn.Tanh())

    def forward(self, image: Tensor) -> Tensor:
        maps = self.shrink(self.begin(image))  # (B, 4W, H / 4, W / 4)
        return self.end(self.grow(self.units(maps)))


class Unit(nn.Module):
    """(B, C, H, W) -> the same: what two convolutions add to it, the second without a rectifier"""

    def __init__(self, channels: int):
        super().__init__()
        self.change = nn.Sequential(
            *(*_mirrored(channels, channels, 3), *_settled(channels)),
            *(*_mirrored(channels, channels, 3), InstanceNorm(channels, dims=2)),
        )

    def forward(self, maps: Tensor) -> Tensor:
        return maps + self.change(maps)


class Mirrored(nn.Module):
    """A map continued beyond its edges by what lies before them, mirrored. (B, C, H, W) -> (B, C, H + 2P, W + 2P)

    Of strips turned round, for the slope of torch's own on a GPU is not the same every time.
    """

    def __init__(self, by: int):
        super().__init__()
        self.by = by

    def forward(self, x: Tensor) -> Tensor:
        for axis in (2, 3):
            before = x.narrow(axis, 1, self.by).flip(axis)
            behind = x.narrow(axis, x.shape[axis] - 1 - self.by, self.by).flip(axis)
            x = torch.cat([before, x, behind], axis)
        return x


class Judge(nn.Module):
    """image (B, C, H, W) -> a verdict for every patch (B, 1, h, w): above 0.5 for "real" as least squares have it"""

    def __init__(self, config: CycleGANConfig):
        super().__init__()
        w, layers = config.judged, list[nn.Module]()
        before, last = config.channels, 2**config.layers
        for factor in [2**place for place in range(config.layers)]:
            after = w * min(WIDEST, factor)
            norm = [InstanceNorm(after, dims=2)] if factor > 1 else []
            layers += [Conv(before, after, kernel=4, stride=2, padding=1, dims=2), *norm, nn.LeakyReLU(0.2)]
            before = after
        after = w * min(WIDEST, last)
        layers += [Conv(before, after, kernel=4, padding=1, dims=2), InstanceNorm(after, dims=2), nn.LeakyReLU(0.2)]
        self.seen = nn.Sequential(*layers)
        self.verdict = Conv(after, 1, kernel=4, padding=1, dims=2)

    def forward(self, image: Tensor) -> Tensor:
        return self.verdict(self.seen(image))


def _mirrored(inputs: int, outputs: int, kernel: int) -> tuple[nn.Module, nn.Module]:
    """A convolution of the same size that finds the picture mirrored beyond its edge."""
    return Mirrored(kernel // 2), Conv(inputs, outputs, kernel=kernel, dims=2)


def _settled(channels: int) -> tuple[nn.Module, nn.Module]:
    return InstanceNorm(channels, dims=2), nn.ReLU()


@torch.no_grad()
def _start(network: nn.Module) -> None:
    """Every weight from N(0, 0.02²), biases 0."""
    for part in network.modules():
        if isinstance(part, Conv | TransposedConv):
            part.weight.normal_(0.0, SPREAD)
            if part.bias is not None:
                part.bias.zero_()


CATALOGUE = {
    "cyclegan": CycleGANConfig(),
    "cyclegan_small": CycleGANConfig(blocks=3, features=24, judged=32, layers=2, height=64, width=64),
}
