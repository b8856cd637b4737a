"""Adversarial networks of time series: one LSTM writes a series step by step, another reads it from both ends (RCGAN,
Esteban, Hyland & Rätsch 2017, arXiv:1706.02633).

numbers Padded (B, T, Z), class (B,) -> generator -> series Padded (B, T, C) -> discriminator -> verdict (B, 1)

    z_1, class ─► LSTM ─► dense ─► x_1        x_1, class ─► LSTM ◄─► h_1 ─┐
    z_2, class ─► LSTM ─► dense ─► x_2        x_2, class ─► LSTM ◄─► h_2 ─┼─ mean ─► dense ─► real or made?
    z_T, class ─► LSTM ─► dense ─► x_T        x_T, class ─► LSTM ◄─► h_T ─┘

As in the paper both are told the class at every step. There the discriminator has a verdict for every step; the mean of
these is the verdict of the mean, of which the loss is taken here once. 55,490 parameters for one channel, no classes.
"""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from annotated_types import Ge
from torch import Tensor, nn

from deepglass.blocks.dense import Dense
from deepglass.blocks.recurrent import Recurrent
from deepglass.blocks.time_pool import TimePool
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import LatentSteps, Players, Ports, Series
from deepglass.models.contract import series_players_asked


@dataclass(frozen=True, kw_only=True, slots=True)
class SeriesGANConfig:
    """An LSTM that writes and one that reads."""

    latent: Annotated[int, Ge(1)] = 16
    """Numbers that a step is made of."""
    classes: Annotated[int, Ge(0)] = 0
    """Different classes that may be asked for; none makes series without."""
    channels: Annotated[int, Ge(1)] = 1
    """Numbers of a step."""
    hidden: Annotated[int, Ge(1)] = 64
    """Numbers that the generator remembers."""
    judged: Annotated[int, Ge(1)] = 64
    """Numbers that each direction of the discriminator remembers."""
    layers: Annotated[int, Ge(1)] = 1
    """Layers of the generator, each reading what the one below says."""

    def ports(self) -> Ports:
        return Ports(
            LatentSteps(self.latent, self.classes), Players(("generator", "discriminator"), Series(self.channels))
        )

    def fitted(self, ports: Ports) -> "SeriesGANConfig":
        takes, series = series_players_asked("series_gan", ports)
        return replace(self, latent=takes.size, classes=takes.classes, channels=series.channels)

    def build(self) -> "SeriesGAN":
        return SeriesGAN(self)


class SeriesGAN(nn.Module):
    """numbers Padded (B, T, Z), and with classes int64 (B,) -> verdict (B, 1) on the series that is made of them"""

    head: ClassVar[str] = "discriminator.verdict"

    def __init__(self, config: SeriesGANConfig):
        super().__init__()
        self.generator = Generator(config)
        self.discriminator = Discriminator(config)

    def forward(self, latent: Padded, label: Tensor | None = None) -> Tensor:
        return self.discriminator(self.generator(latent, label), label)

    def stages(self) -> list[str]:
        return ["generator.lstm", "discriminator.lstm"]


class Generator(nn.Module):
    """numbers Padded (B, T, Z), class (B,) -> series Padded (B, T, C), standardised as the real ones are"""

    def __init__(self, config: SeriesGANConfig):
        super().__init__()
        self.classes = config.classes
        self.lstm = Recurrent("lstm", config.latent + config.classes, config.hidden, layers=config.layers)
        self.number = Dense(config.hidden, config.channels)

    def forward(self, latent: Padded, label: Tensor | None = None) -> Padded:
        steps, _ = self.lstm(told(latent, label, self.classes))  # (B, T, H)
        return steps.with_values(self.number(steps.values))


class Discriminator(nn.Module):
    """series Padded (B, T, C), class (B,) -> verdict (B, 1): above 0 where it looks real, and of this class"""

    def __init__(self, config: SeriesGANConfig):
        super().__init__()
        self.classes = config.classes
        self.lstm = Recurrent("lstm", config.channels + config.classes, config.judged, bidirectional=True)
        self.mean = TimePool("mean")
        self.verdict = Dense(self.lstm.outputs, 1)

    def forward(self, series: Padded, label: Tensor | None = None) -> Tensor:
        steps, _ = self.lstm(told(series, label, self.classes))  # (B, T, 2H)
        return self.verdict(self.mean(steps))


def told(rows: Padded, label: Tensor | None, classes: int) -> Padded:
    """Rows with their class beside every step, one number for each of the classes. (B, T, C) -> (B, T, C + K)"""
    if label is None or not classes:
        return rows
    known = F.one_hot(label, classes).to(rows.values)[:, None].expand(-1, rows.values.shape[1], -1)
    return rows.with_values(torch.cat([rows.values, known], dim=2))


CATALOGUE = {"series_gan": SeriesGANConfig()}
