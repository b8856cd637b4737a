"""A line of text as a row of its columns, and a reader of words and number plates that says a letter at each.

Letters: B lines, T columns, V symbols.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepglass.blocks.conv import Conv
from deepglass.blocks.dense import Dense
from deepglass.blocks.norm import BatchNorm
from deepglass.blocks.pool import MaxPool
from deepglass.blocks.recurrent import Recurrent
from deepglass.foundation.padded import Padded
from deepglass.graph.shape import Shape, expect_map

EVEN = 1e-3  # a line of one colour has no spread
TALL, WIDE = 8, 4  # pixels that become one place before the last convolution, which is as high as what is left


class LineColumns(nn.Module):
    """Strokes, then parts of letters, then letters: the height is used up, a quarter of the width is left.

    (B, inputs, H, W) -> (B, ⌊W / 4⌋, 4 · maps), for lines of one height: as in a CRNN (arXiv:1507.05717, section 2.1)
    """

    def __init__(self, inputs: int, *, maps: int, height: int):
        super().__init__()
        if height < TALL:
            raise ValueError(f"LineColumns needs lines at least {TALL} pixels high; got {height}.")
        self.inputs, self.height, self.outputs = inputs, height, 4 * maps
        self.strokes = nn.Sequential(*_seen(inputs, maps), MaxPool(2, dims=2))
        self.parts = nn.Sequential(*_seen(maps, 2 * maps), MaxPool(2, dims=2))
        self.letters = nn.Sequential(
            *_seen(2 * maps, 4 * maps), *_seen(4 * maps, 4 * maps), MaxPool((2, 1), dims=2), *_seen(4 * maps, 4 * maps)
        )
        self.column = Conv(4 * maps, 4 * maps, kernel=(height // TALL, 1), bias=False, dims=2)
        self.norm = BatchNorm(4 * maps, dims=2)

    def forward(self, x: Tensor) -> Tensor:
        self.out_shape(tuple(x.shape))
        x = self.strokes(x)  # (B, maps, H / 2, W / 2)
        x = self.parts(x)  # (B, 2 · maps, H / 4, W / 4)
        x = self.letters(x)  # (B, 4 · maps, H / 8, W / 4)
        x = F.relu(self.norm(self.column(x)))  # (B, 4 · maps, 1, W / 4)
        return x.squeeze(2).mT

    def out_shape(self, shape: Shape) -> Shape:
        expect_map("LineColumns", shape, 2, self.inputs)
        if shape[2] != self.height or shape[3] < WIDE:
            raise ValueError(f"LineColumns expects {self.height} rows and {WIDE} columns or more; got shape {shape}.")
        return shape[0], shape[3] // 2 // 2, self.outputs


class LineReader(nn.Module):
    """The columns of a line, read from both ends: logits of every symbol at each (arXiv:1507.05717).

    (B, inputs, H, W) -> Padded (B, ⌊W / 4⌋, symbols), each row as long as every other. `hidden=0` has no LSTM.
    Every line is brought to mean 0 and spread 1 first: by day and by night, dark on light and light on dark.
    """

    def __init__(self, inputs: int, symbols: int, *, maps: int, hidden: int, height: int, dropout: float = 0.0):
        super().__init__()
        self.dropout = dropout
        self.columns = LineColumns(inputs, maps=maps, height=height)
        width = self.columns.outputs
        self.lstm = Recurrent("lstm", width, hidden, bidirectional=True) if hidden else None
        self.output = Dense(2 * hidden or width, symbols)

    def forward(self, line: Tensor) -> Padded:
        spread, mean = torch.std_mean(line, (1, 2, 3), keepdim=True)
        x = self.columns((line - mean) / (spread + EVEN))  # (B, T, 4 · maps)
        lengths = torch.full((len(x),), x.shape[1], device=x.device)

        x = F.dropout(x, self.dropout, self.training)
        if self.lstm is not None:
            x = self.lstm(Padded(x, lengths))[0].values  # (B, T, 2 · hidden)
            x = F.dropout(x, self.dropout, self.training)

        return Padded(self.output(x), lengths)  # (B, T, V)

    def out_shape(self, shape: Shape) -> Shape:
        rows, steps, _ = self.columns.out_shape(shape)
        return rows, steps, self.output.outputs


def _seen(inputs: int, outputs: int) -> list[nn.Module]:
    conv = Conv(inputs, outputs, kernel=3, padding=1, bias=False, dims=2)
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    return [conv, BatchNorm(outputs, dims=2), nn.ReLU(inplace=True)]


CATALOGUE = {"line_columns": LineColumns, "line_reader": LineReader}
