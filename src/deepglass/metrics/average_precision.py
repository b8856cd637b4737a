"""Average precision of boxes by COCO's rules (Lin 2014, arXiv:1405.0312), counted by faster-coco-eval.

The one file that adapts it. A found box is right where its overlap with a marked one of its class, not yet found by a
surer one, reaches the threshold; precision is averaged over 101 recalls, then over classes (and thresholds).
"""

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from deepglass.foundation.errors import MachineError
from deepglass.foundation.overlap import overlap
from deepglass.metrics.collect import Collected
from deepglass.metrics.figure import Figure, missing

Which = Literal["map", "map50", "map75", "small", "medium", "large"]
PLACES = ("map", "map50", "map75", "small", "medium", "large")  # in COCO's summary


class AveragePrecision:
    """One figure of COCO's summary: `map` is the mean over the thresholds .5, .55 ... .95.

    Reads predictions["boxes"] Ragged (ΣM, 6): left, top, right, bottom, score, class; targets Ragged (ΣM, 6): class,
    left, top, right, bottom, crowd. small, medium, large: marked boxes of up to 32², 96² and more square pixels.
    """

    def __init__(self, which: Which, classes: int):
        self.which = which
        self.classes = classes
        self._rows = Collected()
        self._found: list[np.ndarray] = []
        self._marked: list[np.ndarray] = []

    def update(self, ids: Sequence[str], predictions: Any, targets: Any) -> None:
        """A batch."""
        self._rows.add(ids, place=len(self._found) + torch.arange(len(ids)))
        self._found += [rows.detach().double().cpu().numpy() for rows in predictions["boxes"].each()]
        self._marked += [rows.detach().double().cpu().numpy() for rows in targets.each()]

    def compute(self) -> Figure:
        """Over all pictures at once; COCO gives no interval (NaN)."""
        n = len(self._rows)
        value = float(self._evaluated().stats[PLACES.index(self.which)]) if self._boxes() else -1.0
        if value < 0:  # nothing of the kind is marked
            return missing("up", n)
        return Figure(value, math.nan, math.nan, n, "up", by="COCO")

    def per_class(self, threshold: float | None = None) -> list[float]:
        """The average precision of every class, over all thresholds or at one; NaN where it is marked nowhere."""
        if not self._boxes():
            return [float("nan")] * self.classes
        evaluated = self._evaluated()
        precision = evaluated.eval["precision"][..., 0, 2]  # thresholds, recalls, classes
        if threshold is not None:
            precision = precision[np.isclose(evaluated.params.iouThrs, threshold)]
        return [float(kind[kind > -1].mean()) if (kind > -1).any() else float("nan") for kind in precision.T]

    def _boxes(self) -> int:
        return sum(map(len, self._marked))

    def _evaluated(self) -> Any:
        data_set, evaluation = counter()
        order = self._rows.column("place").long().tolist()
        pictures = [{"id": number, "width": 1, "height": 1} for number in range(1, len(order) + 1)]
        categories = [{"id": number + 1, "name": str(number)} for number in range(self.classes)]
        marked = [
            {"id": 0, "image_id": picture, "category_id": int(kind) + 1, "iscrowd": int(crowd), **_box(*corners)}
            for picture, place in enumerate(order, 1)
            for kind, *corners, crowd in self._marked[place]
        ]
        for number, one in enumerate(marked, 1):
            one["id"] = number
        truth = data_set({"images": pictures, "annotations": marked, "categories": categories})
        found = [
            {"image_id": picture, "category_id": int(kind) + 1, "score": score, **_box(*corners)}
            for picture, place in enumerate(order, 1)
            for *corners, score, kind in self._found[place]
        ]
        evaluated = evaluation(truth, truth.loadRes(found or [_nothing()]), "bbox", print_function=lambda *_: None)
        evaluated.evaluate()
        evaluated.accumulate()
        evaluated.summarize()
        return evaluated


def counter() -> tuple[Any, Any]:
    """What counts by COCO's rules; MachineError names the extra where the package is missing."""
    try:
        from faster_coco_eval import COCO, COCOeval_faster  # an extra: loaded when it is used
    except ImportError:
        raise MachineError("metrics.no_coco_eval") from None
    return COCO, COCOeval_faster


def hits(found: Tensor, marked: Tensor, threshold: float) -> tuple[Tensor, Tensor]:
    """Which found boxes are right, and which marked ones they are: the surest found box takes the best that is left.

    found (M, 6): corners, score, class; marked (N, 6): class, corners, crowd -> bool (M,), bool (N,)
    """
    right, taken = torch.zeros(len(found), dtype=torch.bool), torch.zeros(len(marked), dtype=torch.bool)
    shared = overlap(found[:, None, :4], marked[None, :, 1:5])[0]
    shared[found[:, 5, None] != marked[:, 0]] = 0
    for one in found[:, 4].argsort(descending=True, stable=True).tolist() if len(marked) else ():
        free = torch.where(taken, 0, shared[one])
        best = int(free.argmax())
        right[one] = free[best] >= threshold
        taken[best] |= right[one]
    return right, taken


def _box(left: float, top: float, right: float, bottom: float) -> dict[str, Any]:
    width, height = right - left, bottom - top
    return {"bbox": [left, top, width, height], "area": width * height}


def _nothing() -> dict[str, Any]:
    """A box that hits nothing: the library takes no empty list."""
    return {"image_id": 1, "category_id": 1, "score": 0.0, **_box(-2.0, -2.0, -1.0, -1.0)}
