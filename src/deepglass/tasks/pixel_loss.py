"""What tasks share that name one class of K for every pixel of a picture, or every place of a volume."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from deepglass.data.example import Batch
from deepglass.foundation.ports import Map, Port, Ports
from deepglass.losses.pixels import dice_loss, pixel_count, pixel_cross_entropy
from deepglass.tasks.task import Losses


class PixelLoss:
    """Cross-entropy or the focal loss over known places, the Dice loss beside it where it counts."""

    settings: Any
    facts: Any
    tells_masks = True  # predict --out writes a file for each input
    takes: Callable[..., Port]  # of the task that this is mixed into

    def asks(self) -> Ports:
        return Ports(self.takes(), Map(len(self.facts.classes)))

    def loss(self, model: nn.Module, batch: Batch) -> Losses:
        """Over places, and the Dice loss over rows where it counts."""
        logits, mask, asked = model(batch["input"]).float(), batch["mask"], self.settings
        gamma = asked.gamma if asked.loss == "focal" else 0.0
        sums = {"loss": pixel_cross_entropy(logits, mask, self._weights(logits.device), gamma)}
        return Losses(sums | ({"dice": asked.dice * dice_loss(logits, mask)} if asked.dice else {}))

    def counts(self, batch: Batch) -> dict[str, float]:
        """Known places, or the sum of their classes' weights; rows."""
        mask = batch["mask"]
        places = pixel_count(mask, len(self.facts.classes), self._weights(mask.device))
        return {"loss": max(1.0, float(places)), "dice": float(len(batch))}

    def _weights(self, device: torch.device) -> Tensor | None:
        if self.settings.class_weights == "none":
            return None
        counts = torch.tensor(self.facts.pixels, dtype=torch.float32, device=device)
        weights = counts.sum() / (counts.count_nonzero() * counts)
        return torch.where(counts > 0, weights, 0.0)
