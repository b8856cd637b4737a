"""The flight recorder of a game between two players: what every check looks at beside the metrics.

Of pictures made of the same numbers at every check: the sheet of some of them, frame by frame a film; how many are
copies of training pictures, how different they are among themselves, which real ones they meet, class by class; and how
the game stands in training, before weights are averaged.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from deepglass.metrics.figure import Figure
from deepglass.metrics.nearest import by_class, coarse, copies, distinct, met, nearest, next_one
from deepglass.tasks.task import Look, Predictions, Some

ACROSS = 8  # pictures in a row of the sheet, and rows
SIDE = 64  # pixels a side up to which a picture of the sheet keeps every one
WHITE = 255
LOOKED_AT = 1000  # made pictures, and held-back ones beside them
STANDING = ("game_real", "game_made", "told_apart", "jumps")


class FlightRecorder:
    """Called with the predictions of a check. What does not change is worked out at the first one."""

    def __init__(
        self,
        known: Some,
        held: Some,
        labels: Sequence[str],
        game: Callable[[], dict[str, float]],  # how it stands, by the names in STANDING
        mirrored: bool = False,
    ):
        self.known, self.held = known, held
        self.labels = labels  # that can be asked for
        self.game = game
        self.mirrored = mirrored
        self._real: tuple[Tensor, Tensor, Tensor] | None = None

    def __call__(self, predictions: Predictions) -> Look:
        known, held, away = self.real()
        pictures = predictions["picture"]
        made = coarse(pictures[:LOOKED_AT])
        near, which = (column[:, 0] for column in nearest(made, known))
        rows, places = which.unique(return_inverse=True)
        copied, again = copies(near, away, next_one(known[rows], known)[places])
        found = met(made, held)
        values = {
            "copies": max(0.0, copied - again),
            "distinct": distinct(made, held),
            "met": float(found.float().mean()),
            **self.game(),
        }
        better = {"copies": "down", "game_made": "down", "told_apart": "down", "jumps": "down"}
        figures = {
            name: Figure(value, math.nan, math.nan, len(made), better.get(name, "up"))  # pyright: ignore
            for name, value in values.items()
        }
        classes = [str(label) for label in self.held.labels[:LOOKED_AT] if label is not None]
        told = {"met": by_class(found, classes)} if len(set(classes)) > 1 and len(classes) == len(found) else {}
        return Look(figures, sheet(pictures, predictions.get("label"), len(self.labels)), told)

    def real(self) -> tuple[Tensor, Tensor, Tensor]:
        """Pictures of training and held-back ones (N, F), and how far those are from the nearest of training (N,)."""
        if self._real is None:
            known, held = _pictures(self.known, self.mirrored), _pictures(self.held, False)[:LOOKED_AT]
            self._real = known, held, nearest(held, known)[0][:, 0]
        return self._real


def sheet(pictures: Tensor, labels: Tensor | None = None, classes: int = 0) -> np.ndarray:
    """The same rows at every check, a class in a row where there are classes. uint8 (N, C, H, W) -> (h, w, C)"""
    chosen = torch.arange(min(len(pictures), ACROSS * ACROSS))
    if labels is not None:
        each = [(labels == number).nonzero()[:ACROSS, 0] for number in range(min(ACROSS, classes))]
        chosen = torch.cat([F.pad(own, (0, ACROSS - len(own)), value=-1) for own in each])
    cells = _small(pictures[chosen.clamp(min=0)])
    cells = torch.where((chosen < 0)[:, None, None, None], torch.full_like(cells, WHITE), cells)
    rows = F.pad(cells, (1, 1, 1, 1), value=WHITE).split(ACROSS)
    whole = [torch.cat(list(row), dim=2) for row in rows if len(row) == ACROSS or len(rows) == 1]
    return torch.cat(whole, dim=1).permute(1, 2, 0).numpy()


def _pictures(some: Some, mirrored: bool) -> Tensor:
    parts = [coarse(batch["input"]) if not mirrored else _both(batch["input"]) for batch in some.batches()]
    return torch.cat(parts)


def _both(pictures: Tensor) -> Tensor:
    """Pictures and their mirror images, which training saw as well."""
    return torch.cat([coarse(pictures), coarse(pictures.flip(-1))])


def _small(pictures: Tensor) -> Tensor:
    """At most 64 pixels a side. uint8 (B, C, H, W)"""
    if max(pictures.shape[2:]) <= SIDE:
        return pictures
    scale = SIDE / max(pictures.shape[2:])
    size = [max(1, round(side * scale)) for side in pictures.shape[2:]]
    return F.interpolate(pictures.float(), size=size, mode="area").round().to(torch.uint8)
