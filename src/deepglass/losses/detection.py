"""What a detector learns from: which places answer for which box, and how far their answers are from it.

Letters: B pictures, P places, M boxes of a picture (class below 0: none), K classes. A box is left, top, right, bottom.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from deepglass.foundation.overlap import overlap

POSITIVES = 10  # places at most that answer for one box
SCORE_POWER, OVERLAP_POWER = 1.0, 6.0


class Assigned(NamedTuple):
    """For every place: the number of its box, -1 where there is none, and the score that its class should have."""

    box: Tensor  # int64 (B, P)
    score: Tensor  # (B, P), 0 where there is no box


@torch.no_grad()
def assign(scores: Tensor, boxes: Tensor, places: Tensor, reach: Tensor, wanted: Tensor, classes: Tensor) -> Assigned:
    """Each box is answered for by the places that do so best already: t = s^α · IoU^β (Feng et al. 2021, TOOD,
    arXiv:2108.07755), among those inside it or next to its middle. A place that several boxes want takes the one it
    fits best. Its target score is t brought to the box' best IoU, so that scores learn to tell how well boxes fit.

    scores (B, P, K) in 0 .. 1, boxes (B, P, 4), places (P, 2), reach (P,), wanted (B, M, 4), classes (B, M)
    """
    count = wanted.shape[1]
    if not count:
        none = torch.full(boxes.shape[:2], -1, device=boxes.device)
        return Assigned(none, torch.zeros_like(boxes[..., 0]))
    low, high = wanted[..., :2], wanted[..., 2:]
    inside = ((places > low[:, :, None]) & (places < high[:, :, None])).all(-1)  # (B, M, P)
    near = ((places - (low + high)[:, :, None] / 2).abs() <= reach[:, None] / 2).all(-1)
    candidates = (inside | near) & (classes >= 0)[..., None]
    iou = overlap(boxes[:, None], wanted[:, :, None])[0] * candidates  # (B, M, P)
    score = scores.mT.gather(1, classes.clamp(min=0)[..., None].expand(-1, -1, scores.shape[1]))
    fit = (score**SCORE_POWER * iou**OVERLAP_POWER + 1e-12) * candidates  # a box that nothing fits yet has places, too
    best = fit.topk(min(POSITIVES, fit.shape[2]), 2)
    chosen = torch.zeros_like(fit, dtype=torch.bool).scatter_(2, best.indices, best.values > 0)
    owner = torch.where(chosen, iou + 1e-9, 0).argmax(1)  # (B, P)
    taken = chosen.any(1)
    own = chosen & (torch.arange(count, device=owner.device)[:, None] == owner[:, None])
    fit, iou = fit * own, iou * own
    aligned = fit / fit.amax(2, keepdim=True).clamp(min=1e-12) * iou.amax(2, keepdim=True)
    return Assigned(torch.where(taken, owner, -1), aligned.sum(1))


def detection_loss(
    logits: Tensor, boxes: Tensor, assigned: Assigned, wanted: Tensor, classes: Tensor, known: Tensor
) -> tuple[Tensor, Tensor]:
    """Σ over places of the binary cross-entropy to the target score, and of score · (1 - GIoU).

    logits (B, P, K), boxes (B, P, 4), wanted (B, M, 4), classes (B, M), known bool (B, P): others teach nothing
    """
    own = assigned.box.clamp(min=0)
    taken = assigned.box >= 0
    targets = torch.zeros_like(logits)
    if wanted.shape[1]:
        kind = classes.clamp(min=0).gather(1, own)
        targets = targets.scatter(2, kind[..., None], (assigned.score * taken)[..., None])
    what = F.binary_cross_entropy_with_logits(logits, targets, reduction="none").sum(-1)
    if not wanted.shape[1]:
        return (what * known).sum(), boxes.sum() * 0
    fits = overlap(boxes, wanted.gather(1, own[..., None].expand(-1, -1, 4)))[1]
    return (what * (known | taken)).sum(), (assigned.score * taken * (1 - fits)).sum()
