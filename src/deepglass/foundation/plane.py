"""Flat things seen at an angle: where the places of an upright picture lie inside four corners.

Corners stand clockwise from the top left, as one reads what is between them. Letters: N plates, H W of the upright one.
"""

import torch
from torch import Tensor

Device = torch.device | str | None

MARGIN = (0.03, 0.1)  # shares of a plate's width and height
LEAST_DEPTH = 0.05  # of a corner that lies nearer than its neighbours: what crosses itself has places all the same


def upright(height: int, width: int, lines: int = 1, *, split: float = 0.5, device: Device = None) -> Tensor:
    """Where the pixels of an upright picture of a plate lie on it, as shares of its sides. (H, W, 2)

    A rim of MARGIN is seen around it, for corners are found nearly and not quite. Of two lines the one below, which
    begins at `split` of the height, lies behind the one above: each takes half of the width.

    >>> upright(1, 2).round(decimals=3)[0], upright(1, 2, 2).round(decimals=3)[0]
    (tensor([[0.2350, 0.5000],
            [0.7650, 0.5000]]), tensor([[0.5000, 0.2500],
            [0.5000, 0.7500]]))
    """
    if lines == 2:
        parts = [upright(height, width // 2, device=device), upright(height, width - width // 2, device=device)]
        for part, (top, tall) in zip(parts, ((0.0, split), (split, 1 - split)), strict=True):
            part[..., 1] = top + part[..., 1] * tall
        return torch.cat(parts, 1)
    across, down = (
        (torch.arange(count, device=device) + 0.5) / count * (1 + 2 * around) - around
        for count, around in zip((width, height), MARGIN, strict=True)
    )
    return torch.stack(torch.meshgrid(down, across, indexing="ij")[::-1], -1)


def homography(corners: Tensor) -> Tensor:
    """The map from shares (u, v, 1) to points that takes the unit square's corners there (Heckbert 1989, 2.2.3).

    (N, 4, 2) -> (N, 3, 3). Where three corners lie in one line it is a near one, with finite numbers.
    """
    first, second, third, fourth = corners.unbind(1)
    bent, right, below = first - second + third - fourth, second - third, fourth - third
    area = _cross(right, below)
    area = torch.where(area.abs() < 1e-6, torch.full_like(area, 1e-6), area)
    g, h = (depth.clamp(min=LEAST_DEPTH - 1) for depth in (_cross(bent, below) / area, _cross(right, bent) / area))
    columns = second * (1 + g)[:, None] - first, fourth * (1 + h)[:, None] - first, first
    depth = torch.stack([g, h, torch.ones_like(g)], 1)
    return torch.cat([torch.stack(columns, 2), depth[:, None]], 1)


def inside(corners: Tensor, shares: Tensor) -> Tensor:
    """The points of the plane at these shares of each plate. (N, 4, 2), (N or 1, H, W, 2) -> (N, H, W, 2)"""
    straight = torch.cat([shares, torch.ones_like(shares[..., :1])], -1).flatten(1, 2)  # (1, HW, 3)
    found = straight @ homography(corners).mT  # (N, HW, 3)
    return (found[..., :2] / found[..., 2:].clamp(min=LEAST_DEPTH)).unflatten(1, shares.shape[1:3])


def boxes_around(corners: Tensor) -> Tensor:
    """left, top, right, bottom of the smallest upright boxes. (N, 4, 2) -> (N, 4)"""
    return torch.cat([corners.amin(1), corners.amax(1)], 1)


def _cross(a: Tensor, b: Tensor) -> Tensor:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
