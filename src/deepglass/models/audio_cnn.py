"""Convolutions over a sound's spectrum, as over a picture of it (after CNN10 of PANNs, Kong et al. 2020).

log-mel bands (B, T, F) -> blocks of 3x3, each halving time and bands -> mean over bands -> max + mean over time -> K

    bands                     32 maps         64           128          256
      │ ░▒▓█▒░   3x3, norm   ┌──────┐       ┌────┐        ┌──┐         ┌┐       mean      max over time
      │ ▒▓█▓░░   relu,       │ ½, ½ │ ────► │ ¼  │ ─────► │⅛ │ ──────► └┘ ───► over ───►      +       ──► dense
      └──────► time  3x3 ½   └──────┘       └────┘        └──┘                 bands     mean over time

The maximum hears a short call in a long recording, the mean what lasts; together they do better than either
(arXiv:1912.10211, section III). A block is two convolutions; the second steps over every other step and band.

Parameters: Σ over blocks of 9 · (inputs · maps + maps²) + 4 · maps, and maps · K + K; 1,175,210 as in the catalogue.
"""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from annotated_types import Ge, Lt, MinLen
from torch import Tensor, nn

from deepglass.blocks.activation import start_weights
from deepglass.blocks.dense import Dense
from deepglass.blocks.time_conv import BandConv, TimeNorm
from deepglass.blocks.time_pool import TimePool
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import Ports, Series, Vector
from deepglass.models.contract import classes_asked, series_asked


@dataclass(frozen=True, kw_only=True, slots=True)
class AudioCNNConfig:
    """Blocks of convolutions over time and bands."""

    bands: Annotated[int, Ge(1)] = 64
    """Bands of the spectrum at each step; any number works."""
    classes: Annotated[int, Ge(1)] = 10
    """How many numbers come out, one per class."""
    maps: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1)] = (32, 64, 128, 256)
    """Maps of each block; each halves time and bands."""
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.2
    """Share of the summary silenced at random while training."""

    def ports(self) -> Ports:
        return Ports(Series(self.bands), Vector(self.classes))

    def fitted(self, ports: Ports) -> "AudioCNNConfig":
        return replace(self, bands=series_asked("audio_cnn", ports), classes=classes_asked("audio_cnn", ports))

    def build(self) -> "AudioCNN":
        return AudioCNN(self)


class BandBlock(nn.Module):
    """Padded (B, T, F, C) -> Padded (B, ⌈T / 2⌉, ⌈F / 2⌉, maps)"""

    def __init__(self, inputs: int, maps: int):
        super().__init__()
        self.conv1 = BandConv(inputs, maps, kernel=3, bias=False)
        self.norm1 = TimeNorm(maps)
        self.conv2 = BandConv(maps, maps, kernel=3, stride=2, bias=False)
        self.norm2 = TimeNorm(maps)
        self.relu = nn.ReLU()

    def forward(self, x: Padded) -> Padded:
        x = self.norm1(self.conv1(x))
        x = Padded(self.relu(x.values), x.lengths)
        x = self.norm2(self.conv2(x))
        return Padded(self.relu(x.values), x.lengths)


class AudioCNN(nn.Module):
    """Padded log-mel bands (B, T, F) -> logits (B, K)"""

    head: ClassVar[str] = "output"

    def __init__(self, config: AudioCNNConfig):
        super().__init__()
        self.blocks = nn.ModuleList(
            BandBlock(inputs, maps) for inputs, maps in zip((1, *config.maps), config.maps, strict=False)
        )
        self.largest, self.mean = TimePool("max"), TimePool("mean")
        self.dropout = nn.Dropout(config.dropout)
        self.output = Dense(config.maps[-1], config.classes)
        for module in self.modules():
            if isinstance(module, BandConv):
                start_weights(module, "relu")

    def forward(self, sound: Padded) -> Tensor:
        x = Padded(sound.values[..., None], sound.lengths)  # (B, T, F, 1)
        for block in self.blocks:
            x = block(x)  # (B, T', F', C)

        x = Padded(x.values.mean(2), x.lengths)  # (B, T', C)
        summary = self.largest(x) + self.mean(x)  # (B, C)
        return self.output(self.dropout(summary))  # (B, K)

    def stages(self) -> list[str]:
        return [f"blocks.{place}" for place in range(len(self.blocks))]


CATALOGUE = {"audio_cnn": AudioCNNConfig()}
