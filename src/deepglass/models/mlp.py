"""Multilayer perceptron: layers of neurons, each layer bent by an activation (Rumelhart, Hinton, Williams 1986).

x (B, F) -> [dense -> activation -> dropout] per hidden layer -> dense -> logits (B, K)

    input layer        hidden layers         output layer
      x1 ─┐┌─ h1 ─┐      ┌─ g1 ─┐
      x2 ─┼┼─ h2 ─┼─ ... ┼─ g2 ─┼─── K numbers, one per class
      x3 ─┘└─ h3 ─┘      └─ g3 ─┘

Parameters: Σ (inputs + 1) · outputs over the layers; 109,386 for 784 -> 128 -> 64 -> 10 as in the catalogue.
"""

from dataclasses import dataclass, replace
from math import prod
from typing import Annotated, ClassVar

from annotated_types import Ge, Lt, MinLen
from torch import Tensor, nn

from deepglass.blocks.activation import Activation, activation, start_weights
from deepglass.blocks.dense import Dense
from deepglass.foundation.ports import Ports, Vector
from deepglass.models.contract import classes_asked, numbers_asked, port_of


@dataclass(frozen=True, kw_only=True, slots=True)
class MLPConfig:
    """A multilayer perceptron for rows of numbers, or for pictures whose pixels it reads as one row."""

    takes: Annotated[tuple[int, ...], MinLen(1)] = (1, 28, 28)
    """Shape of one row: (features,) or (channels, height, width)."""
    classes: Annotated[int, Ge(1)] = 10
    """How many numbers come out, one per class."""
    hidden: tuple[Annotated[int, Ge(1)], ...] = (128, 64)
    """Neurons of each hidden layer, first to last; none at all leaves logistic regression."""
    activation: Activation = "relu"
    """What bends each hidden layer; the weights start as suits it."""
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.0
    """Share of hidden neurons silenced at random while training."""

    def ports(self) -> Ports:
        return Ports(port_of(self.takes), Vector(self.classes))

    def fitted(self, ports: Ports) -> "MLPConfig":
        return replace(self, takes=numbers_asked("mlp", ports), classes=classes_asked("mlp", ports))

    def build(self) -> "MLP":
        return MLP(self)


class HiddenLayer(nn.Module):
    """(B, F) -> (B, H): h = f(W x + b), some of it dropped while training"""

    def __init__(self, inputs: int, outputs: int, config: MLPConfig):
        super().__init__()
        self.dense = Dense(inputs, outputs)
        self.activation = activation(config.activation)
        self.dropout = nn.Dropout(config.dropout) if config.dropout else nn.Identity()
        start_weights(self.dense, config.activation)

    def forward(self, x: Tensor) -> Tensor:
        return self.dropout(self.activation(self.dense(x)))


class MLP(nn.Module):
    """x (B, F) or (B, C, H, W) -> logits (B, K)"""

    head: ClassVar[str] = "output"

    def __init__(self, config: MLPConfig):
        super().__init__()
        widths = (prod(config.takes), *config.hidden)
        self.hidden = nn.Sequential(*(HiddenLayer(a, b, config) for a, b in zip(widths, widths[1:], strict=False)))
        self.output = Dense(widths[-1], config.classes)
        start_weights(self.output, "identity")

    def forward(self, x: Tensor) -> Tensor:
        h = self.hidden(x.flatten(1))  # (B, H)
        return self.output(h)  # (B, K)

    def stages(self) -> list[str]:
        return [f"hidden.{i}" for i in range(len(self.hidden))]


CATALOGUE = {"mlp": MLPConfig()}
