"""The nearest of all vectors, exactly: one product in pieces. Letters: Q queries, N vectors, D numbers of each."""

from collections.abc import Iterator

import torch
from torch import Tensor

NUMBERS = 1 << 24  # scores that are looked at together
NONE = -2.0  # below every cosine


def nearest(queries: Tensor, vectors: Tensor, alive: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Scores and rows of the `count` nearest, the nearest first; NONE where there are fewer.

    queries (Q, D), vectors (N, D), alive bool (N,) -> (Q, k), int64 (Q, k)
    """
    best, rows = queries.new_full((len(queries), 0), NONE), torch.zeros(len(queries), 0, dtype=torch.int64)
    step = max(1, NUMBERS // max(1, len(queries)))
    for start in range(0, len(vectors), step):
        scores = queries @ vectors[start : start + step].T  # (Q, n)
        scores[:, ~alive[start : start + step]] = NONE
        top = scores.topk(min(count, scores.shape[1]), dim=1)
        best, rows = merged(best, rows, top.values, top.indices + start, count)
    return best, rows


def merged(best: Tensor, rows: Tensor, more: Tensor, others: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The best of both. (Q, k), (Q, k), (Q, m), (Q, m) -> (Q, at most count), the same"""
    scores, places = torch.cat([best, more], 1), torch.cat([rows, others], 1)
    top = scores.topk(min(count, scores.shape[1]), dim=1)
    return top.values, places.gather(1, top.indices)


def pairs(vectors: Tensor, alive: Tensor, threshold: float) -> Iterator[tuple[int, int, float]]:
    """Rows i < j whose vectors are at least so near. (N, D), bool (N,)"""
    step = max(1, NUMBERS // max(1, len(vectors)))
    for start in range(0, len(vectors), step):
        scores = vectors[start : start + step] @ vectors[start:].T
        close = (scores >= threshold).triu(1) & alive[start : start + step, None] & alive[None, start:]
        for one, other in close.nonzero().tolist():
            yield start + one, start + other, float(scores[one, other])
