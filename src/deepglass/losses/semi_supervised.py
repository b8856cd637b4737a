"""What an adversarial network that names classes pays by: K logits say both which class it is and whether it is any.

A K + 1st output for "made" would be one too many: softmax does not change when all logits move together, so that of
"made" is held at 0 (Salimans et al. 2016, arXiv:1606.03498, section 5).
"""

from torch import Tensor


def any_class(logits: Tensor) -> Tensor:
    """log Σ_k e^z_k, above 0 for real pictures: σ of it is the share of all classes but "made". (B, K) -> (B, 1)

    It is a verdict as losses/adversarial.py takes them.
    """
    return logits.logsumexp(1, keepdim=True)


def features_apart(real: Tensor, made: Tensor) -> Tensor:
    """B · mean_f (mean_b r_bf - mean_b m_bf)²: how far apart the mean features of two batches are; its count is B.

    Feature matching (section 3.1 of the same paper). (B, F), (B', F) -> ()
    """
    return len(real) * (real.mean(0) - made.mean(0)).square().mean()
