"""Caption: a picture to a sentence, written word by word by beam search, each word with a look at the picture.

loss = Σ_t -log softmax(z_t)_{y_t} / tokens, with z_t from the picture and the true tokens before t (teacher forcing)

A picture may have several captions: each visit of a training draws one of them, checks ask for the first, and what is
told is measured by all. A caption longer than `longest` is cut and then has no end. Of a video each shot is told of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from annotated_types import Ge, Le, Lt
from torch import nn

from deepglass.data.example import Batch, Column, padded, ragged
from deepglass.data.readers.shots import Shot
from deepglass.data.source import Index
from deepglass.data.vocabulary import Vocabulary, VocabularySettings, learn_vocabulary
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import Captions, Image, Ports, Steps
from deepglass.foundation.seeds import Draws
from deepglass.foundation.words import say
from deepglass.metrics.bleu import BLEU
from deepglass.metrics.cider import CIDEr
from deepglass.metrics.exact import ExactMatch
from deepglass.metrics.rouge import RougeL
from deepglass.metrics.told import APART
from deepglass.tasks.inputs import OneInput, learn_inputs
from deepglass.tasks.kinds.picture import PictureFacts, PictureSettings
from deepglass.tasks.task import Losses, Metric, Predictions, Stream, said
from deepglass.tasks.writing import (
    MARKS,
    TeacherForced,
    as_ragged,
    beam_of,
    next_token_loss,
    refuse_silent,
    retold,
    shifted,
    token_counts,
    utf8,
    written_rows,
)
from deepglass.views.looked import Looked
from deepglass.views.view import View


@dataclass(frozen=True, kw_only=True, slots=True)
class CaptionFacts:
    """What was learned once from the training part."""

    inputs: PictureFacts
    vocabulary: Vocabulary | None = None  # of the captions


@dataclass(frozen=True, kw_only=True, slots=True)
class CaptionSettings:
    """What is asked of a network that tells what it sees."""

    facts_type: ClassVar = CaptionFacts

    smoothing: Annotated[float, Ge(0), Lt(1)] = 0.1
    beam: Annotated[int, Ge(1), Le(64)] = 4  # ways that are followed at once; 1: always the likeliest next word
    norm: Annotated[float, Ge(0), Le(5)] = 0.6  # how much longer sentences are favoured (beam.py, α)
    longest: Annotated[int, Ge(1), Le(1000)] = 40  # tokens of a caption that are learned, and that are written
    vocabulary: VocabularySettings = VocabularySettings(level="words", size=10_000)
    picture: PictureSettings = PictureSettings(fit="pad")  # mirrored pictures would make "left" mean right

    def learn(self, index: Index, size: tuple[int, int], channels: int) -> CaptionFacts:
        """The inputs' facts; the vocabulary follows when the captions are read."""
        inputs = learn_inputs(index, self, size, channels)
        assert isinstance(inputs, PictureFacts)
        return CaptionFacts(inputs=inputs)

    def build(self, facts: CaptionFacts) -> "Caption":
        """The task with what it learned."""
        return Caption(self, facts)


class Caption(OneInput):
    """The task of telling what a picture shows."""

    settings: CaptionSettings
    facts: CaptionFacts
    feeds = ("input", "so_far")
    searches = True
    recodes = True
    tells_films = True  # a sentence for every shot of a video

    @property
    def target(self) -> Vocabulary | None:
        """The tokens of what is written; none until they are learned."""
        return self.facts.vocabulary

    def asks(self) -> Ports:
        picture, tokens = self.takes(), len(self.target) if self.target else 1 + len(MARKS)
        assert isinstance(picture, Image)
        return Ports(Captions(picture, tokens), Steps(tokens, "later"))

    def streams(self) -> dict[str, Stream]:
        self.metrics()  # asked before the first step: what cannot be measured at the end is not begun
        return super().streams()

    def code(self, labels: Sequence[Any]) -> dict[str, Column]:
        """Captions as UTF-8 with line ends between them; once tokens are learned, all of them between their marks.

        uint8, int32
        """
        texts = [label or ("",) for label in labels]
        columns: dict[str, Column] = {"target": utf8(APART.join(own) for own in texts)}
        if self.target:
            every = [np.frombuffer(text.encode(), dtype=np.uint8) for own in texts for text in own]
            rows = iter(written_rows(self.target, every, [True] * len(every), self.settings.longest))
            columns["so_far"] = as_ragged([np.concatenate([next(rows) for _ in own]) for own in texts])
        return columns

    def settle(self, columns: Mapping[str, Any]) -> CaptionFacts:
        facts = super().settle(columns)
        if self.target:
            return facts
        every = [bytes(row.numpy()).decode() for row in columns["target"].each()]
        captions = (caption for text in every for caption in text.split(APART))
        return replace(facts, vocabulary=learn_vocabulary(captions, self.settings.vocabulary, MARKS))

    def present(self, batch: Batch, draws: Draws | None = None) -> Batch:
        """The picture, what is written so far of one of its captions, and what comes next. Padded (B, L) each"""
        shown = self.kind.present(batch["input"], self.facts.inputs, self.settings, draws)
        if "so_far" not in batch:
            return batch.with_columns(input=shown)
        assert self.target
        whole = padded(batch["so_far"])
        return batch.with_columns(input=shown, **shifted(one_of_several(whole, self.target.mark("begin"), draws)))

    def loss(self, model: nn.Module, batch: Batch) -> Losses:
        return next_token_loss(model, batch, self.settings.smoothing)

    def counts(self, batch: Batch) -> dict[str, float]:
        return token_counts(batch)

    def checks(self) -> TeacherForced:
        """What the checks of a training ask instead."""
        return TeacherForced(self)

    def predict(self, model: nn.Module, batch: Batch) -> Predictions:
        """The sentences as UTF-8 and as tokens, how likely each is, and where each token looked on which grid."""
        assert self.target
        refuse_silent(model)
        limits = torch.full((len(batch),), self.settings.longest + 1, device=batch["input"].device)
        beam = beam_of(self.target, self.settings.beam, self.settings.norm, never=(0,))
        tokens, score, looked = beam.search(model, batch["input"], limits)  # pyright: ignore
        rows = [values[:length].cpu() for values, length in zip(*tokens, strict=True)]
        maps = [own[: len(row)].flatten().cpu() for own, row in zip(looked, rows, strict=True)]
        grid = torch.tensor([looked.shape[2:]] * len(rows)).view(len(rows), -1)
        return {
            "text": utf8(self.target.decode(row.tolist()) for row in rows),
            "confidence": (score * beam.penalty(tokens.lengths + 1)).exp(),
            "tokens": ragged(rows),
            "attention": ragged(maps),
            "grid": grid,
        }

    def retold(self, batch: Batch, predictions: Predictions) -> Batch:
        """The batch with what was predicted in the place of what is written so far."""
        assert self.target
        return retold(self.target, batch, predictions)

    def metrics(self) -> dict[str, Metric]:
        return {"bleu": BLEU(APART), "cider": CIDEr(), "rouge_l": RougeL(), "exact": ExactMatch()}

    def answers(self, predictions: Predictions) -> list[dict[str, Any]]:
        """The sentence, how likely it is, and each of its words with where it looked: shares of the network's frame."""
        assert self.target
        columns = [predictions[name].each() for name in ("text", "tokens", "attention")]
        sure, grids = predictions["confidence"].tolist(), predictions["grid"].tolist()
        found: list[dict[str, Any]] = []
        for text, tokens, looked, confidence, grid in zip(*columns, sure, grids, strict=True):
            maps = looked.double().view(len(tokens), *map(int, grid)).numpy().round(4).tolist()
            names = [self.target.shown(token).strip() or "␣" for token in tokens.tolist()]
            words = [{"word": name, "looked": own} for name, own in zip(names, maps, strict=True)]
            found.append({"prediction": bytes(text.cpu().numpy()).decode(), "confidence": confidence, "words": words})
        return found

    def dated(self, answer: Mapping[str, Any], shot: Shot) -> dict[str, Any]:
        """The answer about a shot, with its times in seconds."""
        return {**answer, "start": round(shot.start, 3), "end": round(shot.end, 3)}

    def show(self, raw: Any, answer: Mapping[str, Any]) -> list[View]:
        """The picture with its sentence, and where the network looked for each word."""
        views: list[View] = [self.kind.show(raw, self.facts.inputs, said(answer))]
        words = [one["word"] for one in answer["words"]]
        if words:
            maps = np.array([one["looked"] for one in answer["words"]])
            framed = np.asarray(self._form(raw)).transpose(1, 2, 0)  # the picture as the network saw it
            views.append(Looked(framed, words, maps, say("tasks.looked_at_picture")))
        return views


def one_of_several(whole: Padded, begin: int, draws: Draws | None = None) -> Padded:
    """One row of each that holds several, every one behind its begin: drawn, or the first. (B, ΣL) -> (B, L)

    >>> one_of_several(Padded(torch.tensor([[1, 5, 2, 1, 6, 7, 2]]), torch.tensor([7])), begin=1).values
    tensor([[1, 5, 2]])
    """
    begins = whole.values == begin
    number, count = begins.cumsum(1), begins.sum(1)
    chosen = (draws.uniform("caption") * count).long() if draws else torch.zeros_like(count)
    own = (number == chosen[:, None] + 1) & whole.mask
    lengths = own.sum(1)
    places = own.int().argmax(1)[:, None] + torch.arange(int(lengths.max()), device=lengths.device)
    values = whole.values.gather(1, places.clamp(max=whole.values.shape[1] - 1))
    return Padded(values, lengths).with_values(values)


CATALOGUE = {"caption": CaptionSettings()}
