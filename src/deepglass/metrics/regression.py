"""How far predicted numbers lie from true ones."""

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor

from deepglass.metrics.collect import Collected
from deepglass.metrics.figure import Figure, mean, missing, of_rows

Name = Literal["mae", "rmse", "r2"]


class Regression:
    """Mean absolute error, root mean squared error (less is better) or R² (more is better).

    MAE = mean |v - t|;  RMSE = √(mean (v - t)²);  R² = 1 - Σ (v - t)² / Σ (t - t̄)², for K columns their mean, NaN where
    the targets do not vary. Reads predictions["values"], targets: (B,) or (B, K).
    """

    def __init__(self, figure: Name):
        self.figure: Name = figure
        self._rows = Collected()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Tensor], targets: Tensor) -> None:
        """A batch."""
        self._rows.add(ids, value=predictions["values"].reshape(len(ids), -1), target=targets.reshape(len(ids), -1))

    def compute(self) -> Figure:
        """The figure over everything seen."""
        n, better = len(self._rows), "up" if self.figure == "r2" else "down"
        if not n:
            return missing(better)
        values, targets = self._rows.column("value").double(), self._rows.column("target").double()
        errors = values - targets
        if self.figure == "mae":
            return mean(errors.abs().mean(1), "down")
        squares = errors.square().mean(1)

        def figure(counts: Tensor) -> Tensor:
            return (counts @ squares / n).sqrt() if self.figure == "rmse" else explained(errors, targets, counts)

        return of_rows(n, figure, better)


def explained(errors: Tensor, targets: Tensor, counts: Tensor) -> Tensor:
    """R² where each row counts as often as `counts` (R, N) says; errors, targets (N, K) -> (R,)"""
    n = counts.sum(1, keepdim=True)
    targets = targets - targets.mean(0)  # a shift changes nothing but the rounding
    spread = counts @ targets.square() - (counts @ targets).square() / n
    shares = 1 - (counts @ errors.square()) / spread
    return torch.where(spread > 1e-12 * n, shares, torch.nan).mean(1)
