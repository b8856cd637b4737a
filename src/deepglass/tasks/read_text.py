"""Read text: a picture of a line of text to the text, in any alphabet, by connectionist temporal classification.

loss = Σ_rows ctc(z, y) / letters, with z the V logits of every column: the blank and the alphabet of the training part;
for the first steps the letters are taken to be spread evenly, or nothing would be learned for long.
A picture of two lines is read as one: the lower half is laid behind the upper one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal

import torch
from annotated_types import Ge
from torch import nn

from deepglass.data.example import Batch, Column, Form
from deepglass.data.readers.picture import Fit
from deepglass.data.source import Index
from deepglass.data.transcript import transcript
from deepglass.foundation.errors import DataError, RunFailed
from deepglass.foundation.ports import Ports, Steps
from deepglass.foundation.seeds import Draws
from deepglass.foundation.words import say
from deepglass.losses.ctc import alignable, ctc, ctc_count, flat_start
from deepglass.metrics.error_rate import ErrorRate, WholeText, texts
from deepglass.tasks.inputs import OneInput, learn_inputs
from deepglass.tasks.kinds.picture import PictureFacts, PictureSettings
from deepglass.tasks.letters import Alphabet, read_letters, written
from deepglass.tasks.task import Losses, Metric, Predictions
from deepglass.views.picture import Picture
from deepglass.views.view import View


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadTextFacts:
    """What was learned once from the training part."""

    alphabet: str  # every character that occurs, in the order of Unicode; symbol 0 is the blank
    inputs: PictureFacts


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadTextSettings:
    """What is asked of a network that reads lines."""

    facts_type: ClassVar = ReadTextFacts

    lines: Literal[1, 2] = 1  # of a picture; 2: one above the other, each half of the height
    flat: Annotated[int, Ge(0)] = 300  # steps in which letters are looked for evenly spread, before they are found
    picture: PictureSettings = field(default_factory=lambda: PictureSettings(fit="pad"))

    def learn(self, index: Index, size: tuple[int, int], channels: int) -> ReadTextFacts:
        """The alphabet from the training part's texts."""
        if index.kind != "picture":
            raise DataError("tasks.no_lines", kind=index.kind)
        alphabet = "".join(sorted({letter for label in index.labels if label is not None for letter in said(label)}))
        if not alphabet.strip():
            raise DataError("tasks.no_line_texts", count=len(index))
        inputs = learn_inputs(index, self, size, channels)
        assert isinstance(inputs, PictureFacts)
        return ReadTextFacts(alphabet=alphabet, inputs=inputs)

    def build(self, facts: ReadTextFacts) -> "ReadText":
        """The task with what it learned."""
        return ReadText(self, facts)


class ReadText(OneInput):
    """The task of writing down what stands in a picture."""

    settings: ReadTextSettings
    facts: ReadTextFacts

    def asks(self) -> Ports:
        return Ports(self.takes(), Steps(1 + len(self.facts.alphabet)))

    @property
    def _form(self) -> Form:
        """Two lines are kept as they are, twice as high and half as wide as the one that they become."""
        inputs, lines = self.facts.inputs, self.settings.lines
        size = (lines * inputs.height, inputs.width // lines)
        return Fit(inputs.channels, *size, self.settings.picture.fit, inputs.smooth)

    def preparation(self) -> Any:
        return [*super().preparation(), self.settings.lines]

    def code(self, labels: Sequence[Any]) -> dict[str, Column]:
        """Each text as Unicode numbers, characters that training never had among them; empty where there is none."""
        return {"target": written(["" if label is None else said(label) for label in labels])}

    def present(self, batch: Batch, draws: Draws | None = None) -> Batch:
        """Standardised, the lines of a picture one behind the other."""
        kept = self._form
        assert isinstance(kept, Fit)
        stored = replace(self.facts.inputs, height=kept.height, width=kept.width)
        shown = self.kind.present(batch["input"], stored, self.settings, draws)
        return batch.with_columns(input=torch.cat(shown.chunk(self.settings.lines, 2), 3))

    def counts(self, batch: Batch) -> dict[str, float]:
        return {"loss": ctc_count(self._alphabet.symbols(batch["target"]))}

    def loss(self, model: nn.Module, batch: Batch) -> Losses:
        """Connectionist temporal classification, summed over the rows that have columns enough for their letters."""
        logits, target = model(batch["input"]), self._alphabet.symbols(batch["target"])
        if not alignable(logits.lengths, target).any():
            steps, letters = int(logits.lengths.max()), int(target.lengths.max())
            raise RunFailed("tasks.too_few_columns", id=batch.ids[0], steps=steps, letters=letters)
        return Losses({"loss": (flat_start if batch.step < self.settings.flat else ctc)(logits, target)})

    def predict(self, model: nn.Module, batch: Batch) -> Predictions:
        """Texts as Unicode numbers, ragged int32, and how sure their characters are, (B,)."""
        found = read_letters(model(batch["input"]), self._alphabet)
        return {"text": written(found.texts), "confidence": found.sure}

    def metrics(self) -> dict[str, Metric]:
        return {"cer": ErrorRate("letters"), "whole_text": WholeText()}

    def answers(self, predictions: Predictions) -> list[dict[str, Any]]:
        sure = predictions["confidence"].tolist()
        read = texts(predictions["text"])
        return [{"prediction": text, "confidence": one} for text, one in zip(read, sure, strict=True)]

    def show(self, raw: Any, answer: Mapping[str, Any]) -> list[View]:
        return [Picture(raw.pixels, answer["prediction"] or say("tasks.nothing_read"))]

    @cached_property
    def _alphabet(self) -> Alphabet:
        return Alphabet(self.facts.alphabet)


def said(label: Any) -> str:
    """A text as it is learned: every character as it stands, spaces single and only between words."""
    return transcript(str(label), "written")


CATALOGUE = {"read_text": ReadTextSettings()}
