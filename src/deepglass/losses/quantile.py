"""Pinball loss: what makes a number the quantile of what may come (Koenker and Bassett 1978)."""

from collections.abc import Sequence

import torch
from torch import Tensor


def pinball(values: Tensor, targets: Tensor, quantiles: Sequence[float]) -> Tensor:
    """Σ_b mean_k Σ_q max(q (t - v), (q - 1) (t - v)).

    values (B, K, Q) for targets (B, K) -> (). Its count is B. Of the quantile 0.5 it is half the absolute error.
    """
    apart = targets[:, :, None] - values
    shares = torch.tensor(quantiles, dtype=values.dtype, device=values.device)
    return torch.maximum(shares * apart, (shares - 1) * apart).sum(2).mean(1).sum()
