"""Every place of a map looks at all others: what is far apart in a picture can fit together (arXiv:1805.08318)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepglass.blocks.conv import Conv
from deepglass.blocks.spectral_norm import SpectralNorm
from deepglass.graph.shape import Shape, expect_map


class SelfAttention(nn.Module):
    """y = x + γ · o(softmax(θ(x)ᵀ φ(x)) g(x)), φ and g at every second place; γ begins at nothing.

    (B, C, H, W) -> the same; every kernel is 1 x 1 and held by its spectral norm
    """

    def __init__(self, channels: int):
        super().__init__()
        self.channels = channels
        few, half = max(1, channels // 8), max(1, channels // 2)
        self.theta, self.phi, self.g = (_mixed(channels, outputs) for outputs in (few, few, half))
        self.o = _mixed(half, channels)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        expect_map("SelfAttention", x.shape, 2, self.channels)
        asked = self.theta(x).flatten(2)  # (B, c, HW)
        known = F.max_pool2d(self.phi(x), 2).flatten(2)  # (B, c, HW / 4)
        told = F.max_pool2d(self.g(x), 2).flatten(2)

        seen = torch.softmax(asked.mT @ known, dim=2)  # (B, HW, HW / 4)
        found = (told @ seen.mT).unflatten(2, x.shape[2:])
        return x + self.gamma * self.o(found)

    def out_shape(self, shape: Shape) -> Shape:
        expect_map("SelfAttention", shape, 2, self.channels)
        return shape

    def extra_repr(self) -> str:
        return f"{self.channels}"


def _mixed(inputs: int, outputs: int) -> SpectralNorm:
    return SpectralNorm(Conv(inputs, outputs, kernel=1, dims=2, bias=False))


CATALOGUE = {"self_attention": SelfAttention}
