"""The perceptron's criterion: only a wrong answer costs, as much as its score is wrong.

With SGD, batch 1 and rate 1 its gradient is Rosenblatt's rule: w += y·x for a wrong row, nothing for a right one
(Rosenblatt 1958, Psychological Review 65(6); as a loss: Bishop 2006, eq. 4.54). A score of exactly zero counts as
wrong, so that a network of zeros learns.
"""

import torch
from torch import Tensor


def perceptron(scores: Tensor, targets: Tensor) -> Tensor:
    """Binary: Σ_b max(0, -y_b·s_b) with y = ±1 for scores (B,) or (B, 1); otherwise `perceptron_multiclass`.

    targets int (B,): 0 is -1, 1 is +1 -> (). Its count is B.
    """
    if scores.ndim == 2 and scores.shape[1] > 1:
        return perceptron_multiclass(scores, targets)
    scores = scores.reshape(-1)
    signs = targets.reshape(-1).to(scores.dtype) * 2 - 1
    wrong = signs * scores <= 0
    return torch.where(wrong, -signs * scores, 0.0).sum()


def perceptron_multiclass(scores: Tensor, targets: Tensor) -> Tensor:
    """Σ_b max(0, max_{j≠y_b} s_bj - s_by): the best wrong class against the right one.

    scores (B, K), targets int (B,) or soft (B, K), whose largest class is meant -> ()
    Collins 2002, "Discriminative training methods for hidden Markov models"
    """
    own, other = own_and_best_other(scores, targets)
    return torch.where(other >= own, other - own, 0.0).sum()


def own_and_best_other(scores: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Each row's score of its class, and the highest of the others. (B, K), (B,) or (B, K) -> (B,), (B,)"""
    classes = targets if targets.ndim == 1 else targets.argmax(1)
    own = scores.gather(1, classes[:, None])
    others = scores.scatter(1, classes[:, None], float("-inf"))
    return own[:, 0], others.amax(1)
