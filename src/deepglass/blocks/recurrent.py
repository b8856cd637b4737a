"""Recurrent layers over rows of unequal length: torch's fused kernels for speed, the cells of the textbook to look in.

Letters: B rows, T steps of the longest row, I inputs, H hidden numbers, D directions (1 or 2), N layers.

                 ┌────────────────────────────────┐
    x_1 .. x_L ──┤ forward   h_t from x_t, h_(t-1) ├──┐
                 └────────────────────────────────┘  ├─ (h_t, h_t') ── dropout ── next layer
                 ┌────────────────────────────────┐  │
    x_L .. x_1 ──┤ backward  h_t' from x_t, h_(t+1)'├─┘
                 └────────────────────────────────┘

The kernels run over the padded rows as they are: a step sees only earlier ones, so nothing behind a row's end reaches
it. The backward direction turns each row round within its own length, runs forward, and turns it back. So a row gives
the same alone and in a batch, and nothing has to be sorted or packed.
"""

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepglass.blocks.cells import Cell, Kind, State, add_weights, make_cell
from deepglass.foundation.padded import Padded
from deepglass.graph.shape import Shape, expect_steps

KERNELS: dict[str, Callable[..., Any]] = {
    "rnn_tanh": torch.rnn_tanh,
    "rnn_relu": torch.rnn_relu,
    "gru": torch.gru,
    "lstm": torch.lstm,
}
PARTS = {"rnn_tanh": 1, "rnn_relu": 1, "gru": 3, "lstm": 4}
SIDES = ("", "_reverse")
NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")

# What a step behind a row's end adds to the gates' sums: f opens to exactly 1 and i shuts to exactly 0, also in half
# precision, so that c stays what it was to the last bit.
CERTAIN = 1e4
WIDTH = 8  # columns that say so, one of them used: matrix units want a multiple of 8

# cuDNN would rather have each layer's weights in one piece of memory; it puts them together itself, at little cost.
warnings.filterwarnings("ignore", message="RNN module weights are not part of single contiguous chunk")


class Told(NamedTuple):
    """What the readable path gives: outputs and last state as `forward` does, and what each gate said."""

    outputs: Padded
    state: State
    gates: dict[str, dict[str, Tensor]]  # "l0_reverse" -> "f" -> (B, T, H), at the steps to which they belong
    states: dict[str, list[State]]  # "l0_reverse" -> what was remembered behind each step, in the order of reading


class Recurrent(nn.Module):
    """A stack of recurrent layers, its weights named and shaped as torch.nn.RNN's, GRU's and LSTM's.

    Padded (B, T, I) -> Padded (B, T, D·H), state of each row behind its last step ((N·D, B, H),) or, of an LSTM, (h, c)
    """

    def __init__(
        self,
        kind: Kind,
        inputs: int,
        hidden: int,
        *,
        layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        weight_dropout: float = 0.0,
    ):
        super().__init__()
        self.kind: Kind = kind
        self.inputs, self.hidden, self.layers = inputs, hidden, layers
        self.sides = SIDES if bidirectional else SIDES[:1]
        self.outputs = hidden * len(self.sides)
        self.dropout = dropout  # on what one layer hands to the next
        self.weight_dropout = weight_dropout  # share of weight_hh silenced for a whole batch (arXiv:1708.02182)
        for layer in range(layers):
            for side in self.sides:
                add_weights(self, PARTS[kind], self.outputs if layer else inputs, hidden, f"_l{layer}{side}")

    @torch.compiler.disable  # a compiler would write out every step; the kernels are as fast as they get
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, x: Padded, state: State | None = None
    ) -> tuple[Padded, State]:
        expect_steps("Recurrent", x.values.shape, self.inputs)
        ends: list[State] = []
        for layer in range(self.layers):
            if layer:
                x = Padded(F.dropout(x.values, self.dropout, self.training), x.lengths)
            found: list[Tensor] = []
            for side in self.sides:
                start = self._start(x, state, len(ends))
                outputs, end = self._run(x, f"_l{layer}{side}", start)
                found.append(outputs)
                ends.append(end)
            x = Padded(torch.cat(found, dim=-1), x.lengths)  # (B, T, D·H)
        return x.with_values(x.values), stacked(ends)

    def tell(self, x: Padded, state: State | None = None) -> Told:
        """The same step by step with the readable cells, as in evaluation; slow, and open to the eye."""
        ends: list[State] = []
        gates: dict[str, dict[str, Tensor]] = {}
        states: dict[str, list[State]] = {}
        for layer in range(self.layers):
            found: list[Tensor] = []
            for side in self.sides:
                name, start = f"l{layer}{side}", self._start(x, state, len(ends))
                outputs, states[name], said = walk(self.cell(layer, side), turned(x) if side else x, start)
                if side:
                    outputs = turned(Padded(outputs, x.lengths)).values
                    said = {letter: turned(Padded(values, x.lengths)).values for letter, values in said.items()}
                gates[name] = {letter: x.with_values(values).values for letter, values in said.items()}
                found.append(outputs)
                ends.append(states[name][-1])
            x = x.with_values(torch.cat(found, dim=-1))
        return Told(x, stacked(ends), gates, states)

    def cell(self, layer: int, side: str = "") -> Cell:
        """The readable cell of one layer and direction; its weights are this stack's own."""
        with torch.device("meta"):
            cell = make_cell(self.kind, self.outputs if layer else self.inputs, self.hidden)
        for name in NAMES:
            setattr(cell, name, getattr(self, f"{name}_l{layer}{side}"))
        return cell

    def _start(self, x: Padded, state: State | None, place: int) -> State:
        """What the rows remember of layer and direction number `place` before their first step. (B, H) each"""
        if state is None:
            zero = x.values.new_zeros(x.values.shape[0], self.hidden)
            return (zero, zero) if self.kind == "lstm" else (zero,)
        return tuple(part[place] for part in state)

    def _run(self, x: Padded, suffix: str, start: State) -> tuple[Tensor, State]:
        """One layer in one direction by its fused kernel. (B, T, I) -> (B, T, H), state behind the last own step"""
        weights = [getattr(self, name + suffix) for name in NAMES]
        if self.weight_dropout:
            weights[1] = F.dropout(weights[1], self.weight_dropout, self.training)
        reverse = suffix.endswith("_reverse")
        x = turned(x) if reverse else x
        hidden = [part[None].contiguous() for part in start]
        values = x.values
        if self.kind == "lstm":
            values, weights[0] = kept_behind_ends(x, weights[0])
        # kept ready for the way back wherever one may come, also in evaluation: explanations need it there
        settings = (True, 1, 0.0, torch.is_grad_enabled(), False, True)
        outputs, *last = KERNELS[self.kind](values, hidden if self.kind == "lstm" else hidden[0], weights, *settings)
        h = last_of(Padded(outputs, x.lengths), start[0])
        if reverse:
            outputs = turned(Padded(outputs, x.lengths)).values
        return outputs, (h, last[1][0]) if self.kind == "lstm" else (h,)

    def out_shape(self, shape: Shape) -> Shape:
        expect_steps("Recurrent", shape, self.inputs)
        return *shape[:2], self.outputs

    def extra_repr(self) -> str:
        return f"{self.kind}, {self.inputs}, {self.hidden}, layers={self.layers}, bidirectional={len(self.sides) == 2}"


def walk(cell: Cell, x: Padded, state: State) -> tuple[Tensor, list[State], dict[str, Tensor]]:
    """Every step of one layer through its cell: outputs (B, T, H), each step's state, and each letter (B, T, H)."""
    said: list[dict[str, Tensor]] = []
    states: list[State] = []
    for t, now in enumerate(x.values.unbind(dim=1)):
        own = (t < x.lengths)[:, None]  # (B, 1)
        gates = cell.gates(now, state[0])._asdict()
        state = tuple(torch.where(own, new, old) for new, old in zip(cell(now, state), state, strict=True))
        states.append(state)
        said.append({**gates, **({"c": state[1]} if len(state) == 2 else {}), "h": state[0]})
    told = {letter: torch.stack([step[letter] for step in said], dim=1) for letter in said[0]}
    return told["h"], states, told


def kept_behind_ends(x: Padded, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Rows and an LSTM's weight_ih with columns that make it remember, behind a row's end, what it knew there.

    (B, T, I), (4H, I) -> (B, T, I + 8), (4H, I + 8)
    """
    hidden = weight.shape[0] // 4
    behind = (~x.mask).to(x.values.dtype)[:, :, None]  # (B, T, 1)
    certain = weight.new_zeros(weight.shape[0], 1)
    certain[:hidden] = -CERTAIN  # i
    certain[hidden : 2 * hidden] = CERTAIN  # f
    values = torch.cat((x.values, F.pad(behind, (0, WIDTH - 1))), dim=-1)
    return values, torch.cat((weight, F.pad(certain, (0, WIDTH - 1))), dim=-1)


def last_of(x: Padded, otherwise: Tensor) -> Tensor:
    """Each row at its last own step; a row without any gives its row of `otherwise`. (B, T, H), (B, H) -> (B, H)"""
    place = (x.lengths - 1).clamp(min=0)[:, None, None].expand(-1, 1, x.values.shape[2])
    last = x.values.gather(1, place)[:, 0]
    return torch.where((x.lengths > 0)[:, None], last, otherwise.to(last.dtype))


class Turned(torch.autograd.Function):
    """Rows of a matrix in another order, where twice that order is the first: so the gradient is turned alike."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, order: Tensor) -> Tensor:
        ctx.save_for_backward(order)
        return rows.index_select(0, order)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None]:
        (order,) = ctx.saved_tensors
        return Turned.apply(grad_outputs[0], order), None  # pyright: ignore[reportReturnType]


def turned(x: Padded) -> Padded:
    """Each row turned round within its own length; what lies behind stays there. (B, T, C) -> the same"""
    rows, steps = x.values.shape[:2]
    t = torch.arange(steps, device=x.lengths.device)
    t = torch.where(x.mask, x.lengths[:, None] - 1 - t, t)  # (B, T)
    order = t + steps * torch.arange(rows, device=t.device)[:, None]
    values = Turned.apply(x.values.flatten(0, 1), order.flatten())  # (B·T, C)
    return Padded(values.view(x.values.shape), x.lengths)  # pyright: ignore[reportOptionalMemberAccess]


def stacked(ends: list[State]) -> State:
    """The states of all layers and directions one above the other. N·D of (B, H) -> (N·D, B, H)"""
    return tuple(torch.stack(part) for part in zip(*ends, strict=True))


CATALOGUE = {"recurrent": Recurrent}
