"""Occlusion (Zeiler & Fergus 2014, arXiv:1311.2901): cover a patch, and see how much of the answer's share is lost.

heat(place) = mean over the patches that cover it of p_c(x) - p_c(x with the patch at the data's mean)
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from deepglass.bundle import Bundle
from deepglass.data.example import Batch
from deepglass.explain.method import Explanation, Method, Row, kind_of, labels_of, pixels_of
from deepglass.foundation.words import say
from deepglass.views.heat import Heat

ACROSS = 6  # patches beside each other, without their overlap
BATCH = 32


@torch.no_grad()
def occlusion(shares: Callable[[Tensor], Tensor], picture: Tensor, number: int, across: int = ACROSS) -> Tensor:
    """How much each place counts for class `number`, whose share `shares` tells: (B, C, H, W) -> (B, K).

    (1, C, H, W) -> (H, W)
    """
    height, width = picture.shape[-2:]
    side = max(1, -(-min(height, width) // across))
    step = max(1, side // 2)
    places = [(y, x) for y in _starts(height, side, step) for x in _starts(width, side, step)]
    before = shares(picture)[0, number]
    lost, covered = torch.zeros(height, width), torch.zeros(height, width)
    for start in range(0, len(places), BATCH):
        some = places[start : start + BATCH]
        hidden = picture.repeat(len(some), 1, 1, 1)
        for one, (y, x) in zip(hidden, some, strict=True):
            one[:, y : y + side, x : x + side] = 0  # the mean of the training part, as inputs are standardised
        drops = (before - shares(hidden)[:, number]).cpu()
        for drop, (y, x) in zip(drops, some, strict=True):
            lost[y : y + side, x : x + side] += drop
            covered[y : y + side, x : x + side] += 1
    return lost / covered


def _starts(size: int, side: int, step: int) -> list[int]:
    """Where patches begin; the last one ends at the edge."""
    return sorted({*range(0, max(1, size - side), step), max(0, size - side)})


def fits(bundle: Bundle) -> bool:
    """Pictures and classes."""
    return kind_of(bundle) == "picture" and bool(labels_of(bundle))


def explain(bundle: Bundle, row: Row | None) -> Explanation:
    """The heat over the picture."""
    assert row is not None
    model = bundle.model.eval()

    def shares(inputs: Tensor) -> Tensor:
        ids = tuple(map(str, range(len(inputs))))
        return bundle.task.predict(model, Batch(ids, {"input": inputs}))["probability"]

    heat = occlusion(shares, row.presented, row.number).numpy()
    view = Heat(pixels_of(row), heat, str(labels_of(bundle)[row.number]))
    words = say("explain.occlusion", most=f"{100 * max(0.0, float(heat.max())):.3g}", seen=view.text())
    return Explanation({"occlusion": view}, {"heat": heat.astype(np.float32)}, words)


CATALOGUE = {"occlusion": Method(fits, explain, rank=3)}
