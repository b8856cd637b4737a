"""Transcribe: speech to the letters of what is said, by connectionist temporal classification.

loss = Σ_rows ctc(z, y) / letters, with z the V logits of every step: the blank and the alphabet; the answer is the best
path, or what a beam finds that also listens to an n-gram model of the training part's transcripts. With an agreement
each row is heard twice under different masks, and the two are to give the same letters at the same steps:
loss = ½ ctc(z, y) + ½ ctc(z', y) + agreement · disagreement(z, z').
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from annotated_types import Ge, Le
from torch import nn

from deepglass.data.augment.sound import mask_features
from deepglass.data.example import Batch, Column, Ragged, ragged
from deepglass.data.source import Index
from deepglass.data.transcript import Letters, transcript
from deepglass.foundation.errors import DataError, RunFailed
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import Ports, Steps
from deepglass.foundation.seeds import Draws
from deepglass.foundation.words import say
from deepglass.losses.ctc import alignable, ctc, ctc_count, disagreement
from deepglass.metrics.error_rate import ErrorRate, texts
from deepglass.tasks.ctc import Listening, beam_search, greedy, when
from deepglass.tasks.inputs import OneInput, learn_inputs
from deepglass.tasks.kinds.sound import SoundFacts, SoundSettings, spectrogram
from deepglass.tasks.letters import Alphabet, written
from deepglass.tasks.ngram import NGram, fit_ngram
from deepglass.tasks.task import Losses, Metric, Predictions
from deepglass.views.spectrogram import Mark
from deepglass.views.table import Table
from deepglass.views.view import View


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """One array of the language model, as a bundle's text keeps it."""

    name: str
    type: Literal["<i8", "<f4"]
    content: str  # base64


@dataclass(frozen=True, kw_only=True, slots=True)
class TranscribeFacts:
    """What was learned once from the training part."""

    alphabet: str  # every letter that occurs, in the order of Unicode; symbol 0 is the blank
    language: tuple[Stored, ...]  # the n-gram model of the transcripts; empty where none was asked for
    inputs: SoundFacts


@dataclass(frozen=True, kw_only=True, slots=True)
class TranscribeSettings:
    """What is asked of a network that writes down what is said."""

    facts_type: ClassVar = TranscribeFacts

    letters: Letters = "spoken"  # spoken: small letters and digits; written: with capitals and punctuation
    beam: Annotated[int, Ge(1), Le(256)] = 16  # texts kept in mind; 1: the best path alone, which listens to nothing
    order: Annotated[int, Ge(0), Le(10)] = 5  # letters that the language model looks at together; 0: no such model
    weight: Annotated[float, Ge(0), Le(5)] = 0.4  # how much the language counts beside the sound
    bonus: Annotated[float, Ge(-5), Le(5)] = 0.5  # for every letter: what the language takes from long texts
    agreement: Annotated[float, Ge(0), Le(10)] = 0.0  # how much two hearings are to agree; 0: each row is heard once
    sound: SoundSettings = SoundSettings(longest=600.0)

    def learn(self, index: Index, size: tuple[int, int], channels: int) -> TranscribeFacts:
        """Alphabet and language from the training part's transcripts."""
        if index.kind != "sound":
            raise DataError("tasks.no_speech", kind=index.kind)
        told = [transcript(str(label), self.letters) for label in index.labels if label is not None]
        alphabet = "".join(sorted(set("".join(told))))
        if not alphabet.strip():
            raise DataError("tasks.no_transcripts", count=len(told))
        language = _language(told, alphabet, self.order) if self.order else ()
        return TranscribeFacts(
            alphabet=alphabet,
            language=language,
            inputs=learn_inputs(index, self, size, channels),  # pyright: ignore
        )

    def build(self, facts: TranscribeFacts) -> "Transcribe":
        """The task with what it learned."""
        return Transcribe(self, facts)


class Transcribe(OneInput):
    """The task of writing down what is said."""

    settings: TranscribeSettings
    facts: TranscribeFacts

    @property
    def searches(self) -> bool:
        """Whether a beam is followed."""
        return self.settings.beam > 1

    def asks(self) -> Ports:
        return Ports(self.takes(), Steps(1 + len(self.facts.alphabet)))

    def code(self, labels: Sequence[Any]) -> dict[str, Column]:
        """Each transcript as Unicode numbers, letters that training never had among them; empty where there is none."""
        rows = ["" if label is None else transcript(str(label), self.settings.letters) for label in labels]
        return {"target": written(rows)}

    def present(self, batch: Batch, draws: Draws | None = None) -> Batch:
        if draws is None or not self.settings.agreement:
            return batch.with_columns(input=self.kind.present(batch["input"], self.facts.inputs, self.settings, draws))
        augment = self.settings.sound.augment
        bare = replace(self.settings.sound, augment=replace(augment, time_masks=0, band_masks=0))
        heard = self.kind.present(batch["input"], self.facts.inputs, replace(self.settings, sound=bare), draws)
        once, again = (mask_features(heard, each, augment) for each in (draws, draws.for_purpose("again")))
        return batch.with_columns(input=once, again=again)  # pyright: ignore

    def counts(self, batch: Batch) -> dict[str, float]:
        return {"loss": ctc_count(self._alphabet.symbols(batch["target"]))}

    def loss(self, model: nn.Module, batch: Batch) -> Losses:
        """Connectionist temporal classification, summed over the rows that have steps enough for their letters."""
        target = self._alphabet.symbols(batch["target"])
        heard = [batch[name] for name in ("input", "again") if name in batch]
        logits = model(Padded(*(torch.cat(parts) for parts in zip(*heard, strict=True))))
        each = [Padded(*parts) for parts in zip(*(part.split(len(batch)) for part in logits), strict=True)]
        lengths = each[0].lengths
        if not alignable(lengths, target).any():
            steps, letters = int(lengths.max()), int(target.lengths.max())
            raise RunFailed("tasks.too_few_steps", id=batch.ids[0], steps=steps, letters=letters)
        loss = torch.stack([ctc(one, target) for one in each]).mean()
        return Losses({"loss": loss if len(each) == 1 else loss + self.settings.agreement * disagreement(*each)})

    def predict(self, model: nn.Module, batch: Batch) -> Predictions:
        """Texts as Unicode numbers, by the beam and by the best path, and when each letter of the former was said.

        text, greedy int32, start, end (seconds) and sure (ln p) float32, all ragged; confidence (B,)
        """
        heard: Padded = batch["input"]
        logits: Padded = model(heard)
        each = logits.values.float().log_softmax(2).cpu().numpy()
        rows = [row[:steps] for row, steps in zip(each, logits.lengths.tolist(), strict=True)]
        best = greedy(rows)
        found = best if self.settings.beam == 1 else beam_search(rows, self.settings.beam, self._listening)
        spoken = when(rows, found)
        hop = self.settings.sound.features.hop_samples / self.settings.sound.features.rate
        step = (
            hop * heard.lengths.cpu() / logits.lengths.cpu().clamp(min=1)
        ).tolist()  # seconds of the network's steps
        sure = [one.sure if len(one.sure) else row[:, 0] for one, row in zip(spoken, rows, strict=True)]
        return {
            "text": written([self._alphabet.text(text) for text in found]),
            "greedy": written([self._alphabet.text(text) for text in best]),
            "start": _floats([one.start * each for one, each in zip(spoken, step, strict=True)]),
            "end": _floats([one.end * each for one, each in zip(spoken, step, strict=True)]),
            "sure": _floats([one.sure for one in spoken]),
            "confidence": torch.tensor([float(np.exp(one.mean())) if len(one) else 0.0 for one in sure]),
        }

    def metrics(self) -> dict[str, Metric]:
        words: dict[str, Metric] = {"wer": ErrorRate("words")} if " " in self.facts.alphabet else {}
        plain: dict[str, Metric] = {"cer_greedy": ErrorRate("letters", "greedy")} if self.settings.beam > 1 else {}
        return {"cer": ErrorRate("letters"), **words, **plain}

    def answers(self, predictions: Predictions) -> list[dict[str, Any]]:
        said = texts(predictions["text"])
        times = [[part.tolist() for part in _ragged(predictions[name]).each()] for name in ("start", "end", "sure")]
        sure = predictions["confidence"].tolist()  # pyright: ignore
        return [
            {"prediction": text, "confidence": confidence, "words": timed_words(text, *row)}
            for text, confidence, *row in zip(said, sure, *times, strict=True)
        ]

    def show(self, raw: Any, answer: Mapping[str, Any]) -> list[View]:
        marks = [
            Mark(at, letter)
            for word in answer["words"]
            for at, letter in zip(word["letters"], word["word"], strict=True)
        ]
        view = spectrogram(raw, answer["prediction"] or say("tasks.nothing_said"), marks)
        if not answer["words"]:
            return [view]
        names = tuple(say(f"tasks.{name}") for name in ("word", "start", "end", "confidence"))
        rows = [[word[name] for name in ("word", "start", "end", "confidence")] for word in answer["words"]]
        return [view, Table(names, rows, say("tasks.words_in_time"))]

    @cached_property
    def _alphabet(self) -> Alphabet:
        return Alphabet(self.facts.alphabet)

    @cached_property
    def _listening(self) -> Listening | None:
        if not self.facts.language or not self.settings.weight:
            return None
        tables = {one.name: np.frombuffer(base64.b64decode(one.content), one.type) for one in self.facts.language}
        model = NGram.of(tables)
        return Listening(model, len(model.orders) - 1, self.settings.weight, self.settings.bonus)


def timed_words(text: str, start: Sequence[float], end: Sequence[float], sure: Sequence[float]) -> list[dict[str, Any]]:
    """Each word with when it begins and ends, when each of its letters begins, and how sure its letters are."""
    words: list[dict[str, Any]] = []
    place = 0
    for word in text.split(" "):
        part = slice(place, place + len(word))
        if word:
            sureness = float(np.exp(np.mean(sure[part])))
            letters = [round(at, 3) for at in start[part]]
            times = {"start": letters[0], "end": round(end[part][-1], 3)}
            words.append({"word": word, **times, "confidence": sureness, "letters": letters})
        place += len(word) + 1
    return words


def _language(told: Sequence[str], alphabet: str, order: int) -> tuple[Stored, ...]:
    """The n-gram model of transcripts between the edges of each, symbol 0."""
    number = {letter: place for place, letter in enumerate(alphabet, start=1)}
    rows = [[0, *(number[letter] for letter in text), 0] for text in told]
    tokens = np.array([symbol for row in rows for symbol in row], dtype=np.int32)
    model = fit_ngram(tokens, 1 + len(alphabet), order, [len(row) for row in rows])
    stored: list[Stored] = []
    for name, table in model.tables().items():
        kind = "<f4" if table.dtype.kind == "f" else "<i8"
        stored.append(Stored(name=name, type=kind, content=base64.b64encode(table.astype(kind).tobytes()).decode()))
    return tuple(stored)


def _floats(rows: Sequence[np.ndarray]) -> Ragged:
    return ragged([torch.from_numpy(np.asarray(row, dtype=np.float32)) for row in rows])


def _ragged(column: Column) -> Ragged:
    assert isinstance(column, Ragged)
    return column


CATALOGUE = {"transcribe": TranscribeSettings()}
