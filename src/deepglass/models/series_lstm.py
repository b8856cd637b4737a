"""Long short-term memory over a series, read from both ends (Hochreiter and Schmidhuber 1997; Graves 2005).

series (B, T, C) -> layers of LSTM, forward and backward -> summary (B, 2H) -> dense -> logits (B, K)

    x_1 ──► LSTM ──► LSTM ──► ... ──► LSTM      i, f, o = σ(W x_t + U h + b)      what is let in, kept, let out
            h_1      h_2              h_T       g       = tanh(W x_t + U h + b)
            h'_1 ◄── LSTM ◄── ... ◄── LSTM      c = f c + i g,   h = o tanh(c)

The summary is the mean over a row's own steps of what both directions say, or what each says at its end: the mean
learns sooner, the end is the textbook's many-to-one. Forget gates begin open, so that early steps are not lost
(Jozefowicz et al. 2015).

Parameters: 4H (I + H + 2) for each layer and direction, and 2H · K + K; 34,562 for one channel, H = 64 and two classes.
"""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

import torch
from annotated_types import Ge, Lt
from torch import Tensor, nn

from deepglass.blocks.dense import Dense
from deepglass.blocks.recurrent import Recurrent
from deepglass.blocks.time_pool import TimePool
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import Ports, Series, Vector
from deepglass.models.contract import classes_asked, series_asked


@dataclass(frozen=True, kw_only=True, slots=True)
class SeriesLSTMConfig:
    """A stack of LSTM layers over time."""

    channels: Annotated[int, Ge(1)] = 1
    """Numbers at each step."""
    classes: Annotated[int, Ge(1)] = 2
    """How many numbers come out, one per class."""
    hidden: Annotated[int, Ge(1)] = 64
    """Numbers that each direction of a layer remembers."""
    layers: Annotated[int, Ge(1)] = 1
    """Layers, each reading what the one below says."""
    bidirectional: bool = True
    """Whether every layer reads from the end as well."""
    summary: Literal["mean", "end"] = "mean"
    """What becomes of the steps: their mean, or what each direction says where it ends."""
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.0
    """Share silenced at random while training, between layers and before the classes."""

    def ports(self) -> Ports:
        return Ports(Series(self.channels), Vector(self.classes))

    def fitted(self, ports: Ports) -> "SeriesLSTMConfig":
        channels = series_asked("series_lstm", ports)
        return replace(self, channels=channels, classes=classes_asked("series_lstm", ports))

    def build(self) -> "SeriesLSTM":
        return SeriesLSTM(self)


class SeriesLSTM(nn.Module):
    """Padded series (B, T, C) -> logits (B, K)"""

    head: ClassVar[str] = "output"

    def __init__(self, config: SeriesLSTMConfig):
        super().__init__()
        self.config = config
        self.lstm = Recurrent(
            "lstm",
            config.channels,
            config.hidden,
            layers=config.layers,
            bidirectional=config.bidirectional,
            dropout=config.dropout,
        )
        self.mean = TimePool("mean")
        self.dropout = nn.Dropout(config.dropout)
        self.output = Dense(self.lstm.outputs, config.classes)

    def forward(self, series: Padded) -> Tensor:
        steps, (h, _) = self.lstm(series)  # (B, T, 2H), (2 · layers, B, H)

        if self.config.summary == "mean":
            summary = self.mean(steps)  # (B, 2H)
        else:
            sides = 2 if self.config.bidirectional else 1
            summary = torch.cat(h[-sides:].unbind(), dim=-1)  # (B, 2H), the last layer's

        return self.output(self.dropout(summary))  # (B, K)

    def stages(self) -> list[str]:
        return ["lstm"]


CATALOGUE = {"series_lstm": SeriesLSTMConfig()}
