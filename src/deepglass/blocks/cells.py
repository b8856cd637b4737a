"""One step of a recurrent network as a textbook writes it: what the gates say, and the state that they leave.

Letters: B rows, I inputs, H hidden numbers; x (B, I) is what the step reads, h and c (B, H) what the row remembers.
Names and shapes of the weights are those of torch's cells; a state is (h,), of an LSTM (h, c).
"""

import math
from collections.abc import Callable
from typing import ClassVar, Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepglass.graph.shape import Shape, expect_last

Kind = Literal["rnn_tanh", "rnn_relu", "gru", "lstm"]
State = tuple[Tensor, ...]


class RNNGates(NamedTuple):
    """A plain network has no gates: its new state is all that a step makes."""

    h: Tensor


class GRUGates(NamedTuple):
    """How much of the old state the candidate sees, how much of it stays, and the candidate. (B, H) each"""

    r: Tensor
    z: Tensor
    n: Tensor


class LSTMGates(NamedTuple):
    """What is let in, what is kept, what could come in, what is let out. (B, H) each"""

    i: Tensor
    f: Tensor
    g: Tensor
    o: Tensor


class RNNCell(nn.Module):
    """A state that each step overwrites (Elman 1990, "Finding structure in time").

    h' = f(W_ih x + b_ih + W_hh h + b_hh), f = tanh or relu
    x (B, I), state ((B, H),) -> ((B, H),); weight_ih (H, I), weight_hh (H, H), bias_ih (H,), bias_hh (H,)
    """

    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor
    bias_hh: Tensor

    parts: ClassVar[int] = 1

    def __init__(self, inputs: int, hidden: int, *, bend: Literal["tanh", "relu"] = "tanh"):
        super().__init__()
        self.inputs, self.hidden = inputs, hidden
        self.bend: Callable[[Tensor], Tensor] = torch.relu if bend == "relu" else torch.tanh
        add_weights(self, self.parts, inputs, hidden)

    def gates(self, x: Tensor, h: Tensor) -> RNNGates:
        from_x = F.linear(x, self.weight_ih, self.bias_ih)
        from_h = F.linear(h, self.weight_hh, self.bias_hh)
        return RNNGates(self.bend(from_x + from_h))

    def forward(self, x: Tensor, state: State | None = None) -> State:
        expect_last("RNNCell", x.shape, self.inputs)
        (h,) = state or (nothing(x, self.hidden),)
        return (self.gates(x, h).h,)

    def out_shape(self, shape: Shape) -> Shape:
        expect_last("RNNCell", shape, self.inputs)
        return *shape[:-1], self.hidden


class GRUCell(nn.Module):
    """A state that each step moves towards a candidate, by as much as a gate says (Cho 2014, arXiv:1406.1078).

    r = σ(W_ir x + b_ir + W_hr h + b_hr)            z = σ(W_iz x + b_iz + W_hz h + b_hz)
    n = tanh(W_in x + b_in + r ⊙ (W_hn h + b_hn))   h' = (1 - z) ⊙ n + z ⊙ h
    x (B, I), state ((B, H),) -> ((B, H),); weights and biases of r, z, n one above the other: weight_ih (3H, I)
    """

    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor
    bias_hh: Tensor

    parts: ClassVar[int] = 3

    def __init__(self, inputs: int, hidden: int):
        super().__init__()
        self.inputs, self.hidden = inputs, hidden
        add_weights(self, self.parts, inputs, hidden)

    def gates(self, x: Tensor, h: Tensor) -> GRUGates:
        x_r, x_z, x_n = F.linear(x, self.weight_ih, self.bias_ih).chunk(3, dim=-1)  # (B, H) each
        h_r, h_z, h_n = F.linear(h, self.weight_hh, self.bias_hh).chunk(3, dim=-1)
        r = (x_r + h_r).sigmoid()
        z = (x_z + h_z).sigmoid()
        n = (x_n + r * h_n).tanh()
        return GRUGates(r, z, n)

    def forward(self, x: Tensor, state: State | None = None) -> State:
        expect_last("GRUCell", x.shape, self.inputs)
        (h,) = state or (nothing(x, self.hidden),)
        _, z, n = self.gates(x, h)
        return ((1 - z) * n + z * h,)

    def out_shape(self, shape: Shape) -> Shape:
        expect_last("GRUCell", shape, self.inputs)
        return *shape[:-1], self.hidden


class LSTMCell(nn.Module):
    """A memory c that gates write, keep and read; its gradient fades only as f lets it (Hochreiter 1997; Gers 2000).

    i = σ(W_ii x + b_ii + W_hi h + b_hi)      f = σ(W_if x + b_if + W_hf h + b_hf)
    g = tanh(W_ig x + b_ig + W_hg h + b_hg)   o = σ(W_io x + b_io + W_ho h + b_ho)
    c' = f ⊙ c + i ⊙ g                        h' = o ⊙ tanh(c')
    x (B, I), state (h, c) -> (h', c'); weights and biases of i, f, g, o one above the other: weight_ih (4H, I)
    """

    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor
    bias_hh: Tensor

    parts: ClassVar[int] = 4

    def __init__(self, inputs: int, hidden: int):
        super().__init__()
        self.inputs, self.hidden = inputs, hidden
        add_weights(self, self.parts, inputs, hidden)

    def gates(self, x: Tensor, h: Tensor) -> LSTMGates:
        sums = F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh, self.bias_hh)  # (B, 4H)
        i, f, g, o = sums.chunk(4, dim=-1)
        return LSTMGates(i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid())

    def forward(self, x: Tensor, state: State | None = None) -> State:
        expect_last("LSTMCell", x.shape, self.inputs)
        h, c = state or (nothing(x, self.hidden), nothing(x, self.hidden))
        i, f, g, o = self.gates(x, h)
        c = f * c + i * g
        h = o * c.tanh()
        return h, c

    def out_shape(self, shape: Shape) -> Shape:
        expect_last("LSTMCell", shape, self.inputs)
        return *shape[:-1], self.hidden


Cell = RNNCell | GRUCell | LSTMCell


def make_cell(kind: Kind, inputs: int, hidden: int) -> Cell:
    """A fresh cell of that kind."""
    if kind == "lstm":
        return LSTMCell(inputs, hidden)
    if kind == "gru":
        return GRUCell(inputs, hidden)
    return RNNCell(inputs, hidden, bend="relu" if kind == "rnn_relu" else "tanh")


def add_weights(module: nn.Module, parts: int, inputs: int, hidden: int, suffix: str = "") -> None:
    """The two matrices and two biases of a cell, all from U(-1/√H, 1/√H), torch's own start."""
    bound = 1 / math.sqrt(hidden)
    shapes = {"weight_ih": (inputs,), "weight_hh": (hidden,), "bias_ih": (), "bias_hh": ()}
    for name, last in shapes.items():
        start = torch.empty(parts * hidden, *last).uniform_(-bound, bound)
        module.register_parameter(name + suffix, nn.Parameter(start))


def nothing(x: Tensor, hidden: int) -> Tensor:
    """What a row remembers before its first step. (..., I) -> (..., H)"""
    return x.new_zeros(*x.shape[:-1], hidden)


CATALOGUE = {"rnn_cell": RNNCell, "gru_cell": GRUCell, "lstm_cell": LSTMCell}
