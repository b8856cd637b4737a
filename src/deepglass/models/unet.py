"""U-Net (Ronneberger 2015, arXiv:1505.04597): down to see far, up again to say where, with a bridge at every size.

image (B, C, H, W) -> maps of 64, 128, 256, 512 and 1024 channels, each at half the size -> logits (B, K, H, W)

    64 ────────────────────────────► 64 ──► K
     └─► 128 ───────────────► 128 ───┘
          └─► 256 ──────► 256 ──┘            └─►  max pool          ──┘  up-convolution
               └─► 512 ──► 512 ┘
                    └─ 1024 ┘

    unet         31,037,698 parameters for three channels and two classes (the paper's, 31,030,658 for one channel,
                 has no normalisation: `norm=none`)
    unet_small    1,944,196 for five classes: 16 to 256 channels, and it looks at blocks of 2 x 2 pixels

Unlike the paper's, convolutions are padded, so that a class comes out for every pixel. Any size goes in: the picture is
continued to the right and below to a whole number of the deepest pixels, and the logits are cut back.
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
from deepglass.foundation.ports import Image, Map, Ports
from deepglass.models.contract import picture_asked, pixels_asked


@dataclass(frozen=True, kw_only=True, slots=True)
class UNetConfig:
    """How wide a U-Net is at each size; it is as deep as there are widths."""

    widths: Annotated[tuple[int, ...], Len(2, 8)] = (64, 128, 256, 512, 1024)
    """Channels at each size, the whole picture's first."""
    norm: Literal["batch", "none"] = "batch"
    """Normalisation behind every convolution; the paper has none."""
    block: Annotated[int, Ge(1)] = 1
    """Pixels a side that are one place of the network: 2 takes a quarter of the time, and edges stay exact."""
    channels: Annotated[int, Ge(1)] = 3
    """1 for grey, 3 for colour."""
    classes: Annotated[int, Ge(1)] = 2
    """How many numbers come out for every pixel, one per class."""
    height: Annotated[int, Ge(1)] = 256
    """Preferred rows of the picture; every size works."""
    width: Annotated[int, Ge(1)] = 256
    """Preferred columns of the picture."""

    def ports(self) -> Ports:
        return Ports(Image(self.channels, self.height, self.width), Map(self.classes))

    def fitted(self, ports: Ports) -> "UNetConfig":
        found = picture_asked("unet", ports)
        classes = pixels_asked("unet", ports)
        return replace(self, channels=found.channels, classes=classes, height=found.height, width=found.width)

    def build(self) -> "UNet":
        return UNet(self)


class UNet(nn.Module):
    """image (B, C, H, W) -> logits (B, K, H, W)"""

    head: ClassVar[str] = "logits"

    def __init__(self, config: UNetConfig):
        super().__init__()
        widths, self.block = config.widths, config.block
        inputs = [config.channels * self.block**2, *widths]
        self.pool = MaxPool(2, dims=2)
        self.down = nn.ModuleList(Pair(inputs[at], width, config.norm) for at, width in enumerate(widths))
        self.rise = nn.ModuleList(Up(widths[at + 1], widths[at], dims=2) for at in range(len(widths) - 1))
        self.up = nn.ModuleList(Pair(2 * width, width, config.norm) for width in widths[:-1])
        self.logits = Conv(widths[0], config.classes * self.block**2, kernel=1, dims=2)
        for module in self.modules():
            if isinstance(module, Conv):  # keeps the spread of the signal through rectifiers (arXiv:1502.01852)
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        with torch.no_grad():  # the pixels of a block begin alike: no chequers (arXiv:1707.02937)
            for numbers in (self.logits.weight, self.logits.bias):
                numbers.copy_(numbers[:: self.block**2].repeat_interleave(self.block**2, 0))  # pyright: ignore

    def forward(self, image: Tensor) -> Tensor:
        height, width = image.shape[2:]
        whole = self.block * 2 ** len(self.rise)
        x = F.pad(image, (0, -width % whole, 0, -height % whole), mode="replicate")
        x = F.pixel_unshuffle(x, self.block)  # (B, C · block², H / block, W / block)

        bridges: list[Tensor] = []
        for level, pair in enumerate(self.down):
            x = pair(x if level == 0 else self.pool(x))  # (B, widths[level], H / 2^level, W / 2^level)
            bridges.append(x)
        for level in reversed(range(len(self.up))):
            x = self.up[level](torch.cat([bridges[level], self.rise[level](x)], dim=1))

        x = F.pixel_shuffle(self.logits(x), self.block)  # (B, K, H, W)
        return x[:, :, :height, :width]

    def stages(self) -> list[str]:
        levels = range(len(self.up))
        return [*(f"down.{level}" for level in range(len(self.down))), *(f"up.{level}" for level in reversed(levels))]


class Pair(nn.Sequential):
    """Two 3x3 convolutions, each with a rectifier behind it. (B, inputs, H, W) -> (B, outputs, H, W)"""

    def __init__(self, inputs: int, outputs: int, norm: str):
        parts: list[nn.Module] = []
        for channels in (inputs, outputs):
            parts.append(Conv(channels, outputs, kernel=3, padding=1, bias=norm == "none", dims=2))
            parts += [BatchNorm(outputs, dims=2)] if norm == "batch" else []
            parts.append(nn.ReLU(inplace=True))
        super().__init__(*parts)


CATALOGUE = {
    "unet": UNetConfig(),
    "unet_small": UNetConfig(widths=(16, 32, 64, 128, 256), block=2, classes=5),
}
