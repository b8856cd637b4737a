"""Perceptron (Rosenblatt 1958): one neuron draws one straight line between two classes.

x (B, F) -> s = w·x + b -> logits (-s/2, +s/2);  F + 1 parameters

           x1 ──w1─┐
           x2 ──w2─┼─ Σ ── s ──  class 1 where s > 0, else class 0
            1 ──b──┘

The logits differ by exactly s, so softmax of them is sigmoid(s). With the loss max(0, -y s), y = ±1, SGD of rate η and
one row at a time the step is Rosenblatt's rule: on a mistake w += η y x, b += η y; otherwise nothing.
"""

from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar

import torch
from torch import Tensor, nn

from deepglass.blocks.dense import Dense
from deepglass.foundation.ports import PortMismatch, Ports, Vector
from deepglass.models.contract import classes_asked, numbers_asked, port_of


@dataclass(frozen=True, kw_only=True, slots=True)
class PerceptronConfig:
    """A perceptron for rows of numbers, or for pictures whose pixels it reads as one row."""

    takes: tuple[int, ...] = (2,)
    """Shape of one row: (features,) or (channels, height, width)."""

    def ports(self) -> Ports:
        return Ports(port_of(self.takes), Vector(2))

    def fitted(self, ports: Ports) -> "PerceptronConfig":
        classes = classes_asked("perceptron", ports)
        if classes != 2:
            raise PortMismatch("models.two_classes", classes=classes)
        return replace(self, takes=numbers_asked("perceptron", ports))

    def build(self) -> "Perceptron":
        return Perceptron(self)


class Perceptron(nn.Module):
    """One neuron. x (B, F) or (B, C, H, W) -> logits (B, 2)"""

    head: ClassVar[str] = "neuron"

    def __init__(self, config: PerceptronConfig):
        super().__init__()
        self.neuron = Dense(prod(config.takes), 1)
        # from zero, the weights are the sum of the mistakes so far: nothing but the data is in them
        nn.init.zeros_(self.neuron.weight)
        nn.init.zeros_(self.neuron.bias)  # pyright: ignore[reportArgumentType]

    def score(self, x: Tensor) -> Tensor:
        """s = w·x + b, the signed side of the line on which x lies. (B, F) -> (B,)"""
        return self.neuron(x.flatten(1)).squeeze(1)

    def forward(self, x: Tensor) -> Tensor:
        s = self.score(x)  # (B,)
        return torch.stack((-s, s), dim=1) / 2  # (B, 2)

    def stages(self) -> list[str]:
        return []


CATALOGUE = {"perceptron": PerceptronConfig()}
