"""A reader and a writer that looks back (Sutskever 2014; Bahdanau 2014, arXiv:1409.0473; Luong 2015, arXiv:1508.04025).

source (B, T), so far (B, U) -> memory (B, T, H), steps (B, U, H) -> attention -> logits of what comes next (B, U, V)

    x_1 .. x_T ── table ── LSTM ⇄ ── memory m_1 .. m_T ─────┐
                            │ where it ended            attention ── c_u ──┐
    y_0 .. y_u ── table ── LSTM → ── h_u ───────────────────┴────────── tanh(W [c_u; h_u]) ── table turned ── y_(u+1)?

The reader goes both ways and the writer begins where both ended. What is written so far is known while training, so
the writer runs over all of it at once, and then every step looks at the memory. The score of a look is Luong's
"general", Bahdanau's "additive", or the plain product. Probe "attention.looks" to see who looked where: (B, U, T).

Parameters: (V_s + V_t) E + V_t + reader + writer + H² (general) + (2H + 1) E; 7,258,176 for 2 · 8,000 tokens, E = 256,
H = 512 and one layer.
"""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, NamedTuple

import torch
from annotated_types import Ge, Lt, MultipleOf
from torch import Tensor, nn

from deepglass.blocks.attention import Attended, Score, make_attention
from deepglass.blocks.cells import State
from deepglass.blocks.dense import Dense
from deepglass.blocks.embedding import Embedding, TiedOutput
from deepglass.blocks.recurrent import Recurrent
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import Ports, Steps, Translation
from deepglass.models.contract import translation_asked


@dataclass(frozen=True, kw_only=True, slots=True)
class Seq2SeqConfig:
    """Two stacks of LSTM layers and attention between them."""

    source: Annotated[int, Ge(2)] = 8_000
    """Different tokens that are read."""
    target: Annotated[int, Ge(2)] = 8_000
    """Different tokens that are written."""
    features: Annotated[int, Ge(1)] = 256
    """Numbers of a token's vector, on both sides."""
    hidden: Annotated[int, Ge(2), MultipleOf(2)] = 512
    """Numbers that the writer remembers, and the reader with both directions together."""
    layers: Annotated[int, Ge(1)] = 1
    """Layers of each."""
    score: Score = "general"
    """How a step of the writer is compared with one of the memory."""
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.3
    """Share silenced at random while training: of the vectors, between layers, and before the last layer."""

    def ports(self) -> Ports:
        return Ports(Translation(self.source, self.target), Steps(self.target, "later"))

    def fitted(self, ports: Ports) -> "Seq2SeqConfig":
        asked = translation_asked("seq2seq", ports)
        return replace(self, source=asked.source, target=asked.target)

    def build(self) -> "Seq2Seq":
        return Seq2Seq(self)


class Writing(NamedTuple):
    """What is known between two tokens: the memory, and what the writer remembers, rows first. (B, N, H) each"""

    memory: Padded
    state: State


class Seq2Seq(nn.Module):
    """Padded source (B, T), Padded so far (B, U) -> Padded logits (B, U, V)"""

    head: ClassVar[str] = "output"

    def __init__(self, config: Seq2SeqConfig):
        super().__init__()
        both = {"layers": config.layers, "dropout": config.dropout}
        self.reads = Embedding(config.source, config.features, std=0.1)
        self.reader = Recurrent("lstm", config.features, config.hidden // 2, bidirectional=True, **both)
        self.writes = Embedding(config.target, config.features, std=0.1)
        self.writer = Recurrent("lstm", config.features, config.hidden, **both)
        self.attention = make_attention(config.score, config.hidden, config.hidden)
        self.joins = Dense(2 * config.hidden, config.features)
        self.output = TiedOutput(config.target)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, source: Padded, so_far: Padded) -> Padded:
        memory, state = self._read(source)  # (B, T, H)

        steps, _ = self.writer(self._vectors(self.writes, so_far), state)  # (B, U, H)
        logits, _ = self._say(steps.values, memory)
        return so_far.with_values(logits)  # (B, U, V)

    def encode(self, source: Padded) -> Writing:
        """What is known before the first token. (B, T) -> memory (B, T, H) and state"""
        memory, state = self._read(source)
        return Writing(memory, turned(state))

    def step(self, token: Tensor, state: Writing) -> tuple[Tensor, Writing, Tensor]:
        """The last token (B,) -> logits of the next (B, V), the state after it, and where it looked (B, T)."""
        one = Padded(token[:, None], torch.ones_like(token))
        steps, after = self.writer(self.writes(one), turned(state.state))
        logits, looked = self._say(steps.values, state.memory)
        return logits[:, 0], Writing(state.memory, turned(after)), looked.weights[:, 0]

    def stages(self) -> list[str]:
        return ["reads", "reader", "writes", "writer", "attention", "joins"]

    def _read(self, source: Padded) -> tuple[Padded, State]:
        """The memory, and where the reader ended: both directions side by side, layer by layer. (N, B, H) each"""
        memory, ends = self.reader(self._vectors(self.reads, source))
        return memory, tuple(torch.cat((end[0::2], end[1::2]), dim=-1) for end in ends)

    def _say(self, steps: Tensor, memory: Padded) -> tuple[Tensor, Attended]:
        """Each step looks at the memory and says which token comes next. (B, U, H) -> (B, U, V)"""
        looked = self.attention(steps, memory)
        said = torch.tanh(self.joins(torch.cat((looked.context, steps), dim=-1)))  # (B, U, E)
        return self.output(self.dropout(said), self.writes.weight), looked

    def _vectors(self, table: Embedding, tokens: Padded) -> Padded:
        x = table(tokens)
        return Padded(self.dropout(x.values), x.lengths)


def turned(state: State) -> State:
    """A state with rows first, where layers were; and the reverse. (N, B, H) -> (B, N, H)"""
    return tuple(part.transpose(0, 1) for part in state)


CATALOGUE = {"seq2seq": Seq2SeqConfig()}
