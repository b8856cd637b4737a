"""A small network for volumes and clips: four convolutions that look in all three directions, then one number a map.

volume (B, 1, 32, 64, 64) -> 16 maps -> 32 -> 64 -> 128, each at half the size a side -> pool -> logits (B, 2)

    3x3x3 ─ norm ─ relu ─ pool 2 ──► 3x3x3 ... pool 2 ──► 3x3x3 ... pool 2 ──► 3x3x3 ... ──► mean or max ──► dense
    16 maps                          32                   64                   128

    cnn3d    291,474 parameters

Any size from 8x8x8 on works; of a clip the depth is time. A mean over all places tells what the whole is like; what is
small and stands alone, such as a lesion, is lost in it, and is found by the largest value (`pool=max`) of maps that are
not too coarse (`halvings`). It is what C3D (Tran 2015, arXiv:1412.0767) found to work
best, 3x3x3 everywhere, at a size that a laptop trains: C3D itself has 78 million parameters, most of them dense.
"""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Le, Len
from torch import Tensor, nn

from deepglass.blocks.conv import Conv
from deepglass.blocks.dense import Dense
from deepglass.blocks.norm import BatchNorm
from deepglass.blocks.pool import WHOLE, MaxPool
from deepglass.foundation.ports import Ports, Vector, Volume
from deepglass.models.contract import classes_asked, volume_asked


@dataclass(frozen=True, kw_only=True, slots=True)
class CNN3DConfig:
    """How wide the network is at each size."""

    widths: Annotated[tuple[Annotated[int, Ge(1)], ...], Len(1, 6)] = (16, 32, 64, 128)
    """Maps at each size, the whole volume's first; between two of them every axis is halved."""
    halvings: Annotated[int, Ge(0), Le(5)] = 5
    """How often it is at most; the sizes behind that are as fine as the last."""
    pool: Literal["mean", "max"] = "mean"
    """What the head is told of each of the last maps: its mean, or its largest value, for which one place is enough."""
    channels: Annotated[int, Ge(1)] = 1
    """1 for what a scanner measures, 3 for a clip in colour."""
    classes: Annotated[int, Ge(1)] = 2
    """How many numbers come out, one per class."""
    depth: Annotated[int, Ge(1)] = 32
    """Preferred slices of a volume, or frames of a clip; every size that can be halved often enough works."""
    height: Annotated[int, Ge(1)] = 64
    """Preferred rows."""
    width: Annotated[int, Ge(1)] = 64
    """Preferred columns."""

    def ports(self) -> Ports:
        return Ports(Volume(self.channels, self.depth, self.height, self.width), Vector(self.classes))

    def fitted(self, ports: Ports) -> "CNN3DConfig":
        least = 2 ** min(self.halvings, len(self.widths) - 1)
        found = volume_asked("cnn3d", ports, least=(least, least, least))
        classes = classes_asked("cnn3d", ports)
        size = {"depth": found.depth, "height": found.height, "width": found.width}
        return replace(self, channels=found.channels, classes=classes, **size)

    def build(self) -> "CNN3D":
        return CNN3D(self)


class CNN3D(nn.Module):
    """volume (B, C, D, H, W) -> logits (B, K)"""

    head: ClassVar[str] = "name"

    def __init__(self, config: CNN3DConfig):
        super().__init__()
        inputs = (config.channels, *config.widths)
        self.looks = nn.ModuleList(
            nn.Sequential(
                Conv(inputs[at], width, kernel=3, padding=1, bias=False, dims=3), BatchNorm(width, dims=3), nn.ReLU()
            )
            for at, width in enumerate(config.widths)
        )
        self.pool = MaxPool(2, dims=3)
        self.halvings = config.halvings
        self.whole = WHOLE[config.pool](dims=3)
        self.name = Dense(config.widths[-1], config.classes)
        for module in self.modules():
            if isinstance(module, Conv):  # keeps the spread of the signal through rectifiers (arXiv:1502.01852)
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, volume: Tensor) -> Tensor:
        x = volume
        for level, look in enumerate(self.looks):
            x = look(self.pool(x) if 0 < level <= self.halvings else x)
            # (B, widths[level], D / 2^level, H / 2^level, W / 2^level)

        return self.name(self.whole(x).flatten(1))  # (B, K)

    def stages(self) -> list[str]:
        return [f"looks.{level}" for level in range(len(self.looks))]


CATALOGUE = {"cnn3d": CNN3DConfig()}
