"""Activation functions by name, and the start of the weights that suits each."""

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepglass.graph.shape import Shape

Activation = Literal["sigmoid", "tanh", "scaled_tanh", "relu", "leaky_relu", "elu", "silu", "gelu", "identity"]


class ScaledTanh(nn.Module):
    """LeCun's squashing function: f(±1) = ±1, and its slope is largest where the data lies (LeCun 1998, app. A).

    f(x) = 1.7159 tanh(2x / 3)
    """

    def forward(self, x: Tensor) -> Tensor:
        return 1.7159 * torch.tanh(x * (2 / 3))

    def out_shape(self, shape: Shape) -> Shape:
        return shape


class LiftedLeakyReLU(nn.Module):
    """The leaky rectifier times √2, so that what comes out is spread as what went in (StyleGAN, arXiv:1812.04948).

    f(x) = √2 · max(x, 0.2 x)
    """

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(x, 0.2) * 2**0.5

    def out_shape(self, shape: Shape) -> Shape:
        return shape


MAKERS: dict[str, Callable[[], nn.Module]] = {
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "scaled_tanh": ScaledTanh,
    "relu": nn.ReLU,
    "leaky_relu": lambda: nn.LeakyReLU(0.01),
    "elu": nn.ELU,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
    "identity": nn.Identity,
}

# How much larger than 1/√inputs the weights start, so that neither signal nor gradient shrinks through the layers.
GAINS = {"tanh": 5 / 3, "relu": 2**0.5, "leaky_relu": 2**0.5, "elu": 2**0.5, "silu": 2**0.5, "gelu": 2**0.5}


def activation(name: str) -> nn.Module:
    """The activation function of that name, as a module."""
    if name not in MAKERS:
        raise ValueError(f"No activation '{name}'. Choose one of {', '.join(MAKERS)}.")
    return MAKERS[name]()


def start_weights(layer: nn.Module, name: str) -> None:
    """Start `layer` for the activation that follows it: He for the rectifiers, Glorot for the rest; biases at zero.

    He (arXiv:1502.01852): std = √2 / √inputs.  Glorot (AISTATS 2010): std = gain √(2 / (inputs + outputs)).
    """
    weight, bias = layer.weight, layer.bias
    if not isinstance(weight, Tensor):
        raise ValueError(f"{type(layer).__name__} has no weight to start.")
    gain = GAINS.get(name, 1.0)
    if gain == 2**0.5:
        nn.init.normal_(weight, std=gain / weight[0].numel() ** 0.5)
    else:
        nn.init.xavier_normal_(weight, gain)
    if isinstance(bias, Tensor):
        nn.init.zeros_(bias)


CATALOGUE = {"scaled_tanh": ScaledTanh, "lifted_leaky_relu": LiftedLeakyReLU}
