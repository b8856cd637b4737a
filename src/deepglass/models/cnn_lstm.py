"""Frames seen one by one, then remembered in their order (Donahue 2014, arXiv:1411.4389: LRCN).

clip (B, 3, 16, 64, 64) -> every frame: 16 maps -> 32 -> 64 -> 64 on a grid of 4 x 4 -> 128 numbers -> LSTM -> (B, K)

    frame 1      frame 2      frame 3      frame 4
       │            │            │            │           one network for every frame: 3x3 ─ norm ─ relu ─ pool 2 ...
    features     features     features     features       down to a grid that still knows left from right
       │            │            │            │
      h_1 ───────► h_2 ───────► h_3 ───────► h_4          what was seen before is remembered; both ways where all
      h'_1 ◄────── h'_2 ◄────── h'_3 ◄────── h'_4         frames are there before anything is answered
       └────────────┴──── mean ──┴────────────┘ ──► dense ──► "to the left"?

Asked for steps it answers at every frame instead of once. A grid tells where something is, and learns each place of it
anew; what is small and may be anywhere is found sooner by the largest value of each map (`pool=max`).
A frame's features know no time, so that what moves can only be told by the LSTM; a network with 3-D convolutions
(cnn3d, resnet3d) sees motion from its first layer on.

    cnn_lstm    291,474 parameters
"""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

import torch
from annotated_types import Ge, Le, Len, Lt
from torch import Tensor, nn

from deepglass.blocks.conv import Conv
from deepglass.blocks.dense import Dense
from deepglass.blocks.norm import BatchNorm
from deepglass.blocks.pool import GlobalMaxPool, GlobalPool, MaxPool
from deepglass.blocks.recurrent import Recurrent
from deepglass.blocks.time_pool import TimePool
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import Ports, Steps, Vector, Volume
from deepglass.models.contract import classes_asked, steps_asked, volume_asked


@dataclass(frozen=True, kw_only=True, slots=True)
class CNNLSTMConfig:
    """How a frame is seen, and how much is remembered."""

    widths: Annotated[tuple[Annotated[int, Ge(1)], ...], Len(1, 6)] = (16, 32, 64, 64)
    """Maps at each size of a frame, its own first; between two of them both sides are halved."""
    halvings: Annotated[int, Ge(0), Le(5)] = 5
    """How often they are at most; the sizes behind that are as fine as the last."""
    stride: Annotated[int, Ge(1), Le(2)] = 1
    """2: the first convolution is one of 5x5 that takes every second pixel, and the first halving is that."""
    pool: Literal["mean", "max"] = "mean"
    """What a frame's features are told: the mean of each part of a grid, or the largest value of each map."""
    grid: Annotated[int, Ge(1)] = 4
    """pool=mean: parts of each side that are told apart; 1 forgets where something is."""
    features: Annotated[int, Ge(1)] = 128
    """Numbers of a frame."""
    hidden: Annotated[int, Ge(1)] = 64
    """Numbers that each direction of the LSTM remembers."""
    bidirectional: bool = True
    """Whether later frames are known as well; off for answers that may not wait for them."""
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.2
    """Share of a frame's numbers and of the summary silenced at random while training."""
    steps: bool = False
    """Whether every frame is answered, or the clip once."""
    channels: Annotated[int, Ge(1)] = 3
    """1 for grey, 3 for colour."""
    classes: Annotated[int, Ge(1)] = 2
    """How many numbers come out."""
    frames: Annotated[int, Ge(1)] = 16
    """Preferred frames of a clip; any number works."""
    height: Annotated[int, Ge(1)] = 64
    """Preferred rows."""
    width: Annotated[int, Ge(1)] = 64
    """Preferred columns."""

    def ports(self) -> Ports:
        takes = Volume(self.channels, self.frames, self.height, self.width)
        return Ports(takes, Steps(self.classes) if self.steps else Vector(self.classes))

    def fitted(self, ports: Ports) -> "CNNLSTMConfig":
        least = max(self.stride, 2 ** min(self.halvings, len(self.widths) - 1))
        found = volume_asked("cnn_lstm", ports, least=(1, least, least))
        steps = isinstance(ports.gives, Steps)
        classes = steps_asked("cnn_lstm", ports) if steps else classes_asked("cnn_lstm", ports)
        size = {"frames": found.depth, "height": found.height, "width": found.width}
        return replace(self, channels=found.channels, classes=classes, steps=steps, **size)

    def build(self) -> "CNNLSTM":
        return CNNLSTM(self)


class CNNLSTM(nn.Module):
    """clip (B, C, D, H, W) -> logits (B, K), or Padded (B, D, K) of every frame"""

    head: ClassVar[str] = "output"

    def __init__(self, config: CNNLSTMConfig):
        super().__init__()
        inputs = (config.channels, *config.widths)
        strides = (config.stride, *(1 for _ in config.widths[1:]))
        self.looks = nn.ModuleList(
            nn.Sequential(
                Conv(inputs[at], width, kernel=1 + 2 * by, stride=by, padding=by, bias=False, dims=2),
                BatchNorm(width, dims=2),
                nn.ReLU(),
            )
            for at, (width, by) in enumerate(zip(config.widths, strides, strict=True))
        )
        self.pool, self.pooled = MaxPool(2, dims=2), range(config.stride, config.halvings + 1)
        self.grid = GlobalMaxPool(dims=2) if config.pool == "max" else GlobalPool(config.grid, dims=2)
        parts = 1 if config.pool == "max" else config.grid**2
        self.frame = Dense(config.widths[-1] * parts, config.features)
        self.relu = nn.ReLU()
        self.dropout = nn.Dropout(config.dropout)
        self.lstm = Recurrent("lstm", config.features, config.hidden, bidirectional=config.bidirectional)
        self.mean = None if config.steps else TimePool("mean")
        self.output = Dense(self.lstm.outputs, config.classes)
        for module in self.modules():
            if isinstance(module, Conv):  # keeps the spread of the signal through rectifiers (arXiv:1502.01852)
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, clip: Tensor) -> Tensor | Padded:
        rows, frames = clip.shape[0], clip.shape[2]
        x = clip.transpose(1, 2).flatten(0, 1)  # (BD, C, H, W)
        for level, look in enumerate(self.looks):
            x = look(self.pool(x) if level in self.pooled else x)
            # (BD, widths[level], H / 2^level, W / 2^level)

        x = self.relu(self.frame(self.grid(x).flatten(1)))  # (BD, F)
        x = self.dropout(x.unflatten(0, (rows, frames)))  # (B, D, F)

        steps, _ = self.lstm(Padded(x, torch.full((rows,), frames, device=x.device)))  # (B, D, 2H)
        if self.mean is None:
            return steps.with_values(self.output(self.dropout(steps.values)))  # (B, D, K)
        return self.output(self.dropout(self.mean(steps)))  # (B, K)

    def stages(self) -> list[str]:
        return [*(f"looks.{level}" for level in range(len(self.looks))), "lstm"]


CATALOGUE = {"cnn_lstm": CNNLSTMConfig()}
