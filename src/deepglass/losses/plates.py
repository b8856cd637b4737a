"""What a finder of plates learns from: a hill at every plate's middle, and how far its corners are off.

Letters: B pictures, K kinds, P places of the map, M plates of a picture.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

SPREAD = 0.15  # of a plate's sides: how wide the hill at its middle is
NARROWEST = 0.45  # places
GAMMA, AWAY = 2.0, 4.0
FAR = 1e-2  # height of a hill from which on a place answers for the corners


def hills(corners: Tensor, there: Tensor, size: tuple[int, int], stride: int) -> Tensor:
    """For each plate a hill over the places, 1 at the one that its middle falls into, nothing where it is none.

    corners (B, M, 4, 2) in pixels, there bool (B, M), rows and columns of the map -> (B, M, P)
    """
    middle, (height, width) = corners.mean(2), size
    cell = (middle / stride).floor()  # (B, M, 2)
    sides = corners.amax(2) - corners.amin(2)
    spread = (SPREAD * sides / stride).clamp(min=NARROWEST)
    across = torch.arange(width, device=corners.device) - cell[..., :1]
    down = torch.arange(height, device=corners.device) - cell[..., 1:]
    far = (down / spread[..., 1:]).square()[..., :, None] + (across / spread[..., :1]).square()[..., None, :]
    return ((-far / 2).exp() * there[..., None, None]).flatten(2)


def centre_loss(logits: Tensor, hill: Tensor, known: Tensor) -> Tensor:
    """The focal loss of CornerNet (Law 2018, arXiv:1808.01244, equation 1), summed over the known places.

    -Σ (1 - p)² ln p at a middle, -Σ (1 - h)⁴ p² ln(1 - p) elsewhere. logits and hill h (B, K, P), known bool (B, P)
    """
    logits = logits.float()
    p = logits.sigmoid()
    at_middle = hill > 1 - 1e-4
    right = (1 - p) ** GAMMA * F.logsigmoid(logits)
    wrong = (1 - hill) ** AWAY * p**GAMMA * F.logsigmoid(-logits)
    return -(torch.where(at_middle, right, wrong) * (known[:, None] | at_middle)).sum()


def corner_loss(found: Tensor, wanted: Tensor, hill: Tensor) -> Tensor:
    """Σ over plates of how far the corners are off, in heights of the plate, where its hill is: the higher, the more.

    found (B, P, 4, 2), wanted (B, M, 4, 2), hill (B, M, P), 0 of what is no plate
    """
    weight = torch.where(hill > FAR, hill, 0)
    owner, place = (weight.sum(2) > 0).nonzero(as_tuple=True)
    if not len(owner):
        return found.sum() * 0
    weight, wanted = weight[owner, place], wanted[owner, place]  # (N, P), (N, 4, 2)
    tall = ((wanted[:, 3] - wanted[:, 0]).norm(dim=-1) + (wanted[:, 2] - wanted[:, 1]).norm(dim=-1)) / 2
    off = (found[owner].float() - wanted[:, None]).abs().mean((2, 3)) / tall.clamp(min=1.0)[:, None]  # (N, P)
    return ((off * weight).sum(1) / weight.sum(1)).sum()
