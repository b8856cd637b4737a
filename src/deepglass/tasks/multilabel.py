"""Several labels at once for a picture or a row of numbers: K independent yes-or-no questions.

loss = Σ_rows Σ_labels BCE(z, y) / (rows · K), with z the K logits; predictions are σ(z), a label is said above 0.5.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import torch
from annotated_types import Ge, Lt
from torch import Tensor, nn

from deepglass.data.annotation import names_of
from deepglass.data.example import Batch
from deepglass.data.source import Index
from deepglass.foundation.errors import DataError
from deepglass.foundation.ports import Ports, Vector
from deepglass.losses.binary import binary_cross_entropy
from deepglass.metrics.multilabel import MultiLabel
from deepglass.tasks.inputs import InputFacts, OneInput, Views, learn_inputs, natural
from deepglass.tasks.kinds.clip import ClipSettings
from deepglass.tasks.kinds.picture import PictureSettings
from deepglass.tasks.kinds.series import SeriesSettings
from deepglass.tasks.kinds.sound import SoundSettings
from deepglass.tasks.kinds.text import TextSettings
from deepglass.tasks.kinds.volume import VolumeSettings
from deepglass.tasks.task import Losses, Metric, Predictions


@dataclass(frozen=True, kw_only=True, slots=True)
class MultiLabelFacts:
    """What was learned once from the training part."""

    labels: tuple[str, ...]
    counts: tuple[int, ...]  # rows that have the label
    rows: int
    inputs: InputFacts


@dataclass(frozen=True, kw_only=True, slots=True)
class MultiLabelSettings:
    """What is asked of a network that gives several labels."""

    facts_type: ClassVar = MultiLabelFacts

    smoothing: Annotated[float, Ge(0), Lt(1)] = 0.0
    class_weights: Literal["none", "balanced"] = "none"  # balanced: of each label, all yeses weigh as much as all noes
    test_views: Views = "plain"  # answer with a mean over the picture, its mirror image, and both moved by a pixel
    picture: PictureSettings = PictureSettings()
    text: TextSettings = TextSettings()
    series: SeriesSettings = SeriesSettings()
    sound: SoundSettings = SoundSettings()
    volume: VolumeSettings = VolumeSettings()
    clip: ClipSettings = ClipSettings()

    def learn(self, index: Index, size: tuple[int, ...], channels: int) -> MultiLabelFacts:
        """Labels and inputs from the training part's index."""
        answered = [tuple(map(str, names_of(label))) for label in index.labels if label is not None]
        labels = sorted({name for names in answered for name in names}, key=natural)
        if not labels:
            raise DataError("tasks.no_labels", count=len(index))
        counts = tuple(sum(label in names for names in answered) for label in labels)
        inputs = learn_inputs(index, self, size, channels)
        return MultiLabelFacts(labels=tuple(labels), counts=counts, rows=len(answered), inputs=inputs)

    def build(self, facts: MultiLabelFacts) -> "MultiLabelTask":
        """The task with what it learned."""
        return MultiLabelTask(self, facts)


class MultiLabelTask(OneInput):
    """The task of saying which of K labels a row has: none, some or all."""

    settings: MultiLabelSettings
    facts: MultiLabelFacts

    def __init__(self, settings: MultiLabelSettings, facts: MultiLabelFacts):
        super().__init__(settings, facts)
        self._number = {label: number for number, label in enumerate(facts.labels)}

    def asks(self) -> Ports:
        return Ports(self.takes(), Vector(len(self.facts.labels)))

    def code(self, labels: Sequence[Any]) -> dict[str, Tensor]:
        """1 where a row has the label, else 0; labels that the training part never had are passed over. (N, K)"""
        target = torch.zeros(len(labels), len(self.facts.labels))
        for row, label in enumerate(labels):
            for name in map(str, names_of(label)):
                if name in self._number:
                    target[row, self._number[name]] = 1
        return {"target": target}

    def loss(self, model: nn.Module, batch: Batch) -> Losses:
        """Binary cross-entropy, summed over rows and labels."""
        logits = model(batch["input"]).float()
        weights = self._weights(logits.device)
        return Losses({"loss": binary_cross_entropy(logits, batch["target"], self.settings.smoothing, weights)})

    def counts(self, batch: Batch) -> dict[str, float]:
        """Questions: rows times labels."""
        return {"loss": float(len(batch) * len(self.facts.labels))}

    def predict(self, model: nn.Module, batch: Batch) -> Predictions:
        logits = self.outputs(model, batch)
        return {"logits": logits, "probability": logits.sigmoid()}

    def metrics(self) -> dict[str, Metric]:
        return {
            "mean_average_precision": MultiLabel("mean_average_precision"),
            "loss": MultiLabel("loss"),
            "f1": MultiLabel("f1_macro"),
            "f1_micro": MultiLabel("f1_micro"),
            "exact_match": MultiLabel("exact_match"),
        }

    def answers(self, predictions: Predictions) -> list[dict[str, Any]]:
        """The labels above 0.5, the surest first; `confidence` is how likely all K answers are right together."""
        shares = predictions["probability"]
        best = shares.topk(min(5, len(self.facts.labels)), dim=1)
        sure = torch.maximum(shares, 1 - shares).prod(1).tolist()
        found: list[dict[str, Any]] = []
        for row, numbers in enumerate(shares.argsort(1, descending=True).tolist()):
            said = [self.facts.labels[number] for number in numbers if shares[row, number] > 0.5]
            pairs = zip(best.indices[row].tolist(), best.values[row].tolist(), strict=True)
            top = [{"label": self.facts.labels[number], "confidence": share} for number, share in pairs]
            found.append({"prediction": said, "confidence": sure[row], "top": top})
        return found

    def _weights(self, device: torch.device) -> Tensor | None:
        """Of each label, how many noes come to one yes."""
        if self.settings.class_weights == "none":
            return None
        yes = torch.tensor(self.facts.counts, dtype=torch.float32, device=device)
        return (self.facts.rows - yes) / yes


CATALOGUE = {"multilabel": MultiLabelSettings()}
