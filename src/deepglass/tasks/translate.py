"""Translate: a sentence into a sentence of another language, written token by token by beam search.

loss = Σ_t -log softmax(z_t)_{y_t} / tokens, with z_t from the source and the true tokens before t (teacher forcing)

A row's target is begin, its tokens, end; a source ends with end as well. A sentence longer than `text.longest` is cut,
and its target then has no end: where to stop is learned from whole sentences alone.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge, Le, Lt
from torch import Tensor, nn

from deepglass.data.example import Batch, Column, Encoder, padded, ragged
from deepglass.data.readers.text import Line, begun
from deepglass.data.source import Index
from deepglass.data.vocabulary import UNKNOWN, Vocabulary, VocabularySettings, Writer, learn_vocabulary, words
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import Ports, Steps, Translation
from deepglass.foundation.seeds import Draws
from deepglass.foundation.words import say
from deepglass.metrics.bleu import BLEU
from deepglass.metrics.chrf import ChrF
from deepglass.tasks.beam import Beam, Written
from deepglass.tasks.inputs import OneInput
from deepglass.tasks.kinds.text import TextFacts, TextSettings, text_facts
from deepglass.tasks.task import Losses, Metric, Predictions, Stream
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
from deepglass.views.alignment import Alignment
from deepglass.views.text import Sentence
from deepglass.views.view import View

STRETCH, SPARE = 2, 10  # a translation is written in at most so many times its source's tokens, and so many more


@dataclass(frozen=True, kw_only=True, slots=True)
class TranslateFacts:
    """What was learned once from the training part."""

    inputs: TextFacts  # with the source's vocabulary, or the one of both
    target: Vocabulary | None = None  # of a side of its own


@dataclass(frozen=True, kw_only=True, slots=True)
class TranslateSettings:
    """What is asked of a translator."""

    facts_type: ClassVar = TranslateFacts

    shared: bool = True  # one vocabulary for both sides: names, numbers and words in common are the same pieces
    smoothing: Annotated[float, Ge(0), Lt(1)] = 0.1
    beam: Annotated[int, Ge(1), Le(64)] = 4  # ways that are followed at once; 1: always the likeliest next token
    norm: Annotated[float, Ge(0), Le(5)] = 0.6  # how much longer sentences are favoured (beam.py, α)
    copy: bool = True  # an unknown word is written as the word of the source that was looked at most
    text: TextSettings = TextSettings(vocabulary=VocabularySettings(level="pieces", size=8_000), longest=100)

    def learn(self, index: Index, size: tuple[int, int], channels: int) -> TranslateFacts:
        """The inputs' facts; the vocabularies follow when both sides are read."""
        return TranslateFacts(inputs=text_facts(index, "translate"))

    def build(self, facts: TranslateFacts) -> "Translate":
        """The task with what it learned."""
        return Translate(self, facts)


class Translate(OneInput):
    """The task of translating a sentence."""

    settings: TranslateSettings
    facts: TranslateFacts
    feeds = ("input", "so_far")
    searches = True

    @property
    def source(self) -> Vocabulary | None:
        """The tokens of what is read; none until they are learned."""
        return self.facts.inputs.vocabulary

    @property
    def target(self) -> Vocabulary | None:
        """The tokens of what is written."""
        return self.facts.target or self.facts.inputs.vocabulary

    @property
    def _form(self) -> Line:
        return Line(self.settings.text.bytes_kept)

    def asks(self) -> Ports:
        source, target = (len(side) if side else 1 + len(MARKS) for side in (self.source, self.target))
        return Ports(Translation(source, target), Steps(target, "later"))

    def streams(self) -> dict[str, Stream]:
        self.metrics()  # asked before the first step: what cannot be measured at the end is not begun
        return super().streams()

    def code(self, labels: Sequence[Any]) -> dict[str, Column]:
        """The translations' UTF-8, and once tokens are learned their numbers between begin and end. uint8, int32"""
        texts = [np.frombuffer((label or "").encode(), dtype=np.uint8) for label in labels]
        columns: dict[str, Column] = {"target": as_ragged(texts)}
        if self.target:
            cut = [self._begun(text) for text in texts]
            whole = [len(kept) == len(text) for kept, text in zip(cut, texts, strict=True)]
            columns["so_far"] = as_ragged(written_rows(self.target, cut, whole, self.settings.text.longest))
        return columns

    def settle(self, columns: Mapping[str, Any]) -> TranslateFacts:
        if self.source:
            return self.facts
        asked, sources = self.settings.text.vocabulary, columns["input"]
        targets = [self._begun(row.numpy()) for row in columns["target"].each()]
        sides = [itertools.chain(sources, targets)] if self.settings.shared else [sources, targets]
        first, *second = (learn_vocabulary(side, asked, MARKS) for side in sides)
        return TranslateFacts(inputs=replace(self.facts.inputs, vocabulary=first), target=second[0] if second else None)

    def _begun(self, text: np.ndarray) -> np.ndarray:
        """As much of a translation as may be learned from, like what is kept of a source."""
        return begun(text, self.settings.text.bytes_kept)

    def encoder(self) -> Encoder | None:
        return self._encoded if self.source else None

    def present(self, batch: Batch, draws: Draws | None = None) -> Batch:
        """What is read, what is written so far and what comes next. Padded (B, T), (B, L), (B, L)"""
        source = self.kind.present(batch["input"], self.facts.inputs, self.settings, draws)
        if "so_far" not in batch:
            return batch.with_columns(input=source)
        return batch.with_columns(input=source, **shifted(padded(batch["so_far"])))

    def loss(self, model: nn.Module, batch: Batch) -> Losses:
        return next_token_loss(model, batch, self.settings.smoothing)

    def counts(self, batch: Batch) -> dict[str, float]:
        return token_counts(batch)

    def checks(self) -> TeacherForced:
        """What the checks of a training ask instead."""
        return TeacherForced(self)

    def predict(self, model: nn.Module, batch: Batch) -> Predictions:
        """The translations as UTF-8 and as tokens, what they score, the source's tokens and where each token looked."""
        refuse_silent(model)
        source: Padded = batch["input"]
        found = self._beam().search(model, source, STRETCH * source.lengths + SPARE)  # pyright: ignore
        read = [values[:length].cpu() for values, length in zip(*source, strict=True)]
        texts = batch["text"].each() if "text" in batch else [None] * len(batch)
        rows = [(*row, words) for row, words in zip(_rows(found, source.lengths), map(self._words, texts), strict=True)]
        written = [self._written(*row) for row in rows]
        return {
            "text": utf8(written),
            "score": found.score,
            "tokens": ragged([tokens for tokens, *_ in rows]),
            "source": ragged(read),
            "attention": ragged([looked.flatten() for _, looked, _ in rows]),
        }

    def retold(self, batch: Batch, predictions: Predictions) -> Batch:
        assert self.target
        return retold(self.target, batch, predictions)

    def metrics(self) -> dict[str, Metric]:
        return {"bleu": BLEU(), "chrf": ChrF()}

    def answers(self, predictions: Predictions) -> list[dict[str, Any]]:
        """The translation, its score, where each of its tokens looked; and how many words were read of a source cut."""
        assert self.source and self.target
        columns = [predictions[name].each() for name in ("text", "tokens", "source", "attention")]  # pyright: ignore
        found: list[dict[str, Any]] = []
        scores: list[float] = predictions["score"].tolist()  # pyright: ignore
        for text, tokens, source, looked, score in zip(*columns, scores, strict=True):
            weights = looked.double().view(len(tokens), len(source)).numpy().round(3).tolist()
            read, written = _shown(self.source, source), _shown(self.target, tokens)
            alignment = {"source": read, "target": written, "weights": weights}
            answer = {"prediction": bytes(text.cpu().numpy()).decode(), "score": score, "alignment": alignment}
            whole = not len(source) or int(source[-1]) == self.source.mark("end")
            found.append(answer if whole else answer | {"read": self._words_in(source)})
        return found

    def show(self, raw: Any, answer: Mapping[str, Any]) -> list[View]:
        """The sentence, its translation, and where the network looked."""
        told, alignment = answer["prediction"], answer["alignment"]
        views: list[View] = [Sentence(say("tasks.translated", source=" ".join(raw.text.split()), target=told))]
        if alignment["target"]:
            title = say("tasks.looked")
            views.append(Alignment(np.array(alignment["weights"]), alignment["target"], alignment["source"], title))
        return views

    def _beam(self) -> Beam:
        assert self.target
        return beam_of(self.target, self.settings.beam, self.settings.norm, () if self._copies else (0,))

    @property
    def _copies(self) -> bool:
        """Whether unknown words are copied: of pieces none is unknown."""
        return self.settings.copy and self.settings.text.vocabulary.level != "pieces"

    def _encoded(self, columns: Mapping[str, Sequence[np.ndarray]]) -> Mapping[str, Sequence[np.ndarray]]:
        """The tokens and their end, and the text itself where words of it may be copied."""
        assert self.source
        end = np.array([self.source.mark("end")], dtype=np.int32)
        most, texts = self.settings.text.longest + 1, columns["input"]
        tokens = [np.concatenate([row, end])[:most] for row in self.source.encode_all(texts)]
        return {"input": tokens} | ({"text": texts} if self._copies else {})

    def _words_in(self, tokens: Tensor) -> int:
        """How many words the source's tokens make."""
        assert self.source
        writer = Writer(self.source)
        text = "".join([*map(writer.write, tokens.tolist()), writer.end()])
        return sum(word[0].isalnum() for word in words(text))

    def _words(self, text: Tensor | None) -> list[str]:
        """The source's tokens as they are written in it, where they may be copied."""
        if text is None:
            return []
        plain = bytes(text.cpu().numpy()).decode(errors="ignore")
        asked = self.settings.text.vocabulary
        return words(plain, asked.lines) if asked.level == "words" else list(plain)

    def _written(self, tokens: Tensor, looked: Tensor, source: list[str]) -> str:
        """The text of tokens (L,); each unknown one is the word of the source that it looked at most, (L, T)."""
        assert self.target
        writer, places = Writer(self.target), looked[:, : len(source)]  # never the end of the source
        pieces: list[str] = []
        for row, number in enumerate(tokens.tolist()):
            piece = writer.write(number)
            known = number or not source
            pieces.append(piece if known else piece.replace(UNKNOWN, source[int(places[row].argmax())]))
        return "".join([*pieces, writer.end()])


def _rows(found: Written, lengths: Tensor) -> Iterable[tuple[Tensor, Tensor]]:
    """Each row's own tokens (L,) and weights (L, T)."""
    columns = zip(*found.tokens, found.attention, lengths.tolist(), strict=True)
    for tokens, length, looked, steps in columns:
        yield tokens[:length].cpu(), looked[:length, :steps].cpu()


def _shown(vocabulary: Vocabulary, tokens: Tensor) -> list[str]:
    return [vocabulary.shown(token).strip() or "␣" for token in tokens.tolist()]


CATALOGUE = {"translate": TranslateSettings()}
