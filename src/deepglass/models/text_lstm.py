"""A text read from both ends by gates that can remember (Graves 2005; Conneau et al. 2017, arXiv:1705.02364).

tokens (B, T) -> table (B, T, E) -> LSTM both ways (B, T, 2H) -> the largest, the mean or the ends (B, 2H) -> (B, K)

    "not"       "bad"       "at"        "all"
      │           │           │           │
     E_t         E_t         E_t         E_t           i, f, o say what is let in, kept and let out:
    h_1 ──────► h_2 ──────► h_3 ──────► h_4            c_t = f c_(t-1) + i g,   h_t = o tanh(c_t)
    h'_1 ◄───── h'_2 ◄───── h'_3 ◄───── h'_4
      └───────────┴── largest ┴───────────┘ ──► dense ──► "good"?

Each of the 2H numbers is a question to the text; the largest answer counts wherever it stands, so that a single telling
word in a long text is not averaged away. "mean" and "end" (many-to-one) are settings.

Parameters: V E + 8H (E + H + 2) + 8H (3H + 2) (layers - 1) + (2H + 1) K; 3,238,090 for 30,000 tokens, E = 100,
H = 128, one layer and ten classes.
"""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

import torch
from annotated_types import Ge, Lt
from torch import Tensor, nn

from deepglass.blocks.dense import Dense
from deepglass.blocks.embedding import Embedding
from deepglass.blocks.recurrent import Recurrent
from deepglass.blocks.time_pool import TimePool
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import Ports, Tokens, Vector
from deepglass.models.contract import classes_asked, tokens_asked


@dataclass(frozen=True, kw_only=True, slots=True)
class TextLSTMConfig:
    """A table, LSTM layers in both directions, and classes by a summary of all steps."""

    vocabulary: Annotated[int, Ge(2)] = 30_000
    """Different tokens, the unknown one among them."""
    classes: Annotated[int, Ge(1)] = 10
    """How many numbers come out, one per class."""
    features: Annotated[int, Ge(1)] = 100
    """Numbers of a token's vector."""
    hidden: Annotated[int, Ge(1)] = 128
    """Numbers that each direction of a layer remembers."""
    layers: Annotated[int, Ge(1)] = 1
    """Layers, each reading both directions of the one below."""
    summary: Literal["max", "mean", "end"] = "max"
    """What becomes of the steps: the largest of each number, its mean, or what each direction says where it ends."""
    words: Annotated[float, Ge(0), Lt(1)] = 0.1
    """Share of the table's words that are missing for a batch while training."""
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.5
    """Share silenced at random while training: of the vectors, between layers and before the classes."""

    def ports(self) -> Ports:
        return Ports(Tokens(self.vocabulary), Vector(self.classes))

    def fitted(self, ports: Ports) -> "TextLSTMConfig":
        return replace(self, vocabulary=tokens_asked("text_lstm", ports), classes=classes_asked("text_lstm", ports))

    def build(self) -> "TextLSTM":
        return TextLSTM(self)


class TextLSTM(nn.Module):
    """Padded tokens (B, T) -> logits (B, K)"""

    head: ClassVar[str] = "output"

    def __init__(self, config: TextLSTMConfig):
        super().__init__()
        more = {"layers": config.layers, "dropout": config.dropout}
        self.table = Embedding(config.vocabulary, config.features, dropout=config.words, std=0.1)
        self.lstm = Recurrent("lstm", config.features, config.hidden, bidirectional=True, **more)
        self.pool = None if config.summary == "end" else TimePool(config.summary)
        self.dropout = nn.Dropout(config.dropout)
        self.output = Dense(2 * config.hidden, config.classes)

    def forward(self, text: Padded) -> Tensor:
        words = self.table(text)
        words = Padded(self.dropout(words.values), words.lengths)  # (B, T, E)

        steps, (h, _) = self.lstm(words)  # (B, T, 2H), (2 · layers, B, H)
        if self.pool is None:
            summary = torch.cat((h[-2], h[-1]), dim=-1)  # (B, 2H), where each direction of the last layer ended
        else:
            summary = self.pool(steps)  # (B, 2H)

        return self.output(self.dropout(summary))  # (B, K)

    def stages(self) -> list[str]:
        return ["table", "lstm", *(["pool"] if self.pool is not None else [])]


CATALOGUE = {"text_lstm": TextLSTMConfig()}
