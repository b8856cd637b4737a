"""How a game between two players stands: what is taken for real, and how varied the made pictures are."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from deepglass.metrics.collect import Collected
from deepglass.metrics.figure import Figure, mean, missing, of_rows
from deepglass.metrics.kid import pixels

EVEN = 0.5  # where nobody wins


def standing(real: Tensor, made: Tensor, game: str) -> Tensor:
    """D of real and of made pictures, from 0 to 1, and how often a real one's verdict is above a made one's.

    D is σ of a verdict; a hinge is content with 1 and -1, least squares want 1 and 0; a critic's verdicts (wasserstein)
    have no scale of their own, so there D is whether one is above the mean of all. The last is 1 where all are told
    apart and 1/2 where none are. (B, 1), (B, 1) -> (3,)
    """
    real, made = real.float(), made.float()
    apart = (real > made.T).float().mean() + EVEN * (real == made.T).float().mean()
    middle = (real.mean() + made.mean()) / 2
    return torch.stack([taken(real, game, middle), taken(made, game, middle), apart])


def taken(verdicts: Tensor, game: str, middle: Tensor | float = 0.0) -> Tensor:
    """The mean share that is taken for real, by these verdicts. (B, 1) -> ()"""
    return _shares(verdicts.float(), game, middle).mean()


def _shares(verdicts: Tensor, game: str, middle: Tensor | float) -> Tensor:
    if game == "hinge":
        return ((verdicts + 1) / 2).clamp(0, 1)
    if game == "least_squares":
        return verdicts.clamp(0, 1)
    return (verdicts > middle).float() if game == "wasserstein" else verdicts.sigmoid()


class Taken:
    """The mean probability with which pictures are taken for real ones. Reads predictions[column] (B,).

    Of real pictures near 1 and of made ones near 0 where the discriminator wins, of both near 1/2 where it cannot tell.
    """

    def __init__(self, column: str):
        self.column = column
        self._rows = Collected()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Any], targets: object = None) -> None:
        """A batch."""
        self._rows.add(ids, share=predictions[self.column])

    def compute(self) -> Figure:
        """Over everything seen. It goes neither way: what is good is a game that stays open."""
        return mean(self._rows.column("share"), "up") if len(self._rows) else missing("up")


class Variety:
    """How much made pictures differ, beside how much real ones do: 1 where as much, near 0 where all are alike.

    Σ_c Σ_i |y_i - ȳ_c|² / Σ_c Σ_i |x_i - x̄_c|², over pictures of coarse pixels and their class c, if they have one.
    Reads predictions["picture"] and targets: bytes (B, C, H, W); predictions["label"] (B,) where there are classes.
    """

    def __init__(self) -> None:
        self._rows = Collected()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Any], targets: Any) -> None:
        """A batch."""
        self.add(ids, pixels(predictions["picture"]), pixels(targets), predictions.get("label"))

    def add(self, ids: Sequence[str], made: Tensor, real: Tensor, label: Tensor | None) -> None:
        """Coarse forms of as many made and real ones (B, d), and the made ones' classes (B,) where there are any."""
        self._rows.add(ids, made=made, real=real, label=torch.zeros(len(ids)) if label is None else label)

    def compute(self) -> Figure:
        """Over everything seen; the interval comes from drawing the rows again."""
        n = len(self._rows)
        if n < 2:
            return missing("up", n)
        classes = self._rows.column("label").long().unique(return_inverse=True)[1]
        made, real = (self._rows.column(name).double() for name in ("made", "real"))
        if not float(real.var(0).sum()):
            return missing("up", n)  # nothing could be as varied as that
        return of_rows(n, lambda counts: spread(made, classes, counts) / spread(real, classes, counts), "up")


def spread(values: Tensor, classes: Tensor, counts: Tensor) -> Tensor:
    """Σ_c Σ_i n_i |v_i - v̄_c|² = Σ_i n_i |v_i|² - Σ_c |Σ_i n_i v_i|² / n_c. (N, d), (N,), counts n (R, N) -> (R,)"""
    whole = counts @ values.square().sum(1)
    for number in range(int(classes.max()) + 1):
        own = classes == number
        weights = counts[:, own]
        sums = weights @ values[own]
        whole = whole - sums.square().sum(1) / weights.sum(1).clamp(min=1)
    return whole
