"""Batch normalisation whose scale and shift are told by something else, for each row by its own (arXiv:1707.00683)."""

from torch import Tensor, nn

from deepglass.blocks.norm import BatchNorm
from deepglass.graph.shape import Shape, expect_map


class ConditionalNorm(nn.Module):
    """y = (1 + gain(c)) · (x - mean) / √(var + ε) + shift(c), with a mean and a spread of the whole batch.

    x (B, C, H, W), c (B, F) -> (B, C, H, W); gain and shift are layers (B, F) -> (B, C)
    """

    def __init__(self, channels: int, gain: nn.Module, shift: nn.Module):
        super().__init__()
        self.channels = channels
        self.norm = BatchNorm(channels, dims=2, scale=False, shift=False)
        self.gain, self.shift = gain, shift

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        gain, shift = self.gain(told)[:, :, None, None], self.shift(told)[:, :, None, None]
        return self.norm(x) * (1 + gain) + shift

    def out_shape(self, shape: Shape, told: Shape) -> Shape:
        expect_map("BatchNorm", shape, 2, self.channels)
        return shape


CATALOGUE = {"conditional_norm": ConditionalNorm}
