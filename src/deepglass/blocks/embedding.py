"""Numbers of words, pieces or characters as vectors: one row of a table each, and bags of hashed neighbours.

Letters: B rows, T tokens of the longest row, V vocabulary, E numbers of a vector.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepglass.foundation.padded import Padded
from deepglass.graph.shape import Shape

FAR = 116_049_371  # fastText's multiplier: carries a word's number away from those of its neighbours
ROUND = 2**31 - 1  # a prime; hashes stay below it, so that a product fits into 64 bits


class Embedding(nn.Module):
    """Each token's row of a table that is learned.

    Padded int64 (B, T) -> Padded (B, T, E); weight (V, E), started from N(0, std²)
    With `dropout` whole words are missing from the table for a batch, wherever they stand (arXiv:1708.02182, sec. 4.3).
    """

    def __init__(self, vocabulary: int, features: int, *, dropout: float = 0.0, std: float = 1.0):
        super().__init__()
        self.vocabulary, self.features, self.dropout = vocabulary, features, dropout
        self.weight = nn.Parameter(torch.empty(vocabulary, features).normal_(std=std))

    @torch.no_grad()
    def fill(self, tokens: Tensor, vectors: Tensor) -> None:
        """Start the rows of these tokens (N,) from vectors (N, E) that were learned elsewhere."""
        if vectors.shape != (len(tokens), self.features):
            wanted = (len(tokens), self.features)
            raise ValueError(f"Embedding expects vectors of shape {wanted}; got {tuple(vectors.shape)}.")
        self.weight[tokens] = vectors.to(self.weight)

    def forward(self, x: Padded) -> Padded:
        expect_tokens("Embedding", x.values.shape)
        table = self.weight
        if self.training and self.dropout:
            table = table * F.dropout(table.new_ones(self.vocabulary, 1), self.dropout)
        return x.with_values(F.embedding(x.values, table))

    def out_shape(self, shape: Shape) -> Shape:
        expect_tokens("Embedding", shape)
        return *shape, self.features

    def extra_repr(self) -> str:
        return f"{self.vocabulary}, {self.features}, dropout={self.dropout}"


class NgramBag(nn.Module):
    """The mean of a row's words and of their neighbourhoods of 2 ... `longest` words (fastText, arXiv:1607.01759).

    A neighbourhood's row of the table is found by a hash of its words' numbers, so nothing has to be listed.
    Padded int64 (B, T) -> (B, E); weight (V + buckets, E), started from U(-1/E, 1/E) as fastText's
    """

    def __init__(self, vocabulary: int, features: int, *, longest: int = 2, buckets: int = 2**17):
        super().__init__()
        self.vocabulary, self.features = vocabulary, features
        self.longest, self.buckets = longest, buckets
        rows = vocabulary + (buckets if longest > 1 else 0)
        self.weight = nn.Parameter(torch.empty(rows, features).uniform_(-1 / features, 1 / features))

    def forward(self, x: Padded) -> Tensor:
        expect_tokens("NgramBag", x.values.shape)
        places, own = self.places(x)
        share = own.to(self.weight.dtype) / own.sum(dim=1, keepdim=True).clamp(min=1)
        return F.embedding_bag(places, self.weight, per_sample_weights=share, mode="sum")

    def places(self, x: Padded) -> tuple[Tensor, Tensor]:
        """Rows of the table for words, pairs, triples ..., and which of them are a row's own. (B, Σ(T - n + 1)) each"""
        steps = x.values.shape[1]
        found, own = [x.values], [x.mask]
        for n in range(2, min(self.longest, steps) + 1):
            found.append(self.vocabulary + hashed(x.values, n) % self.buckets)  # (B, T - n + 1)
            own.append(x.mask[:, n - 1 :])  # a neighbourhood is there where its last word is
        return torch.cat(found, dim=1), torch.cat(own, dim=1)

    def out_shape(self, shape: Shape) -> Shape:
        expect_tokens("NgramBag", shape)
        return shape[0], self.features

    def extra_repr(self) -> str:
        return f"{self.vocabulary}, {self.features}, longest={self.longest}, buckets={self.buckets}"


def hashed(tokens: Tensor, n: int) -> Tensor:
    """A number for every n neighbouring tokens, the same for the same tokens in the same order. (B, T) -> (B, T-n+1)"""
    count = tokens.shape[1] - n + 1
    total = torch.zeros_like(tokens[:, :count])
    for place in range(n):
        total = (total * FAR + tokens[:, place : place + count] + 1) % ROUND
    return total


def expect_tokens(block: str, shape: Sequence[int]) -> None:
    """Refuse a shape that is not (batch, tokens)."""
    if len(shape) != 2:
        raise ValueError(f"{block} expects (batch, tokens); got shape {tuple(shape)}.")


CATALOGUE = {"embedding": Embedding, "ngram_bag": NgramBag}
