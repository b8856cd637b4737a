"""How far predicted numbers lie from true ones."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from deepglass.metrics.collect import Collected
from deepglass.metrics.figure import Figure, bootstrap, mean, missing


class Regression:
    """Mean absolute error, root mean squared error and R². Reads predictions["values"], targets: (B,) or (B, K).

    MAE = mean |v - t|;  RMSE = √(mean (v - t)²);  R² = 1 - Σ (v - t)² / Σ (t - t̄)², for K columns their mean.
    """

    def __init__(self) -> None:
        self._rows = Collected()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Tensor], targets: Tensor) -> None:
        """A batch."""
        self._rows.add(ids, value=predictions["values"].reshape(len(ids), -1), target=targets.reshape(len(ids), -1))

    def compute(self) -> dict[str, Figure]:
        """ "mae" and "rmse" (less is better) and "r2" (more is better; NaN where the targets do not vary)."""
        n = len(self._rows)
        if n == 0:
            return {"mae": missing("down"), "rmse": missing("down"), "r2": missing("up")}
        values, targets = self._rows.column("value").double(), self._rows.column("target").double()
        errors = values - targets
        squares = errors.square().mean(1)

        def rmse(counts: Tensor) -> Tensor:
            return (counts @ squares / n).sqrt()

        def r2(counts: Tensor) -> Tensor:
            return explained(errors, targets, counts)

        once = torch.ones(1, n, dtype=torch.float64)
        return {
            "mae": mean(errors.abs().mean(1), "down"),
            "rmse": bootstrap(float(rmse(once)), n, rmse, "down"),
            "r2": bootstrap(float(r2(once)), n, r2, "up"),
        }


def explained(errors: Tensor, targets: Tensor, counts: Tensor) -> Tensor:
    """R² where each row counts as often as `counts` (R, N) says; errors, targets (N, K) -> (R,)"""
    n = counts.sum(1, keepdim=True)
    targets = targets - targets.mean(0)  # a shift changes nothing but the rounding
    spread = counts @ targets.square() - (counts @ targets).square() / n
    shares = 1 - (counts @ errors.square()) / spread
    return torch.where(spread > 1e-12 * n, shares, torch.nan).mean(1)
