"""Fréchet inception distance: between two sets of pictures, each seen as one Gaussian of its features (Heusel 2017).

FID = |μ - μ'|² + tr(Σ + Σ' - 2 (Σ Σ')^½)   (arXiv:1706.08500)
"""

import torch
from torch import Tensor

from deepglass.metrics.figure import Figure, halved, missing

HALVES = 20  # each takes the eigenvalues of two matrices


def fid(real: Tensor, made: Tensor, by: str = "") -> Figure:
    """The distance between as many features of both, in float64. (N, F), (M, F)

    It is biased upwards, the more the fewer pictures there are, and of fewer than features each Gaussian is flat: read
    KID there. The interval is of that biased figure.
    """
    count = min(len(real), len(made))
    if count < 4:
        return missing("down", count)
    real, made = real[:count].double(), made[:count].double()

    def half(rows: Tensor) -> float:
        return float(frechet(real[rows], made[rows]))

    return halved(float(frechet(real, made)), count, half, "down", by, HALVES)


def frechet(real: Tensor, made: Tensor) -> Tensor:
    """The distance between two sets of rows, each as a Gaussian. float64 (N, F), (M, F) -> ()"""
    return between(real.mean(0), torch.atleast_2d(real.T.cov()), made.mean(0), torch.atleast_2d(made.T.cov()))


def between(mean: Tensor, spread: Tensor, other_mean: Tensor, other_spread: Tensor) -> Tensor:
    """The distance between two Gaussians. (F,), (F, F), (F,), (F, F) -> ()

    tr (Σ Σ')^½ = tr (Σ^½ Σ' Σ^½)^½, and that matrix is symmetric: its eigenvalues are real and not below 0.
    """
    half = root(spread)
    common = torch.linalg.eigvalsh(half @ other_spread @ half).clamp(min=0).sqrt().sum()
    return (mean - other_mean).square().sum() + spread.trace() + other_spread.trace() - 2 * common


def root(matrix: Tensor) -> Tensor:
    """The symmetric square root of a symmetric matrix without eigenvalues below 0. (F, F) -> (F, F)"""
    values, vectors = torch.linalg.eigh(matrix)
    return (vectors * values.clamp(min=0).sqrt()) @ vectors.T
