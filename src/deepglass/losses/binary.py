"""Binary cross-entropy of K independent yes-or-no questions a row: the loss of multi-label classification."""

import torch.nn.functional as F
from torch import Tensor


def binary_cross_entropy(
    logits: Tensor, targets: Tensor, smoothing: float = 0.0, positive_weights: Tensor | None = None
) -> Tensor:
    """Σ_b Σ_k -[p_k · t'_bk · log σ(z_bk) + (1 - t'_bk) · log(1 - σ(z_bk))], with t' = (1 - ε) · t + ε / 2.

    logits (B, K), targets 0/1 or soft (B, K), positive weights p (K,) -> (). Its count is B·K.
    """
    targets = targets.to(logits.dtype)
    if smoothing:
        targets = targets * (1 - smoothing) + smoothing / 2
    return F.binary_cross_entropy_with_logits(logits, targets, pos_weight=positive_weights, reduction="sum")
