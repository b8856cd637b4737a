"""Dense layers over the last steps of a series: each step and channel has weights of its own (cf. Zeng et al. 2023).

series (B, T, C) -> its last S steps, side by side (B, S C) -> z = W x + b + V relu(U x + c) -> (B, K)

    x_(T-S+1) ... x_(T-1)  x_T
        └──── side by side ───┘ ──┬── W ─────────────────── + ──► z        what repeats, leads on and fades is linear:
                                  └── U ── relu ── V ────── ┘              a weight for the step one season back is all

A row that is shorter stands at the end, with zeros before it. A recurrent layer forgets which step it was; here every
step keeps its place, which is what a season is told by. arXiv:2205.13504 has the linear layer alone.

Parameters: S C (K + H) + K (H + 1) + H; 12,644 for one channel, S = 48, H = 128 and 36 numbers.
"""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from annotated_types import Ge, Lt
from torch import Tensor, nn

from deepglass.blocks.dense import Dense
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import Ports, Series, Vector
from deepglass.models.contract import classes_asked, series_asked


@dataclass(frozen=True, kw_only=True, slots=True)
class SeriesDenseConfig:
    """A linear and a hidden layer over the last steps."""

    channels: Annotated[int, Ge(1)] = 1
    """Numbers at each step."""
    classes: Annotated[int, Ge(1)] = 36
    """How many numbers come out."""
    steps: Annotated[int, Ge(1)] = 48
    """Steps from the end that are looked at."""
    hidden: Annotated[int, Ge(1)] = 128
    """Neurons of the hidden layer."""
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.1
    """Share of the hidden layer silenced at random while training."""

    def ports(self) -> Ports:
        return Ports(Series(self.channels), Vector(self.classes))

    def fitted(self, ports: Ports) -> "SeriesDenseConfig":
        channels = series_asked("series_dense", ports)
        return replace(self, channels=channels, classes=classes_asked("series_dense", ports))

    def build(self) -> "SeriesDense":
        return SeriesDense(self)


class SeriesDense(nn.Module):
    """Padded series (B, T, C) -> (B, K)"""

    head: ClassVar[str] = "output"

    def __init__(self, config: SeriesDenseConfig):
        super().__init__()
        self.steps = config.steps
        self.inside = Dense(config.steps * config.channels, config.hidden)
        self.dropout = nn.Dropout(config.dropout)
        self.output = Dense(config.steps * config.channels + config.hidden, config.classes)

    def forward(self, series: Padded) -> Tensor:
        x = last_steps(series, self.steps).flatten(1)  # (B, S C)

        h = self.dropout(F.relu(self.inside(x)))  # (B, H)

        return self.output(torch.cat((x, h), dim=1))  # (B, K); W and V beside each other

    def stages(self) -> list[str]:
        return ["inside"]


def last_steps(series: Padded, steps: int) -> Tensor:
    """The last so many steps of each row, zeros before the first. (B, T, C) -> (B, steps, C)"""
    width = series.values.shape[1]
    place = series.lengths[:, None] - steps + torch.arange(steps, device=series.lengths.device)  # (B, steps)
    there = series.values.gather(1, place.clamp(0, width - 1)[:, :, None].expand(-1, -1, series.values.shape[2]))
    return there * (place >= 0)[:, :, None]


CATALOGUE = {"series_dense": SeriesDenseConfig()}
