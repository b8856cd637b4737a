"""Normalisation of each picture by itself: what a style does to contrast goes away (arXiv:1607.08022)."""

import torch.nn.functional as F
from torch import Tensor, nn

from deepglass.graph.shape import Shape, expect_map


class InstanceNorm(nn.Module):
    """Each map of each picture brought to mean 0 and spread 1; nothing is learned, and a batch has no part in it.

    y = (x - mean) / √(var + ε)
    (B, C, H, W) -> the same
    """

    def __init__(self, channels: int, *, dims: int, epsilon: float = 1e-5):
        super().__init__()
        self.channels, self.dims, self.epsilon = channels, dims, epsilon

    def forward(self, x: Tensor) -> Tensor:
        expect_map("InstanceNorm", x.shape, self.dims, self.channels)
        return F.instance_norm(x, eps=self.epsilon)

    def out_shape(self, shape: Shape) -> Shape:
        expect_map("InstanceNorm", shape, self.dims, self.channels)
        return shape

    def extra_repr(self) -> str:
        return f"{self.channels}, epsilon={self.epsilon}"


CATALOGUE = {"instance_norm": InstanceNorm}
