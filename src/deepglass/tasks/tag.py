"""Tag: a label for every token of a sentence, many-to-many of equal length: parts of speech, names in BIO.

loss = Σ_t -log softmax(z_t)_{y_t} / tokens, with z_t the K logits at token t; predictions are softmax(z_t)

Tags that say where a span begins (B-PER, I-PER, O) are judged by whole spans as well, and those come first.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from annotated_types import Ge, Lt
from torch import nn

from deepglass.data.example import Batch, Column, Encoder, Form, Ragged, padded, ragged
from deepglass.data.readers.text import Given
from deepglass.data.source import Index
from deepglass.data.vocabulary import Vocabulary, VocabularySettings, given
from deepglass.foundation.errors import DataError
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import Ports, Steps
from deepglass.foundation.seeds import Draws
from deepglass.foundation.words import say
from deepglass.losses.tokens import PADDING, token_cross_entropy
from deepglass.metrics.spans import OUTSIDE, SpanF1, TokenAccuracy, in_spans, spans_of
from deepglass.tasks.inputs import OneInput, natural
from deepglass.tasks.kinds.text import TextFacts, TextSettings, text_facts
from deepglass.tasks.task import Losses, Metric, Predictions
from deepglass.views.table import Table
from deepglass.views.tagged import Tagged
from deepglass.views.view import View

READ = VocabularySettings(level="given", size=30_000, least=2)


@dataclass(frozen=True, kw_only=True, slots=True)
class TagFacts:
    """What was learned once from the training part."""

    tags: tuple[str, ...]
    counts: tuple[int, ...]
    inputs: TextFacts


@dataclass(frozen=True, kw_only=True, slots=True)
class TagSettings:
    """What is asked of a tagger."""

    facts_type: ClassVar = TagFacts

    smoothing: Annotated[float, Ge(0), Lt(1)] = 0.0
    text: TextSettings = TextSettings(vocabulary=READ, longest=1 << 14, drop=0.05)

    def learn(self, index: Index, size: tuple[int, int], channels: int) -> TagFacts:
        """The tags of the training part's tokens; the vocabulary follows when they are read."""
        if self.text.vocabulary.level != "given":
            raise DataError("tasks.tag_wants_tokens", level=self.text.vocabulary.level)
        inputs = text_facts(index, "tag")
        found = Counter(tag for tags in index.labels if tags is not None for tag in given(str(tags)))
        if len(found) < 2:
            raise DataError("tasks.one_tag", tag=next(iter(found), "-"), count=found.total())
        tags = sorted(found, key=natural)
        return TagFacts(tags=tuple(tags), counts=tuple(found[tag] for tag in tags), inputs=inputs)

    def build(self, facts: TagFacts) -> "Tag":
        """The task with what it learned."""
        return Tag(self, facts)


class Tag(OneInput):
    """The task of naming a tag for every token."""

    settings: TagSettings
    facts: TagFacts

    def __init__(self, settings: TagSettings, facts: TagFacts):
        super().__init__(settings, facts)
        self._number = {tag: number for number, tag in enumerate(facts.tags)}

    @property
    def spans(self) -> bool:
        """Whether the tags say where spans begin."""
        return in_spans(self.facts.tags)

    def asks(self) -> Ports:
        return Ports(self.takes(), Steps(len(self.facts.tags)))

    @property
    def _form(self) -> Form:
        return Given(self.settings.text.bytes_kept)

    def code(self, labels: Sequence[Any]) -> dict[str, Column]:
        """The tags' numbers, -1 for one that the training part never had; no tags where there is no answer. int64"""
        rows = [given(str(tags or ""))[: self.settings.text.longest] for tags in labels]
        return {"target": ragged([torch.tensor([self._number.get(tag, -1) for tag in row]).long() for row in rows])}

    def encoder(self) -> Encoder | None:
        return None if self.facts.inputs.vocabulary is None else self._encoded

    def present(self, batch: Batch, draws: Draws | None = None) -> Batch:
        """The tokens, and where they are known their tags beside them. Padded (B, T), (B, T)"""
        tokens = self.kind.present(batch["input"], self.facts.inputs, self.settings, draws)
        if "target" not in batch:
            return batch.with_columns(input=tokens)
        told = padded(batch["target"])
        beside = torch.full_like(tokens.values, PADDING)
        width = min(beside.shape[1], told.values.shape[1])
        beside[:, :width] = torch.where(told.mask & (told.values >= 0), told.values, PADDING)[:, :width]
        return batch.with_columns(input=tokens, beside=Padded(beside, tokens.lengths))  # pyright: ignore

    def loss(self, model: nn.Module, batch: Batch) -> Losses:
        """Cross-entropy, summed over the tokens."""
        return Losses({"loss": token_cross_entropy(model(batch["input"]), batch["beside"], self.settings.smoothing)})

    def counts(self, batch: Batch) -> dict[str, float]:
        """Tokens with a tag."""
        return {"loss": float((batch["beside"].values != PADDING).sum())}

    def predict(self, model: nn.Module, batch: Batch) -> Predictions:
        """The likeliest tag of each token and its probability, and the tokens' UTF-8, all ragged."""
        logits: Padded = model(batch["input"])
        sure, tags = logits.values.float().softmax(2).max(2)
        own = logits.mask
        return {
            "tags": Ragged(tags[own], logits.lengths),
            "sure": Ragged(sure[own], logits.lengths),
            "text": _rows(batch["text"]),
        }

    def metrics(self) -> dict[str, Metric]:
        accuracy: dict[str, Metric] = {"token_accuracy": TokenAccuracy()}
        return ({"span_f1": SpanF1(self.facts.tags)} if self.spans else {}) | accuracy

    def answers(self, predictions: Predictions) -> list[dict[str, Any]]:
        """Every token with its tag and how sure it is; the sentence as it is written with its tags in front."""
        columns = [_rows(predictions[name]).each() for name in ("text", "tags", "sure")]
        return [
            self._answer(given(bytes(text.cpu().numpy()).decode()), tags.tolist(), sure.tolist())
            for text, tags, sure in zip(*columns, strict=True)
        ]

    def _answer(self, tokens: list[str], tags: list[int], sure: list[float]) -> dict[str, Any]:
        names = [self.facts.tags[tag] for tag in tags]
        each = [
            {"token": token, "tag": name, "confidence": share}
            for token, name, share in zip(tokens, names, sure, strict=True)
        ]
        confidence = float(np.exp(np.mean(np.log(np.maximum(sure, 1e-12)))))
        if not self.spans:
            told = " ".join(f"{token}/{name}" for token, name in zip(tokens, names, strict=True))
            return {"prediction": told, "confidence": confidence, "tokens": each}
        spans = [
            {
                "label": label,
                "text": " ".join(tokens[start:end]),
                "start": start,
                "end": end,
                "confidence": min(sure[start:end]),
            }
            for start, end, label in spans_of(names)
        ]
        told = _bracketed(tokens, spans)
        return {"prediction": told, "confidence": confidence, "tokens": each, "spans": spans}

    def unseen(self, text: str) -> dict[str, Any]:
        vocabulary = self.facts.inputs.vocabulary
        return {} if vocabulary is None else super().unseen("\n".join(_tokens(text, vocabulary)))

    def show(self, raw: Any, answer: Mapping[str, Any]) -> list[View]:
        """The sentence with its tags, and each token's."""
        tokens = answer["tokens"]
        words, names = [one["token"] for one in tokens], [one["tag"] for one in tokens]
        if self.spans:
            marks = [(one["start"], one["end"], one["label"]) for one in answer["spans"]]
        else:
            marks = [(place, place + 1, name) for place, name in enumerate(names) if name != OUTSIDE]
        kinds = sorted({name.partition("-")[2] if self.spans else name for name in self.facts.tags if name != OUTSIDE})
        heads = tuple(say(f"tasks.{name}") for name in ("word", "tag", "confidence"))
        rows = [[one["token"], one["tag"], one["confidence"]] for one in tokens]
        return [Tagged(words, marks, kinds), Table(heads, rows, say("tasks.tags"))]

    def _encoded(self, columns: Mapping[str, Sequence[np.ndarray]]) -> Mapping[str, Sequence[np.ndarray]]:
        """The tokens' numbers and their UTF-8, one on every line. int32 (T,), uint8 (bytes,)"""
        vocabulary = self.facts.inputs.vocabulary
        assert vocabulary is not None
        longest = self.settings.text.longest
        texts = ["\n".join(_tokens(bytes(text).decode(), vocabulary)[:longest]) for text in columns["input"]]
        kept = [np.frombuffer(bytearray(text.encode()), dtype=np.uint8) for text in texts]
        return {"input": vocabulary.encode_all(texts), "text": kept}


def _tokens(text: str, vocabulary: Vocabulary) -> list[str]:
    """Those that are given, each at the end of its line; else what looks like those that are known."""
    return given(text) if "\n" in text else vocabulary.cut(text)


def _named(tokens: Sequence[str], start: int, end: int, label: str) -> dict[str, Any]:
    """One span; its tokens are those from `start` up to the one before `end`."""
    return {"label": label, "text": " ".join(tokens[start:end]), "start": start, "end": end}


def _bracketed(tokens: Sequence[str], spans: Sequence[Mapping[str, Any]]) -> str:
    """The sentence with its spans in brackets: [PER Anna] lives in [LOC New York]"""
    words = list(tokens)
    for span in spans:
        words[span["start"]] = f"[{span['label']} {words[span['start']]}"
        words[span["end"] - 1] += "]"
    return " ".join(words)


def _rows(column: Column) -> Ragged:
    assert isinstance(column, Ragged)
    return column


CATALOGUE = {"tag": TagSettings()}
