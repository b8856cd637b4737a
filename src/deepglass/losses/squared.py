"""Squared error: the loss of regression, of the first networks, and of distances to codes (LeNet-5 of 1998)."""

import torch.nn.functional as F
from torch import Tensor


def squared_error(values: Tensor, targets: Tensor) -> Tensor:
    """Σ_b Σ_k (z_bk - t_bk)², t one-hot where targets are classes.

    values (B, K) or (B,); targets int (B,) for classes, else of the values' shape -> (). Its count is B, or B·K for the
    mean over values.
    """
    if values.ndim == 2 and targets.ndim == 1 and not targets.is_floating_point():
        targets = F.one_hot(targets, values.shape[1])
    return F.mse_loss(values, targets.to(values.dtype).view_as(values), reduction="sum")
