"""Rows of unequal length side by side, as a network sees them; only data/ makes them.

Letters: B rows, T steps of the longest row, C channels.
"""

from typing import NamedTuple

import torch
from torch import Tensor


class Padded(NamedTuple):
    """values (B, T, ...) and how many steps of each row are its own, (B,) int64; what lies behind a row's end is 0."""

    values: Tensor
    lengths: Tensor

    @property
    def mask(self) -> Tensor:
        """True where a step is a row's own. bool (B, T)"""
        return torch.arange(self.values.shape[1], device=self.lengths.device) < self.lengths[:, None]

    def with_values(self, values: Tensor) -> "Padded":
        """Other numbers for the same steps, 0 behind each row's end. (B, T, ...)"""
        mask = self.mask.view(*self.mask.shape, *[1] * (values.ndim - 2))
        return Padded(values.masked_fill(~mask, 0), self.lengths)
