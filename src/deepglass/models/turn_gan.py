"""A face turned to other poses, its own features kept, learned from pictures of which only the person is known.

image (B, C, H, W), pose (B, P) -> turner -> image (B, C, H, W) from -1 to 1;   image -> judge -> who it is (B, K)

    image ──► /2 ─► /4 ─► /8 ─┐        pose network: another image ─► /2 ─► /4 ─► /8 ─► P numbers of mean 0, spread 1
                              ├─► /4 ─► where each place is fetched from, and what is added to it
    pose ──► 64 ─► scale, move┘         (at /8 and at /4; bilinear between the places, so that features move and
                                         light changes smoothly)
    judge: image ─► /2 ─► /4 ─► /8 ─► K logits; the K+1st, for made, is held at 0

A person's identity and the pose are told apart as in DR-GAN (Tran 2017, CVPR): who it is comes from one picture, the
pose from another, and the judge says whose picture it is or that it is a made one. What is made is the picture itself,
moved and lit otherwise (appearance flow, Zhou 2016, arXiv:1605.03557): of a few hundred pictures nobody learns to draw
people that were never seen, and these do not have to be drawn.
"""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from annotated_types import Ge, Gt, Le, Lt
from torch import Tensor, nn

from deepglass.blocks.conv import Conv
from deepglass.blocks.dense import Dense
from deepglass.blocks.norm import BatchNorm
from deepglass.blocks.strided import HALVES
from deepglass.foundation.ports import Image, Players, PortMismatch, Ports
from deepglass.models.contract import described, picture_asked

NAMES = ("turner", "judge")
EIGHTS = 8  # sides divide by it
START = 0.1  # of the usual start: weights of the layer that says what is changed
HIDDEN = 64  # numbers between a pose and what it does to the maps


@dataclass(frozen=True, kw_only=True, slots=True)
class TurnGANConfig:
    """A turner with a network for poses, and a judge who knows the people."""

    people: Annotated[int, Ge(2)] = 30
    """K, the people of the training part."""
    pose: Annotated[int, Ge(1), Le(64)] = 4
    """P, the numbers of a pose: too few to say who somebody is."""
    features: Annotated[int, Ge(1)] = 16
    """Maps at half the picture's size, twice and four times as many at the next."""
    reach: Annotated[float, Gt(0), Le(1)] = 0.25
    """How far a place may be fetched from, as a share of the picture's side."""
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.3
    """Share of the judge's last maps that is silenced at random while training."""
    channels: Annotated[int, Ge(1)] = 1
    """1 for grey, 3 for colour."""
    height: Annotated[int, Ge(16)] = 64
    """Rows of the picture."""
    width: Annotated[int, Ge(16)] = 56
    """Columns of the picture."""

    def ports(self) -> Ports:
        picture = Image(self.channels, self.height, self.width)
        return Ports(picture, Players(NAMES, picture, people=self.people))

    def fitted(self, ports: Ports) -> "TurnGANConfig":
        if not isinstance(ports.gives, Players) or ports.gives.names != NAMES:
            raise PortMismatch("models.gives_turned", model="turn_gan", asked=described(ports.gives))
        picture = picture_asked("turn_gan", ports, least=2 * EIGHTS)
        sizes = {"height": picture.height, "width": picture.width}
        if picture.height % EIGHTS or picture.width % EIGHTS:
            raise PortMismatch("models.not_in_eights", model="turn_gan", **sizes)
        return replace(self, people=ports.gives.people, channels=picture.channels, **sizes)

    def build(self) -> "TurnGAN":
        return TurnGAN(self)


class TurnGAN(nn.Module):
    """image (B, C, H, W) -> how surely the judge takes it, made anew in its own pose, for a real one (B, 1)"""

    head: ClassVar[str] = "judge.person"

    def __init__(self, config: TurnGANConfig):
        super().__init__()
        self.turner = Turner(config)
        self.judge = Judge(config)

    def forward(self, image: Tensor) -> Tensor:
        made = self.turner(image, self.turner.pose(image))
        return self.judge(made).logsumexp(1, keepdim=True)

    def stages(self) -> list[str]:
        return ["turner.shrink.0", "turner.shrink.1", "turner.shrink.2", "turner"]


class Turner(nn.Module):
    """image (B, C, H, W), pose (B, P) -> the same face in that pose (B, C, H, W)"""

    rows: Tensor
    columns: Tensor

    def __init__(self, config: TurnGANConfig):
        super().__init__()
        w = config.features
        self.reach = 2 * config.reach  # grid_sample's sides are 2 long
        self.pose = Pose(config)
        self.shrink = nn.ModuleList(_halvings(config.channels, w))
        self.steer = nn.Sequential(Dense(config.pose, HIDDEN), nn.ReLU(), Dense(HIDDEN, 16 * w))
        self.join = nn.Sequential(Conv(8 * w, 4 * w, kernel=3, padding=1, dims=2, bias=False), *_settled(4 * w))
        self.grow = nn.Sequential(Conv(6 * w, 4 * w, kernel=3, padding=1, dims=2, bias=False), *_settled(4 * w))
        self.change = Conv(4 * w, 2 + config.channels, kernel=3, padding=1, dims=2)
        self.register_buffer("rows", between(config.height, config.height // 4), persistent=False)
        self.register_buffer("columns", between(config.width, config.width // 4).T, persistent=False)
        with torch.no_grad():  # to begin with a face stays almost as it is
            self.change.weight.mul_(START)
            self.change.bias.zero_()  # pyright: ignore

    def forward(self, image: Tensor, pose: Tensor) -> Tensor:
        half = self.shrink[0](image)  # (B, W, H / 2, ...)
        quarter = self.shrink[1](half)
        eighth = self.shrink[2](quarter)  # (B, 4W, H / 8, ...)

        scale, move, fine_scale, fine_move = self.steer(pose)[:, :, None, None].chunk(4, dim=1)  # (B, 4W, 1, 1) each
        eighth = self.join(torch.cat([eighth, eighth * (1 + scale) + move], dim=1))
        quarter = self.grow(torch.cat([F.interpolate(eighth, scale_factor=2, mode="nearest"), quarter], dim=1))
        quarter = quarter * (1 + fine_scale) + fine_move  # (B, 4W, H / 4, ...)

        change = self.rows @ self.change(quarter).tanh() @ self.columns  # (B, 2 + C, H, W), evenly between the places
        return (fetched(image, self.reach * change[:, :2]) + change[:, 2:]).clamp(-1, 1)


class Pose(nn.Module):
    """image (B, C, H, W) -> P numbers (B, P), each of mean 0 and spread 1 over the pictures"""

    def __init__(self, config: TurnGANConfig):
        super().__init__()
        self.seen = nn.Sequential(*_halvings(config.channels, config.features), nn.Flatten())
        self.told = Dense(_places(config), config.pose, bias=False)
        self.even = BatchNorm(config.pose, dims=2, scale=False, shift=False)

    def forward(self, image: Tensor) -> Tensor:
        return self.even(self.told(self.seen(image))[:, :, None, None])[:, :, 0, 0]


class Judge(nn.Module):
    """image (B, C, H, W) -> K logits (B, K): whose real picture it is, with 0 for a made one"""

    def __init__(self, config: TurnGANConfig):
        super().__init__()
        w, layers = config.features, list[nn.Module]()
        for before, after in ((config.channels, w), (w, 2 * w), (2 * w, 4 * w)):
            layers += [Conv(before, after, kernel=4, stride=2, padding=1, dims=2), nn.LeakyReLU(0.2)]
        self.seen = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(config.dropout))
        self.person = Dense(_places(config), config.people)

    def forward(self, image: Tensor) -> Tensor:
        return self.person(self.seen(image))


def between(count: int, places: int) -> Tensor:
    """What each of `count` pixels takes of so many even places: bilinear along one side. (count, places)

    As a matrix, for the slope of torch's own on a GPU is not the same every time.
    """
    where = (((torch.arange(count) + 0.5) * places / count) - 0.5).clamp(0, places - 1)
    low = where.floor().long()
    share = (where - low)[:, None]
    every = torch.eye(places)
    return every[low] * (1 - share) + every[(low + 1).clamp(max=places - 1)] * share


def fetched(image: Tensor, moves: Tensor) -> Tensor:
    """Every pixel taken from where `moves` (B, 2, H, W) points, x and y in halves of the picture's sides."""
    height, width = image.shape[2:]
    x, y = _middles(width, image), _middles(height, image)
    here = torch.stack([x.expand(height, width), y[:, None].expand(height, width)])  # (2, H, W)
    places = (here + moves).movedim(1, -1)  # (B, H, W, 2)
    return F.grid_sample(image, places.to(image.dtype), padding_mode="border", align_corners=False)


def _middles(count: int, like: Tensor) -> Tensor:
    """Where the middles of so many pixels lie between -1 and 1."""
    return (torch.arange(count, device=like.device, dtype=torch.float32) * 2 + 1) / count - 1


def _halvings(channels: int, w: int) -> list[nn.Module]:
    widths = ((channels, w), (w, 2 * w), (2 * w, 4 * w))
    return [
        nn.Sequential(Conv(before, after, **HALVES), BatchNorm(after, dims=2), nn.LeakyReLU(0.2))
        for before, after in widths
    ]


def _settled(channels: int) -> tuple[nn.Module, nn.Module]:
    return BatchNorm(channels, dims=2), nn.ReLU()


def _places(config: TurnGANConfig) -> int:
    """Numbers of the smallest maps together."""
    return 4 * config.features * (config.height // EIGHTS) * (config.width // EIGHTS)


CATALOGUE = {"turn_gan": TurnGANConfig()}
