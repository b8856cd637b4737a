"""What goes into a network where a task answers one thing about one input; the kinds of input are in tasks/kinds/."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepglass.data.augment.pictures import PictureAugment, mix
from deepglass.data.example import Batch, Column, Encoder, Example, Form
from deepglass.data.source import Index
from deepglass.foundation.ports import Port
from deepglass.foundation.seeds import Draws
from deepglass.foundation.words import say
from deepglass.tasks.kinds.clip import ClipFacts
from deepglass.tasks.kinds.kind import Kind, Seen, kind_named, kind_of
from deepglass.tasks.kinds.picture import PictureFacts
from deepglass.tasks.kinds.series import SeriesFacts
from deepglass.tasks.kinds.sound import SoundFacts
from deepglass.tasks.kinds.text import TextFacts
from deepglass.tasks.kinds.vector import VectorFacts
from deepglass.tasks.kinds.volume import VolumeFacts
from deepglass.tasks.task import Losses, Stream, Turn, rows, said
from deepglass.views.bars import Bars
from deepglass.views.view import View

Views = Literal["plain", "mirror", "crops"]
InputFacts = PictureFacts | VectorFacts | TextFacts | SeriesFacts | SoundFacts | VolumeFacts | ClipFacts


def learn_inputs(index: Index, settings: Any, size: tuple[int, ...], channels: int) -> InputFacts:
    """What is known before anything is prepared: kind, size and columns."""
    return kind_named(index.kind).learn(index, settings, Seen(size, channels))


class OneInput:
    """What every task does whose rows are one input of any kind; each adds its answers and its loss."""

    settings: Any
    facts: Any

    def __init__(self, settings: Any, facts: Any):
        self.settings = settings
        self.facts = facts

    @property
    def kind(self) -> Kind:
        """The kind of its inputs."""
        return kind_of(self.facts.inputs)

    def takes(self) -> Port:
        """What a model must take."""
        return self.kind.port(self.facts.inputs)

    def streams(self) -> dict[str, Stream]:
        return {"train": Stream()}

    def prepare(self, raw: Any, label: Any = None) -> Example:
        values = torch.from_numpy(self._form(raw))
        return Example({"input": values}, {} if label is None else self.code([label]))

    def form(self) -> Form | None:
        return self._form if type(self).prepare is OneInput.prepare else None  # a kind of this task may do more

    @property
    def _form(self) -> Form:
        return self.kind.form(self.facts.inputs, self.settings)

    def preparation(self) -> Any:
        return self.kind.depends(self.facts.inputs, self.settings)

    def code(self, labels: Sequence[Any]) -> Mapping[str, Column]:
        raise NotImplementedError

    def settle(self, columns: Mapping[str, Any]) -> Any:
        inputs = self.kind.settle(self.facts.inputs, self.settings, columns["input"])
        return replace(self.facts, inputs=inputs)

    def encoder(self) -> Encoder | None:
        return self.kind.encoder(self.facts.inputs, self.settings)

    def present(self, batch: Batch, draws: Draws | None = None) -> Batch:
        shown = self.kind.present(batch["input"], self.facts.inputs, self.settings, draws)
        augment: PictureAugment = self.settings.picture.augment
        if draws is None or self.facts.inputs.kind != "picture" or not augment.mixes:
            return batch.with_columns(input=shown)
        targets = self.as_numbers(batch["target"])
        shown, mixed = mix(shown, targets.reshape(len(batch), -1), draws, augment)
        return batch.with_columns(input=shown, target=mixed.reshape(targets.shape))

    def as_numbers(self, target: Tensor) -> Tensor:
        """Targets of which two can be mixed."""
        return target

    def unseen(self, text: str) -> dict[str, Any]:
        """Of a text: which of its tokens training never saw, and what share it did; nothing where all are known."""
        vocabulary = getattr(self.facts.inputs, "vocabulary", None)
        tokens = vocabulary.tokens_of(text)[: self.settings.text.longest] if vocabulary else []
        unknown = [token for token in tokens if token not in vocabulary]
        return {"unknown": list(dict.fromkeys(unknown)), "known": 1 - len(unknown) / len(tokens)} if unknown else {}

    def turns(self) -> list[Turn]:
        return [Turn("", self.loss, self.counts)]

    def loss(self, model: nn.Module, batch: Batch) -> Losses:
        raise NotImplementedError

    def counts(self, batch: Batch) -> dict[str, float]:
        return rows(batch)

    def outputs(self, model: nn.Module, batch: Batch) -> Tensor:
        """What the network gives, as a mean over views where the inputs are pictures. (B, K)

        mirror: the picture and its mirror image. crops: half of that, and a quarter each of the same for the picture
        moved by one pixel up and left, and down and right, its edge mirrored in (arXiv:2404.00498, section 3.5)
        """
        values, views = batch["input"], self.settings.test_views
        if views == "plain" or self.facts.inputs.kind != "picture":
            return model(values).float()
        found = _both_ways(model, values)
        if views == "crops":
            wide, (height, width) = F.pad(values, (1, 1, 1, 1), "reflect"), values.shape[-2:]
            ends = [wide[:, :, :height, :width], wide[:, :, 2:, 2:]]
            found = found / 2 + sum(_both_ways(model, moved) for moved in ends) / 4
        return found

    def truth(self, batch: Batch) -> Any:
        return batch["target"]

    def show(self, raw: Any, answer: Mapping[str, Any]) -> list[View]:
        views = [self.kind.show(raw, self.facts.inputs, said(answer))]
        return [*views, show_choices(answer)] if "top" in answer else views


def _both_ways(model: nn.Module, values: Tensor) -> Tensor:
    return (model(values).float() + model(values.flip(-1)).float()) / 2


def natural(label: str) -> tuple[int, float, str]:
    """Numbers in their own order, then names: 2 before 10, 10 before a."""
    try:
        return (0, float(label), label)
    except ValueError:
        return (1, 0.0, label)


def show_choices(answer: Mapping[str, Any]) -> View:
    """The surest labels as bars."""
    top = answer["top"]
    return Bars([one["label"] for one in top], [one["confidence"] for one in top], label=say("tasks.confidence"))
