"""Forecasts against what came: errors in units of a season's change, and how often the band held."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from deepglass.metrics.collect import Collected
from deepglass.metrics.figure import Figure, mean, missing


class Scaled:
    """MASE = mean |v - t| / scale of the channel (Hyndman and Koehler 2006); below 1 is better than a season ago.

    The scale of a channel is mean |x_t - x_(t-m)| over the training part, m the season: what the naive forecast, that
    it will be as it was a season ago, is off by there. Reads predictions[column] and targets (B, H·C), the channels of
    a step next to each other. Windows that overlap are not independent: the interval is narrower than it should be.
    """

    def __init__(self, scale: Sequence[float], column: str = "values"):
        self.scale = torch.tensor(scale, dtype=torch.float64)
        self.column = column
        self._rows = Collected()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Tensor], targets: Tensor) -> None:
        """A batch."""
        apart = (predictions[self.column].cpu().double() - targets.cpu().double()).abs()
        each = (apart.view(len(ids), -1, len(self.scale)) / self.scale).mean((1, 2))
        self._rows.add(ids, error=each)

    def compute(self) -> Figure:
        """The mean over everything seen."""
        return mean(self._rows.column("error"), "down") if len(self._rows) else missing("down")


class Coverage:
    """How much of what came lay between predictions["low"] and ["high"], (B, K); a band of 80 % is to hold 0.8."""

    def __init__(self) -> None:
        self._rows = Collected()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Tensor], targets: Tensor) -> None:
        """A batch."""
        targets = targets.cpu()
        held = (predictions["low"].cpu() <= targets) & (targets <= predictions["high"].cpu())
        self._rows.add(ids, held=held.double().mean(1))

    def compute(self) -> Figure:
        """The share over everything seen."""
        return mean(self._rows.column("held"), "up") if len(self._rows) else missing("up")
