"""RandAugment (Cubuk et al. 2019, arXiv:1909.13719): a few changes drawn from one list of 14, one strength for all.

Each row draws its own changes; the rows that drew one kind are changed together, so a kind costs what its rows cost.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from deepglass.data.augment.colour import recolour
from deepglass.data.augment.geometry import Fill, affine, affine_matrices
from deepglass.foundation.seeds import Draws

GEOMETRY = ("rotate", "shear_x", "shear_y", "translate_x", "translate_y")
COLOUR = ("brightness", "contrast", "saturation")
OTHERS = ("identity", "autocontrast", "equalize", "posterize", "solarize", "sharpness")
CHANGES = (*GEOMETRY, *COLOUR, *OTHERS)


def randaugment(pictures: Tensor, draws: Draws, ops: int, magnitude: float, fill: Fill) -> Tensor:
    """`ops` changes of strength `magnitude` (0 to 10) one after the other. float in [0, 1] (B, C, H, W) -> the same"""
    pictures = pictures.clone()
    for turn in range(ops):
        drawn = draws.for_purpose(f"randaugment/{turn}")
        kinds = drawn.integers("kind", 0, len(CHANGES))
        strengths = drawn.chance("sign", 0.5) * 2.0 - 1.0
        strengths = strengths * (magnitude / 10)  # (B,) in -1 .. 1: the sign is the row's, the size is everyone's
        for rows in _groups(kinds):
            names = [CHANGES[kind] for kind in kinds[rows].tolist()]
            pictures[rows] = _change(pictures[rows], names, strengths[rows], fill)
    return pictures


def _groups(kinds: Tensor) -> list[Tensor]:
    """The rows of each family: all geometry together, all colour together, each other kind alone."""
    geometry, colour = len(GEOMETRY), len(GEOMETRY) + len(COLOUR)
    families = [kinds < geometry, (kinds >= geometry) & (kinds < colour)]
    families += [kinds == CHANGES.index(name) for name in OTHERS if name != "identity"]
    return [rows for family in families if len(rows := family.nonzero()[:, 0])]


def _change(pictures: Tensor, names: list[str], strengths: Tensor, fill: Fill) -> Tensor:
    name = names[0]
    if name in GEOMETRY:
        return _move(pictures, names, strengths, fill)
    if name in COLOUR:
        factors = {kind: 1 + 0.9 * strengths * _chosen(names, kind, strengths) for kind in COLOUR}
        return recolour(pictures, **factors)
    if name == "posterize":
        return posterize(pictures, bits=round(8 - 4 * float(strengths.abs()[0])))
    if name == "solarize":
        return torch.where(pictures >= 1 - strengths.abs()[:, None, None, None], 1 - pictures, pictures)
    if name == "sharpness":
        return sharpen(pictures, 1 + 0.9 * strengths)
    return autocontrast(pictures) if name == "autocontrast" else equalize(pictures)


def _move(pictures: Tensor, names: list[str], strengths: Tensor, fill: Fill) -> Tensor:
    """Turned by up to 30 degrees, slanted by up to 0.3, or moved by up to 45 % of the side, as the paper's code."""
    height, width = pictures.shape[-2:]
    amount = {kind: strengths * _chosen(names, kind, strengths) for kind in GEOMETRY}
    zeros = torch.zeros_like(strengths)
    shift = torch.stack([amount["translate_x"] * 0.45 * width, amount["translate_y"] * 0.45 * height], dim=-1)
    turn = amount["rotate"] * math.radians(30)
    matrices = affine_matrices(turn, zeros + 1, (0.3 * amount["shear_x"]).atan(), shift)
    matrices[:, 1, 0] -= 0.3 * amount["shear_y"]  # a row draws one kind: where this is not zero, the rest is identity
    return affine(pictures, matrices, fill)


def _chosen(names: list[str], kind: str, like: Tensor) -> Tensor:
    return torch.tensor([name == kind for name in names], dtype=like.dtype, device=like.device)


def autocontrast(pictures: Tensor) -> Tensor:
    """Each channel stretched to 0 .. 1; a flat channel stays. (B, C, H, W) -> the same"""
    low, high = pictures.amin((2, 3), keepdim=True), pictures.amax((2, 3), keepdim=True)
    return torch.where(high > low, (pictures - low) / (high - low).clamp(min=1e-6), pictures)


def equalize(pictures: Tensor) -> Tensor:
    """Each channel's 256 levels spread so that all are about equally frequent. (B, C, H, W) -> the same"""
    levels = (pictures * 255).round().long().clamp(0, 255).flatten(2)  # (B, C, HW)
    counts = torch.zeros(*levels.shape[:2], 256, device=levels.device)
    counts.scatter_add_(2, levels, torch.ones_like(levels, dtype=counts.dtype))
    below = counts.cumsum(2)
    first = counts.gather(2, levels.amin(2, keepdim=True))  # the pixels of the darkest level map to 0
    spread = ((below - first) / (levels.shape[2] - first).clamp(min=1)).clamp(0, 1)
    flat = first == levels.shape[2]
    return torch.where(flat, levels / 255, spread.gather(2, levels)).view_as(pictures)


def posterize(pictures: Tensor, bits: int) -> Tensor:
    """Only the `bits` highest bits of each byte are kept. (B, C, H, W) -> the same"""
    step = 2 ** (8 - bits)
    return (pictures * 255).round().div(step).floor().mul(step / 255)


def sharpen(pictures: Tensor, factors: Tensor) -> Tensor:
    """Away from (factor > 1) or towards (< 1) a smoothed copy; the border stays. (B, C, H, W), (B,) -> the same"""
    if min(pictures.shape[-2:]) < 3:
        return pictures
    kernel = torch.ones(3, 3, device=pictures.device)
    kernel[1, 1] = 5  # Pillow's smoothing kernel
    channels = pictures.shape[1]
    smooth = F.conv2d(pictures, (kernel / kernel.sum()).expand(channels, 1, 3, 3), groups=channels)
    sharp = pictures.clone()
    inner = sharp[:, :, 1:-1, 1:-1]
    inner.copy_(torch.lerp(smooth, inner.clone(), factors[:, None, None, None]).clamp_(0, 1))
    return sharp
