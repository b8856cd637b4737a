"""How often somebody is known again from one picture, by raw pixels, with and without what a network makes of it.

Of each class one picture is enrolled, drawn by a key, DRAWS times over; every other picture is given the class of the
nearest enrolled one. With `turned`, what the network made of each enrolled picture is enrolled besides. Pixels are
averaged to 32 x 32 at most, and near is what differs least in the sum of squares. Where there is one class alone, all
are known.

Reads predictions["known"], bytes (B, 1 + E, C, H, W), the picture itself first; targets int (B,).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from deepglass.foundation.seeds import Draws, row_keys
from deepglass.metrics.collect import Collected
from deepglass.metrics.figure import Figure, mean, missing

DRAWS = 10
SIDE = 32


class OneShot:
    """The share that is known, with the bootstrap interval over the pictures that are asked about."""

    def __init__(self, turned: bool):
        self.turned = turned
        self._rows = Collected()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Any], targets: Tensor) -> None:
        """A batch."""
        known = predictions["known"] if self.turned else predictions["known"][:, :1]
        self._rows.add(ids, pixels=coarse(known).flatten(2), target=targets)  # (B, 1 + E, C · h · w)

    def compute(self) -> Figure:
        """The figure over everything seen."""
        targets = self._rows.column("target")
        people, owner, each = targets.unique(return_inverse=True, return_counts=True)
        if not len(targets) or (each < 2).all():
            return missing("up")
        pixels = self._rows.column("pixels").float()
        hits, asked = torch.zeros(len(targets)), torch.zeros(len(targets))
        places = Draws(row_keys(0, "one shot", len(targets), len(targets))).uniform("enrolled", DRAWS)
        for draw in range(DRAWS):
            known = torch.stack([_largest(places[:, draw], owner == one) for one in range(len(people))])
            others = torch.ones(len(targets), dtype=torch.bool)
            others[known] = False
            apart = torch.cdist(pixels[others, 0], pixels[known].flatten(0, 1))
            nearest = apart.reshape(len(apart), len(people), -1).amin(2).argmin(1)
            hits[others] += (nearest == owner[others]).float()
            asked[others] += 1
        return mean((hits / asked)[asked > 0], "up")


def coarse(pictures: Tensor) -> Tensor:
    """Averaged to 32 pixels a side, where there are more. uint8 (B, S, C, H, W) -> uint8 (B, S, C, h, w)"""
    height, width = (min(SIDE, side) for side in pictures.shape[3:])
    pooled = F.adaptive_avg_pool2d(pictures.flatten(0, 1).float(), (height, width))
    return pooled.round().to(torch.uint8).unflatten(0, pictures.shape[:2])


def _largest(scores: Tensor, among: Tensor) -> Tensor:
    return scores.masked_fill(~among, -1).argmax()
