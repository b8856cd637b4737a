"""Occlusion (Zeiler & Fergus 2014, arXiv:1311.2901): cover a patch, and see how much of the answer's share is lost.

heat(place) = mean over the patches that cover it of p(x) - p(x with the patch at the data's mean)
Of series and sounds stretches of time are covered. p is a probability; of a box times how much the box that is then
found overlaps it (D-RISE, arXiv:2006.03204); of a number the number itself.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from deepglass.bundle import Bundle
from deepglass.explain.maps import inside_words, laid_over
from deepglass.explain.method import Explanation, Method, Row, kind_of, sentences
from deepglass.explain.moments import KINDS, occlusion_in_time, shown_in_time, when_words
from deepglass.explain.target import has_target
from deepglass.foundation.words import say
from deepglass.views.view import number

ACROSS = 6  # patches beside each other, without their overlap
BATCH = 32


@torch.no_grad()
def occlusion(shares: Callable[[Tensor], Tensor], picture: Tensor, across: int = ACROSS) -> Tensor:
    """How much each place counts for what `shares` tells: (B, C, H, W) -> (B,). (1, C, H, W) -> (H, W)"""
    height, width = picture.shape[-2:]
    side = max(1, -(-min(height, width) // across))
    step = max(1, side // 2)
    places = [(y, x) for y in _starts(height, side, step) for x in _starts(width, side, step)]
    before = shares(picture)[0]
    lost, covered = torch.zeros(height, width), torch.zeros(height, width)
    for start in range(0, len(places), BATCH):
        some = places[start : start + BATCH]
        hidden = picture.repeat(len(some), 1, 1, 1)
        for one, (y, x) in zip(hidden, some, strict=True):
            one[:, y : y + side, x : x + side] = 0  # the mean of the training part, as inputs are standardised
        drops = (before - shares(hidden)).float().cpu()
        for drop, (y, x) in zip(drops, some, strict=True):
            lost[y : y + side, x : x + side] += drop
            covered[y : y + side, x : x + side] += 1
    return lost / covered


def _starts(size: int, side: int, step: int) -> list[int]:
    """Where patches begin; the last one ends at the edge."""
    return sorted({*range(0, max(1, size - side), step), max(0, size - side)})


def fits(bundle: Bundle) -> bool:
    """Pictures, series or sounds, and one number to be explained."""
    return kind_of(bundle) in ("picture", *KINDS) and has_target(bundle)


def explain(bundle: Bundle, row: Row | None) -> Explanation:
    """The heat over the picture or over time; of a number both what makes it larger and what makes it smaller."""
    assert row is not None and row.target is not None
    model, target = bundle.model.eval(), row.target
    picture = kind_of(bundle) == "picture"
    cover = occlusion if picture else occlusion_in_time
    heat = cover(lambda inputs: target.share(model(inputs)), row.presented).numpy()
    strength = np.abs(heat) if target.kind == "number" else heat
    view = laid_over(row, strength, target.name) if picture else shown_in_time(bundle, row, heat)
    seen, inside = (view.text(), inside_words(row, strength)) if picture else (when_words(bundle, heat), "")
    most = max(0.0, float(strength.max()))
    told = number(most) if target.kind == "number" else f"{100 * most:.3g}"
    of = target.kind if picture else f"time_{target.kind}"
    words = say(f"explain.occlusion_{of}", most=told, name=target.name, seen=seen)
    return Explanation({"occlusion": view}, {"heat": heat.astype(np.float32)}, sentences(words, inside))


CATALOGUE = {"occlusion": Method(fits, explain, rank=3)}
