"""LeNet-5 exactly as published (LeCun, Bottou, Bengio, Haffner 1998, sec. II-B): 60,000 trained parameters.

image (B, 1, 32, 32) -> C1 6 maps -> S2 -> C3 16 maps -> S4 -> C5 120 -> F6 84 -> distances to ten drawn digits (B, 10)

    layer        C1     S2     C3      S4     C5       F6       output
    maps         6      6      16      16     120      84       10
    size         28x28  14x14  10x10   5x5    1x1      1x1      1x1
    trained      156    12     1,516   32     48,120   10,164   0

What today's form left out and this one keeps: a table says which maps of S2 each map of C3 sees; the pools have a
trained scale and offset; the squashing is 1.7159 tanh(2x/3); and the 84 numbers of F6 are compared with a bitmap of
7 x 12 pixels drawn for each digit, so that the network is asked to draw what it read. The logits are the squared
distances with their sign turned: cross-entropy of them is the paper's criterion (its equation 9) without the rubbish
class. The bitmaps are drawn after the paper's figure 3.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepglass.blocks.activation import ScaledTanh
from deepglass.blocks.conv import Conv
from deepglass.blocks.dense import Dense
from deepglass.blocks.pool import TrainedPool
from deepglass.foundation.ports import Image, PortMismatch, Ports, Vector
from deepglass.graph.shape import Shape, expect_map, slide
from deepglass.models.contract import classes_asked, picture_asked

# Table I of the paper: the maps of S2 that each of the 16 maps of C3 sees. Different inputs force different features.
CONNECTIONS = (
    *((0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5)),
    *((0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5)),
    *((0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5)),
    (0, 1, 2, 3, 4, 5),
)

# The target of F6 for each digit: 12 rows of 7 pixels.
DIGITS = """
.......  .......  .......  .......  .......  .......  .......  .......  .......  .......
..###..  ...#...  .#####.  .#####.  ....##.  .######  ..####.  #######  .#####.  .#####.
.##.##.  ..##...  ##...##  ##...##  ...###.  .##....  .##....  .....##  ##...##  ##...##
##...##  .###...  .....##  .....##  ..####.  .##....  ##.....  ....##.  ##...##  ##...##
##...##  ...##..  .....##  .....##  .##.##.  .#####.  ##.....  ....##.  ##...##  ##...##
##...##  ...##..  ....##.  ..####.  ##..##.  .....##  ######.  ...##..  .#####.  .######
##...##  ...##..  ...##..  .....##  #######  .....##  ##...##  ...##..  ##...##  .....##
##...##  ...##..  ..##...  .....##  ....##.  .....##  ##...##  ..##...  ##...##  .....##
.##.##.  ...##..  .##....  ##...##  ....##.  ##...##  ##...##  ..##...  ##...##  ....##.
..###..  .######  #######  .#####.  ....##.  .#####.  .#####.  .##....  .#####.  .####..
.......  .......  .......  .......  .......  .......  .......  .......  .......  .......
.......  .......  .......  .......  .......  .......  .......  .......  .......  .......
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class LeNet51998Config:
    """The published network has nothing to set."""

    def ports(self) -> Ports:
        return Ports(Image(1, 32, 32), Vector(10))

    def fitted(self, ports: Ports) -> "LeNet51998Config":
        picture = picture_asked("lenet5_1998", ports, exactly=32)
        classes = classes_asked("lenet5_1998", ports)
        if classes != 10:
            raise PortMismatch("models.ten_digits", classes=classes)
        if picture.channels != 1:
            raise PortMismatch("models.one_channel", channels=picture.channels)
        return self

    def build(self) -> "LeNet51998":
        return LeNet51998()


def codes() -> Tensor:
    """The ten bitmaps as rows of F6's targets: +1 ink, -1 paper. (10, 84)"""
    rows = [line.split() for line in DIGITS.strip().splitlines()]
    ink = [[1.0 if pixel == "#" else -1.0 for row in rows for pixel in row[digit]] for digit in range(10)]
    return torch.tensor(ink)


class TableConv(nn.Module):
    """A convolution in which each output map sees only the input maps that a table names (C3 of the paper).

    (B, 6, H, W) -> (B, 16, H-4, W-4); weight (60, kernel, kernel): one kernel per connection, bias (16,)
    """

    places: Tensor

    def __init__(self, table: tuple[tuple[int, ...], ...], inputs: int, kernel: int):
        super().__init__()
        self.inputs, self.outputs, self.kernel = inputs, len(table), (kernel, kernel)
        places = [k * inputs + c for k, maps in enumerate(table) for c in maps]
        self.weight = nn.Parameter(torch.empty(len(places), *self.kernel))
        self.bias = nn.Parameter(torch.empty(self.outputs))
        self.register_buffer("places", torch.tensor(places), persistent=False)  # the table itself never changes

    def forward(self, x: Tensor) -> Tensor:
        expect_map("TableConv", x.shape, 2, self.inputs)
        pairs = self.weight.new_zeros(self.outputs * self.inputs, *self.kernel)
        kernels = pairs.index_copy(0, self.places, self.weight)  # unconnected pairs stay zero
        return F.conv2d(x, kernels.view(self.outputs, self.inputs, *self.kernel), self.bias)

    def out_shape(self, shape: Shape) -> Shape:
        expect_map("TableConv", shape, 2, self.inputs)
        return shape[0], self.outputs, *slide(shape[2:], self.kernel, (1, 1), (0, 0))


class DistanceToCodes(nn.Module):
    """How far F6 is from each drawn digit, its sign turned so that the nearest is the largest.

    logit_k = -Σ_j (x_j - w_kj)²
    (B, 84) -> (B, 10)
    """

    codes: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("codes", codes())

    def forward(self, x: Tensor) -> Tensor:
        return -(x[:, None] - self.codes).square().sum(dim=2)  # (B, 1, 84) - (10, 84) -> (B, 10)


class LeNet51998(nn.Module):
    """image (B, 1, 32, 32) -> logits (B, 10)"""

    head: ClassVar[str] = "output"

    def __init__(self) -> None:
        super().__init__()
        self.c1 = Conv(1, 6, kernel=5, dims=2)
        self.s2 = TrainedPool(6, 2, dims=2)
        self.c3 = TableConv(CONNECTIONS, inputs=6, kernel=5)
        self.s4 = TrainedPool(16, 2, dims=2)
        self.c5 = Conv(16, 120, kernel=5, dims=2)
        self.f6 = Dense(120, 84)
        self.output = DistanceToCodes()
        self.squash = ScaledTanh()
        self._start()

    def _start(self) -> None:
        """U(-2.4/n, 2.4/n), n the inputs of a unit (appendix A); the pools start as plain means."""
        for layer, inputs in ((self.c1, 25), (self.c5, 400), (self.f6, 120)):
            nn.init.uniform_(layer.weight, -2.4 / inputs, 2.4 / inputs)
            nn.init.zeros_(layer.bias)  # pyright: ignore[reportArgumentType]
        bounds = torch.tensor([2.4 / (25 * len(maps)) for maps in CONNECTIONS for _ in maps])  # one per connection
        with torch.no_grad():
            self.c3.weight.uniform_(-1, 1).mul_(bounds[:, None, None])
            self.c3.bias.zero_()

    def forward(self, image: Tensor) -> Tensor:
        x = self.squash(self.c1(image))  # (B, 6, 28, 28)
        x = self.squash(self.s2(x))  # (B, 6, 14, 14)

        x = self.squash(self.c3(x))  # (B, 16, 10, 10)
        x = self.squash(self.s4(x))  # (B, 16, 5, 5)

        x = self.squash(self.c5(x))  # (B, 120, 1, 1)
        x = self.squash(self.f6(x.flatten(1)))  # (B, 84)

        return self.output(x)  # (B, 10)

    def stages(self) -> list[str]:
        return ["c1", "s2", "c3", "s4", "c5", "f6"]


CATALOGUE = {"lenet5_1998": LeNet51998Config()}
