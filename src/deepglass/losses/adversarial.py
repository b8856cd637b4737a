"""What the two players of an adversarial network pay: the discriminator for its errors, the generator for being found.

Verdicts are logits: above 0 for "real". Letters: r_b a verdict on a real picture, f_b one on a made picture.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Game = Literal["non_saturating", "hinge", "least_squares", "wasserstein"]


def discriminator_loss(real: Tensor, made: Tensor, game: Game) -> Tensor:
    """Σ_b of both verdicts; its count is B. (B, 1), (B, 1) -> ()

    non_saturating: -log σ(r) - log(1 - σ(f)) (arXiv:1406.2661); hinge: max(0, 1 - r) + max(0, 1 + f)
    (arXiv:1802.05957); least_squares: ((r - 1)² + f²) / 2 (arXiv:1611.04076); wasserstein: f - r (arXiv:1701.07875)
    """
    if game == "non_saturating":
        return F.softplus(-real).sum() + F.softplus(made).sum()
    if game == "hinge":
        return F.relu(1 - real).sum() + F.relu(1 + made).sum()
    if game == "least_squares":
        return ((real - 1).square().sum() + made.square().sum()) / 2
    return made.sum() - real.sum()


def generator_loss(made: Tensor, game: Game) -> Tensor:
    """Σ_b: -log σ(f), or (f - 1)² / 2 for least squares, or -f. (B, 1) -> ()"""
    if game == "non_saturating":
        return F.softplus(-made).sum()
    if game == "least_squares":
        return (made - 1).square().sum() / 2
    return -made.sum()


def squared_slopes(verdicts: Tensor, pictures: Tensor) -> Tensor:
    """Σ_b |∇ r_b|²: how steeply the verdicts on these pictures rise (R1, arXiv:1801.04406). (B, 1), (B, ...) -> ()"""
    return _slopes(verdicts, pictures).square().sum()


def uneven_slopes(verdicts: Tensor, pictures: Tensor) -> Tensor:
    """Σ_b (|∇ r_b| - 1)²: how far the slopes are from one (WGAN-GP, arXiv:1704.00028). (B, 1), (B, ...) -> ()"""
    return (_slopes(verdicts, pictures).norm(dim=1) - 1).square().sum()


def _slopes(verdicts: Tensor, pictures: Tensor) -> Tensor:
    (slopes,) = torch.autograd.grad(verdicts.sum(), pictures, create_graph=True)
    return slopes.flatten(1)


def path_lengths(pictures: Tensor, styles: Tensor, noise: Tensor) -> Tensor:
    """How far each picture moves with its styles: |J_wᵀ y| for a picture y of noise (StyleGAN2, arXiv:1912.04958, 3.2).

    pictures (B, C, H, W), styles (B, L, W), noise (B, C, H, W) -> float32 (B,), the mean square over layers under the
    root
    """
    even = noise / (noise.shape[2] * noise.shape[3]) ** 0.5  # whatever the picture's size
    (moved,) = torch.autograd.grad((pictures * even).sum(), styles, create_graph=True)
    return moved.float().square().sum(2).mean(1).sqrt()
