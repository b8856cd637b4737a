"""Semi-supervised: one of K classes for a picture, learned from few pictures with a class and many without.

A generator makes pictures, and the network that names classes has to doubt them: what tells real pictures from made
ones helps to tell classes apart (Salimans et al. 2016, arXiv:1606.03498). Two turns a step. The discriminator pays for
wrong classes of labelled pictures, for doubting unlabelled ones and for believing made ones; then the generator pays
where the mean features of its pictures are far from those of real ones. What comes out classifies.

Letters: B pictures, C H W channels, height and width, Z numbers that a picture is made of, K classes, F features.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from annotated_types import Ge, Le
from torch import Tensor, nn

from deepglass.data.column import tally
from deepglass.data.example import Batch
from deepglass.data.source import Index
from deepglass.foundation.errors import DataError, UsageError
from deepglass.foundation.ports import Ports, Rivals
from deepglass.foundation.seeds import Draws, row_keys, text_keys
from deepglass.losses.adversarial import discriminator_loss
from deepglass.losses.cross_entropy import cross_entropy
from deepglass.losses.semi_supervised import any_class, features_apart
from deepglass.metrics.players import EVEN, standing
from deepglass.tasks.classify import Classify, ClassifyFacts, ClassifySettings
from deepglass.tasks.flight import STANDING, FlightRecorder
from deepglass.tasks.generate_images import AT_ONCE, GAME_DECAY, as_bytes, within
from deepglass.tasks.inputs import OneInput, Views
from deepglass.tasks.kinds.picture import PictureFacts, PictureSettings
from deepglass.tasks.task import Losses, Metric, Predictions, Some, Stream, Turn, rows

LABELLED = "labelled"  # the stream of pictures whose class is known


@dataclass(frozen=True, kw_only=True, slots=True)
class SemiSupervisedFacts:
    """What was learned once from the training part."""

    labels: tuple[str, ...]
    counts: tuple[int, ...]
    unlabelled: int  # pictures without a class
    inputs: PictureFacts


@dataclass(frozen=True, kw_only=True, slots=True)
class SemiSupervisedSettings:
    """What is asked of a classifier that learns beside a generator."""

    facts_type: ClassVar = SemiSupervisedFacts
    unlabelled: ClassVar = True  # pictures without a class are no mistake

    latent: Annotated[int, Ge(1), Le(4096)] = 100  # numbers that a picture is made of
    labelled: Annotated[float, Ge(0.01), Le(4)] = 1.0  # labelled pictures of a step, for each unlabelled one
    doubt: Annotated[float, Ge(0), Le(100)] = 1.0  # weight of telling real from made, beside that of the classes
    smoothing: Annotated[float, Ge(0), Le(0.9)] = 0.0
    test_views: Views = "plain"  # answer with a mean over the picture, its mirror image, and both moved by a pixel
    picture: PictureSettings = PictureSettings()

    def learn(self, index: Index, size: tuple[int, int], channels: int) -> SemiSupervisedFacts:
        """Classes and how many pictures have none; pictures go from -1 to 1, as tanh makes them."""
        if index.kind != "picture":
            raise UsageError("tasks.only_pictures", task="semi_supervised", kind=index.kind)
        if self.picture.augment.mixes:
            raise UsageError("tasks.mixed_pictures")
        unlabelled = tally(index.labels).get(None, 0)
        if not unlabelled:
            raise DataError("tasks.no_unlabelled", count=len(index))
        known = self.classifies.learn(index, size, channels)
        assert isinstance(known.inputs, PictureFacts)
        half = (0.5,) * known.inputs.channels
        inputs = replace(known.inputs, mean=half, std=half)
        return SemiSupervisedFacts(labels=known.labels, counts=known.counts, unlabelled=unlabelled, inputs=inputs)

    @property
    def classifies(self) -> ClassifySettings:
        """Those of the same question where every picture has a class."""
        return ClassifySettings(smoothing=self.smoothing, test_views=self.test_views, picture=self.picture)

    def build(self, facts: SemiSupervisedFacts) -> "SemiSupervised":
        """The task with what it learned."""
        return SemiSupervised(self, facts)


class SemiSupervised(OneInput, nn.Module):
    """The task of naming one class of K where most pictures have none. It remembers how the game stands."""

    settings: SemiSupervisedSettings
    facts: SemiSupervisedFacts
    unlabelled: ClassVar = True
    game: Tensor  # (3,): running means of `standing`

    def __init__(self, settings: SemiSupervisedSettings, facts: SemiSupervisedFacts):
        nn.Module.__init__(self)
        OneInput.__init__(self, settings, facts)
        self.register_buffer("game", torch.full((3,), EVEN))
        known = ClassifyFacts(labels=facts.labels, counts=facts.counts, inputs=facts.inputs)
        self.classify = Classify(settings.classifies, known)  # what is asked of it once it has learned

    def asks(self) -> Ports:
        return Ports(self.takes(), Rivals(len(self.facts.labels), self.settings.latent))

    def streams(self) -> dict[str, Stream]:
        """All pictures, those with a class among them, and beside them those with a class alone."""
        return {"unlabelled": Stream(lambda label: True), LABELLED: Stream(share=self.settings.labelled)}

    def code(self, labels: Sequence[Any]) -> dict[str, Tensor]:
        """Class numbers, -1 where there is none. int64 (N,)"""
        return self.classify.code(labels)

    def present(self, batch: Batch, draws: Draws | None = None) -> Batch:
        """Pictures of both streams from -1 to 1 (B, C, H, W); in training what others are made of: latent (B, Z)"""
        shown = self._shown(batch, draws)
        if draws is None:
            return shown
        others = {name: self._shown(other, other.draws("augment")) for name, other in batch.streams.items()}
        latent = batch.draws("latent").normal("numbers", self.settings.latent)
        return replace(shown.with_columns(latent=latent), streams=others)

    def _shown(self, batch: Batch, draws: Draws | None) -> Batch:
        pictures = self.kind.present(batch["input"], self.facts.inputs, self.settings, draws)
        return batch.with_columns(input=pictures)

    def turns(self) -> list[Turn]:
        return [Turn("discriminator", self.judged, _both), Turn("generator", self.matched, rate=slower)]

    def judged(self, model: nn.Module, batch: Batch) -> Losses:
        """The discriminator's turn: classes of labelled pictures, and whether pictures are real at all."""
        known = batch.streams[LABELLED]
        with torch.no_grad():
            made = model.generator(batch["latent"])  # pyright: ignore
        pictures = torch.cat([known["input"], batch["input"], made])
        named, real, found = model(pictures).float().split([len(known), len(batch), len(batch)])
        classes = cross_entropy(named, known["target"], self.settings.smoothing)
        doubt = discriminator_loss(any_class(real), any_class(found), "non_saturating")
        with torch.no_grad():
            self.game.lerp_(standing(any_class(real), any_class(found), "non_saturating"), 1 - GAME_DECAY)
        return Losses({"classes": classes, "real": self.settings.doubt / 2 * doubt})

    def matched(self, model: nn.Module, batch: Batch) -> Losses:
        """The generator's turn: the mean features of its pictures against those of real ones."""
        features = model.discriminator.features  # pyright: ignore
        with torch.no_grad():
            real = features(batch["input"])  # pyright: ignore
        made = features(model.generator(batch["latent"]))  # pyright: ignore
        return Losses({"generator": features_apart(real.float(), made.float())})

    def predict(self, model: nn.Module, batch: Batch) -> Predictions:
        """Logits and probabilities of the classes (B, K), and how real the pictures look (B,)."""
        found = self.classify.predict(model, batch)
        return {**found, "real": any_class(found["logits"]).sigmoid()[:, 0]}

    def metrics(self) -> dict[str, Metric]:
        return self.classify.metrics()

    def checks(self) -> "Painting":
        """The classes, and what the generator makes meanwhile."""
        return Painting(self)

    def recorder(self, known: Some, held: Some) -> FlightRecorder:
        """What looks at the checks of a training. No alarms: a discriminator that tells all apart is welcome here."""
        return FlightRecorder(known, held, (), self._stands, self.settings.picture.augment.flip)

    def _stands(self) -> dict[str, float]:
        return {name: float(value) for name, value in zip(STANDING, self.game, strict=False)}

    def answers(self, predictions: Predictions) -> list[dict[str, Any]]:
        """The class and how sure it is; `real` is how much the picture looks like one of the folder at all."""
        shares = predictions["real"].tolist()
        found = self.classify.answers(predictions)
        return [{**answer, "real": share} for answer, share in zip(found, shares, strict=True)]

    @torch.no_grad()
    def paint(
        self, model: nn.Module, count: int, label: str = "", seed: int = 0, truncation: float = 0.0
    ) -> Iterator[np.ndarray]:
        """So many pictures uint8 (H, W, C) that the generator makes; the same of a seed are the same.

        With `truncation` no number that they are made of is larger, so they are more usual and less varied.
        """
        device = next(model.parameters()).device
        model.eval()
        for start in range(0, count, AT_ONCE):
            latent = self.drawn(min(AT_ONCE, count - start), label, seed, start)["latent"].to(device)
            made = model.generator(within(latent, truncation) if truncation else latent)  # pyright: ignore
            yield from as_bytes(made).cpu().numpy().transpose(0, 2, 3, 1)

    def drawn(self, count: int, label: str = "", seed: int = 0, start: int = 0) -> Batch:
        """What so many pictures of a seed are made of, from this one on: latent (B, Z)"""
        if label:
            raise UsageError("tasks.makes_no_class", label=label)
        numbers = Draws(row_keys(seed, "generate", start, count), "latent")
        return Batch(("",) * count, {"latent": numbers.normal("numbers", self.settings.latent)})


class Painting:
    """What the checks of a training ask: the classes, and beside each row a picture, the same one at every check."""

    def __init__(self, task: SemiSupervised):
        self.task = task
        self.truth = task.truth
        self.metrics = task.metrics

    def present(self, batch: Batch, draws: Draws | None = None) -> Batch:
        """As ever, with what the pictures are made of, which follows from the rows' ids: latent (B, Z)"""
        shown = self.task.present(batch, draws)
        keys = torch.from_numpy(text_keys(0, list(batch.ids)).view(np.int64)).to(shown["input"].device)
        return shown.with_columns(latent=Draws(keys, "latent").normal("numbers", self.task.settings.latent))

    def predict(self, model: nn.Module, batch: Batch) -> Predictions:
        """The classes, and a made picture for each row, uint8 (B, C, H, W)."""
        made = as_bytes(model.generator(batch["latent"]))  # pyright: ignore
        return {**self.task.predict(model, batch), "picture": made}


def slower(done: float) -> float:
    """The generator's rate, as a share of the discriminator's."""
    return 0.5


def _both(batch: Batch) -> dict[str, float]:
    """Classes are counted by labelled pictures, doubts by unlabelled ones."""
    return {"classes": float(len(batch.streams[LABELLED])), **rows(batch)}


CATALOGUE = {"semi_supervised": SemiSupervisedSettings()}
