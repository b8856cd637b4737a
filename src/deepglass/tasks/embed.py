"""Embed: a vector of length 1 for each input, near to those of its own class and far from the others'.

What was never seen in training can be found by it: classes of the validation and test parts may be new ones. The
figures ask each example of a part for others of its class among all of that part.

Letters: B rows, D numbers of a vector, K classes of the training part.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from annotated_types import Ge, Gt, Le
from torch import Tensor, nn

from deepglass.data.column import tally
from deepglass.data.example import Batch
from deepglass.data.source import Index
from deepglass.foundation.errors import DataError, UsageError
from deepglass.foundation.ports import Ports, Vector
from deepglass.foundation.seeds import Draws, row_keys
from deepglass.losses.embedding import anchored, arc_face, contrastive, partnered, proxy_anchor, triplet
from deepglass.metrics.retrieval import RecallAt, RetrievalPrecision
from deepglass.tasks.inputs import InputFacts, OneInput, Views, learn_inputs, natural
from deepglass.tasks.kinds.picture import PictureSettings
from deepglass.tasks.kinds.series import SeriesSettings
from deepglass.tasks.kinds.sound import SoundSettings
from deepglass.tasks.kinds.text import TextSettings
from deepglass.tasks.task import Losses, Metric, Predictions

BY_PROXIES = ("arc_face", "proxy_anchor")


@dataclass(frozen=True, kw_only=True, slots=True)
class EmbedFacts:
    """What was learned once from the training part."""

    classes: tuple[str, ...]
    inputs: InputFacts


@dataclass(frozen=True, kw_only=True, slots=True)
class EmbedSettings:
    """What is asked of an embedding."""

    facts_type: ClassVar = EmbedFacts
    embeds: ClassVar = True  # classes that training never had are no mistake

    dimension: Annotated[int, Ge(2), Le(4096)] = 128  # numbers of a vector
    loss: Literal["arc_face", "proxy_anchor", "contrastive", "triplet"] = "arc_face"
    scale: Annotated[float, Gt(0), Le(1000)] = (
        16.0  # what cosines are multiplied with before the softmax; not of triplet
    )
    margin: Annotated[float, Ge(0), Le(1.5)] = 0.1  # how much better than right is asked for; not of contrastive
    test_views: Views = "plain"  # answer with a mean over the picture, its mirror image, and both moved by a pixel
    picture: PictureSettings = PictureSettings()
    text: TextSettings = TextSettings()
    series: SeriesSettings = SeriesSettings()
    sound: SoundSettings = SoundSettings()

    def learn(self, index: Index, size: tuple[int, int], channels: int) -> EmbedFacts:
        """Classes and inputs from the training part's index."""
        counts = {str(label): count for label, count in tally(index.labels).items() if label is not None}
        if len(counts) < 2 or max(counts.values()) < 2:
            raise DataError("tasks.nothing_alike", classes=len(counts), count=len(index))
        if self.picture.augment.mixes:
            raise UsageError("tasks.embed_mixes")
        inputs = learn_inputs(index, self, size, channels)
        return EmbedFacts(classes=tuple(sorted(counts, key=natural)), inputs=inputs)

    def build(self, facts: EmbedFacts) -> "Embed":
        """The task with what it learned."""
        return Embed(self, facts)


class Embed(OneInput, nn.Module):
    """The task of placing what is alike together."""

    settings: EmbedSettings
    facts: EmbedFacts
    embeds: ClassVar = True

    def __init__(self, settings: EmbedSettings, facts: EmbedFacts):
        nn.Module.__init__(self)
        OneInput.__init__(self, settings, facts)
        self._number = {label: number for number, label in enumerate(facts.classes)}
        if settings.loss in BY_PROXIES:
            drawn = Draws(row_keys(0, "proxies", 0, len(facts.classes))).normal("proxy", settings.dimension)
            self.proxies = nn.Parameter(F.normalize(drawn, dim=1))  # (K, D)

    def asks(self) -> Ports:
        return Ports(self.takes(), Vector(self.settings.dimension))

    def code(self, labels: Sequence[Any]) -> dict[str, Tensor]:
        """Class numbers; of classes that the training part never had a hash, negative; -1 is no class. int64 (N,)"""
        return {"target": torch.tensor([self._code(label) for label in labels], dtype=torch.int64)}

    def loss(self, model: nn.Module, batch: Batch) -> Losses:
        """The chosen loss over the rows of a shard."""
        vectors, targets, asked = F.normalize(model(batch["input"]).float(), dim=1), batch["target"], self.settings
        if asked.loss == "arc_face":
            return Losses({"loss": arc_face(vectors, self.proxies, targets, asked.scale, asked.margin)})
        if asked.loss == "proxy_anchor":
            near, far = proxy_anchor(vectors, self.proxies, targets, asked.scale, asked.margin)
            return Losses({"near": near, "far": far})
        if asked.loss == "contrastive":
            return Losses({"loss": contrastive(vectors, targets, asked.scale)})
        return Losses({"loss": triplet(vectors, targets, asked.margin)})

    def counts(self, batch: Batch) -> dict[str, float]:
        """Rows, those of them that have the company they need, or classes."""
        targets, asked = batch["target"], self.settings.loss
        if asked == "proxy_anchor":
            return {"near": float(len(targets.unique())), "far": float(len(self.facts.classes))}
        if asked == "arc_face":
            return {"loss": float(len(batch))}
        return {"loss": max(1.0, float(partnered(targets) if asked == "contrastive" else anchored(targets)))}

    def predict(self, model: nn.Module, batch: Batch) -> Predictions:
        """vector (B, D)"""
        return {"vector": F.normalize(self.outputs(model, batch), dim=1)}

    def metrics(self) -> dict[str, Metric]:
        return {"recall_at_1": RecallAt(1), "retrieval_map": RetrievalPrecision(), "recall_at_5": RecallAt(5)}

    def answers(self, predictions: Predictions) -> list[dict[str, Any]]:
        return [{"prediction": vector} for vector in predictions["vector"].tolist()]

    def _code(self, label: Any) -> int:
        if label is None:
            return -1
        known = self._number.get(str(label))
        if known is not None:
            return known
        name = hashlib.blake2b(str(label).encode(), digest_size=7).digest()
        return -2 - int.from_bytes(name, "big")


CATALOGUE = {"embed": EmbedSettings()}
