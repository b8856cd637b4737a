"""What teaches vectors of length 1 to lie together where their classes are one: four losses, as sums with their counts.

Letters: B rows of a batch, D numbers of a vector, K classes. s_bk = cosine of row b with the proxy of class k; a proxy
is a vector that stands for its class and is learned with the network.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

NEVER = -1e4  # of a score: exp(NEVER) is 0 in any precision


def arc_face(vectors: Tensor, proxies: Tensor, targets: Tensor, scale: float, margin: float) -> Tensor:
    """Σ_b -log softmax(σ s'_b)_y, with s'_y = cos(θ_y + m) and s'_k = cos θ_k for the others.

    With m = 0 it is the normalised softmax. Deng et al. 2019, arXiv:1801.07698; past θ_y = π - m, where the cosine
    would rise again, s' goes on straight. vectors (B, D), proxies (K, D), int (B,) -> ()
    """
    cosine = vectors @ F.normalize(proxies, dim=1).T  # (B, K)
    own = cosine.gather(1, targets[:, None])  # (B, 1)
    if margin:
        sine = (1 - own.square()).clamp(min=1e-9).sqrt()
        turned = own * math.cos(margin) - sine * math.sin(margin)
        own = torch.where(own > -math.cos(margin), turned, own - margin * math.sin(margin))
    return F.cross_entropy(scale * cosine.scatter(1, targets[:, None], own), targets, reduction="sum")


def proxy_anchor(
    vectors: Tensor, proxies: Tensor, targets: Tensor, scale: float, margin: float
) -> tuple[Tensor, Tensor]:
    """Σ_k∈here log(1 + Σ_{b of k} exp(-σ (s_bk - m))) and Σ_k log(1 + Σ_{b not of k} exp(σ (s_bk + m))).

    To be divided by the number of classes that are in the batch, and of all. Kim et al. 2020, arXiv:2003.13911
    """
    cosine = vectors @ F.normalize(proxies, dim=1).T
    own = F.one_hot(targets, len(proxies)).bool()
    near = (-scale * (cosine - margin)).masked_fill(~own, NEVER)
    far = (scale * (cosine + margin)).masked_fill(own, NEVER)
    here = own.any(0)
    nothing = near.new_zeros(1, len(proxies))
    pulled = torch.cat([nothing, near]).logsumexp(0)
    return (pulled * here).sum(), torch.cat([nothing, far]).logsumexp(0).sum()


def contrastive(vectors: Tensor, targets: Tensor, scale: float) -> Tensor:
    """Σ_b -mean over others p of b's class of log softmax(σ s_b)_p, the softmax over all rows but b itself.

    A row without another of its class counts nothing: divide by `partnered`. Khosla et al. 2020, arXiv:2004.11362
    """
    itself = torch.eye(len(vectors), dtype=torch.bool, device=vectors.device)
    alike = (targets[:, None] == targets) & ~itself
    shares = (scale * vectors @ vectors.T).masked_fill(itself, NEVER).log_softmax(1)
    return -((shares * alike).sum(1) / alike.sum(1).clamp(min=1)).sum()


def triplet(vectors: Tensor, targets: Tensor, margin: float) -> Tensor:
    """Σ_b max(0, m + farthest of its own class - nearest of another), with Euclidean distances: batch-hard.

    Only rows that have both count: divide by `anchored`. Hermans et al. 2017, arXiv:1703.07737
    """
    alike = targets[:, None] == targets
    itself = torch.eye(len(vectors), dtype=torch.bool, device=vectors.device)
    distance = (2 - 2 * vectors @ vectors.T).clamp(min=1e-9).sqrt()  # its slope at 0 has no end
    own = distance.masked_fill(~alike | itself, -1).amax(1)
    other = distance.masked_fill(alike, 3).amin(1)
    anchors = (alike & ~itself).any(1) & (~alike).any(1)
    return ((margin + own - other).clamp(min=0) * anchors).sum()


def partnered(targets: Tensor) -> int:
    """Rows that have another of their class beside them."""
    return int(((targets[:, None] == targets).sum(1) > 1).sum())


def anchored(targets: Tensor) -> int:
    """Rows that have both another of their class and one of another class beside them."""
    alike = (targets[:, None] == targets).sum(1)
    return int(((alike > 1) & (alike < len(targets))).sum())
