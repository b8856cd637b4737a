"""Numbers brought to mean 0 and spread 1, as the training part had them: x' = (x - mean) / std."""

import functools

import numpy as np
import torch
from torch import Tensor

PIECE = 1024  # rows that statistics look at together
FLAT = 1e-6  # a spread below it is none: what never changes is left as it is, not blown up


def spread(std: np.ndarray) -> tuple[float, ...]:
    """Spreads by which can be divided."""
    return tuple(map(float, np.where(std > FLAT, std, 1.0)))


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
