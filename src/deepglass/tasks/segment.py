"""Segment: one of K classes for every pixel of a picture.

loss = Σ w_y · -log softmax(z)_y / Σ w_y over the pixels that somebody has looked at, with z the K logits at a pixel;
predictions are the likeliest classes. Focal and Dice losses help where most of every picture is one class.

Letters: B pictures, K classes, h w the size that the network takes, H W that of the stored picture.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from annotated_types import Ge, Le, Lt
from torch import Tensor, nn

from deepglass.data.augment.masks import augment_masks, unfit
from deepglass.data.example import Batch, Column, Cut, Example, ragged
from deepglass.data.readers.mask import UNKNOWN, fit_mask, stored_mask
from deepglass.data.readers.picture import inner
from deepglass.data.source import Index
from deepglass.data.tiles import GREY, TileSettings, corners, parts
from deepglass.foundation.errors import DataError, UsageError
from deepglass.foundation.seeds import Draws
from deepglass.metrics.boundary import BoundaryF1
from deepglass.metrics.iou import Dice, MeanIou, PixelAccuracy, rolled, unrolled_runs
from deepglass.tasks.inputs import OneInput, learn_inputs
from deepglass.tasks.kinds.picture import PictureFacts, PictureSettings
from deepglass.tasks.kinds.volume import VolumeFacts, VolumeSettings
from deepglass.tasks.pixel_loss import PixelLoss
from deepglass.tasks.segment_volumes import SegmentVolumes
from deepglass.tasks.task import Metric, Predictions
from deepglass.tasks.tiles import Tiles, in_whole, prepared
from deepglass.tasks.tiles import pictures as whole_pictures
from deepglass.views.mask import Mask, runs, unrolled
from deepglass.views.view import View

AT_ONCE = 1 << 20  # pixels that are answered together: a network holds some hundred numbers for each


@dataclass(frozen=True, kw_only=True, slots=True)
class SegmentFacts:
    """What was learned once from the training part."""

    classes: tuple[str, ...]
    pixels: tuple[int, ...] = ()  # of each class
    inputs: PictureFacts | VolumeFacts


@dataclass(frozen=True, kw_only=True, slots=True)
class SegmentSettings:
    """What is asked of a segmentation."""

    facts_type: ClassVar = SegmentFacts

    loss: Literal["cross_entropy", "focal"] = "cross_entropy"
    gamma: Annotated[float, Ge(0), Le(10)] = 2.0  # of the focal loss: how little easy pixels count
    dice: Annotated[float, Ge(0), Le(100)] = 0.0  # how much the Dice loss counts beside it
    class_weights: Literal["none", "balanced"] = "none"  # balanced: each class weighs as much as every other
    test_views: Literal["plain", "mirror"] = "plain"  # answer with a mean over the picture and its mirror image
    tiles: TileSettings = TileSettings()
    picture: PictureSettings = PictureSettings(fit="pad")
    volume: VolumeSettings = VolumeSettings()
    overlap: Annotated[float, Ge(0), Lt(1)] = 0.5  # of the windows that slide over a volume

    def learn(self, index: Index, size: tuple[int, ...], channels: int) -> SegmentFacts:
        """Classes and inputs from the index; how many pixels each class has follows when masks are read."""
        if len(index.classes) < 2:
            raise DataError("tasks.no_masks", count=len(index.classes))
        if names := unfit(self.picture.augment):
            raise UsageError("tasks.mask_augment", names=", ".join(names))
        inputs = learn_inputs(index, self, size, channels)
        assert isinstance(inputs, PictureFacts | VolumeFacts)
        return SegmentFacts(classes=index.classes, inputs=inputs)

    def build(self, facts: SegmentFacts) -> "Segment | SegmentVolumes":
        """The task with what it learned."""
        return SegmentVolumes(self, facts) if facts.inputs.kind == "volume" else Segment(self, facts)


class Segment(PixelLoss, OneInput):
    """The task of naming one class of K for every pixel."""

    settings: SegmentSettings
    facts: SegmentFacts

    def __init__(self, settings: SegmentSettings, facts: SegmentFacts):
        super().__init__(settings, facts)
        self.tiles = Tiles(settings.tiles.overlap, self._size, AT_ONCE) if settings.tiles.cut else None

    def prepare(self, raw: Any, label: Any = None) -> Example:
        """The picture, its own width and height, and its mask where there is one.

        input uint8 (C, h, w), size int32 (2,), mask uint8 (h, w); in tiles (H · W, C), (2,), (H · W,)
        """
        if self.tiles:
            return Example(prepared(raw, self.facts.inputs.channels))  # pyright: ignore
        height, width = raw.pixels.shape[:2]
        own = raw.size if raw.size != (0, 0) else (width, height)
        inputs = {"input": torch.from_numpy(self._form(raw)), "size": torch.tensor(own, dtype=torch.int32)}
        if raw.mask is not None:
            inputs["mask"] = torch.from_numpy(fit_mask(raw.mask, *self._size, self.settings.picture.fit))
        return Example(inputs)

    def code(self, labels: Sequence[Any]) -> dict[str, Tensor]:
        """Nothing: masks lie beside their pictures."""
        return {}

    def settle(self, columns: Mapping[str, Any]) -> SegmentFacts:
        counts, masks = np.zeros(256, dtype=np.int64), columns["mask"]
        for start in range(len(masks)):
            counts += np.bincount(masks[start : start + 1][0].ravel(), minlength=256)
        return replace(super().settle(columns), pixels=tuple(counts[: len(self.facts.classes)].tolist()))

    def preparation(self) -> Any:
        return [super().preparation(), self.settings.tiles.cut]

    def crops(self) -> Cut | None:
        """A random part of each picture with its mask, as large as the network takes it."""
        return self._cropped if self.tiles else None

    def present(self, batch: Batch, draws: Draws | None = None) -> Batch:
        if self.tiles and in_whole(batch):
            return batch
        shown = super().present(batch, draws)
        if draws is None or "mask" not in batch:
            return shown
        return shown.with_columns(mask=augment_masks(batch["mask"], draws, self.settings.picture.augment, self._size))

    def predict(self, model: nn.Module, batch: Batch) -> Predictions:
        """The likeliest class of each pixel, how likely it is on average, and the stored picture's width and height.

        mask uint8 (B, h, w), sure (B,), size (B, 2); in tiles the mask is runs of classes, Ragged int32 (ΣR, 2)
        """
        if self.tiles and in_whole(batch):
            return self._in_tiles(model, batch, self.tiles)
        pictures = batch["input"]
        step = max(1, AT_ONCE // max(1, pictures.shape[-2] * pictures.shape[-1]))
        pieces = zip(pictures.split(step), batch["size"].split(step), strict=True)
        parts = [self._told(model, *piece) for piece in pieces]
        masks, sure = (torch.cat(part) for part in zip(*parts, strict=True))
        return {"mask": masks, "sure": sure, "size": batch["size"]}

    def truth(self, batch: Batch) -> Any:
        return whole_pictures(batch, "mask") if self.tiles and in_whole(batch) else batch["mask"]

    def metrics(self) -> dict[str, Metric]:
        """In tiles without the boundary's, whose reach grows with the picture."""
        count = len(self.facts.classes)
        edges: dict[str, Metric] = {} if self.tiles else {"boundary_f1": BoundaryF1(count)}
        return {"mean_iou": MeanIou(count), "dice": Dice(count), **edges, "pixel_accuracy": PixelAccuracy(count)}

    def answers(self, predictions: Predictions) -> list[dict[str, Any]]:
        """The classes that are there with their shares of the picture, and the mask at the stored picture's size."""
        sizes, sure = predictions["size"].long().tolist(), predictions["sure"].tolist()
        if self.tiles:
            wholes = (
                unrolled_runs(told, wide * high).view(high, wide)
                for told, (wide, high) in zip(predictions["mask"].each(), sizes, strict=True)
            )
            return [self._answer(mask.cpu().numpy(), one) for mask, one in zip(wholes, sure, strict=True)]
        how, masks = self.settings.picture.fit, predictions["mask"].cpu().numpy()
        wholes = (stored_mask(mask, (wide, high), how) for mask, (wide, high) in zip(masks, sizes, strict=True))
        return [self._answer(*row) for row in zip(wholes, sure, strict=True)]

    def show(self, raw: Any, answer: Mapping[str, Any]) -> list[View]:
        """The picture with what was found in it."""
        return [Mask(raw.pixels, unrolled(answer["mask"]), self.facts.classes)]

    @property
    def _size(self) -> tuple[int, int]:
        return self.facts.inputs.height, self.facts.inputs.width

    def _told(self, model: nn.Module, pictures: Tensor, sizes: Tensor) -> tuple[Tensor, Tensor]:
        sure, mask = self._shares(model, pictures).max(1)
        return mask.to(torch.uint8), self._mean(sure, sizes)

    def _mean(self, values: Tensor, sizes: Tensor) -> Tensor:
        """Over each picture, without the bands that are laid beside it. (B, h, w), (B, 2) -> (B,)"""
        if self.settings.picture.fit != "pad":
            return values.mean((1, 2))
        height, width = self._size
        places = (inner((int(wide), int(high)), (width, height)) for wide, high in sizes.tolist())
        parts = zip(values, places, strict=True)
        return torch.stack([one[top : top + tall, left : left + wide].mean() for one, (left, top, wide, tall) in parts])

    def _shares(self, model: nn.Module, pictures: Tensor) -> Tensor:
        """How likely every class is at every pixel. (B, K, h, w)"""
        shares = model(pictures).float().softmax(1)
        if self.settings.test_views == "mirror":
            shares = (shares + model(pictures.flip(-1)).float().softmax(1).flip(-1)) / 2
        return shares

    def _in_tiles(self, model: nn.Module, batch: Batch, tiles: Tiles) -> Predictions:
        def shares(part: Tensor) -> Tensor:
            return self._shares(model, self.kind.present(part, self.facts.inputs, self.settings, None))

        masks, sure = zip(*(tiles.masks(shares, one) for one in whole_pictures(batch)), strict=True)
        told = ragged([rolled(mask) for mask in masks])
        return {"mask": told, "sure": torch.tensor(sure), "size": batch["size"]}

    def _cropped(
        self, inputs: Mapping[str, Sequence[np.ndarray]], answers: Mapping[str, Column], draws: Draws
    ) -> dict[str, Column]:
        sizes = np.stack(inputs["size"])
        names = {"input": GREY} | ({"mask": UNKNOWN} if "mask" in inputs else {})
        found = parts(inputs, names, corners(sizes, self._size, draws), self._size)
        return {**found, "input": found["input"].permute(0, 3, 1, 2), "size": torch.from_numpy(sizes)}

    def _answer(self, whole: np.ndarray, sure: float) -> dict[str, Any]:
        counts = np.bincount(whole[whole != UNKNOWN], minlength=len(self.facts.classes))
        shares = (counts / max(1, counts.sum())).tolist()
        order = sorted(range(len(shares)), key=lambda number: -shares[number])
        found = {self.facts.classes[number]: shares[number] for number in order}
        said = [name for name, share in found.items() if share]
        return {"prediction": said, "confidence": sure, "shares": found, "mask": runs(whole)}


CATALOGUE = {"segment": SegmentSettings()}
