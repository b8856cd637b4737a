"""A language model over words, held back from learning by heart (AWD-LSTM, Merity et al. 2017, arXiv:1708.02182).

tokens (B, T) -> table (B, T, E) -> LSTM H ... H, E -> the same table turned round -> logits (B, T, V)

    words missing from the table for a batch          sec. 4.3
    one mask for all steps of a row, on the vectors,
    between layers and on what is said                sec. 4.2
    weights of the recurrence silenced for a batch    sec. 2
    the table that reads is the one that writes       sec. 4.5 (Press & Wolf 2016, arXiv:1608.05859)

Parameters: V (E + 1) + 4H (E + H + 2) + 4H (2H + 2) (layers - 2) + 4E (H + E + 2); 4,738,000 for 10,000 words, E = 200,
H = 400 and three layers.
"""

from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

import torch
import torch.nn.functional as F
from annotated_types import Ge, Lt
from torch import Tensor, nn

from deepglass.blocks.embedding import Embedding, TiedOutput
from deepglass.blocks.recurrent import Recurrent
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import PortMismatch, Ports, Steps, Tokens
from deepglass.models.contract import described, steps_asked, tokens_asked

Share = Annotated[float, Ge(0), Lt(1)]


@dataclass(frozen=True, kw_only=True, slots=True)
class WordLMConfig:
    """A tied table around a stack of LSTM layers, the last as wide as the table."""

    vocabulary: Annotated[int, Ge(2)] = 10_000
    """Different tokens, read and foretold."""
    features: Annotated[int, Ge(1)] = 200
    """Numbers of a token's vector, and of what the last layer says."""
    hidden: Annotated[int, Ge(1)] = 400
    """Numbers that the other layers remember."""
    layers: Annotated[int, Ge(2)] = 3
    """Layers, each reading what the one below says."""
    words: Share = 0.1
    """Share of the table's words that are missing for a batch."""
    inputs: Share = 0.3
    """Share of a row's vector numbers that are silenced at all of its steps."""
    between: Share = 0.2
    """The same between layers."""
    outputs: Share = 0.4
    """The same on what the last layer says."""
    weights: Share = 0.4
    """Share of the recurrence's weights that are silenced for a batch."""

    def ports(self) -> Ports:
        return Ports(Tokens(self.vocabulary), Steps(self.vocabulary, "later"))

    def fitted(self, ports: Ports) -> "WordLMConfig":
        vocabulary = tokens_asked("word_lm", ports)
        if steps_asked("word_lm", ports, "later") != vocabulary:
            raise PortMismatch("models.gives_steps", model="word_lm", asked=described(ports.gives))
        return replace(self, vocabulary=vocabulary)

    def build(self) -> "WordLM":
        return WordLM(self)


class WordLM(nn.Module):
    """Padded tokens (B, T) -> Padded logits (B, T, V)"""

    head: ClassVar[str] = "output"

    def __init__(self, config: WordLMConfig):
        super().__init__()
        self.config = config
        widths = [config.features, *[config.hidden] * (config.layers - 1), config.features]
        self.table = Embedding(config.vocabulary, config.features, dropout=config.words, std=0.1)
        self.lstm = nn.ModuleList(
            Recurrent("lstm", a, b, weight_dropout=config.weights) for a, b in zip(widths, widths[1:], strict=False)
        )
        self.output = TiedOutput(config.vocabulary)

    def forward(self, text: Padded) -> Padded:
        x = self._locked(self.table(text), self.config.inputs)  # (B, T, E)

        for place, layer in enumerate(self.lstm, start=1):
            x, _ = layer(x)  # (B, T, H)
            x = self._locked(x, self.config.between if place < len(self.lstm) else self.config.outputs)

        return x.with_values(self.output(x.values, self.table.weight))  # (B, T, V)

    def step(self, token: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """One more token of each row. (B,), state -> logits of the next (B, V), state"""
        x = self.table(Padded(token[:, None], torch.ones_like(token)))
        after: list[Any] = []
        for layer, before in zip(self.lstm, state or [None] * len(self.lstm), strict=True):
            x, own = layer(x, before)
            after.append(own)
        return self.output(x.values[:, 0], self.table.weight), after

    def stages(self) -> list[str]:
        return ["table", *(f"lstm.{place}" for place in range(len(self.lstm)))]

    def _locked(self, x: Padded, share: float) -> Padded:
        """Some numbers of each row's vectors silenced at every step alike. (B, T, E) -> the same"""
        if not (self.training and share):
            return x
        mask = F.dropout(x.values.new_ones(len(x.values), 1, x.values.shape[2]), share)
        return Padded(x.values * mask, x.lengths)


CATALOGUE = {"word_lm": WordLMConfig()}
