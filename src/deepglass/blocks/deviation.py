"""How much the pictures of a batch differ, as one more map: a generator that always makes the same is found out so."""

import torch
from torch import Tensor, nn

from deepglass.graph.shape import Shape, expect_map

EPSILON = 1e-8
DECAY = 0.99  # of the running mean


class MinibatchDeviation(nn.Module):
    """The mean deviation of every place of every map within a group of rows, beside the maps (arXiv:1710.10196, 3).

    d_g = mean_cxy √(var_{b in g} x_bcxy + ε)
    (B, C, H, W) -> (B, C + 1, H, W)
    Rows are grouped by `group` or the largest part of it that divides B; where none does, they are all one group. In
    evaluation, where a row must give what it gives alone, the running mean of training stands there.
    """

    running: Tensor

    def __init__(self, group: int = 4):
        super().__init__()
        self.group = group
        self.register_buffer("running", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        expect_map("MinibatchDeviation", x.shape, 2)
        rows, _, height, width = x.shape
        if not self.training:
            return torch.cat([x, self.running.to(x).expand(rows, 1, height, width)], dim=1)
        size = next((size for size in range(min(self.group, rows), 1, -1) if rows % size == 0), rows)
        grouped = x.unflatten(0, (size, -1)).float()  # (G, B / G, C, H, W)
        deviation = (grouped.var(0, correction=0) + EPSILON).sqrt().mean((1, 2, 3))  # (B / G,)
        self.running.lerp_(deviation.detach().mean(), 1 - DECAY)
        seen = deviation.to(x.dtype).repeat(size)[:, None, None, None]
        return torch.cat([x, seen.expand(-1, 1, height, width)], dim=1)

    def out_shape(self, shape: Shape) -> Shape:
        expect_map("MinibatchDeviation", shape, 2)
        return shape[0], shape[1] + 1, *shape[2:]

    def extra_repr(self) -> str:
        return f"group={self.group}"


CATALOGUE = {"minibatch_deviation": MinibatchDeviation}
