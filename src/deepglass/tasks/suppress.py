"""From what every place says to a few boxes: the surest are kept, and what overlaps a surer one of its class is not.

Letters: B pictures, P places, K classes, M boxes kept of a picture. Boxes are left, top, right, bottom.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from deepglass.data.example import Ragged
from deepglass.foundation.overlap import overlap

MOST_LOOKED_AT = 300  # answers of a picture that are compared with each other
MOST_MERGED = 1000  # and of all its tiles together
EDGE = 2.0  # pixels from the edge of a tile up to which a box is cut by it


def middles(strides: Sequence[int], height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """The middle of every place in pixels (P, 2), x and y, and its stride (P,): finest map first, row by row."""
    places: list[Tensor] = []
    sizes: list[Tensor] = []
    for stride in strides:
        down = (torch.arange(-(-height // stride), device=device) + 0.5) * stride
        across = (torch.arange(-(-width // stride), device=device) + 0.5) * stride
        grid = torch.stack(torch.meshgrid(down, across, indexing="ij")[::-1], -1).flatten(0, 1)
        places.append(grid)
        sizes.append(torch.full((len(grid),), float(stride), device=device))
    return torch.cat(places), torch.cat(sizes)


def boxes_of(distances: Tensor, places: Tensor, strides: Tensor) -> Tensor:
    """Distances to the left, top, right and bottom, in strides, as boxes in pixels. (B, P, 4) -> (B, P, 4)"""
    reach = distances * strides[:, None]
    return torch.cat([places - reach[..., :2], places + reach[..., 2:]], -1)


def kept(boxes: Tensor, scores: Tensor, least: float, most_overlap: float, most: int) -> Ragged:
    """At most `most` boxes of each picture, the surest first; the same whatever stands beside it in the batch.

    boxes (B, P, 4), scores (B, P, K) -> Ragged (ΣM, 6): box, score, class
    """
    count = min(MOST_LOOKED_AT, scores.shape[1] * scores.shape[2])
    best = scores.flatten(1).topk(count, 1)
    place, kind = best.indices // scores.shape[2], best.indices % scores.shape[2]
    chosen = boxes.gather(1, place[..., None].expand(-1, -1, 4))  # (B, N, 4)
    alive = unrivalled(chosen, best.values, kind, least, most_overlap, most)
    table = torch.cat([chosen, best.values[..., None], kind[..., None].to(chosen.dtype)], -1)
    return Ragged(table[alive], alive.sum(1))


def merged(found: Tensor, most_overlap: float, most: int) -> Tensor:
    """The boxes of one picture that several tiles gave, the surest first; of two that are one thing the surer stays.

    (M, 6): box, score, class -> (M', 6)
    """
    found = found[found[:, 4].argsort(descending=True, stable=True)][:MOST_MERGED]
    return found[unrivalled(found[None, :, :4], found[None, :, 4], found[None, :, 5], 0.0, most_overlap, most)[0]]


def whole(boxes: Tensor, tile: tuple[float, ...], before: Tensor, behind: Tensor) -> Tensor:
    """Which boxes of a tile are not better seen by a neighbour: those that its edge cuts and that lie in both.

    boxes (M, 4) and the tile's corners in pixels of the picture; before (2,) where the neighbours to the left and above
    end, behind (2,) where those to the right and below begin (NaN: none) -> bool (M,)
    """
    low, high, edge = boxes[:, :2], boxes[:, 2:], boxes.new_tensor(tile)
    seen_before = (low <= edge[:2] + EDGE) & (high <= before)
    seen_behind = (high >= edge[2:] - EDGE) & (low >= behind)
    return ~(seen_before | seen_behind).any(1)


def unrivalled(boxes: Tensor, scores: Tensor, kinds: Tensor, least: float, most_overlap: float, most: int) -> Tensor:
    """Which boxes stay of those that stand in the order of their scores: no surer one of their kind overlaps them.

    boxes (B, N, 4), scores and kinds (B, N) -> bool (B, N), at most `most` of each row
    """
    rivals = overlap(boxes[:, :, None], boxes[:, None])[0] > most_overlap
    rivals &= kinds[:, :, None] == kinds[:, None]
    alive = scores >= least
    for one in range(int(alive.sum(1).max()) if len(alive) else 0):
        beaten = rivals[:, one] & alive[:, one, None]
        beaten[:, : one + 1] = False
        alive &= ~beaten
    return alive & (alive.cumsum(1) <= most)
