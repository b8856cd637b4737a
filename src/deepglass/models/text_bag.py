"""Bag of words and pairs: a weighted sum of one row for each, then classes (after Joulin et al. 2016, fastText).

tokens (B, T) -> words and hashed pairs, weighed by how telling they are -> sum (B, E) -> dense -> logits (B, K)

    the   cat   sat        w = (1 + ln n) · idf for each different word or pair,  n: how often it stands in the text
     │ ╲ ╱ │ ╲ ╱ │         idf = ln((1 + N) / (1 + N_w)) + 1,  N_w of N texts that have it, from the training part
    the·cat  cat·sat
      E     E     E    ──►  x = Σ w E_w / √(Σ w²)  ──► dense ──► logits

A model without order but for neighbours, and often the right answer: with E = K and no dense layer it is logistic
regression on sublinear TF-IDF, the baseline of text classification, learned by gradient descent. Pairs share `buckets`
rows by a hash (Weinberger et al. 2009, arXiv:0902.2206), so that any number of them takes the same memory.

Parameters: (V + buckets) · E + E · K + K with a hidden sum, (V + buckets) · K + K without.
"""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from annotated_types import Ge, Lt
from torch import Tensor, nn

from deepglass.blocks.dense import Dense
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import Ports, Tokens, Vector
from deepglass.models.contract import classes_asked, tokens_asked

PRIME = 1_000_003  # a pair's number is first · PRIME + second, shared out over the buckets


@dataclass(frozen=True, kw_only=True, slots=True)
class TextBagConfig:
    """A weighted bag of words and pairs of neighbours."""

    vocabulary: Annotated[int, Ge(2)] = 30_000
    """Different tokens, the unknown one among them."""
    classes: Annotated[int, Ge(1)] = 10
    """How many numbers come out, one per class."""
    buckets: Annotated[int, Ge(0)] = 0
    """Rows that pairs of neighbours share; 0: words alone, which on topics of news were as good or better."""
    width: Annotated[int, Ge(0)] = 0
    """Numbers a word is worth before the dense layer; 0: a word speaks for each class itself."""
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.0
    """Share of words and pairs silenced at random while training."""

    def ports(self) -> Ports:
        return Ports(Tokens(self.vocabulary), Vector(self.classes))

    def fitted(self, ports: Ports) -> "TextBagConfig":
        vocabulary = tokens_asked("text_bag", ports)
        return replace(self, vocabulary=vocabulary, classes=classes_asked("text_bag", ports))

    def build(self) -> "TextBag":
        return TextBag(self)


class WeightedBag(nn.Module):
    """Σ w E_w / √(Σ w²) over a row's different tokens; token 0 is silent. (B, T) numbers -> (B, E), (B,) Σ w²"""

    idf: Tensor

    def __init__(self, tokens: int, width: int):
        super().__init__()
        self.tokens = tokens
        self.weight = nn.Parameter(torch.zeros(tokens, width))
        self.register_buffer("idf", torch.ones(tokens))

    def forward(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        ordered = numbers.sort(1).values
        count = torch.searchsorted(ordered, numbers, right=True) - torch.searchsorted(ordered, numbers)
        weight = (1 + count.float().log()) * self.idf[numbers] * (numbers > 0)  # (B, T)
        each = weight / count  # a token that stands n times is added n times
        summed = F.embedding_bag(numbers, self.weight, per_sample_weights=each.to(self.weight.dtype), mode="sum")
        return summed, (weight * each).sum(1)

    def learn(self, numbers: Tensor) -> None:
        """How telling each token is, from rows of the training part."""
        rows = torch.arange(len(numbers), device=numbers.device)[:, None].expand_as(numbers)
        pairs = torch.stack([rows, numbers])[:, numbers > 0].unique(dim=1)
        holding = torch.bincount(pairs[1], minlength=self.tokens).to(self.idf)
        self.idf.copy_(((1 + len(numbers)) / (1 + holding)).log() + 1)


class TextBag(nn.Module):
    """Padded tokens (B, T) -> logits (B, K)"""

    head: ClassVar[str] = "output"

    def __init__(self, config: TextBagConfig):
        super().__init__()
        self.config = config
        width = config.width or config.classes
        self.words = WeightedBag(config.vocabulary, width)
        self.pairs = WeightedBag(config.buckets, width) if config.buckets else None
        self.output = Dense(width, config.classes) if config.width else Offset(config.classes)
        if config.width:
            for bag in (self.words, *([self.pairs] if self.pairs else [])):
                nn.init.normal_(bag.weight, std=config.width**-0.5)

    def forward(self, text: Padded) -> Tensor:
        words, squares = self.words(self._silenced(text.values))

        if self.pairs is not None:
            pairs, more = self.pairs(self._silenced(self._paired(text.values)))
            words, squares = words + pairs, squares + more

        x = words / squares.clamp(min=1e-6).sqrt()[:, None]  # (B, E)
        return self.output(x)  # (B, K)

    def start_from(self, text: Padded) -> None:
        """How telling each word and pair is, from texts of the training part."""
        self.words.learn(text.values)
        if self.pairs is not None:
            self.pairs.learn(self._paired(text.values))

    def stages(self) -> list[str]:
        return ["words", *(["pairs"] if self.pairs is not None else [])]

    def _paired(self, tokens: Tensor) -> Tensor:
        """The number of each token with its neighbour on the right, 0 where either is unknown. (B, T) -> (B, T - 1)"""
        first, second = tokens[:, :-1], tokens[:, 1:]
        number = (first * PRIME + second) % (self.config.buckets - 1) + 1
        return number * ((first > 0) & (second > 0))

    def _silenced(self, numbers: Tensor) -> Tensor:
        if not (self.training and self.config.dropout):
            return numbers
        return numbers * (torch.rand(numbers.shape, device=numbers.device) >= self.config.dropout)


class Offset(nn.Module):
    """x + b, b one number for each class. (B, K) -> (B, K)"""

    def __init__(self, classes: int):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(classes))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bias


CATALOGUE = {"text_bag": TextBagConfig()}
