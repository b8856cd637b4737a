"""Softmax cross-entropy of logits against classes or soft targets, as a sum and the count that divides it."""

import torch
import torch.nn.functional as F
from torch import Tensor


def cross_entropy(logits: Tensor, targets: Tensor, smoothing: float = 0.0, weights: Tensor | None = None) -> Tensor:
    """Σ_b Σ_k w_k · t'_bk · (-log softmax(z_b)_k), with t' = (1 - ε) · t + ε / K.

    logits (B, K), targets int (B,) or soft (B, K), weights (K,) -> ()
    Divided by `cross_entropy_count` it is the mean of `torch.nn.functional.cross_entropy`.
    Label smoothing: Szegedy et al. 2015, arXiv:1512.00567, section 7
    """
    return F.cross_entropy(logits, targets, weight=weights, label_smoothing=smoothing, reduction="sum")


def cross_entropy_count(targets: Tensor, weights: Tensor | None = None) -> Tensor:
    """What the sum is divided by: Σ_b w of the row's class; a row of soft targets counts Σ_k w_k · t_bk. -> ()

    Without weights it is the number of rows. Smoothing does not change it: a row counts as its own class does.
    """
    if weights is None:
        return torch.tensor(float(len(targets)), device=targets.device)
    return (weights[targets] if targets.ndim == 1 else targets @ weights).sum()
