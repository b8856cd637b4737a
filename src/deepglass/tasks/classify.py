"""Classify: one of K classes for a picture or a row of numbers.

loss = Σ_rows loss(z, y) / rows, with z the K logits; predictions are softmax(z). Where there is something to decide
(tasks/decision.py), z is divided by the temperature that validation asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from annotated_types import Ge, Gt, Le, Lt
from torch import Tensor, nn

from deepglass.data.column import tally
from deepglass.data.example import Batch
from deepglass.data.source import Index
from deepglass.foundation.errors import DataError
from deepglass.foundation.ports import Ports, Vector
from deepglass.losses.cross_entropy import cross_entropy
from deepglass.losses.hinge import hinge
from deepglass.losses.perceptron import perceptron
from deepglass.metrics.accuracy import Accuracy
from deepglass.metrics.auroc import AUROC
from deepglass.metrics.calibration import CalibrationError, NegativeLogLikelihood
from deepglass.metrics.decision import MeanCost, Sorted, SortedError
from deepglass.metrics.f1 import F1
from deepglass.tasks.decision import (
    ASK,
    NONE,
    DecisionFacts,
    DecisionSettings,
    decide,
    learn_decision,
    settle_decision,
)
from deepglass.tasks.inputs import InputFacts, OneInput, Views, learn_inputs, natural
from deepglass.tasks.kinds.clip import ClipSettings
from deepglass.tasks.kinds.picture import PictureSettings
from deepglass.tasks.kinds.series import SeriesSettings
from deepglass.tasks.kinds.sound import SoundSettings
from deepglass.tasks.kinds.text import TextSettings
from deepglass.tasks.kinds.volume import VolumeSettings
from deepglass.tasks.task import Losses, Metric, Predictions


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassifyFacts:
    """What was learned once from the training part."""

    labels: tuple[str, ...]
    counts: tuple[int, ...]
    inputs: InputFacts
    decision: DecisionFacts = DecisionFacts()


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassifySettings:
    """What is asked of a classifier."""

    facts_type: ClassVar = ClassifyFacts

    loss: Literal["cross_entropy", "perceptron", "hinge"] = "cross_entropy"
    smoothing: Annotated[float, Ge(0), Lt(1)] = 0.0
    class_weights: Literal["none", "balanced"] = "none"  # balanced: each class weighs as much as every other
    adjustment: Annotated[float, Ge(0), Le(4)] = 0.0  # z + this · log(class share) is what learns (arXiv:2007.07314)
    best: Literal["accuracy", "f1"] = "accuracy"  # the figure that chooses the best check; f1: each class counts alike
    decision: DecisionSettings = DecisionSettings()
    screen: str = ""  # the class that is screened for: the report then has a threshold, and what comes of it
    specificity: Annotated[float, Gt(0), Lt(1)] = 0.9  # of that threshold: the share of all others to be left in peace
    test_views: Views = "plain"  # answer with a mean over the picture, its mirror image, and both moved by a pixel
    picture: PictureSettings = PictureSettings()
    text: TextSettings = TextSettings()
    series: SeriesSettings = SeriesSettings()
    sound: SoundSettings = SoundSettings()
    volume: VolumeSettings = VolumeSettings()
    clip: ClipSettings = ClipSettings()

    def learn(self, index: Index, size: tuple[int, ...], channels: int) -> ClassifyFacts:
        """Labels and inputs from the training part's index."""
        found = {str(label): count for label, count in tally(index.labels).items() if label is not None}
        labels = sorted(found, key=natural)
        if len(labels) < 2:
            raise DataError("data.one_class", label=labels[0] if labels else "", count=len(index))
        inputs = learn_inputs(index, self, size, channels)
        counts = tuple(found[label] for label in labels)
        decision = learn_decision(self.decision, labels)
        return ClassifyFacts(labels=tuple(labels), counts=counts, inputs=inputs, decision=decision)

    def build(self, facts: ClassifyFacts) -> "Classify":
        """The task with what it learned."""
        return Classify(self, facts)


class Classify(OneInput):
    """The task of naming one class of K."""

    settings: ClassifySettings
    facts: ClassifyFacts

    def __init__(self, settings: ClassifySettings, facts: ClassifyFacts):
        super().__init__(settings, facts)
        self._number = {label: number for number, label in enumerate(facts.labels)}

    def asks(self) -> Ports:
        return Ports(self.takes(), Vector(len(self.facts.labels)))

    def code(self, labels: Sequence[Any]) -> dict[str, Tensor]:
        """Class numbers of these labels; -1 where there is none or the training part never had it. int64 (N,)"""
        return {"target": torch.tensor([self._number.get(str(label), -1) for label in labels], dtype=torch.int64)}

    def as_numbers(self, target: Tensor) -> Tensor:
        return F.one_hot(target, len(self.facts.labels)).float()

    def loss(self, model: nn.Module, batch: Batch) -> Losses:
        """The chosen loss, summed over the rows."""
        logits, target = model(batch["input"]).float(), batch["target"]
        if self.settings.loss == "perceptron":
            return Losses({"loss": perceptron(logits, target)})
        if self.settings.loss == "hinge":
            return Losses({"loss": hinge(logits, target)})
        if self.settings.adjustment:
            logits = logits + self.settings.adjustment * self._counts(logits.device).log()
        weights = self._weights(logits.device)
        return Losses({"loss": cross_entropy(logits, target, self.settings.smoothing, weights)})

    def counts(self, batch: Batch) -> dict[str, float]:
        """Rows, or the sum of the rows' class weights."""
        weights = self._weights(batch["target"].device)
        if weights is None:
            return {"loss": float(len(batch))}
        target = batch["target"]
        return {"loss": float((weights[target] if target.ndim == 1 else target @ weights).sum())}

    def predict(self, model: nn.Module, batch: Batch) -> Predictions:
        facts, given = self.facts.decision, self.outputs(model, batch)
        logits = given / facts.temperature
        found = {"logits": logits, "probability": logits.softmax(1)}
        if not self.settings.decision.made:
            return found
        return found | {"untempered": given, "decision": decide(logits, self.facts.labels, facts).taken}

    def tuned(self, predictions: Predictions, batch: Batch) -> "Classify":
        """The task with a decision settled by answers to what training never saw."""
        if not self.settings.decision.made:
            return self
        given, target = predictions["untempered"], batch["target"]
        settled = settle_decision(self.settings.decision, self.facts.decision, given, target)
        return Classify(self.settings, replace(self.facts, decision=settled))

    @property
    def wants_held_out(self) -> bool:
        """Whether it cannot be settled without such answers."""
        return self.settings.decision.chosen

    def metrics(self) -> dict[str, Metric]:
        found: dict[str, Metric] = {
            "accuracy": Accuracy(),
            "loss": NegativeLogLikelihood(),
            "f1": F1(),
            "auroc": AUROC(),
            "calibration_error": CalibrationError(),
        }
        found = {self.settings.best: found[self.settings.best], **found}
        facts = self.facts.decision
        if not facts.judged:  # what a check decides would be changed in the end
            return found
        classes, none = len(self.facts.labels), self._number.get(facts.none, -1)
        found |= {"sorted": Sorted(classes), "sorted_error": SortedError(classes, none)}
        return found | ({"cost": MeanCost(facts.costs, self.settings.decision.price, none)} if facts.costs else {})

    def answers(self, predictions: Predictions) -> list[dict[str, Any]]:
        best = predictions["probability"].topk(min(5, len(self.facts.labels)), dim=1)
        found: list[dict[str, Any]] = []
        for numbers, shares in zip(best.indices.tolist(), best.values.tolist(), strict=True):
            names = [self.facts.labels[number] for number in numbers]
            top = [{"label": name, "confidence": share} for name, share in zip(names, shares, strict=True)]
            found.append({"prediction": names[0], "confidence": shares[0], "top": top})
        if "decision" in predictions:
            names = (*self.facts.labels, ASK, NONE)
            for answer, taken in zip(found, predictions["decision"].long().tolist(), strict=True):
                answer["decision"] = names[taken]
        return found

    @property
    def columns(self) -> tuple[str, ...]:
        """What a table of answers has of each."""
        decided = ("decision",) if self.settings.decision.made else ()
        return ("id", "prediction", "confidence", *decided, "error")

    def _weights(self, device: torch.device) -> Tensor | None:
        if self.settings.class_weights == "none":
            return None
        counts = self._counts(device)
        return counts.sum() / (len(counts) * counts)

    def _counts(self, device: torch.device) -> Tensor:
        """Training rows of each class. float32 (K,)"""
        return torch.tensor(self.facts.counts, dtype=torch.float32, device=device)


CATALOGUE = {"classify": ClassifySettings()}
