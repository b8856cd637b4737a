"""A language model over characters: what comes next, from all that came before (Graves 2013, arXiv:1308.0850).

tokens (B, T) -> table (B, T, E) -> layers of LSTM (B, T, H) -> dense -> logits of the next token (B, T, V)

    "t"     "o"     " "     "b"
     │       │       │       │
    E_t     E_o     E_␣     E_b
     │       │       │       │
    LSTM ─► LSTM ─► LSTM ─► LSTM ─► h, c
     │       │       │       │
    "o"?    " "?    "b"?    "e"?

Many-to-many of equal length: what a step says depends on itself and earlier ones alone, so that text can be written
token by token from (h, c). Parameters: V E + 4H (E + H + 2) + 4H (2H + 2) (layers - 1) + (H + 1) V; 3,342,692 for 100
tokens, E = 64, H = 512 and two layers.
"""

from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

import torch
from annotated_types import Ge, Lt
from torch import Tensor, nn

from deepglass.blocks.dense import Dense
from deepglass.blocks.embedding import Embedding
from deepglass.blocks.recurrent import Recurrent
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import Ports, Steps, Tokens
from deepglass.models.contract import steps_asked, tokens_asked


@dataclass(frozen=True, kw_only=True, slots=True)
class CharLMConfig:
    """A table, a stack of LSTM layers, and a dense layer over the vocabulary."""

    vocabulary: Annotated[int, Ge(2)] = 100
    """Different tokens that are read."""
    outputs: Annotated[int, Ge(1)] = 100
    """How many numbers come out at every step, one per token that may come next."""
    features: Annotated[int, Ge(1)] = 64
    """Numbers of a token's vector."""
    hidden: Annotated[int, Ge(1)] = 512
    """Numbers that a layer remembers."""
    layers: Annotated[int, Ge(1)] = 2
    """Layers, each reading what the one below says."""
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.0
    """Share silenced at random while training, between layers and before the last one."""

    def ports(self) -> Ports:
        return Ports(Tokens(self.vocabulary), Steps(self.outputs, "later"))

    def fitted(self, ports: Ports) -> "CharLMConfig":
        return replace(self, vocabulary=tokens_asked("char_lm", ports), outputs=steps_asked("char_lm", ports, "later"))

    def build(self) -> "CharLM":
        return CharLM(self)


class CharLM(nn.Module):
    """Padded tokens (B, T) -> Padded logits (B, T, V)"""

    head: ClassVar[str] = "output"

    def __init__(self, config: CharLMConfig):
        super().__init__()
        self.table = Embedding(config.vocabulary, config.features)
        self.lstm = Recurrent("lstm", config.features, config.hidden, layers=config.layers, dropout=config.dropout)
        self.dropout = nn.Dropout(config.dropout)
        self.output = Dense(config.hidden, config.outputs)

    def forward(self, text: Padded) -> Padded:
        steps, _ = self.lstm(self.table(text))  # (B, T, H)
        return steps.with_values(self.output(self.dropout(steps.values)))  # (B, T, V)

    def step(self, token: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """One more token of each row. (B,), state -> logits of the next (B, V), state"""
        one = Padded(token[:, None], torch.ones_like(token))
        steps, state = self.lstm(self.table(one), state)
        return self.output(steps.values[:, 0]), state

    def stages(self) -> list[str]:
        return ["table", "lstm"]


CATALOGUE = {"char_lm": CharLMConfig()}
