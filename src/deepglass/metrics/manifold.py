"""Whether made pictures lie where real ones do, and whether they reach all of it: by neighbourhoods of features.

The neighbourhood of a picture is the ball that reaches to its k-th nearest of its own kind.

precision: the share of made pictures within a real one's neighbourhood       (Kynkäänniemi 2019, arXiv:1904.06991)
recall:    the share of real pictures within a made one's neighbourhood
density:   of how many real neighbourhoods a made picture is in, over k       (Naeem 2020, arXiv:2002.09797)
coverage:  the share of real neighbourhoods that a made picture is in

Precision and density fall where pictures are bad, recall and coverage where kinds of pictures are missing. One odd real
picture makes precision large, and one odd made picture recall; density and coverage are not moved by it.
"""

import torch
from torch import Tensor

from deepglass.metrics.figure import Figure, mean, missing, share

NEAREST = {"precision": 3, "recall": 3, "density": 5, "coverage": 5}  # k, as the papers have it


def manifold(real: Tensor, made: Tensor, by: str = "") -> dict[str, Figure]:
    """All four over features (N, F), (M, F), with the intervals of shares and of a mean."""
    if min(len(real), len(made)) <= max(NEAREST.values()):
        return {name: missing("up", min(len(real), len(made))) for name in NEAREST}
    real, made = real.double(), made.double()
    across = distances(real, made)  # (N, M)
    of_real, of_made = (distances(rows, rows) for rows in (real, made))
    inside = {name: across <= reach(of_real, NEAREST[name])[:, None] for name in ("precision", "density", "coverage")}
    reached = across <= reach(of_made, NEAREST["recall"])[None, :]
    found = {
        "precision": share(int(inside["precision"].any(0).sum()), len(made)),
        "recall": share(int(reached.any(1).sum()), len(real)),
        "density": mean(inside["density"].sum(0) / NEAREST["density"], "up"),
        "coverage": share(int(inside["coverage"].any(1).sum()), len(real)),
    }
    return {name: figure._replace(by=by) for name, figure in found.items()}


def distances(rows: Tensor, others: Tensor) -> Tensor:
    """Between every two. (N, F), (M, F) -> (N, M)"""
    return torch.cdist(rows, others, compute_mode="donot_use_mm_for_euclid_dist")


def reach(within: Tensor, k: int) -> Tensor:
    """How far each row's k-th nearest other is, of the distances between all. (N, N) -> (N,)"""
    return within.kthvalue(k + 1, dim=1).values  # the nearest of all is the row itself
