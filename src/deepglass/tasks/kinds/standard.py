"""Numbers brought to mean 0 and spread 1, as the training part had them: x' = (x - mean) / std."""

import functools
from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

PIECE = 1024  # rows that statistics look at together
FLAT = 1e-6  # a spread below it is none: what never changes is left as it is, not blown up


def spread(std: np.ndarray) -> tuple[float, ...]:
    """Spreads by which can be divided."""
    return tuple(map(float, np.where(std > FLAT, std, 1.0)))


def byte_statistics(pieces: Iterable[np.ndarray], channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Per channel over all pixels in [0, 1], by counting the 256 byte values: exact and quick at any size.

    uint8 (N, C, H, W) each -> mean (C,), spread (C,)
    """
    levels = np.arange(256) / 255
    counted = np.zeros((channels, 256))
    for piece in pieces:
        for channel, counts in enumerate(counted):
            counts += np.bincount(piece[:, channel].ravel(), minlength=256)
    shares = counted / counted.sum(axis=1, keepdims=True)
    mean = [float(share @ levels) for share in shares]
    std = [float(np.sqrt(share @ (levels - middle) ** 2)) for share, middle in zip(shares, mean, strict=True)]
    return tuple(mean), spread(np.array(std))


@functools.lru_cache(8)
def constants(
    mean: tuple[float, ...], std: tuple[float, ...], shape: tuple[int, ...], device: torch.device
) -> tuple[Tensor, Tensor]:
    """Mean and spread as tensors that fit the inputs, made once and not at every step."""
    with torch.inference_mode(False):  # made while somebody predicts, they still serve a training later on
        return (
            torch.tensor(mean, dtype=torch.float32, device=device).view(shape),
            torch.tensor(std, dtype=torch.float32, device=device).view(shape),
        )
