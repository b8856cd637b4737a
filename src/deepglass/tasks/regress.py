"""Regress: one number for a picture or a row of numbers.

loss = Σ_rows (v - t')² / rows, with t' = (t - mean) / std by the training part's answers; the answer is v · std + mean.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from deepglass.data.example import Batch
from deepglass.data.source import Index
from deepglass.foundation.errors import DataError
from deepglass.foundation.ports import Ports, Vector
from deepglass.losses.squared import squared_error
from deepglass.metrics.regression import Regression
from deepglass.tasks.inputs import InputFacts, OneInput, Views, learn_inputs
from deepglass.tasks.kinds.clip import ClipSettings
from deepglass.tasks.kinds.picture import PictureSettings
from deepglass.tasks.kinds.series import SeriesSettings
from deepglass.tasks.kinds.sound import SoundSettings
from deepglass.tasks.kinds.text import TextSettings
from deepglass.tasks.kinds.volume import VolumeSettings
from deepglass.tasks.task import Losses, Metric, Predictions


@dataclass(frozen=True, kw_only=True, slots=True)
class RegressFacts:
    """What was learned once from the training part."""

    mean: float  # of the answers
    std: float
    inputs: InputFacts


@dataclass(frozen=True, kw_only=True, slots=True)
class RegressSettings:
    """What is asked of a network that gives a number."""

    facts_type: ClassVar = RegressFacts

    test_views: Views = "plain"  # answer with a mean over the picture, its mirror image, and both moved by a pixel
    picture: PictureSettings = PictureSettings()
    text: TextSettings = TextSettings()
    series: SeriesSettings = SeriesSettings()
    sound: SoundSettings = SoundSettings()
    volume: VolumeSettings = VolumeSettings()
    clip: ClipSettings = ClipSettings()

    def learn(self, index: Index, size: tuple[int, ...], channels: int) -> RegressFacts:
        """Mean and spread of the answers, and the inputs, from the training part's index."""
        numbers = np.array([number_of(label) for label in index.labels if label is not None])
        if not len(numbers) or np.ptp(numbers) == 0:
            raise DataError("tasks.constant_answer", value=numbers[0] if len(numbers) else "-", count=len(numbers))
        inputs = learn_inputs(index, self, size, channels)
        return RegressFacts(mean=float(numbers.mean()), std=float(numbers.std()), inputs=inputs)

    def build(self, facts: RegressFacts) -> "Regress":
        """The task with what it learned."""
        return Regress(self, facts)


class Regress(OneInput):
    """The task of answering with one number."""

    settings: RegressSettings
    facts: RegressFacts

    def asks(self) -> Ports:
        return Ports(self.takes(), Vector(1))

    def code(self, labels: Sequence[Any]) -> dict[str, Tensor]:
        """The answers standardised, before they are rounded to float32; NaN where there is none. (N,)"""
        numbers = np.array([math.nan if label is None else number_of(label) for label in labels], dtype=np.float64)
        return {"target": torch.from_numpy((numbers - self.facts.mean) / self.facts.std).float()}

    def loss(self, model: nn.Module, batch: Batch) -> Losses:
        """Squared error in units of the answers' spread, summed over the rows."""
        return Losses({"loss": squared_error(model(batch["input"]).float()[:, 0], batch["target"])})

    def predict(self, model: nn.Module, batch: Batch) -> Predictions:
        values = self.outputs(model, batch)[:, 0]
        return {"values": self._number(values)}

    def truth(self, batch: Batch) -> Tensor:
        return self._number(batch["target"])

    def metrics(self) -> dict[str, Metric]:
        return {"mae": Regression("mae"), "rmse": Regression("rmse"), "r2": Regression("r2")}

    def answers(self, predictions: Predictions) -> list[dict[str, Any]]:
        return [{"prediction": value} for value in predictions["values"].tolist()]

    def _number(self, standard: Tensor) -> Tensor:
        """In the answers' own units. (B,) -> (B,)"""
        return standard * self.facts.std + self.facts.mean


def number_of(label: Any) -> float:
    """An answer as a number; DataError names one that is none."""
    try:
        number = float(label)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise DataError("tasks.not_a_number", label=label)
    return number


CATALOGUE = {"regress": RegressSettings()}
