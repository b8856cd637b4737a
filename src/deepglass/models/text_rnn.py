"""A text read word by word into one state (Elman 1990): the plain recurrent network, many-to-one.

tokens (B, T) -> table (B, T, E) -> recurrent layers (B, T, H) -> the state behind the last word -> logits (B, K)

    "not"     "bad"     "at"      "all"
      │         │         │         │
     E_t       E_t       E_t       E_t
      │         │         │         │          h_t = tanh(W x_t + b + U h_(t-1) + b')
      h_1 ────► h_2 ────► h_3 ────► h_4 ──► dense ──► "good"?

All that is known of a text must fit into H numbers, which every word overwrites: early words fade, and so do their
gradients (Bengio 1994). The kind "gru" keeps what its gates let it keep; text_lstm goes further.

Parameters: V E + P H (E + H + 2) + P H (2H + 2) (layers - 1) + (H + 1) K, P = 1, for gru 3; 3,030,730 for 30,000
tokens, E = 100, H = 128, one layer and ten classes.
"""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Lt
from torch import Tensor, nn

from deepglass.blocks.dense import Dense
from deepglass.blocks.embedding import Embedding
from deepglass.blocks.recurrent import Recurrent
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import Ports, Tokens, Vector
from deepglass.models.contract import classes_asked, tokens_asked


@dataclass(frozen=True, kw_only=True, slots=True)
class TextRNNConfig:
    """A table, recurrent layers, and classes by their last state."""

    vocabulary: Annotated[int, Ge(2)] = 30_000
    """Different tokens, the unknown one among them."""
    classes: Annotated[int, Ge(1)] = 10
    """How many numbers come out, one per class."""
    kind: Literal["rnn_tanh", "rnn_relu", "gru"] = "rnn_tanh"
    """What a step does with the state: overwrite it, or move it as far as its gates say."""
    features: Annotated[int, Ge(1)] = 100
    """Numbers of a token's vector."""
    hidden: Annotated[int, Ge(1)] = 128
    """Numbers of a layer's state."""
    layers: Annotated[int, Ge(1)] = 1
    """Layers, each reading the states of the one below."""
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.2
    """Share silenced at random while training: between layers and before the classes."""

    def ports(self) -> Ports:
        return Ports(Tokens(self.vocabulary), Vector(self.classes))

    def fitted(self, ports: Ports) -> "TextRNNConfig":
        return replace(self, vocabulary=tokens_asked("text_rnn", ports), classes=classes_asked("text_rnn", ports))

    def build(self) -> "TextRNN":
        return TextRNN(self)


class TextRNN(nn.Module):
    """Padded tokens (B, T) -> logits (B, K)"""

    head: ClassVar[str] = "output"

    def __init__(self, config: TextRNNConfig):
        super().__init__()
        self.table = Embedding(config.vocabulary, config.features, std=0.1)
        self.states = Recurrent(
            config.kind, config.features, config.hidden, layers=config.layers, dropout=config.dropout
        )
        self.dropout = nn.Dropout(config.dropout)
        self.output = Dense(config.hidden, config.classes)

    def forward(self, text: Padded) -> Tensor:
        words = self.table(text)  # (B, T, E)
        _, (h,) = self.states(words)  # (layers, B, H), behind each row's own last word
        return self.output(self.dropout(h[-1]))  # (B, K)

    def stages(self) -> list[str]:
        return ["table", "states"]


CATALOGUE = {"text_rnn": TextRNNConfig()}
