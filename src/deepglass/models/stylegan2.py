"""StyleGAN2 (Karras et al. 2020, arXiv:1912.04958), configuration F: a picture is made by styles, from coarse to fine.

latent (B, Z) -> mapping -> w (B, W) -> synthesis -> picture (B, C, S, S) -> discriminator -> verdict (B, 1)

    z ─► 8 dense ─► w ──────┬───────────────┬───────────────┬───── ... a style for every layer
                            ▼               ▼               ▼
    constant 4 x 4 ─► conv ─┬─► up, 2 conv ─┬─► up, 2 conv ─┬─ ... ┐    noise beside each, bent upward by √2
                         to picture ─ up ─ + to picture ─ up ─ + ... ─► picture
                                                                      │
    verdict ◄─ dense, dense ◄─ conv ◄─ deviation ◄─ residual halvings ◄┘

At 1024x1024 the generator has 30,370,060 parameters (mapping 2,101,248, synthesis 28,268,812 with the 17 strengths of
noise; the noise itself, the filters and the running mean of w are none) and the discriminator 29,012,513.
"""

from dataclasses import dataclass, replace
from math import log2, sqrt
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from annotated_types import Ge, Gt, Le
from torch import Tensor, nn

from deepglass.blocks.activation import LiftedLeakyReLU
from deepglass.blocks.blur import Blur, BlurUp
from deepglass.blocks.deviation import MinibatchDeviation
from deepglass.blocks.equalised import EqualConv, EqualDense
from deepglass.blocks.modulated import ModulatedConv
from deepglass.foundation.ports import Image, Latent, Players, Ports
from deepglass.foundation.seeds import Draws
from deepglass.models.contract import players_asked, square_asked

SIDES = tuple(1 << power for power in range(3, 11))  # of the pictures it makes
MEAN = 0.995  # decay of the running mean of w


@dataclass(frozen=True, kw_only=True, slots=True)
class StyleGAN2Config:
    """How wide the maps are at every size, and what a style is made by."""

    latent: Annotated[int, Ge(1)] = 512
    """Numbers that a picture is made of."""
    classes: Annotated[int, Ge(0)] = 0
    """Different classes that may be asked for; none makes pictures without."""
    style: Annotated[int, Ge(1)] = 512
    """Numbers of a style."""
    depth: Annotated[int, Ge(1)] = 8
    """Dense layers of the mapping."""
    mapping_rate: Annotated[float, Gt(0), Le(1)] = 0.01
    """How much slower the mapping learns: a small change of it changes everything behind it."""
    base: Annotated[int, Ge(1)] = 32768
    """Maps times the side of the picture, at every size ..."""
    most: Annotated[int, Ge(1)] = 512
    """... but never more maps than this."""
    group: Annotated[int, Ge(1)] = 4
    """Rows whose deviation the discriminator sees."""
    channels: Annotated[int, Ge(1)] = 3
    """1 for grey, 3 for colour."""
    height: Annotated[int, Ge(8)] = 1024
    """Rows of the picture; as many as columns, a power of two."""
    width: Annotated[int, Ge(8)] = 1024
    """Columns of the picture."""

    def maps(self, side: int) -> int:
        """Maps at this size."""
        return max(1, min(self.base // side, self.most))

    def ports(self) -> Ports:
        picture = Image(self.channels, self.height, self.width)
        return Ports(Latent(self.latent, self.classes), Players(("generator", "discriminator"), picture))

    def fitted(self, ports: Ports) -> "StyleGAN2Config":
        takes, picture = players_asked("stylegan2", ports, classes=None, styled=True)
        square_asked("stylegan2", picture, SIDES)
        sizes = {"channels": picture.channels, "height": picture.height, "width": picture.width}
        return replace(self, latent=takes.size, classes=takes.classes, **sizes)

    def build(self) -> "StyleGAN2":
        return StyleGAN2(self)


class StyleGAN2(nn.Module):
    """latent (B, Z), and with classes int64 (B,) -> verdict (B, 1) on the picture that is made of them"""

    head: ClassVar[str] = "discriminator.verdict"

    def __init__(self, config: StyleGAN2Config):
        super().__init__()
        self.generator = Generator(config)
        self.discriminator = Discriminator(config)

    def forward(self, latent: Tensor, label: Tensor | None = None) -> Tensor:
        return self.discriminator(self.generator(latent, label), label)

    def stages(self) -> list[str]:
        return ["generator", "discriminator.shrink"]


class Generator(nn.Module):
    """latent (B, Z), class (B,) -> picture (B, C, S, S), mostly from -1 to 1

    other (B, Z), crossing (B,): from this share of the layers on the styles are those of another latent; at 1 none is.
    noise int64 (B,): a key for each row, from which its noise follows; without it all have the same noise.
    truncation: how far styles stay from their mean, 1 where they are.
    """

    def __init__(self, config: StyleGAN2Config):
        super().__init__()
        self.layers = 2 * int(log2(config.height)) - 2
        self.mapping = Mapping(config)
        self.synthesis = Synthesis(config)

    def forward(
        self,
        latent: Tensor,
        label: Tensor | None = None,
        *,
        other: Tensor | None = None,
        crossing: Tensor | None = None,
        noise: Tensor | None = None,
        truncation: float = 1.0,
    ) -> Tensor:
        styles = self.styles(latent, label, other=other, crossing=crossing, truncation=truncation)
        return self.synthesis(styles, noise)

    def styles(
        self,
        latent: Tensor,
        label: Tensor | None = None,
        *,
        other: Tensor | None = None,
        crossing: Tensor | None = None,
        truncation: float = 1.0,
    ) -> Tensor:
        """A style for each layer. (B, L, W)"""
        styles = self.mapping(latent, label)[:, None].expand(-1, self.layers, -1)
        if other is not None and crossing is not None:
            first = 1 + (crossing * (self.layers - 1)).floor()  # the coarsest layer is always the latent's own
            own = torch.arange(self.layers, device=latent.device) < first[:, None]  # (B, L)
            styles = torch.where(own[:, :, None], styles, self.mapping(other, label)[:, None])
        return styles if truncation == 1 else torch.lerp(self.mapping.mean.to(styles), styles, truncation)

    def affine(self) -> Tensor:
        """The matrices by which styles become scales of maps, of all convolutions, one below the other. (N, W)"""
        layers = [module.scales for module in self.modules() if isinstance(module, StyledConv)]
        return torch.cat([layer.weight / sqrt(layer.inputs) for layer in layers])


class Mapping(nn.Module):
    """latent (B, Z), class (B,) -> style (B, W)"""

    mean: Tensor

    def __init__(self, config: StyleGAN2Config):
        super().__init__()
        self.classes = config.classes
        self.known = EqualDense(config.classes, config.style) if config.classes else None
        layers: list[nn.Module] = []
        inputs = config.latent + (config.style if config.classes else 0)
        for _ in range(config.depth):
            layers += [EqualDense(inputs, config.style, rate=config.mapping_rate), LiftedLeakyReLU()]
            inputs = config.style
        self.layers = nn.Sequential(*layers)
        self.register_buffer("mean", torch.zeros(config.style))

    def forward(self, latent: Tensor, label: Tensor | None = None) -> Tensor:
        x = _unit(latent)
        if self.known is not None:
            assert label is not None
            x = torch.cat([x, _unit(self.known(F.one_hot(label, self.classes).to(x)))], dim=1)
        style = self.layers(x)
        if self.training:
            self.mean.lerp_(style.detach().float().mean(0), 1 - MEAN)
        return style


class Synthesis(nn.Module):
    """styles (B, L, W), noise int64 (B,) -> picture (B, C, S, S)"""

    def __init__(self, config: StyleGAN2Config):
        super().__init__()
        sides = [side for side in (4, *SIDES) if side <= config.height]
        self.start = nn.Parameter(torch.randn(config.maps(4), 4, 4))
        self.first = StyledConv(config.maps(4), config.maps(4), config.style)
        self.sketch = ToPicture(config.maps(4), config)
        self.blocks = nn.ModuleList([Finer(side, config) for side in sides[1:]])

    def forward(self, styles: Tensor, noise: Tensor | None = None) -> Tensor:
        keys = styles.new_zeros(1, dtype=torch.int64) if noise is None else noise
        draws = Draws(keys, "noise")
        maps = self.start.expand(len(styles), -1, -1, -1)  # (B, C, 4, 4)
        maps = self.first(maps, styles[:, 0], draws.normal("4", 1, 4, 4))
        picture = self.sketch(maps, styles[:, 1])
        for place, block in enumerate(self.blocks):
            maps, picture = block(maps, picture, styles[:, 2 * place + 1 : 2 * place + 4], draws)
        return picture


class Finer(nn.Module):
    """Maps and picture of twice as many places a side: two convolutions, and what they add to the picture.

    maps (B, C, H, W), picture (B, 3, H, W), three styles (B, 3, W) -> (B, C', 2 H, 2 W), (B, 3, 2 H, 2 W)
    """

    def __init__(self, side: int, config: StyleGAN2Config):
        super().__init__()
        self.side = side
        self.up = StyledConv(config.maps(side // 2), config.maps(side), config.style, up=True)
        self.conv = StyledConv(config.maps(side), config.maps(side), config.style)
        self.detail = ToPicture(config.maps(side), config)
        self.larger = BlurUp()

    def forward(self, maps: Tensor, picture: Tensor, styles: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
        maps = self.up(maps, styles[:, 0], draws.normal(f"{self.side} up", 1, self.side, self.side))
        maps = self.conv(maps, styles[:, 1], draws.normal(f"{self.side}", 1, self.side, self.side))
        return maps, self.larger(picture) + self.detail(maps, styles[:, 2])


class StyledConv(nn.Module):
    """A convolution told by a style, noise and a bias beside it, bent. (B, C, H, W), (B, W), noise -> (B, K, H', W')"""

    def __init__(self, inputs: int, outputs: int, style: int, *, up: bool = False):
        super().__init__()
        self.scales = EqualDense(style, inputs, bias=1.0)
        self.conv = ModulatedConv(inputs, outputs, kernel=3, up=up)
        self.strength = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.bend = LiftedLeakyReLU()

    def forward(self, maps: Tensor, style: Tensor, noise: Tensor) -> Tensor:
        maps = self.conv(maps, self.scales(style))
        return self.bend(maps + self.strength * noise + self.bias[:, None, None])


class ToPicture(nn.Module):
    """What maps say of the picture. (B, C, H, W), (B, W) -> (B, 3, H, W)"""

    def __init__(self, inputs: int, config: StyleGAN2Config):
        super().__init__()
        self.scales = EqualDense(config.style, inputs, bias=1.0)
        self.conv = ModulatedConv(inputs, config.channels, kernel=1, demodulate=False)
        self.bias = nn.Parameter(torch.zeros(config.channels))

    def forward(self, maps: Tensor, style: Tensor) -> Tensor:
        return self.conv(maps, self.scales(style)) + self.bias[:, None, None]


class Discriminator(nn.Module):
    """picture (B, C, S, S), class (B,) -> verdict (B, 1): above 0 where it looks real

    With classes the verdict is a sum of "real at all?" and "real as one of this class?", as in cgan.
    """

    def __init__(self, config: StyleGAN2Config):
        super().__init__()
        self.classes, last = config.classes, config.maps(4)
        sides = [side for side in reversed(SIDES) if side <= config.height]
        halvings = [Halved(config.maps(side), config.maps(side // 2)) for side in sides]
        self.shrink = nn.Sequential(
            EqualConv(config.channels, config.maps(sides[0]), kernel=1), LiftedLeakyReLU(), *halvings
        )
        self.features = nn.Sequential(
            *(MinibatchDeviation(config.group), EqualConv(last + 1, last, kernel=3, padding=1), LiftedLeakyReLU()),
            *(nn.Flatten(), EqualDense(16 * last, last), LiftedLeakyReLU()),
        )
        self.verdict = EqualDense(last, 1)
        self.of_class = EqualDense(config.classes, last) if config.classes else None

    def forward(self, picture: Tensor, label: Tensor | None = None) -> Tensor:
        features = self.features(self.shrink(picture))  # (B, C)
        verdict = self.verdict(features)
        if self.of_class is None:
            return verdict
        assert label is not None
        known = self.of_class(F.one_hot(label, self.classes).to(features))
        return verdict + (known * features).sum(1, keepdim=True) / sqrt(features.shape[1])


class Halved(nn.Module):
    """Two convolutions and half as many places a side, beside a shortcut. (B, C, H, W) -> (B, K, H / 2, W / 2)"""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.way = nn.Sequential(
            *(EqualConv(inputs, inputs, kernel=3, padding=1), LiftedLeakyReLU()),
            *(Blur(padding=2), EqualConv(inputs, outputs, kernel=3, stride=2), LiftedLeakyReLU()),
        )
        self.shortcut = nn.Sequential(Blur(padding=1), EqualConv(inputs, outputs, kernel=1, stride=2, bias=False))

    def forward(self, maps: Tensor) -> Tensor:
        return (self.way(maps) + self.shortcut(maps)) / sqrt(2)


def _unit(numbers: Tensor) -> Tensor:
    """Rows brought to a mean square of 1. (B, Z) -> (B, Z)"""
    return numbers * (numbers.square().mean(1, keepdim=True) + 1e-8).rsqrt()


CATALOGUE = {"stylegan2": StyleGAN2Config()}
