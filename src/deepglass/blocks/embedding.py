"""Numbers of words, pieces or characters as vectors: one row of a table each.

The same table, turned round, may say which token comes next.

Letters: B rows, T tokens of the longest row, V vocabulary, E numbers of a vector.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepglass.foundation.padded import Padded
from deepglass.graph.shape import Shape, expect_last


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


class TiedOutput(nn.Module):
    """A score for each token by the table that reads them (Press & Wolf 2016, arXiv:1608.05859).

    z = x Eᵀ + b
    (..., E), table (V, E) -> (..., V); bias (V,)
    """

    def __init__(self, vocabulary: int):
        super().__init__()
        self.vocabulary = vocabulary
        self.bias = nn.Parameter(torch.zeros(vocabulary))

    def forward(self, x: Tensor, table: Tensor) -> Tensor:
        expect_last("TiedOutput", x.shape, table.shape[1])
        return F.linear(x, table, self.bias)

    def out_shape(self, shape: Shape, table: Shape) -> Shape:
        expect_last("TiedOutput", shape, table[1])
        return *shape[:-1], self.vocabulary

    def extra_repr(self) -> str:
        return f"{self.vocabulary}"


def expect_tokens(block: str, shape: Sequence[int]) -> None:
    """Refuse a shape that is not (batch, tokens)."""
    if len(shape) != 2:
        raise ValueError(f"{block} expects (batch, tokens); got shape {tuple(shape)}.")


CATALOGUE = {"embedding": Embedding, "tied_output": TiedOutput}
