"""Maxout: a unit that is the largest of several linear ones, and so learns its own activation (arXiv:1302.4389)."""

from torch import Tensor, nn

from deepglass.blocks.dense import Dense
from deepglass.graph.shape import Shape


class Maxout(nn.Module):
    """y_k = max_p (x W_pkᵀ + b_pk)

    (..., inputs) -> (..., outputs); pieces · outputs linear units
    """

    def __init__(self, inputs: int, outputs: int, *, pieces: int):
        super().__init__()
        self.outputs, self.pieces = outputs, pieces
        self.linear = Dense(inputs, outputs * pieces)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x).unflatten(-1, (self.outputs, self.pieces)).amax(-1)

    def out_shape(self, shape: Shape) -> Shape:
        return *self.linear.out_shape(shape)[:-1], self.outputs

    def extra_repr(self) -> str:
        return f"pieces={self.pieces}"


CATALOGUE = {"maxout": Maxout}
