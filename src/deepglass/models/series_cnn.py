"""InceptionTime: kernels of three lengths side by side read a series at three speeds (Ismail Fawaz et al. 2020).

series (B, T, C) -> [module] per depth, a shortcut around every three -> mean over time -> dense -> logits (B, K)

                   ┌─ kernel 40 ─┐
    x ─ 1 step ────┼─ kernel 20 ─┼─ side by side ─ norm ─ relu ─ y
    │              └─ kernel 10 ─┤
    └─ max of 3 ───── 1 step ────┘

    x ─ module ─ module ─ module ─ + ─ relu ─ ...     y = relu(module(module(module(x))) + norm(W x))
    └────────── 1 step, norm ──────┘

The mean over a row's own steps makes any length fit, and says where a class is seen: each step votes (class activation
maps). `stride` lets the first module step over long series, whose neighbours say nearly the same: the kernels then
reach as many times as far. arXiv:1909.04939; one network, where the paper has the mean of five.

Parameters: 420,450 for one channel and two classes as in the catalogue.
"""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, Lt, MinLen
from torch import Tensor, nn

from deepglass.blocks.activation import start_weights
from deepglass.blocks.dense import Dense
from deepglass.blocks.time_conv import TimeConv, TimeNorm
from deepglass.blocks.time_pool import TimeMaxPool, TimePool
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import Ports, Series, Vector
from deepglass.models.contract import classes_asked, series_asked

SHORTCUT = 3
"""Modules that a shortcut leads around, as in the paper."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SeriesCNNConfig:
    """An Inception network over time."""

    channels: Annotated[int, Ge(1)] = 1
    """Numbers at each step."""
    classes: Annotated[int, Ge(1)] = 2
    """How many numbers come out, one per class."""
    depth: Annotated[int, Ge(1)] = 6
    """Modules, one behind the other."""
    filters: Annotated[int, Ge(1)] = 32
    """Filters of each branch of a module, and of the layer that narrows its input."""
    kernels: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1)] = (40, 20, 10)
    """Steps that each branch looks at."""
    stride: Annotated[int, Ge(1)] = 1
    """Steps from one place to the next that the first module looks at; all that follow see every place."""
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.0
    """Share of the summary silenced at random while training."""

    def ports(self) -> Ports:
        return Ports(Series(self.channels), Vector(self.classes))

    def fitted(self, ports: Ports) -> "SeriesCNNConfig":
        channels = series_asked("series_cnn", ports)
        return replace(self, channels=channels, classes=classes_asked("series_cnn", ports))

    def build(self) -> "SeriesCNN":
        return SeriesCNN(self)


class InceptionModule(nn.Module):
    """Padded (B, T, C) -> Padded (B, ⌈T / stride⌉, filters · (kernels + 1))"""

    def __init__(self, inputs: int, config: SeriesCNNConfig, stride: int = 1):
        super().__init__()
        filters = config.filters
        self.narrow = TimeConv(inputs, filters, kernel=1, bias=False) if inputs > 1 else nn.Identity()
        width = filters if inputs > 1 else 1
        self.branches = nn.ModuleList(
            TimeConv(width, filters, kernel=kernel, stride=stride, bias=False) for kernel in config.kernels
        )
        self.largest = TimeMaxPool(3, stride=stride)
        self.behind = TimeConv(inputs, filters, kernel=1, bias=False)
        self.outputs = filters * (len(config.kernels) + 1)
        self.norm = TimeNorm(self.outputs)
        self.relu = nn.ReLU()

    def forward(self, x: Padded) -> Padded:
        narrow = self.narrow(x)  # (B, T, filters)
        found = [branch(narrow) for branch in self.branches]
        found.append(self.behind(self.largest(x)))

        values = torch.cat([one.values for one in found], dim=-1)  # (B, T', outputs)
        x = self.norm(Padded(values, found[0].lengths))
        return Padded(self.relu(x.values), x.lengths)


class InceptionUnit(nn.Module):
    """Modules with a shortcut around them. y = relu(modules(x) + norm(W x))"""

    def __init__(self, inputs: int, modules: int, config: SeriesCNNConfig, stride: int = 1):
        super().__init__()
        first = InceptionModule(inputs, config, stride)
        self.outputs = first.outputs
        self.layers = nn.Sequential(first, *(InceptionModule(self.outputs, config) for _ in range(modules - 1)))
        self.around = TimeConv(inputs, self.outputs, kernel=1, stride=stride, bias=False)
        self.norm = TimeNorm(self.outputs)
        self.relu = nn.ReLU()

    def forward(self, x: Padded) -> Padded:
        shortcut = self.norm(self.around(x))
        x = self.layers(x)
        return Padded(self.relu(x.values + shortcut.values), x.lengths)


class SeriesCNN(nn.Module):
    """Padded series (B, T, C) -> logits (B, K)"""

    head: ClassVar[str] = "output"

    def __init__(self, config: SeriesCNNConfig):
        super().__init__()
        sizes = [min(SHORTCUT, config.depth - start) for start in range(0, config.depth, SHORTCUT)]
        units: list[InceptionUnit] = []
        for place, modules in enumerate(sizes):
            inputs = units[-1].outputs if units else config.channels
            units.append(InceptionUnit(inputs, modules, config, 1 if place else config.stride))
        self.units = nn.ModuleList(units)
        self.mean = TimePool("mean")
        self.dropout = nn.Dropout(config.dropout)
        self.output = Dense(units[-1].outputs, config.classes)
        for module in self.modules():
            if isinstance(module, TimeConv):  # keeps the spread of the signal through rectifiers
                start_weights(module, "relu")

    def forward(self, series: Padded) -> Tensor:
        x = series
        for unit in self.units:
            x = unit(x)  # (B, T', D)

        summary = self.dropout(self.mean(x))  # (B, D)
        return self.output(summary)  # (B, K)

    def stages(self) -> list[str]:
        return [f"units.{place}" for place in range(len(self.units))]


CATALOGUE = {"series_cnn": SeriesCNNConfig()}
