"""Losses over pixels: cross-entropy, focal and Dice, each as a sum; pixels that nobody has looked at count nowhere.

Letters: B pictures, K classes, H W height and width; volumes have a depth D before them.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

UNKNOWN = 255
SMOOTH = 1.0  # pixels added to both sides of the Dice ratio, so that a class that is nowhere costs nothing


def known(mask: Tensor, classes: int) -> Tensor:
    """Which pixels have a class. bool (B, H, W)"""
    return mask < classes


def pixel_cross_entropy(logits: Tensor, mask: Tensor, weights: Tensor | None = None, gamma: float = 0.0) -> Tensor:
    """Σ over known pixels of w_y · (1 - p_y)^γ · (-log p_y), with p = softmax(z); γ > 0 makes it the focal loss.

    logits (B, K, H, W), mask uint8 (B, H, W), weights (K,) -> ()
    Lin et al. 2017, arXiv:1708.02002
    """
    truth = mask.long()
    if not gamma:
        truth = torch.where(known(mask, logits.shape[1]), truth, UNKNOWN)
        # summed apart: on a GPU torch adds up pixels of a picture in the order in which they are done
        return F.cross_entropy(logits, truth, weights, ignore_index=UNKNOWN, reduction="none").sum()
    there = known(mask, logits.shape[1])
    truth = torch.where(there, truth, 0)
    told = logits.log_softmax(1).gather(1, truth[:, None])[:, 0]  # (B, H, W)
    cost = -((1 - told.exp()) ** gamma) * told
    cost = cost if weights is None else cost * weights[truth]
    return (cost * there).sum()


def pixel_count(mask: Tensor, classes: int, weights: Tensor | None = None) -> Tensor:
    """What that sum is divided by: the known pixels, each by its class's weight. -> ()"""
    there = mask[known(mask, classes)].long()
    return torch.tensor(float(len(there)), device=mask.device) if weights is None else weights[there].sum()


def dice_loss(logits: Tensor, mask: Tensor) -> Tensor:
    """Σ_b 1 - mean_k (2 Σ p_k t_k + 1) / (Σ p_k + Σ t_k + 1), over a picture's known pixels; summed over pictures.

    logits (B, K, H, W), mask uint8 (B, H, W) -> ()
    Milletari et al. 2016, arXiv:1606.04797, without the squares
    """
    classes = logits.shape[1]
    there = known(mask, classes)
    truth = F.one_hot(torch.where(there, mask.long(), 0), classes).movedim(-1, 1) * there[:, None]
    shares = logits.softmax(1) * there[:, None]
    axes = tuple(range(2, logits.ndim))
    both = (shares * truth).sum(axes)  # (B, K)
    ratio = (2 * both + SMOOTH) / (shares.sum(axes) + truth.sum(axes) + SMOOTH)
    return (1 - ratio.mean(1)).sum()
