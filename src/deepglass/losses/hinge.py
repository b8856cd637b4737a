"""Hinge loss: an answer costs until it is right by a margin of one (the support-vector machine's loss)."""

from torch import Tensor

from deepglass.losses.perceptron import own_and_best_other


def hinge(scores: Tensor, targets: Tensor, margin: float = 1.0) -> Tensor:
    """Binary: Σ_b max(0, m - y_b·s_b), y = ±1; multiclass: Σ_b max(0, m + max_{j≠y_b} s_bj - s_by).

    scores (B,), (B, 1) or (B, K); targets int (B,), where binary 0 is -1, or soft (B, K) -> (). Its count is B.
    Cortes & Vapnik 1995; Crammer & Singer 2001
    """
    if scores.ndim == 2 and scores.shape[1] > 1:
        own, other = own_and_best_other(scores, targets)
        return (margin + other - own).clamp(min=0).sum()
    scores = scores.reshape(-1)
    signs = targets.reshape(-1).to(scores.dtype) * 2 - 1
    return (margin - signs * scores).clamp(min=0).sum()
