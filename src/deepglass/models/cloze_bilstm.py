"""A word from both of its sides: what stands before and what stands behind it (context2vec, Melamud et al. 2016).

tokens (B, T) -> LSTM from the left up to t - 1, LSTM from the right down to t + 1 -> dense -> logits (B, T, V)

    the      cat      ____      on       the      mat
     │        │                  │        │        │
    LSTM ─► LSTM ─► h_(t-1)     LSTM' ◄─ LSTM' ◄─ LSTM'
                       │         │
                       └── [ ; ] ┘ h'_(t+1) ──► tanh(W [h; h']) ──► the table turned round ──► "sat"?

Every word of a row is asked at once, for no word is in its own answer: both directions are read apart, layer by layer,
and each is moved one step away from its word. (A layer that reads both would let a word see itself.)

Parameters: V (E + 1) + 2 · (4H (E + H + 2) + 4H (2H + 2) (layers - 1)) + (2H + 1) E; 6,324,000 for 20,000 words,
E = 256, H = 256 and one layer.
"""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from annotated_types import Ge, Lt
from torch import nn

from deepglass.blocks.dense import Dense
from deepglass.blocks.embedding import Embedding, TiedOutput
from deepglass.blocks.recurrent import Recurrent, turned
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import PortMismatch, Ports, Steps, Tokens
from deepglass.models.contract import described, steps_asked, tokens_asked


@dataclass(frozen=True, kw_only=True, slots=True)
class ClozeBiLSTMConfig:
    """A tied table and two stacks of LSTM layers, one from each side."""

    vocabulary: Annotated[int, Ge(2)] = 20_000
    """Different tokens, read and told."""
    features: Annotated[int, Ge(1)] = 256
    """Numbers of a token's vector."""
    hidden: Annotated[int, Ge(1)] = 256
    """Numbers that each layer of each side remembers."""
    layers: Annotated[int, Ge(1)] = 1
    """Layers of each side."""
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.2
    """Share silenced at random while training: of the vectors, between layers, and before the last layer."""

    def ports(self) -> Ports:
        return Ports(Tokens(self.vocabulary), Steps(self.vocabulary, "own"))

    def fitted(self, ports: Ports) -> "ClozeBiLSTMConfig":
        vocabulary = tokens_asked("cloze_bilstm", ports)
        if steps_asked("cloze_bilstm", ports, "own") != vocabulary:
            raise PortMismatch("models.gives_steps", model="cloze_bilstm", asked=described(ports.gives))
        return replace(self, vocabulary=vocabulary)

    def build(self) -> "ClozeBiLSTM":
        return ClozeBiLSTM(self)


class ClozeBiLSTM(nn.Module):
    """Padded tokens (B, T) -> Padded logits (B, T, V), those of a step without looking at it"""

    head: ClassVar[str] = "output"

    def __init__(self, config: ClozeBiLSTMConfig):
        super().__init__()
        E, H, rest = config.features, config.hidden, {"layers": config.layers, "dropout": config.dropout}  # noqa: N806
        self.table = Embedding(config.vocabulary, E, std=0.1)
        self.left = Recurrent("lstm", E, H, **rest)
        self.right = Recurrent("lstm", E, H, **rest)
        self.joins = Dense(2 * H, E)
        self.output = TiedOutput(config.vocabulary)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, text: Padded) -> Padded:
        words = self.table(text)
        words = Padded(self.dropout(words.values), words.lengths)  # (B, T, E)

        before = delayed(self.left(words)[0])  # (B, T, H), of the words up to t - 1
        behind = turned(delayed(self.right(turned(words))[0]))  # (B, T, H), of the words from t + 1 on

        said = torch.tanh(self.joins(torch.cat((before.values, behind.values), dim=-1)))  # (B, T, E)
        return text.with_values(self.output(self.dropout(said), self.table.weight))  # (B, T, V)

    def stages(self) -> list[str]:
        return ["table", "left", "right", "joins"]


def delayed(x: Padded) -> Padded:
    """Each step in the place of the next, nothing in the first. (B, T, H) -> the same"""
    return x.with_values(F.pad(x.values, (0, 0, 1, -1)))


CATALOGUE = {"cloze_bilstm": ClozeBiLSTMConfig()}
