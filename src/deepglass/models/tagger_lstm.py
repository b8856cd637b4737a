"""A sentence read from both ends, with something said of every word: many-to-many of equal length (Huang et al. 2015).

tokens (B, T) -> table (B, T, E) -> LSTM both ways (B, T, 2H) -> dense -> logits (B, T, K)

    "May"       "paid"      "in"        "May"
      │           │           │           │
     E_t         E_t         E_t         E_t
    h_1 ──────► h_2 ──────► h_3 ──────► h_4            the same word, another neighbourhood, another tag
    h'_1 ◄───── h'_2 ◄───── h'_3 ◄───── h'_4
      │           │           │           │
    B-PER         O           O        B-DATE

Both directions of a layer are read by the next one, for a word may look at itself: it is given, and what is asked is
its tag. arXiv:1508.01991, without the layer of transitions between tags.

Parameters: V E + 8H (E + H + 2) + 8H (3H + 2) (layers - 1) + (2H + 1) K; 3,238,090 for 30,000 tokens, E = 100,
H = 128, one layer and ten tags.
"""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from annotated_types import Ge, Lt
from torch import nn

from deepglass.blocks.dense import Dense
from deepglass.blocks.embedding import Embedding
from deepglass.blocks.recurrent import Recurrent
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import Ports, Steps, Tokens
from deepglass.models.contract import steps_asked, tokens_asked


@dataclass(frozen=True, kw_only=True, slots=True)
class TaggerLSTMConfig:
    """A table, LSTM layers in both directions, and numbers for every step."""

    vocabulary: Annotated[int, Ge(2)] = 30_000
    """Different tokens, the unknown one among them."""
    classes: Annotated[int, Ge(1)] = 10
    """How many numbers come out of every step, one per tag."""
    features: Annotated[int, Ge(1)] = 100
    """Numbers of a token's vector."""
    hidden: Annotated[int, Ge(1)] = 128
    """Numbers that each direction of a layer remembers."""
    layers: Annotated[int, Ge(1)] = 1
    """Layers, each reading both directions of the one below."""
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.5
    """Share silenced at random while training: of the vectors, between layers and before the tags."""

    def ports(self) -> Ports:
        return Ports(Tokens(self.vocabulary), Steps(self.classes))

    def fitted(self, ports: Ports) -> "TaggerLSTMConfig":
        return replace(self, vocabulary=tokens_asked("tagger_lstm", ports), classes=steps_asked("tagger_lstm", ports))

    def build(self) -> "TaggerLSTM":
        return TaggerLSTM(self)


class TaggerLSTM(nn.Module):
    """Padded tokens (B, T) -> Padded logits (B, T, K)"""

    head: ClassVar[str] = "output"

    def __init__(self, config: TaggerLSTMConfig):
        super().__init__()
        more = {"layers": config.layers, "dropout": config.dropout}
        self.table = Embedding(config.vocabulary, config.features, std=0.1)
        self.lstm = Recurrent("lstm", config.features, config.hidden, bidirectional=True, **more)
        self.dropout = nn.Dropout(config.dropout)
        self.output = Dense(2 * config.hidden, config.classes)

    def forward(self, text: Padded) -> Padded:
        words = self.table(text)
        words = Padded(self.dropout(words.values), words.lengths)  # (B, T, E)

        steps, _ = self.lstm(words)  # (B, T, 2H)

        return text.with_values(self.output(self.dropout(steps.values)))  # (B, T, K)

    def stages(self) -> list[str]:
        return ["table", "lstm"]


CATALOGUE = {"tagger_lstm": TaggerLSTMConfig()}
