"""Number plates that are found and read: a plate is right where it is found and every character of it is.

Found is a plate whose box overlaps the marked one by half or more; the surest takes the best that is left.
"""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from deepglass.foundation.overlap import overlap
from deepglass.metrics.collect import Collected
from deepglass.metrics.error_rate import distance, texts
from deepglass.metrics.figure import Figure, missing, of_rows

Which = Literal["plate_accuracy", "cer_found", "found"]
ENOUGH = 0.5  # overlap
BETTER: dict[Which, Literal["up", "down"]] = {"plate_accuracy": "up", "cer_found": "down", "found": "up"}
OVER: dict[Which, tuple[tuple[str, ...], tuple[str, ...]]] = {  # what is counted, and what it is a share of
    "plate_accuracy": (("right",), ("marked", "false")),
    "cer_found": (("errors",), ("letters",)),
    "found": (("hit",), ("marked",)),
}


class Marked(NamedTuple):
    """The plates that are there: boxes Ragged (ΣM, 6) as `AveragePrecision` reads them, and their texts as lines."""

    boxes: Any
    text: Any

    def each(self) -> Sequence[Tensor]:
        """The boxes, picture by picture."""
        return self.boxes.each()


class PlateFigure:
    """plate_accuracy: right plates over those that are there and those that are none; `found`: plates found over those
    that are there; `cer_found`: wrong characters over those of the plates found. Bootstrap over pictures.

    Reads predictions["boxes"], Ragged (ΣM, 6), ["score"], Ragged (ΣM,), of which those below `confidence` are no
    answers, and ["text"], a line for each; targets are `Marked`.
    """

    def __init__(self, which: Which, confidence: float):
        self.which: Which = which
        self.confidence = confidence
        self._rows = Collected()

    def update(self, ids: Sequence[str], predictions: Any, targets: Marked) -> None:
        """A batch."""
        said = [predictions[name].each() for name in ("boxes", "score")]
        true = zip(targets.each(), lines_of(targets.text), strict=True)
        counted = [
            _counted(boxes[:, :4], score, read, self.confidence, marked[:, 1:5], written)
            for boxes, score, read, (marked, written) in zip(*said, lines_of(predictions["text"]), true, strict=True)
        ]
        names = ("right", "marked", "false", "hit", "errors", "letters")
        table = torch.tensor([[one[name] for name in names] for one in counted]).view(-1, len(names))
        self._rows.add(ids, **dict(zip(names, table.unbind(1), strict=True)))

    def compute(self) -> Figure:
        """Over all pictures."""
        above, below = (
            torch.stack([self._rows.column(name) for name in names]).sum(0).double() for names in OVER[self.which]
        )
        if not len(self._rows) or not below.sum():
            return missing(BETTER[self.which], len(self._rows))
        return of_rows(len(self._rows), lambda counts: (counts @ above) / (counts @ below), BETTER[self.which])


def lines_of(ragged: Any) -> list[list[str]]:
    """The texts of each picture's plates, each of which ends its line."""
    return [text.split("\n")[:-1] for text in texts(ragged)]


def matched(boxes: Tensor, score: Tensor, confidence: float, marked: Tensor) -> list[tuple[int, int]]:
    """The found plates that are answers, the surest first, each with the marked one that it is; -1 where it is none.

    boxes (M, 4), score (M,), marked (N, 4)
    """
    order = score.argsort(descending=True, stable=True)
    order = order[score[order] >= confidence]
    shared = overlap(boxes[order][:, None], marked[None])[0]
    taken = torch.zeros(len(marked), dtype=torch.bool)
    pairs: list[tuple[int, int]] = []
    for one, row in zip(order.tolist(), shared, strict=True):
        free = torch.where(taken, 0, row)
        best = int(free.argmax()) if len(free) else 0
        hit = len(free) > 0 and bool(free[best] >= ENOUGH)
        pairs.append((one, best if hit else -1))
        if hit:
            taken[best] = True
    return pairs


def _counted(
    boxes: Tensor, score: Tensor, read: list[str], confidence: float, marked: Tensor, written: list[str]
) -> dict[str, int]:
    """What is right and wrong in one picture."""
    answers = matched(boxes, score, confidence, marked)
    pairs = [(read[one], written[at]) for one, at in answers if at >= 0]
    return {
        "right": sum(said == true for said, true in pairs),
        "marked": len(marked),
        "false": len(answers) - len(pairs),
        "hit": len(pairs),
        "errors": sum(distance(true, said) for said, true in pairs),
        "letters": sum(len(true) for _, true in pairs),
    }
