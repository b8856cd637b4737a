"""How much two boxes have in common: what a detector learns from, chooses by and is judged by."""

import torch
from torch import Tensor


def overlap(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Intersection over union, and the generalised one of Rezatofighi et al. 2019 (arXiv:1902.09630), -1 .. 1.

    boxes (..., 4) that broadcast -> (...), (...)
    """
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    both = (high - low).clamp(min=0).prod(-1)
    either = _area(a) + _area(b) - both
    hull = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).clamp(min=0).prod(-1)
    iou = both / either.clamp(min=1e-9)
    return iou, iou - (hull - either) / hull.clamp(min=1e-9)


def _area(boxes: Tensor) -> Tensor:
    return (boxes[..., 2:] - boxes[..., :2]).clamp(min=0).prod(-1)
