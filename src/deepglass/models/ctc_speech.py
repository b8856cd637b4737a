"""Speech to letters at every step, a small Deep Speech 2 (Amodei et al. 2015, arXiv:1512.02595).

bands (B, T, F) -> 2 convolutions over time and bands -> layers of LSTM from both ends -> logits (B, T / 4, V)

    F │▒▒▓▓▒░░▒▓█▓▒│    conv 11x21, /2 ──► norm ──► clipped relu       strokes of the spectrum
      └────── T ───┘    conv 11x11, /2 ──► norm ──► clipped relu       a quarter of the steps is left
                              │
                        LSTM ►◄  ──► norm  ──► LSTM ►◄ ──► ...         who spoke before and after
                              │
                        dense ──► a letter or the blank                 for connectionist temporal classification

Parameters depend on the bands; 2,908,669 for 40 bands, 32 channels, H = 256, two layers and 29 symbols.
"""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import torch.nn.functional as F
from annotated_types import Ge, Lt
from torch import nn

from deepglass.blocks.dense import Dense
from deepglass.blocks.recurrent import Recurrent
from deepglass.blocks.time_conv import BandConv, TimeNorm
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import Ports, Series, Steps
from deepglass.models.contract import series_asked, steps_asked

MOST = 20.0  # where the rectifier is clipped, section 3.1


@dataclass(frozen=True, kw_only=True, slots=True)
class CTCSpeechConfig:
    """Two strided convolutions, bidirectional LSTM layers and a dense layer over the symbols."""

    bands: Annotated[int, Ge(1)] = 40
    """Numbers at each step of the spectrum."""
    symbols: Annotated[int, Ge(1)] = 29
    """How many numbers come out at every step: the blank and the alphabet."""
    channels: Annotated[int, Ge(1)] = 32
    """Maps of both convolutions."""
    hidden: Annotated[int, Ge(1)] = 256
    """Numbers that each direction of a layer remembers."""
    layers: Annotated[int, Ge(1)] = 2
    """Layers of LSTM."""
    stride: Annotated[int, Ge(1)] = 2
    """Steps of time that the first convolution makes one; the second makes two one."""
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.1
    """Share silenced at random while training, before each layer and the last one."""

    def ports(self) -> Ports:
        return Ports(Series(self.bands), Steps(self.symbols))

    def fitted(self, ports: Ports) -> "CTCSpeechConfig":
        return replace(self, bands=series_asked("ctc_speech", ports), symbols=steps_asked("ctc_speech", ports))

    def build(self) -> "CTCSpeech":
        return CTCSpeech(self)


class Strokes(nn.Module):
    """One convolution over time and bands, normalised, its rectifier clipped. (B, T, F, I) -> (B, T / s, F / 2, C)"""

    def __init__(self, inputs: int, outputs: int, bands: int, stride: int):
        super().__init__()
        self.conv = BandConv(inputs, outputs, kernel=(11, bands), stride=(stride, 2), bias=False)
        self.norm = TimeNorm(outputs)

    def forward(self, x: Padded) -> Padded:
        x = self.norm(self.conv(x))
        return x.with_values(x.values.clamp(0, MOST))


class CTCSpeech(nn.Module):
    """Padded bands (B, T, F) -> Padded logits (B, T / (2 stride), V)"""

    head: ClassVar[str] = "output"

    def __init__(self, config: CTCSpeechConfig):
        super().__init__()
        self.config = config
        self.strokes = nn.Sequential(
            Strokes(1, config.channels, 21, config.stride), Strokes(config.channels, config.channels, 11, 2)
        )
        left = (config.bands + 3) // 4  # bands behind both, each of which leaves half of them, rounded up
        widths = [left * config.channels, *[2 * config.hidden] * (config.layers - 1)]
        self.lstm = nn.ModuleList(Recurrent("lstm", width, config.hidden, bidirectional=True) for width in widths)
        self.norms = nn.ModuleList(TimeNorm(width) for width in widths)
        self.output = Dense(2 * config.hidden, config.symbols)

    def forward(self, sound: Padded) -> Padded:
        x = self.strokes(Padded(sound.values[..., None], sound.lengths))  # (B, T', F', C)
        x = Padded(x.values.flatten(2), x.lengths)  # (B, T', F' · C)

        for norm, layer in zip(self.norms, self.lstm, strict=True):
            x = norm(x)
            x, _ = layer(Padded(F.dropout(x.values, self.config.dropout, self.training), x.lengths))  # (B, T', 2H)

        x = Padded(F.dropout(x.values, self.config.dropout, self.training), x.lengths)
        return x.with_values(self.output(x.values))  # (B, T', V)

    def stages(self) -> list[str]:
        return [f"strokes.{place}" for place in range(2)] + [f"lstm.{place}" for place in range(len(self.lstm))]


CATALOGUE = {"ctc_speech": CTCSpeechConfig()}
