"""3D U-Net (Çiçek 2016, arXiv:1606.06650): a class for every place of a volume.

volume (B, C, D, H, W) -> maps of 64, 128, 256 and 512 channels, each at half the size -> logits (B, K, D, H, W)

    32 64 ─────────────────────────────► 64 64 ──► K
        └─► 64 128 ────────────► 128 128 ──┘
                └─► 128 256 ─► 256 256 ──┘             └─►  max pool          ──┘  up-convolution
                        └─ 256 512 ─┘

    unet3d         19,072,291 parameters for three channels and three classes (the paper's 19,069,955 are those with
                   biases instead of normalisation: `norm=none`)
    unet3d_small      1,192,970 for one channel and two classes: 16 to 128 channels

Channels are doubled before each pooling, and not behind it, so that nothing is squeezed. Convolutions are padded; any
size goes in: the volume is continued to a whole number of the deepest places, and the logits are cut back.
"""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

import torch
import torch.nn.functional as F
from annotated_types import Ge, Len
from torch import Tensor, nn

from deepglass.blocks.conv import Conv
from deepglass.blocks.norm import BatchNorm
from deepglass.blocks.pool import MaxPool
from deepglass.blocks.up import Up
from deepglass.foundation.ports import Map, Ports, Volume
from deepglass.models.contract import pixels_asked, volume_asked


@dataclass(frozen=True, kw_only=True, slots=True)
class UNet3DConfig:
    """How wide a 3D U-Net is at each size; it is as deep as there are widths."""

    widths: Annotated[tuple[Annotated[int, Ge(2)], ...], Len(2, 6)] = (64, 128, 256, 512)
    """Channels at each size, the whole volume's first; the first convolution at each size has half of them."""
    norm: Literal["batch", "none"] = "batch"
    """Normalisation behind every convolution, as in the paper, which does not count its parameters."""
    channels: Annotated[int, Ge(1)] = 3
    """1 for what a scanner measures."""
    classes: Annotated[int, Ge(1)] = 3
    """How many numbers come out for every place, one per class."""
    depth: Annotated[int, Ge(1)] = 64
    """Preferred slices; every size works."""
    height: Annotated[int, Ge(1)] = 64
    """Preferred rows."""
    width: Annotated[int, Ge(1)] = 64
    """Preferred columns."""

    def ports(self) -> Ports:
        return Ports(Volume(self.channels, self.depth, self.height, self.width), Map(self.classes))

    def fitted(self, ports: Ports) -> "UNet3DConfig":
        found = volume_asked("unet3d", ports)
        classes = pixels_asked("unet3d", ports)
        size = {"depth": found.depth, "height": found.height, "width": found.width}
        return replace(self, channels=found.channels, classes=classes, **size)

    def build(self) -> "UNet3D":
        return UNet3D(self)


class UNet3D(nn.Module):
    """volume (B, C, D, H, W) -> logits (B, K, D, H, W)"""

    head: ClassVar[str] = "logits"

    def __init__(self, config: UNet3DConfig):
        super().__init__()
        widths, norm = config.widths, config.norm
        inputs = [config.channels, *widths]
        self.pool = MaxPool(2, dims=3)
        halves = [widths[0] // 2, *inputs[1:-1]]  # 32 64, then 64 128, 128 256, 256 512
        self.down = nn.ModuleList(Pair(inputs[at], halves[at], width, norm) for at, width in enumerate(widths))
        self.rise = nn.ModuleList(Up(width, width, dims=3, bias=False) for width in widths[1:])
        self.up = nn.ModuleList(
            Pair(width + widths[at + 1], width, width, norm) for at, width in enumerate(widths[:-1])
        )
        self.logits = Conv(widths[0], config.classes, kernel=1, dims=3)
        for module in self.modules():
            if isinstance(module, Conv):  # keeps the spread of the signal through rectifiers (arXiv:1502.01852)
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, volume: Tensor) -> Tensor:
        depth, height, width = volume.shape[2:]
        whole = 2 ** len(self.rise)
        x = F.pad(volume, (0, -width % whole, 0, -height % whole, 0, -depth % whole), mode="replicate")

        bridges: list[Tensor] = []
        for level, pair in enumerate(self.down):
            x = pair(x if level == 0 else self.pool(x))  # (B, widths[level], D / 2^level, H / 2^level, W / 2^level)
            bridges.append(x)
        for level in reversed(range(len(self.up))):
            x = self.up[level](torch.cat([bridges[level], self.rise[level](x)], dim=1))

        return self.logits(x)[:, :, :depth, :height, :width]  # (B, K, D, H, W)

    def stages(self) -> list[str]:
        levels = range(len(self.up))
        return [*(f"down.{level}" for level in range(len(self.down))), *(f"up.{level}" for level in reversed(levels))]


class Pair(nn.Sequential):
    """Two 3x3x3 convolutions, each with a rectifier behind it. (B, inputs, D, H, W) -> (B, outputs, D, H, W)"""

    def __init__(self, inputs: int, between: int, outputs: int, norm: str):
        parts: list[nn.Module] = []
        for before, behind in ((inputs, between), (between, outputs)):
            parts.append(Conv(before, behind, kernel=3, padding=1, bias=norm == "none", dims=3))
            parts += [BatchNorm(behind, dims=3)] if norm == "batch" else []
            parts.append(nn.ReLU(inplace=True))
        super().__init__(*parts)


CATALOGUE = {
    "unet3d": UNet3DConfig(),
    "unet3d_small": UNet3DConfig(widths=(16, 32, 64, 128), channels=1, classes=2),
}
