"""Attention: where in a memory to look, as weights that sum to one, and what is seen there.

Letters: B rows, U queries of a row (steps of a target), T steps of the memory, Q M numbers of a query, of a step, A of
the space in which both are compared.

    query ──┐
            ├─ score of every step ── softmax over a row's own steps ── weights ──┐
    memory ─┴──────────────────────────────────────────────────────────────────── Σ ── context

The weights are what `looks` gives: probe "attention.looks" to see them, (B, U, T).
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepglass.blocks.dense import start_uniform
from deepglass.foundation.padded import Padded
from deepglass.graph.shape import Shape

Score = Literal["additive", "general", "dot"]


class Attended(NamedTuple):
    """What was seen (B, U, M), and how much of each step of the memory is in it (B, U, T)."""

    context: Tensor
    weights: Tensor


class Looks(nn.Module):
    """Scores of steps as weights: softmax over each row's own steps. (B, U, T), mask (B, T) -> (B, U, T)"""

    def forward(self, scores: Tensor, mask: Tensor) -> Tensor:
        # the lowest number and not -∞: a row without steps looks evenly at zeros instead of giving NaN
        return scores.masked_fill(~mask[:, None], torch.finfo(scores.dtype).min).softmax(dim=-1)


class AdditiveAttention(nn.Module):
    """Query and memory are compared by a small network (Bahdanau 2014, arXiv:1409.0473, app. A.1.2).

    e_ut = v · tanh(W q_u + U m_t);   weights = softmax_t e;   context_u = Σ_t weights_ut m_t
    query (B, U, Q), memory Padded (B, T, M) -> context (B, U, M), weights (B, U, T)
    """

    def __init__(self, query: int, memory: int, *, hidden: int):
        super().__init__()
        self.query, self.memory = query, memory
        self.of_query = nn.Parameter(torch.empty(hidden, query))
        self.of_memory = nn.Parameter(torch.empty(hidden, memory))
        self.score = nn.Parameter(torch.empty(hidden))
        self.looks = Looks()
        start_uniform(self.of_query, None)
        start_uniform(self.of_memory, None)
        nn.init.normal_(self.score, std=hidden**-0.5)

    def known(self, memory: Padded) -> Tensor:
        """The memory's side of the comparison, for those who ask step by step. (B, T, M) -> (B, T, A)"""
        return F.linear(memory.values, self.of_memory)

    def forward(self, query: Tensor, memory: Padded, known: Tensor | None = None) -> Attended:
        expect_both("AdditiveAttention", query.shape, memory.values.shape, self.query, self.memory)
        q = F.linear(query, self.of_query)[:, :, None]  # (B, U, 1, A)
        m = (self.known(memory) if known is None else known)[:, None]  # (B, 1, T, A)
        scores = (q + m).tanh() @ self.score.to(q.dtype)  # (B, U, T)
        return seen(self.looks(scores, memory.mask), memory)

    def out_shape(self, query: Shape, memory: Shape) -> Shape:
        expect_both("AdditiveAttention", query, memory, self.query, self.memory)
        return query[0], query[1], memory[2]


class GeneralAttention(nn.Module):
    """Query and memory are compared through a matrix (Luong 2015, arXiv:1508.04025, eq. 8: "general").

    e_ut = q_u W m_t;   weights = softmax_t e;   context_u = Σ_t weights_ut m_t
    query (B, U, Q), memory Padded (B, T, M) -> context (B, U, M), weights (B, U, T); weight (M, Q)
    """

    def __init__(self, query: int, memory: int):
        super().__init__()
        self.query, self.memory = query, memory
        self.weight = nn.Parameter(torch.empty(memory, query))
        self.looks = Looks()
        start_uniform(self.weight, None)

    def forward(self, query: Tensor, memory: Padded) -> Attended:
        expect_both("GeneralAttention", query.shape, memory.values.shape, self.query, self.memory)
        scores = F.linear(query, self.weight) @ memory.values.transpose(1, 2)  # (B, U, T)
        return seen(self.looks(scores, memory.mask), memory)

    def out_shape(self, query: Shape, memory: Shape) -> Shape:
        expect_both("GeneralAttention", query, memory, self.query, self.memory)
        return query[0], query[1], memory[2]


class DotAttention(nn.Module):
    """Query and memory are compared as they are, by their scaled product (arXiv:1706.03762, eq. 1).

    e_ut = q_u · m_t / √M;   weights = softmax_t e;   context_u = Σ_t weights_ut m_t
    query (B, U, M), memory Padded (B, T, M) -> context (B, U, M), weights (B, U, T); nothing is learned
    """

    def __init__(self) -> None:
        super().__init__()
        self.looks = Looks()

    def forward(self, query: Tensor, memory: Padded) -> Attended:
        size = query.shape[-1]
        expect_both("DotAttention", query.shape, memory.values.shape, size, size)
        scores = query @ memory.values.transpose(1, 2) / size**0.5  # (B, U, T)
        return seen(self.looks(scores, memory.mask), memory)

    def out_shape(self, query: Shape, memory: Shape) -> Shape:
        expect_both("DotAttention", query, memory, query[-1], query[-1])
        return query[0], query[1], memory[2]


Attention = AdditiveAttention | GeneralAttention | DotAttention


def make_attention(score: Score, query: int, memory: int) -> Attention:
    """Attention with that score; "dot" wants query and memory of one size."""
    if score == "additive":
        return AdditiveAttention(query, memory, hidden=query)
    if score == "general":
        return GeneralAttention(query, memory)
    if query != memory:
        raise ValueError(f"The score 'dot' wants a query as wide as the memory; they have {query} and {memory}.")
    return DotAttention()


def seen(weights: Tensor, memory: Padded) -> Attended:
    """The memory as seen with these weights. (B, U, T), (B, T, M) -> (B, U, M)"""
    return Attended(weights.to(memory.values.dtype) @ memory.values, weights)


def expect_both(block: str, query: Sequence[int], memory: Sequence[int], of_query: int, of_memory: int) -> None:
    """Refuse shapes that are not (batch, queries, Q) and (batch, steps, M) with the same batch."""
    fits = len(query) == len(memory) == 3 and query[0] == memory[0]
    if not fits or query[2] != of_query or memory[2] != of_memory:
        wanted = f"query (batch, queries, {of_query}) and memory (batch, steps, {of_memory})"
        raise ValueError(f"{block} expects {wanted}; got {tuple(query)} and {tuple(memory)}.")


CATALOGUE = {
    "additive_attention": AdditiveAttention,
    "general_attention": GeneralAttention,
    "dot_attention": DotAttention,
}
