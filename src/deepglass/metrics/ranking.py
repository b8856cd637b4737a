"""Scores in order, with ties kept together: what AUROC and average precision stand on."""

from typing import NamedTuple

import torch
from torch import Tensor


class Ranking(NamedTuple):
    """Scores (K, N) sorted upwards in every row: `order` says which example stands at a place, and each place's group
    of equal scores begins at `first` and ends at `last`; all int64 (K, N)."""

    order: Tensor
    first: Tensor
    last: Tensor


def rank(scores: Tensor) -> Ranking:
    """(K, N) -> Ranking"""
    ordered, order = scores.sort(dim=1)
    places = torch.arange(scores.shape[1]).expand_as(order)
    starts = torch.ones_like(ordered, dtype=torch.bool)
    starts[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    ends = torch.ones_like(starts)
    ends[:, :-1] = starts[:, 1:]
    first = torch.where(starts, places, 0).cummax(1).values
    last = torch.where(ends, places, scores.shape[1]).flip(1).cummin(1).values.flip(1)
    return Ranking(order, first, last)
