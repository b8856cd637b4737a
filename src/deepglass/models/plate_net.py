"""A finder and a reader of number plates: where plates are, with their corners, and what stands on each.

image (B, C, H, W) -> finder -> a map at stride 8: K kinds and four corners for every place
                            -> the plate at the surest place, made upright -> reader -> a symbol for every column

    image ──► /2 ──► /4 ──► /8 ─────────────────────► + ──► conv ──► K logits: is a plate's middle here?  ┐
                             └──► /16 ────────► + ──► up └──► conv ──► x, y of four corners               ├─► surest
                                   └──► /32 ──► up                                                        ┘      │
    logits (B, T, V) ◄── LSTM ►◄ ◄── columns ◄── 32 x 128 pixels ◄── homography ◄────────────────────────────────┘

The finder is anchor-free as CenterNet is (Zhou 2019, arXiv:1904.07850), its corners are distances from the place's
middle; the reader is a CRNN (arXiv:1507.05717). Who uses both takes the plates out of the picture as it is stored,
which has more pixels than the finder wants. Any size of picture works from 32 x 32 on. 1,237,401 parameters for five
kinds and 68 symbols.
"""

import math
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from annotated_types import Ge, Gt, Len, Lt
from torch import Tensor, nn

from deepglass.blocks.conv import Conv
from deepglass.blocks.line import LineReader
from deepglass.blocks.norm import BatchNorm
from deepglass.blocks.residual import BasicUnit
from deepglass.foundation.padded import Padded
from deepglass.foundation.plane import inside, upright
from deepglass.foundation.ports import Image, Plates, PortMismatch, Ports
from deepglass.models.contract import described, picture_asked

STRIDE, DEEPEST = 8, 32
CORNERS = 8
RARE = 0.02
"""What every place says of every kind at first: at almost all of them there is no plate."""
BEGIN = (-6.0, -2.0, 6.0, -2.0, 6.0, 2.0, -6.0, 2.0)
"""The corners of every place at first, in strides: a plate of 96 x 32 pixels."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlateNetConfig:
    """How wide finder and reader are."""

    widths: Annotated[tuple[int, ...], Len(5, 5)] = (16, 32, 64, 96, 128)
    """Channels of the finder's maps at strides 2, 4, 8, 16 and 32."""
    maps: Annotated[int, Ge(1)] = 24
    """Maps of the reader's first convolution; the last have four times as many."""
    hidden: Annotated[int, Ge(0)] = 96
    """Numbers that each direction of the reader's LSTM remembers; 0 reads every column by itself."""
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.1
    """Share silenced at random while the reader trains."""
    tall: Annotated[int, Ge(8)] = 32
    """Rows of an upright plate."""
    wide: Annotated[int, Ge(16)] = 128
    """Columns of an upright plate."""
    split: Annotated[float, Gt(0), Lt(1)] = 0.4
    """Share of the height at which the lower of two lines begins; of Chinese plates it is the higher one."""
    kinds: Annotated[int, Ge(1)] = 5
    """How many kinds of plates are told apart."""
    symbols: Annotated[int, Ge(2)] = 68
    """How many numbers come out at every column: the blank and the alphabet."""
    channels: Annotated[int, Ge(1)] = 3
    """1 for grey, 3 for colour."""
    height: Annotated[int, Ge(DEEPEST)] = 192
    """Preferred rows of the finder's picture; every size from 32 on works."""
    width: Annotated[int, Ge(DEEPEST)] = 320
    """Preferred columns of the finder's picture."""

    def ports(self) -> Ports:
        gives = Plates(self.kinds, self.symbols, STRIDE, self.tall, self.wide, self.split)
        return Ports(Image(self.channels, self.height, self.width), gives)

    def fitted(self, ports: Ports) -> "PlateNetConfig":
        if not isinstance(ports.gives, Plates) or ports.gives.stride != STRIDE:
            raise PortMismatch("models.gives_plates", model="plate_net", asked=described(ports.gives))
        found, asked = picture_asked("plate_net", ports, least=DEEPEST), ports.gives
        sizes = {"channels": found.channels, "height": found.height, "width": found.width}
        upright = {"tall": asked.height, "wide": asked.width, "split": asked.split}
        return replace(self, kinds=asked.kinds, symbols=asked.symbols, **sizes, **upright)

    def build(self) -> "PlateNet":
        return PlateNet(self)


class Seen(NamedTuple):
    """What stands where: every place of the map, and the letters of the surest plate."""

    places: Tensor  # (B, K + 8, H / 8, W / 8)
    letters: Padded  # (B, T, V)


class PlateNet(nn.Module):
    """image (B, C, H, W) -> places (B, K + 8, H / 8, W / 8) and the letters of the surest, Padded (B, T, V)"""

    head: ClassVar[str] = "reader.output"

    def __init__(self, config: PlateNetConfig):
        super().__init__()
        self.config = config
        self.finder = Finder(config)
        sizes = {"maps": config.maps, "hidden": config.hidden, "height": config.tall}
        self.reader = LineReader(config.channels, config.symbols, **sizes, dropout=config.dropout)

    def forward(self, image: Tensor) -> Seen:
        places = self.finder(image)  # (B, K + 8, H / 8, W / 8)
        logits, corners = places.flatten(2).split((self.config.kinds, CORNERS), 1)  # (B, K, P), (B, 8, P)
        surest = logits.amax(1).argmax(1)[:, None, None].expand(-1, CORNERS, 1)
        plates = self.cut(image, corners.gather(2, surest).view(-1, 4, 2))
        return Seen(places, self.reader(plates))

    def cut(self, image: Tensor, corners: Tensor) -> Tensor:
        """One plate of each picture, upright. (B, C, H, W), (B, 4, 2) -> (B, C, tall, wide)"""
        config = self.config
        points = inside(corners, upright(config.tall, config.wide, device=image.device)[None])
        height, width = image.shape[2:]
        grid = 2 * points / points.new_tensor([width, height]) - 1
        return F.grid_sample(image, grid, padding_mode="border", align_corners=False)

    def stages(self) -> list[str]:
        return ["finder.first", "finder.second", "finder.fine", "finder.middle", "finder.coarse"]

    def levels(self) -> list[str]:
        """The map that plates are told from."""
        return ["finder.what"]


class Finder(nn.Module):
    """image (B, C, H, W) -> K logits and four corners in its pixels for every place, (B, K + 8, H / 8, W / 8)"""

    def __init__(self, config: PlateNetConfig):
        super().__init__()
        first, second, fine, middle, coarse = config.widths
        self.kinds = config.kinds
        self.first = _seen(config.channels, first, stride=2)
        self.second = _seen(first, second, stride=2)
        self.fine = nn.Sequential(_seen(second, fine, stride=2), BasicUnit(fine, fine))
        self.middle = nn.Sequential(_seen(fine, middle, stride=2), BasicUnit(middle, middle))
        self.coarse = nn.Sequential(_seen(middle, coarse, stride=2), BasicUnit(coarse, coarse))
        self.from_middle = Conv(middle, fine, kernel=1, dims=2)
        self.from_coarse = Conv(coarse, middle, kernel=1, dims=2)
        self.what, self.where = _seen(fine, fine), _seen(fine, fine)
        self.logits = Conv(fine, config.kinds, kernel=1, dims=2)
        self.corners = Conv(fine, CORNERS, kernel=1, dims=2)
        for module in self.modules():
            if isinstance(module, Conv):  # keeps the spread of the signal through rectifiers (arXiv:1502.01852)
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        with torch.no_grad():
            for conv, bias in ((self.logits, -math.log(1 / RARE - 1)), (self.corners, torch.tensor(BEGIN))):
                conv.weight.normal_(std=0.01)
                conv.bias.copy_(torch.as_tensor(bias))  # pyright: ignore

    def forward(self, image: Tensor) -> Tensor:
        height, width = image.shape[2:]
        x = F.pad(image, (0, -width % DEEPEST, 0, -height % DEEPEST), mode="replicate")
        fine = self.fine(self.second(self.first(x)))  # (B, 64, H / 8, W / 8)
        middle = self.middle(fine)  # (B, 96, H / 16, W / 16)

        x = middle + _larger(self.from_coarse(self.coarse(middle)))
        x = fine + _larger(self.from_middle(x))  # (B, 64, H / 8, W / 8)

        logits, corners = self.logits(self.what(x)).float(), self.corners(self.where(x)).float()
        middles = _middles(corners).repeat(CORNERS // 2, 1, 1)  # (8, H / 8, W / 8)
        found = torch.cat([logits, STRIDE * (middles + corners)], 1)  # (B, K + 8, H / 8, W / 8)
        return found[:, :, : -(-height // STRIDE), : -(-width // STRIDE)]


def _seen(inputs: int, outputs: int, *, stride: int = 1) -> nn.Sequential:
    """A convolution, normalised, with a rectifier."""
    conv = Conv(inputs, outputs, kernel=3, stride=stride, padding=1, bias=False, dims=2)
    return nn.Sequential(conv, BatchNorm(outputs, dims=2), nn.ReLU(inplace=True))


def _larger(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="nearest")


def _middles(x: Tensor) -> Tensor:
    """x and y of every place's middle, in places. (2, H, W)"""
    down, across = (torch.arange(size, device=x.device, dtype=x.dtype) + 0.5 for size in x.shape[2:])
    return torch.stack(torch.meshgrid(down, across, indexing="ij")[::-1])


CATALOGUE = {"plate_net": PlateNetConfig()}
