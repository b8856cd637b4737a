"""How made pictures lie among real ones: copies of what was learned from, alike among themselves, all kinds met.

A distance is the root mean square difference of pictures averaged to 16 x 16 and from -1 to 1, so 2 is black to white.
Letters: N real pictures, M made ones, F numbers of an averaged picture.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

SIDE = 16
AT_ONCE = 512  # rows of a table of distances
SAME = 0.06  # up to this far apart, two pictures are one: 3 % of black to white
ALONE = 0.2  # a copy is as near as this where no new picture tells how far such are
HALF = 0.5  # a copy is at most half as far from a training picture as a new real one usually is, or as its next one
NEIGHBOURS = 5  # a real picture is met where a made one is as near as this many other real ones


def coarse(pictures: Tensor) -> Tensor:
    """Bytes (B, C, H, W) -> from -1 to 1, averaged to 16 x 16 (B, F)"""
    values = pictures.float() / 127.5 - 1
    return F.adaptive_avg_pool2d(values, (min(SIDE, values.shape[2]), min(SIDE, values.shape[3]))).flatten(1)


def nearest(asked: Tensor, among: Tensor, count: int = 1, *, themselves: bool = False) -> tuple[Tensor, Tensor]:
    """How far each row's nearest rows are, and which they are; `themselves`: no row is its own neighbour.

    (M, F), (N, F) -> float (M, count), int64 (M, count)
    """
    found: list[tuple[Tensor, Tensor]] = []
    for start in range(0, len(asked), AT_ONCE):
        table = torch.cdist(asked[start : start + AT_ONCE], among) / asked.shape[1] ** 0.5
        if themselves:
            rows = torch.arange(len(table))
            table[rows, rows + start] = torch.inf
        found.append(tuple(table.topk(min(count, table.shape[1]), largest=False)))
    distances, places = (torch.cat(parts) for parts in zip(*found, strict=True))
    return distances, places


def next_one(asked: Tensor, among: Tensor) -> Tensor:
    """How far the nearest row is that is another picture; infinite where all are one. (M, F), (N, F) -> (M,)"""
    table = torch.cdist(asked, among) / asked.shape[1] ** 0.5
    return torch.where(table > SAME, table, torch.inf).amin(1)


def copies(made: Tensor, held: Tensor, beside: Tensor) -> tuple[float, float]:
    """The shares of made and of held-back pictures that are as good as in the training part, by their distances to it.

    `beside` is how far the training picture that a made one is nearest to is from the next one: among flat pictures
    that are all alike a blur is near to each, and a copy of none. A held-back picture that is itself in the training
    part says nothing about how far new ones are. (M,), (N,), (M,)
    """
    new = held[held > SAME]
    limit = max(HALF * float(new.median()), SAME) if len(new) else ALONE
    return _share((made <= limit) & (made <= HALF * beside)), _share(new <= limit) if len(new) else 0.0


def distinct(made: Tensor, real: Tensor) -> float:
    """How far made pictures are from each other beside how far real ones are: the median distances to the nearest.

    1 where made pictures are as different as real ones, 0 where the same ones come again. (M, F), (N, F)
    """
    count = min(len(made), len(real))
    if count < 2:
        return float("nan")
    own, others = (float(nearest(one[:count], one[:count], themselves=True)[0].median()) for one in (made, real))
    return own / others if others > SAME else float("nan")  # real pictures that are all alike give no measure


def met(made: Tensor, real: Tensor) -> Tensor:
    """Which real pictures have a made one as near as their fifth nearest real one (arXiv:2002.09797). bool (N,)"""
    if len(real) <= NEIGHBOURS:
        return torch.zeros(len(real), dtype=torch.bool)
    reach = nearest(real, real, NEIGHBOURS, themselves=True)[0][:, -1]
    return nearest(real, made)[0][:, 0] <= reach


def by_class(rows: Tensor, labels: Sequence[str]) -> dict[str, float]:
    """The share of true rows of each class. bool (N,)"""
    places: dict[str, list[int]] = {}
    for place, label in enumerate(labels):
        places.setdefault(label, []).append(place)
    return {label: _share(rows[own]) for label, own in sorted(places.items())}


def _share(rows: Tensor) -> float:
    return float(rows.float().mean())
