"""Show, attend and tell (Xu 2015, arXiv:1502.03044): a sentence about a picture, word by word, each with a look at it.

picture (B, C, H, W), so far (B, U) -> backbone -> places (B, H/16, W/16, M) -> logits of what comes next (B, U, V)

    picture ── ResNet ── stride 16 ── 1x1 ──┐
                  └───── stride 32 ── 1x1 ─ + ── norm ── places m_1 .. m_P ─┬─ mean ── tanh ── h_0, c_0
                              x, y ── 1x1 ──┘                               │
    h_(u-1) ── where to look ───────────────────────────────────────── attention ── β z_u ──┐
    y_(u-1) ── table ───────────────────────────────────────────────────────────────────────┴─ LSTM ── h_u
                                                 tanh(W [β z_u; h_u; y_(u-1)]) ── table turned ── y_u?

The paper's soft attention: before each word the LSTM's state says where to look, what is seen there goes into the LSTM
with the last word, and β = σ(w · h_(u-1)) says how much it counts. In place of the paper's VGG stands any ResNet of the
catalogue; each place also knows where it lies (x and y from -1 to 1), for "left of" is said of two places; and what is
seen there is normalised, without which the words are learned first and the picture long after. Probe
"attention.looks" to see who looked where: a call for each word, (B, 1, P).

Parameters: trunk + (C_16 + C_32 + 2) M + 5 M + V (E + 1) + start (M + 1) 2H + attention (H + M + 1) A, A = H +
β (H + 1) + LSTM 4H (E + M + H + 2) + (M + H + E) E + E; 21,690,705 for resnet18, M = E = H = 512 and V = 10,000.
"""

import math
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal, NamedTuple

import torch
import torch.nn.functional as F
from annotated_types import Ge, Lt
from torch import Tensor, nn

from deepglass.blocks.attention import AdditiveAttention
from deepglass.blocks.cells import LSTMCell
from deepglass.blocks.conv import Conv
from deepglass.blocks.dense import Dense
from deepglass.blocks.embedding import Embedding, TiedOutput
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import Captions, Image, Ports, Steps
from deepglass.models.contract import Trunk, captions_asked

SMALLEST = 32
WIDE = 4.0  # length of a word's vector at the start: shorter ones make all words alike for hundreds of steps


@dataclass(frozen=True, kw_only=True, slots=True)
class CaptionLSTMConfig:
    """A writer that looks at a picture through any ResNet of the catalogue."""

    backbone: str = "resnet18"
    """The model of the catalogue that sees the picture."""
    stem: Annotated[int, Ge(1)] = 64
    """Channels of the backbone's first stage; 64 is the paper's."""
    stride: Literal[8, 16, 32] = 16
    """Pixels from one place to the next; 16 makes 14 x 14 places of 224 pixels, as in the paper."""
    memory: Annotated[int, Ge(1)] = 512
    """Numbers of what is seen at a place."""
    features: Annotated[int, Ge(1)] = 512
    """Numbers of a word's vector."""
    hidden: Annotated[int, Ge(1)] = 512
    """Numbers that the writer remembers."""
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.5
    """Share silenced at random while training: of the vectors, and before the last layer."""
    vocabulary: Annotated[int, Ge(2)] = 10_000
    """Different tokens that are written."""
    channels: Annotated[int, Ge(1)] = 3
    """1 for grey, 3 for colour."""
    height: Annotated[int, Ge(SMALLEST)] = 224
    """Preferred rows of the picture; every size from 32 on works."""
    width: Annotated[int, Ge(SMALLEST)] = 224
    """Preferred columns of the picture."""

    def ports(self) -> Ports:
        picture = Image(self.channels, self.height, self.width)
        return Ports(Captions(picture, self.vocabulary), Steps(self.vocabulary, "later"))

    def fitted(self, ports: Ports) -> "CaptionLSTMConfig":
        asked = captions_asked("caption_lstm", ports, least=SMALLEST)
        seen = asked.picture
        size = {"channels": seen.channels, "height": seen.height, "width": seen.width}
        return replace(self, vocabulary=asked.vocabulary, **size)

    def build(self, trunk: Trunk) -> "CaptionLSTM":
        return CaptionLSTM(self, trunk)


class Writing(NamedTuple):
    """What is known between two words: the places, their side of every comparison, and what the writer remembers."""

    places: Tensor  # (B, h, w, M)
    known: Tensor  # (B, hw, A)
    h: Tensor  # (B, H)
    c: Tensor  # (B, H)


class CaptionLSTM(nn.Module):
    """picture (B, C, H, W), Padded so far (B, U) -> Padded logits (B, U, V)"""

    head: ClassVar[str] = "output"

    def __init__(self, config: CaptionLSTMConfig, trunk: Trunk):
        super().__init__()
        memory, features, hidden = config.memory, config.features, config.hidden
        self.backbone = trunk
        widths = [width for width, stride in zip(trunk.widths, trunk.strides, strict=True) if stride >= config.stride]
        self.what = nn.ModuleList(Conv(width, memory, kernel=1, dims=2) for width in widths)
        self.where = Conv(2, memory, kernel=1, dims=2)
        self.norm = nn.LayerNorm(memory)
        self.start = Dense(memory, 2 * hidden)
        self.words = Embedding(config.vocabulary, features, std=WIDE / math.sqrt(features))
        self.attention = AdditiveAttention(hidden, memory, hidden=hidden)
        self.counts = Dense(hidden, 1)
        self.cell = LSTMCell(features + memory, hidden)
        self.joins = Dense(memory + hidden + features, features)
        self.output = TiedOutput(config.vocabulary)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, picture: Tensor, so_far: Padded) -> Padded:
        state = self.encode(picture)
        vectors = self.dropout(self.words(so_far).values)  # (B, U, E)

        told: list[Tensor] = []
        for vector in vectors.unbind(1):
            said, state, _ = self._go_on(vector, state)
            told.append(said)
        return so_far.with_values(self._say(torch.stack(told, 1)))  # (B, U, V)

    def encode(self, picture: Tensor) -> Writing:
        """What is known before the first word."""
        maps = self.backbone(picture)[-len(self.what) :]  # finest first
        size = maps[0].shape[2:]
        x = self.where(lying(size, maps[0]))  # (1, M, h, w)
        for what, found in zip(self.what, maps, strict=True):
            x = x + F.interpolate(what(found), size=size, mode="nearest")  # (B, M, h, w)
        places = self.norm(x.movedim(1, -1)).relu()

        h, c = self.start(places.mean((1, 2))).tanh().chunk(2, dim=-1)  # (B, H) each
        return Writing(places, self.attention.known(flat(places)), h, c)

    def step(self, token: Tensor, state: Writing) -> tuple[Tensor, Writing, Tensor]:
        """The last token (B,) -> logits of the next (B, V), the state after it, and where it looked (B, h, w)."""
        one = Padded(token[:, None], torch.ones_like(token))
        said, state, looked = self._go_on(self.words(one).values[:, 0], state)
        return self._say(said), state, looked.unflatten(1, state.places.shape[1:3])

    def stages(self) -> list[str]:
        layers = [f"backbone.layer{number}" for number in (1, 2, 3, 4)]
        return [*layers, "words", "attention", "cell"]

    def _go_on(self, vector: Tensor, state: Writing) -> tuple[Tensor, Writing, Tensor]:
        """One look and one step of the LSTM. (B, E) -> all there is to say (B, M + H + E), state, weights (B, hw)"""
        places, known, h, c = state
        seen, weights = self.attention(h[:, None], flat(places), known)
        z = self.counts(h).sigmoid() * seen[:, 0]  # (B, M)
        h, c = self.cell(torch.cat((vector, z), dim=-1), (h, c))
        return torch.cat((z, h, vector), dim=-1), Writing(places, known, h, c), weights[:, 0]

    def _say(self, told: Tensor) -> Tensor:
        """(..., M + H + E) -> (..., V)"""
        return self.output(self.dropout(self.joins(told).tanh()), self.words.weight)


def flat(places: Tensor) -> Padded:
    """Places as steps of a memory, every row as long as every other. (B, h, w, M) -> Padded (B, hw, M)"""
    values = places.flatten(1, 2)
    return Padded(values, torch.full((len(values),), values.shape[1], device=values.device))


def lying(size: tuple[int, ...], like: Tensor) -> Tensor:
    """Where the middle of each place lies, x and y from -1 to 1. (1, 2, h, w)"""
    down, across = ((2 * torch.arange(side, device=like.device, dtype=like.dtype) + 1) / side - 1 for side in size)
    return torch.stack(torch.meshgrid(across, down, indexing="xy"))[None]


CATALOGUE = {"caption_lstm": CaptionLSTMConfig()}
