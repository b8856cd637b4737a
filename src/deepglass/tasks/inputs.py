"""What goes into a network: a picture of one size, or a row of numbers; prepared once, standardised on the device.

x' = (x - mean) / std, per channel or column, with the training part's statistics, or those that public weights were
trained with; they travel in the bundle.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from annotated_types import Ge, Le
from torch import Tensor, nn

from deepglass.data.augment.pictures import PictureAugment, augment_pictures, fit_pictures, mix
from deepglass.data.example import Batch, Example, Form
from deepglass.data.readers.picture import Fit
from deepglass.data.readers.vector import Numbers
from deepglass.data.source import Index
from deepglass.foundation.ports import Image, Port, Vector
from deepglass.foundation.seeds import Draws
from deepglass.foundation.words import say
from deepglass.tasks.task import Losses, Stream, Turn, rows, said
from deepglass.views.bars import Bars
from deepglass.views.picture import Picture
from deepglass.views.table import Table
from deepglass.views.view import View

Kind = Literal["picture", "vector"]
PIECE = 1024  # rows that statistics look at together
Views = Literal["plain", "mirror", "crops"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PictureSettings:
    """How pictures are made one size and, in training, varied."""

    size: Annotated[int, Ge(0), Le(4096)] = 0  # pixels a side; 0: the model's own, or chosen from the data
    fit: Literal["crop", "pad", "stretch"] = "crop"
    channels: Literal["auto", "grey", "colour"] = "auto"
    augment: PictureAugment = PictureAugment()


@dataclass(frozen=True, kw_only=True, slots=True)
class InputFacts:
    """What was learned of the inputs from the training part."""

    kind: Kind
    channels: int = 0
    height: int = 0
    width: int = 0
    smooth: Literal["bilinear", "bicubic"] = "bilinear"
    columns: tuple[str, ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()

    def port(self) -> Port:
        """What a model must take."""
        if self.kind == "picture":
            return Image(self.channels, self.height, self.width)
        return Vector(len(self.columns))


def learn_inputs(index: Index, settings: PictureSettings, size: tuple[int, int], channels: int) -> InputFacts:
    """What is known before anything is prepared: kind, size and columns."""
    if index.kind == "vector":
        return InputFacts(kind="vector", columns=tuple(index.columns))
    wanted = {"grey": 1, "colour": 3}.get(settings.channels, channels)
    return InputFacts(kind="picture", channels=wanted, height=size[0], width=size[1])


def settle_inputs(facts: InputFacts, columns: Mapping[str, Any]) -> InputFacts:
    """Mean and spread of the training part's prepared inputs, per channel or column; those already known stay."""
    if facts.mean:
        return facts
    values = columns["input"]
    if facts.kind == "picture":
        mean, std = _picture_statistics(values)
    else:
        mean, std = _number_statistics(values)
    std = np.where(std > 1e-6, std, 1.0)  # what never changes is left as it is, not blown up
    return replace(facts, mean=tuple(map(float, mean)), std=tuple(map(float, std)))


def present_input(values: Tensor, facts: InputFacts, augment: PictureAugment, draws: Draws | None) -> Tensor:
    """Prepared inputs as the network sees them: augmented where draws are given, standardised always."""
    mean, std = _constants(facts.mean, facts.std, facts.kind, values.device)
    if facts.kind == "vector":
        return (values - mean) / std
    size = (facts.height, facts.width)
    floats = augment_pictures(values, draws, augment, size) if draws is not None else fit_pictures(values, size)
    return floats.sub_(mean).div_(std)


@functools.lru_cache(8)
def _constants(mean: tuple[float, ...], std: tuple[float, ...], kind: str, device: torch.device) -> tuple[Tensor, ...]:
    """Mean and spread as tensors that fit the inputs, made once and not at every step."""
    shape = (-1, 1, 1) if kind == "picture" else (-1,)
    with torch.inference_mode(False):  # made while somebody predicts, they still serve a training later on
        return tuple(torch.tensor(numbers, device=device).view(shape) for numbers in (mean, std))


class OneInput:
    """What every task does whose rows are one picture or one row of numbers; each adds its answers and its loss."""

    settings: Any
    facts: Any

    def __init__(self, settings: Any, facts: Any):
        self.settings = settings
        self.facts = facts

    def streams(self) -> dict[str, Stream]:
        return {"train": Stream()}

    def prepare(self, raw: Any, label: Any = None) -> Example:
        values = torch.from_numpy(self._form(raw))
        return Example({"input": values}, {} if label is None else self.code([label]))

    def form(self) -> Form | None:
        return self._form if type(self).prepare is OneInput.prepare else None  # a kind of this task may do more

    @property
    def _form(self) -> Form:
        """A picture as uint8 (C, H, W), or a row of numbers as float32 (F,)."""
        facts: InputFacts = self.facts.inputs
        if facts.kind == "picture":
            return Fit(facts.channels, facts.height, facts.width, self.settings.picture.fit, facts.smooth)
        return Numbers(len(facts.columns))

    def preparation(self) -> Any:
        facts: InputFacts = self.facts.inputs
        size = [facts.channels, facts.height, facts.width]
        return [facts.kind, *size, list(facts.columns), self.settings.picture.fit, facts.smooth]

    def code(self, labels: Sequence[Any]) -> dict[str, Tensor]:
        raise NotImplementedError

    def settle(self, columns: Mapping[str, Any]) -> Any:
        return replace(self.facts, inputs=settle_inputs(self.facts.inputs, columns))

    def present(self, batch: Batch, draws: Draws | None = None) -> Batch:
        facts: InputFacts = self.facts.inputs
        augment: PictureAugment = self.settings.picture.augment
        shown = present_input(batch["input"], facts, augment, draws)
        if draws is None or facts.kind != "picture" or not augment.mixes:
            return batch.with_columns(input=shown)
        targets = self.as_numbers(batch["target"])
        shown, mixed = mix(shown, targets.reshape(len(batch), -1), draws, augment)
        return batch.with_columns(input=shown, target=mixed.reshape(targets.shape))

    def as_numbers(self, target: Tensor) -> Tensor:
        """Targets of which two can be mixed."""
        return target

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

    def truth(self, batch: Batch) -> Tensor:
        return batch["target"]

    def show(self, raw: Any, answer: Mapping[str, Any]) -> list[View]:
        views = [show_input(raw, self.facts.inputs, said(answer))]
        return [*views, show_choices(answer)] if "top" in answer else views


def _both_ways(model: nn.Module, values: Tensor) -> Tensor:
    return (model(values).float() + model(values.flip(-1)).float()) / 2


def natural(label: str) -> tuple[int, float, str]:
    """Numbers in their own order, then names: 2 before 10, 10 before a."""
    try:
        return (0, float(label), label)
    except ValueError:
        return (1, 0.0, label)


def _number_statistics(values: Any) -> tuple[np.ndarray, np.ndarray]:
    """Per column, in two passes over pieces: the mean, then the spread around it."""
    pieces = range(0, len(values), PIECE)
    mean = sum(values[start : start + PIECE].sum(0, dtype=np.float64) for start in pieces) / len(values)
    apart = sum(np.square(values[start : start + PIECE] - mean).sum(0) for start in pieces)
    return mean, np.sqrt(apart / len(values))  # pyright: ignore


def _picture_statistics(values: Any) -> tuple[np.ndarray, np.ndarray]:
    """Per channel over all pixels in [0, 1], by counting the 256 byte values: exact and quick at any size."""
    levels = np.arange(256) / 255
    mean, std = [], []
    counted = np.zeros((values.shape[1], 256))
    for start in range(0, len(values), PIECE):
        piece = values[start : start + PIECE]
        for channel, counts in enumerate(counted):
            counts += np.bincount(piece[:, channel].ravel(), minlength=256)
    for counts in counted:
        middle = float(counts @ levels / counts.sum())
        mean.append(middle)
        std.append(float(np.sqrt(counts @ (levels - middle) ** 2 / counts.sum())))
    return np.array(mean), np.array(std)


def show_input(raw: Any, facts: InputFacts, caption: str) -> View:
    """What was asked about: the picture itself, or the row's numbers by their columns."""
    if facts.kind == "picture":
        return Picture(raw.pixels, caption)
    rows = [(name, float(value)) for name, value in zip(facts.columns, raw, strict=True)]
    return Table((say("tasks.column"), say("tasks.value")), rows, caption)


def show_choices(answer: Mapping[str, Any]) -> View:
    """The surest labels as bars."""
    top = answer["top"]
    return Bars([one["label"] for one in top], [one["confidence"] for one in top], label=say("tasks.confidence"))
