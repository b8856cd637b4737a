"""Reading and writing by convolutions alone (Gehring et al. 2017, arXiv:1705.03122).

source (B, T), so far (B, U) -> memory (B, T, E), steps (B, U, H) -> logits of what comes next (B, U, V)

    x_1 .. x_T ── table + place ── [ conv ─ gate ─ + ] × L ── z_t,  and z_t + its vector ──┐
                                                                                           │ every layer looks
    y_0 .. y_u ── table + place ── [ conv, back only ─ gate ─ look ─ + ] × L ── table turned round ── y_(u+1)?

A gate is a GLU: half of a convolution's maps say how much of the other half passes. Layers see further by being
stacked, k - 1 steps more each, so that nothing waits for the step before: all steps of a row are computed at once, in
reading and, as long as what is written is known, in writing. Sums are scaled by √½ to keep their spread. Probe
"writer.0.looks" ... to see where each layer looked: (B, U, T).

Parameters: (V_s + V_t) E + V_t + 2 · 1,024 E + 2L (2 H² k + 2 H) + L (2 E H + E + H) + 4 E H + 2 E + 2 H; 8,567,616 for
2 · 8,000 tokens, E = H = 256, L = 4 and k = 3.
"""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from annotated_types import Ge, Lt
from torch import Tensor, nn

from deepglass.blocks.attention import Looks
from deepglass.blocks.dense import Dense
from deepglass.blocks.embedding import Embedding, TiedOutput
from deepglass.blocks.time_conv import TimeConv
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import Ports, Steps, Translation
from deepglass.models.contract import translation_asked

HALF = 0.5**0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class ConvSeq2SeqConfig:
    """Two stacks of gated convolutions; every layer of the second looks at what the first made."""

    source: Annotated[int, Ge(2)] = 8_000
    """Different tokens that are read."""
    target: Annotated[int, Ge(2)] = 8_000
    """Different tokens that are written."""
    features: Annotated[int, Ge(1)] = 256
    """Numbers of a token's vector, on both sides."""
    hidden: Annotated[int, Ge(1)] = 256
    """Maps of every convolution, behind its gate."""
    layers: Annotated[int, Ge(1)] = 4
    """Convolutions of each side."""
    kernel: Annotated[int, Ge(2)] = 3
    """Steps that a convolution sees."""
    longest: Annotated[int, Ge(1)] = 1_024
    """Places that have a vector; all later ones share the last."""
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.2
    """Share silenced at random while training: of the vectors, before each convolution and before the last layer."""

    def ports(self) -> Ports:
        return Ports(Translation(self.source, self.target), Steps(self.target, "later"))

    def fitted(self, ports: Ports) -> "ConvSeq2SeqConfig":
        asked = translation_asked("conv_seq2seq", ports)
        return replace(self, source=asked.source, target=asked.target)

    def build(self) -> "ConvSeq2Seq":
        return ConvSeq2Seq(self)


class Memory(NamedTuple):
    """What a look compares with, z, and what it sees: z and the token's own vector. (B, T, E) each"""

    keys: Padded
    values: Tensor


class Writing(NamedTuple):
    """What is known between two tokens, rows first: the memory, how many are written, what each layer read last."""

    memory: Memory
    place: Tensor  # int64 (B,)
    past: tuple[Tensor, ...]  # (B, k - 1, H) each


class Placed(nn.Module):
    """Tokens as vectors that know where they stand: w_x + p_t. Padded (B, T) -> Padded (B, T, E)"""

    def __init__(self, vocabulary: int, config: ConvSeq2SeqConfig):
        super().__init__()
        self.table = Embedding(vocabulary, config.features, std=0.1)
        self.places = nn.Parameter(torch.empty(config.longest, config.features).normal_(std=0.1))

    def forward(self, tokens: Padded, place: Tensor) -> Padded:
        known = place.clamp(max=len(self.places) - 1)  # (B, T) or (1, T)
        return tokens.with_values(self.table(tokens).values + F.embedding(known, self.places))


class ReaderLayer(nn.Module):
    """h + glu(conv h). Padded (B, T, H) -> the same"""

    def __init__(self, config: ConvSeq2SeqConfig):
        super().__init__()
        self.conv = gated(config, causal=False)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, h: Padded) -> Padded:
        found = self.conv(Padded(self.dropout(h.values), h.lengths))
        return h.with_values((h.values + F.glu(found.values)) * HALF)


class WriterLayer(nn.Module):
    """A convolution that sees what is written, and a look at the memory with what it found.

    v = glu(conv h);  d = W v + b + g;  weights = softmax_t d · z_t;  c = √T Σ_t weights_t (z_t + e_t)
    h' = h + v + U c + b'
    h Padded (B, U, H), g (B, U, E) the vectors of the tokens themselves -> Padded (B, U, H), weights (B, U, T)
    """

    def __init__(self, config: ConvSeq2SeqConfig):
        super().__init__()
        self.conv = gated(config, causal=True)
        self.asks = Dense(config.hidden, config.features)
        self.looks = Looks()
        self.hears = Dense(config.features, config.hidden)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, h: Padded, g: Tensor, memory: Memory) -> tuple[Padded, Tensor]:
        found = self.conv(Padded(self.dropout(h.values), h.lengths))
        said, weights = self.look(h.values, found.values, g, memory)
        return h.with_values(said), weights

    def look(self, h: Tensor, found: Tensor, g: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        """From what the convolution found on. (B, U, H), (B, U, 2H), (B, U, E) -> (B, U, H), (B, U, T)"""
        v = F.glu(found)
        d = (self.asks(v) + g) * HALF  # (B, U, E)

        weights = self.looks(d @ memory.keys.values.transpose(1, 2), memory.keys.mask)  # (B, U, T)
        spread = memory.keys.lengths.sqrt()[:, None, None]  # a mean over T steps varies √T times less
        c = weights @ memory.values * spread  # (B, U, E)

        v = (v + self.hears(c)) * HALF
        return (h + v) * HALF, weights


class ConvSeq2Seq(nn.Module):
    """Padded source (B, T), Padded so far (B, U) -> Padded logits (B, U, V)"""

    head: ClassVar[str] = "output"

    def __init__(self, config: ConvSeq2SeqConfig):
        super().__init__()
        self.config = config
        E, H = config.features, config.hidden  # noqa: N806
        self.reads = Placed(config.source, config)
        self.read_in, self.read_out = Dense(E, H), Dense(H, E)
        self.reader = nn.ModuleList(ReaderLayer(config) for _ in range(config.layers))
        self.writes = Placed(config.target, config)
        self.write_in, self.write_out = Dense(E, H), Dense(H, E)
        self.writer = nn.ModuleList(WriterLayer(config) for _ in range(config.layers))
        self.output = TiedOutput(config.target)
        self.dropout = nn.Dropout(config.dropout)
        self._start()

    def _start(self) -> None:
        """Weights that keep the spread of what flows through them (section 3.5)."""
        for module in self.modules():
            if isinstance(module, Dense | TimeConv):
                passing = 4 * (1 - self.config.dropout) if isinstance(module, TimeConv) else 1.0
                nn.init.normal_(module.weight, std=(passing / module.weight[0].numel()) ** 0.5)
                nn.init.zeros_(module.bias)  # pyright: ignore[reportArgumentType]

    def forward(self, source: Padded, so_far: Padded) -> Padded:
        memory = self._read(source)

        g = self.writes(so_far, steps_of(so_far))
        g = Padded(self.dropout(g.values), g.lengths)  # (B, U, E)
        h = g.with_values(self.write_in(g.values))  # (B, U, H)
        for layer in self.writer:
            h, _ = layer(h, g.values, memory)

        return so_far.with_values(self._say(h.values))  # (B, U, V)

    def encode(self, source: Padded) -> Writing:
        """What is known before the first token. (B, T) -> the memory, and layers that have read nothing"""
        memory = self._read(source)
        nothing = memory.values.new_zeros(len(source.lengths), self.config.kernel - 1, self.config.hidden)
        return Writing(memory, torch.zeros_like(source.lengths), (nothing,) * len(self.writer))

    def step(self, token: Tensor, state: Writing) -> tuple[Tensor, Writing, Tensor]:
        """The last token (B,) -> logits of the next (B, V), the state after it, and where its layers looked (B, T)."""
        one = Padded(token[:, None], torch.ones_like(token))
        g = self.writes(one, state.place[:, None]).values  # (B, 1, E)
        h = self.write_in(g)  # (B, 1, H)
        past: list[Tensor] = []
        looked: list[Tensor] = []
        for layer, before in zip(self.writer, state.past, strict=True):
            window = torch.cat((before, h), dim=1)  # (B, k, H)
            past.append(window[:, 1:])
            whole = Padded(window, torch.full_like(token, window.shape[1]))
            found = layer.conv(whole).values[:, -1:]  # pyright: ignore[reportCallIssue]
            h, weights = layer.look(h, found, g, state.memory)  # pyright: ignore[reportCallIssue]
            looked.append(weights[:, 0])
        after = Writing(state.memory, state.place + 1, tuple(past))
        return self._say(h)[:, 0], after, torch.stack(looked).mean(dim=0)

    def stages(self) -> list[str]:
        both = [[f"{side}.{place}" for place in range(self.config.layers)] for side in ("reader", "writer")]
        return ["reads", *both[0], "writes", *both[1]]

    def _read(self, source: Padded) -> Memory:
        e = self.reads(source, steps_of(source))
        e = Padded(self.dropout(e.values), e.lengths)  # (B, T, E)
        h = e.with_values(self.read_in(e.values))  # (B, T, H)
        for layer in self.reader:
            h = layer(h)
        z = self.read_out(h.values)  # (B, T, E)
        return Memory(e.with_values(z), e.with_values((z + e.values) * HALF).values)

    def _say(self, h: Tensor) -> Tensor:
        """(B, U, H) -> (B, U, V)"""
        return self.output(self.dropout(self.write_out(h)), self.writes.table.weight)


def gated(config: ConvSeq2SeqConfig, *, causal: bool) -> TimeConv:
    """A convolution with two maps for each that its gate lets through. (B, T, H) -> (B, T, 2H)"""
    return TimeConv(config.hidden, 2 * config.hidden, kernel=config.kernel, causal=causal)


def steps_of(tokens: Padded) -> Tensor:
    """The places of whole rows. (B, T) -> int64 (1, T)"""
    return torch.arange(tokens.values.shape[1], device=tokens.lengths.device)[None]


CATALOGUE = {"conv_seq2seq": ConvSeq2SeqConfig()}
