"""Convolutions over words, the strongest answer of each kept (Kim 2014, arXiv:1408.5882).

tokens (B, T) -> vectors (B, T, E) -> kernels 3, 4 and 5 words wide -> max over time -> dense -> logits (B, K)

    wait  for   the   video   and   do   not   rent   it
    └─── 3 ───┘                                            each kernel is a phrase that it looks for;
          └────── 4 ───────┘                     ──► max   where it stands does not matter,
                      └──────── 5 ──────────┘              so one number of each is kept ──► dropout ──► dense

y_k = max_t relu(b_k + Σ_j w_k(j) · x_(t + j)) over a text's own places; behind its ends stand zeros.

Parameters: V · E + maps · (E · Σ widths + widths) + widths · maps · K + K; 9,363,310 as in the catalogue.
"""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, Lt, MinLen
from torch import Tensor, nn

from deepglass.blocks.dense import Dense
from deepglass.blocks.embedding import Embedding
from deepglass.blocks.time_conv import TimeConv
from deepglass.blocks.time_pool import TimePool
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import Ports, Tokens, Vector
from deepglass.models.contract import classes_asked, tokens_asked

START = 0.15
"""Spread of the vectors at their start: near that of U(-0.25, 0.25), as in the paper."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TextCNNConfig:
    """Kernels of several widths over words, and a maximum over time."""

    vocabulary: Annotated[int, Ge(2)] = 30_000
    """Different tokens, the unknown one among them."""
    classes: Annotated[int, Ge(1)] = 10
    """How many numbers come out, one per class."""
    width: Annotated[int, Ge(1)] = 300
    """Numbers that a word is worth."""
    kernels: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1)] = (3, 4, 5)
    """Words that each kind of kernel looks at."""
    maps: Annotated[int, Ge(1)] = 100
    """Kernels of each width."""
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.5
    """Share of the maxima silenced at random while training."""

    def ports(self) -> Ports:
        return Ports(Tokens(self.vocabulary), Vector(self.classes))

    def fitted(self, ports: Ports) -> "TextCNNConfig":
        vocabulary = tokens_asked("text_cnn", ports)
        return replace(self, vocabulary=vocabulary, classes=classes_asked("text_cnn", ports))

    def build(self) -> "TextCNN":
        return TextCNN(self)


class TextCNN(nn.Module):
    """Padded tokens (B, T) -> logits (B, K)"""

    head: ClassVar[str] = "output"

    def __init__(self, config: TextCNNConfig):
        super().__init__()
        self.words = Embedding(config.vocabulary, config.width, std=START)
        self.phrases = nn.ModuleList(TimeConv(config.width, config.maps, kernel=kernel) for kernel in config.kernels)
        self.relu = nn.ReLU()
        self.strongest = TimePool("max")
        self.dropout = nn.Dropout(config.dropout)
        self.output = Dense(config.maps * len(config.kernels), config.classes)

    def forward(self, text: Padded) -> Tensor:
        x = self.words(text)  # (B, T, E)

        found = [self.strongest(phrase(x)) for phrase in self.phrases]  # (B, maps) each
        summary = self.relu(torch.cat(found, dim=-1))  # the largest of relus is the relu of the largest

        return self.output(self.dropout(summary))  # (B, K)

    def stages(self) -> list[str]:
        return ["words", *(f"phrases.{place}" for place in range(len(self.phrases)))]


CATALOGUE = {"text_cnn": TextCNNConfig()}
