"""From numbers to a picture and from a picture to maps by strided convolutions alone (DCGAN, Radford 2016).

Letters: B pictures, C channels, W features at half the picture's size, n halvings from the picture to 4 to 7 a side.
"""

import torch
from torch import Tensor, nn

from deepglass.blocks.conv import Conv
from deepglass.blocks.dense import Dense
from deepglass.blocks.norm import BatchNorm
from deepglass.blocks.transposed import TransposedConv
from deepglass.graph.shape import Shape, expect_last, expect_map

SMALLEST = 4  # places a side of the smallest maps, at least
SPREAD = 0.02  # of the weights' start, section 4 of the paper
HALVES = {"kernel": 4, "stride": 2, "padding": 1, "dims": 2, "bias": False}


def halvings(height: int, width: int) -> tuple[int, tuple[int, int]]:
    """How often a picture is halved until its shorter side is 4 to 7, and what is left; ValueError where it is uneven.

    >>> halvings(28, 28), halvings(64, 64), halvings(48, 96)
    ((2, (7, 7)), (4, (4, 4)), (3, (6, 12)))
    """
    count = 0
    while min(height, width) >= 2 * SMALLEST and not height % 2 and not width % 2:
        height, width, count = height // 2, width // 2, count + 1
    if not count or min(height, width) >= 2 * SMALLEST:
        raise ValueError(f"a picture is halved until its shorter side is 4 to 7; it stops at {height}x{width}.")
    return count, (height, width)


class Grow(nn.Module):
    """Numbers as one place of many maps, doubled in size and halved in maps until they are a picture from -1 to 1.

    (B, Z) -> (B, C, H, W), by way of W 2^(n-1) maps of 4 to 7 places a side
    """

    def __init__(self, inputs: int, channels: int, height: int, width: int, features: int):
        super().__init__()
        count, smallest = halvings(height, width)
        self.inputs, self.picture = inputs, (channels, height, width)
        maps = [features << place for place in reversed(range(count))]
        layers: list[nn.Module] = [TransposedConv(inputs, maps[0], kernel=smallest, dims=2, bias=False)]
        for before, after in zip(maps, [*maps[1:], channels], strict=True):
            layers += [BatchNorm(before, dims=2), nn.ReLU(), TransposedConv(before, after, **HALVES)]
        self.layers = nn.Sequential(*layers, nn.Tanh())
        start_narrow(self)

    def forward(self, numbers: Tensor) -> Tensor:
        expect_last("Grow", numbers.shape, self.inputs)
        return self.layers(numbers[:, :, None, None])

    def out_shape(self, shape: Shape) -> Shape:
        expect_last("Grow", shape, self.inputs)
        return shape[0], *self.picture


class Shrink(nn.Module):
    """A picture halved in size and doubled in maps until 4 to 7 places a side are left.

    (B, C, H, W) -> (B, W 2^(n-1), H / 2^n, W / 2^n)
    """

    def __init__(self, channels: int, height: int, width: int, features: int):
        super().__init__()
        count, self.smallest = halvings(height, width)
        self.channels, self.outputs = channels, features << (count - 1)
        layers: list[nn.Module] = [Conv(channels, features, **HALVES), nn.LeakyReLU(0.2)]
        for place in range(count - 1):
            before, after = features << place, features << (place + 1)
            layers += [Conv(before, after, **HALVES), BatchNorm(after, dims=2), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers)
        start_narrow(self)

    def forward(self, picture: Tensor) -> Tensor:
        expect_map("Shrink", picture.shape, 2, self.channels)
        return self.layers(picture)

    def out_shape(self, shape: Shape) -> Shape:
        expect_map("Shrink", shape, 2, self.channels)
        return shape[0], self.outputs, *self.smallest


@torch.no_grad()
def start_narrow(module: nn.Module) -> None:
    """Every weight from N(0, 0.02²), those of normalisation from N(1, 0.02²), biases 0."""
    for part in module.modules():
        if isinstance(part, BatchNorm):
            part.weight.normal_(1.0, SPREAD)
        elif isinstance(part, Conv | TransposedConv | Dense):
            part.weight.normal_(0.0, SPREAD)
            if part.bias is not None:
                part.bias.zero_()


CATALOGUE = {"grow": Grow, "shrink": Shrink}
