"""A fully connected layer: every output is a weighted sum of every input."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepglass.graph.shape import Shape, expect_last


class Dense(nn.Module):
    """y = x Wᵀ + b

    (..., inputs) -> (..., outputs); weight (outputs, inputs), bias (outputs,)
    """

    def __init__(self, inputs: int, outputs: int, *, bias: bool = True):
        super().__init__()
        self.inputs, self.outputs = inputs, outputs
        self.weight = nn.Parameter(torch.empty(outputs, inputs))
        self.bias = nn.Parameter(torch.empty(outputs)) if bias else None
        start_uniform(self.weight, self.bias)

    def forward(self, x: Tensor) -> Tensor:
        expect_last("Dense", x.shape, self.inputs)
        return F.linear(x, self.weight, self.bias)

    def out_shape(self, shape: Shape) -> Shape:
        expect_last("Dense", shape, self.inputs)
        return *shape[:-1], self.outputs

    def extra_repr(self) -> str:
        return f"{self.inputs}, {self.outputs}, bias={self.bias is not None}"


def start_uniform(weight: Tensor, bias: Tensor | None) -> None:
    """Fill both with U(-1/√n, 1/√n), n the inputs of one unit: torch's own start, so results compare with it."""
    bound = 1 / math.sqrt(weight[0].numel())
    nn.init.uniform_(weight, -bound, bound)
    if bias is not None:
        nn.init.uniform_(bias, -bound, bound)


CATALOGUE = {"dense": Dense}
