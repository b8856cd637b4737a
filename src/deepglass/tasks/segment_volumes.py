"""Segment volumes: one of K classes for every place, learned from parts of them, told of whole ones by sliding windows.

loss = Σ w_y · -log softmax(z)_y / Σ w_y over the places of a part that somebody has looked at, and the Dice loss;
where windows overlap, their shares are averaged, the middle of each counting most.

Letters: B volumes, K classes, d h w the part that the network takes, D H W a volume's own size, N = D H W.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from deepglass.data.augment.patches import Size, drawn, weights, windows
from deepglass.data.augment.volumes import augment_volumes, placed
from deepglass.data.example import Batch, Column, Example, Ragged, ragged
from deepglass.data.readers.volume import HALF, Cube, Scan, at_spacing, grids_at, resampled_mask
from deepglass.foundation.seeds import Draws
from deepglass.metrics.iou import Dice, MeanIou
from deepglass.metrics.surface import SurfaceDistance
from deepglass.tasks.inputs import OneInput
from deepglass.tasks.kinds.volume import grey_of, standardised
from deepglass.tasks.pixel_loss import PixelLoss
from deepglass.tasks.task import Metric, Predictions
from deepglass.views.mask import runs, unrolled
from deepglass.views.slices import Slices
from deepglass.views.view import View

UNKNOWN = 255
AT_ONCE = 1 << 18  # places that are answered together
FOCUS = 0.5  # of the parts that are learned from: the share with something else than the first class in the middle


class SegmentVolumes(PixelLoss, OneInput):
    """The task of naming one class of K for every place of a volume; its settings and facts are those of `segment`."""

    def prepare(self, raw: Any, label: Any = None) -> Example:
        """Measured values and classes of every place, end to end, and where they lie.

        input float16 (N,), mask uint8 (N,), shape int32 (3,), affine float32 (4, 4)
        """
        spacing = self.settings.volume.spacing
        found = at_spacing(raw, (spacing,) * 3) if spacing else raw
        values = np.empty(found.shape, dtype=np.float16)
        for start, slab in found.slabs():
            values[start : start + len(slab)] = slab.clip(-HALF, HALF)
        inputs = {
            "input": torch.from_numpy(values.ravel()),
            "shape": torch.tensor(found.shape, dtype=torch.int32),
            "affine": torch.from_numpy(found.affine.astype(np.float32)),
        }
        if raw.mask is not None:
            inputs["mask"] = torch.from_numpy(np.ascontiguousarray(_mask_like(raw, found)).ravel())
        return Example(inputs)

    def preparation(self) -> Any:
        return ["volume", "whole", self.settings.volume.spacing]

    def code(self, labels: Sequence[Any]) -> Mapping[str, Column]:
        """Nothing: masks lie beside their volumes."""
        return {}

    def settle(self, columns: Mapping[str, Any]) -> Any:
        counts, masks = np.zeros(256, dtype=np.int64), columns["mask"]
        for row in range(len(masks)):
            counts += np.bincount(np.asarray(masks[row : row + 1][0]), minlength=256)
        return replace(super().settle(columns), pixels=tuple(counts[: len(self.facts.classes)].tolist()))

    def present(self, batch: Batch, draws: Draws | None = None) -> Batch:
        """Parts of volumes where draws are given; else whole volumes as they are, for windows to slide over."""
        if draws is None:
            return batch
        facts, chosen = self.facts.inputs, self.settings.volume.augment
        volumes, masks = volumes_of(batch, "input"), volumes_of(batch, "mask")
        parts, classes = drawn(volumes, masks, draws, self._size, FOCUS)
        if facts.hounsfield:
            parts = standardised(parts, facts)
        else:  # by the whole volume's own mean and spread
            parts = torch.stack(
                [(part - one.float().mean()) / spread(one) for part, one in zip(parts, volumes, strict=True)]
            )
        parts = augment_volumes(parts, draws, chosen)
        moved = placed(classes[:, None].float() - UNKNOWN, draws, chosen, mask=True)  # zeros outside are unknown
        return batch.with_columns(input=parts, mask=(moved[:, 0] + UNKNOWN).round().to(torch.uint8))

    def predict(self, model: nn.Module, batch: Batch) -> Predictions:
        """The likeliest class of each place, how likely it is on average, and where the places lie.

        mask uint8 Ragged (ΣN,), sure (B,), shape (B, 3), affine (B, 4, 4)
        """
        found = [self._told(model, volume) for volume in volumes_of(batch, "input")]
        masks, sure = zip(*found, strict=True)
        return {
            "mask": ragged([mask.flatten() for mask in masks]),
            "sure": torch.stack(sure),
            "shape": batch["shape"],
            "affine": batch["affine"],
        }

    def truth(self, batch: Batch) -> Any:
        return batch["mask"]

    def metrics(self) -> dict[str, Metric]:
        count = len(self.facts.classes)
        return {"dice": _Counted(Dice(count)), "mean_iou": _Counted(MeanIou(count)), "hd95": _Surface(count)}

    def answers(self, predictions: Predictions) -> list[dict[str, Any]]:
        """The classes that are there with their shares and millilitres, and the mask with where it lies in the body."""
        rows = zip(*(predictions[name] for name in ("sure", "shape", "affine")), strict=True)
        masks = predictions["mask"].each()
        return [self._answer(mask, *row) for mask, row in zip(masks, rows, strict=True)]

    def show(self, raw: Any, answer: Mapping[str, Any]) -> list[View]:
        """The slices with what was found in them."""
        scan: Scan = raw
        found = unrolled(answer["mask"])
        depth, height, width = found.shape
        seen = Cube(depth, height, width, fit="stretch")(scan)[0].astype(np.float32)
        return [Slices(grey_of(seen, self.facts.inputs), mask=found, classes=self.facts.classes)]

    @property
    def _size(self) -> Size:
        facts = self.facts.inputs
        return facts.depth, facts.height, facts.width

    def _told(self, model: nn.Module, volume: Tensor) -> tuple[Tensor, Tensor]:
        """One whole volume, window by window. (D, H, W) -> uint8 (D, H, W), ()"""
        size, bell = self._size, weights(self._size).to(volume.device)
        shape = [max(own, side) for own, side in zip(volume.shape, size, strict=True)]
        shares = torch.zeros(len(self.facts.classes), *shape, device=volume.device)
        shown = standardised(volume.float()[None, None], self.facts.inputs)[0, 0]
        most = max(1, AT_ONCE // bell.numel())
        for places, parts in windows(shown, size, self.settings.overlap, most):
            told = model(parts).float().softmax(1) * bell
            for place, part in zip(places, told, strict=True):
                shares[:, *(slice(at, at + side) for at, side in zip(place, size, strict=True))] += part
        depth, height, width = volume.shape
        shares = shares[:, :depth, :height, :width]
        sure, mask = shares.max(0)
        return mask.to(torch.uint8), (sure / shares.sum(0)).mean()

    def _answer(self, mask: Tensor, sure: Tensor, shape: Tensor, affine: Tensor) -> dict[str, Any]:
        found = mask.cpu().numpy().reshape(shape.int().tolist())
        counts = np.bincount(found.ravel(), minlength=len(self.facts.classes))[: len(self.facts.classes)]
        millilitre = abs(float(np.linalg.det(affine[:3, :3].cpu().numpy().astype(np.float64)))) / 1000
        order = sorted(range(len(counts)), key=lambda number: -int(counts[number]))
        shares = {self.facts.classes[number]: float(counts[number] / max(1, counts.sum())) for number in order}
        return {
            "prediction": [name for name, share in shares.items() if share],
            "confidence": float(sure),
            "shares": shares,
            "millilitres": {self.facts.classes[number]: float(counts[number] * millilitre) for number in order},
            "mask": runs(found),
            "affine": affine.double().tolist(),
        }


class _Counted:
    """A figure of counted places, fed volume by volume."""

    def __init__(self, metric: Dice | MeanIou):
        self.metric = metric

    def update(self, ids: Sequence[str], predictions: Predictions, targets: Any) -> None:
        """A batch."""
        for id, said, true in zip(ids, predictions["mask"].each(), _rows(targets), strict=True):
            self.metric.update([id], {"mask": said[None]}, true.to(said.device)[None])

    def compute(self) -> Any:
        """The figure."""
        return self.metric.compute()


class _Surface:
    """The distance of surfaces, fed volume by volume."""

    def __init__(self, classes: int):
        self.metric = SurfaceDistance(classes)

    def update(self, ids: Sequence[str], predictions: Predictions, targets: Any) -> None:
        """A batch."""
        rows = zip(
            ids, predictions["mask"].each(), _rows(targets), predictions["shape"], predictions["affine"], strict=True
        )
        for id, said, true, shape, affine in rows:
            size = shape.int().tolist()
            spacing = affine[:3, :3].double().square().sum(0).sqrt().tolist()
            self.metric.add(id, said.cpu().view(size), true.cpu().view(size), spacing)

    def compute(self) -> Any:
        """The figure, in millimetres."""
        return self.metric.compute()


def volumes_of(batch: Batch, name: str) -> list[Tensor]:
    """A column's rows in their own shapes. (D, H, W) each"""
    shapes = batch["shape"].int().tolist()
    return [row.view(shape) for row, shape in zip(_rows(batch[name]), shapes, strict=True)]


def spread(volume: Tensor) -> Tensor:
    """By what values of a volume are divided: their spread, where there is one."""
    found = volume.float().std(correction=0)
    return torch.where(found > 1e-6, found, 1.0)


def _rows(column: Column) -> Sequence[Tensor]:
    return column.each() if isinstance(column, Ragged) else list(column)


def _mask_like(raw: Scan, found: Scan) -> np.ndarray:
    """The mask at the places that the values were brought to."""
    assert raw.mask is not None
    return raw.mask if found is raw else resampled_mask(raw.mask, grids_at(raw, found.spacing), UNKNOWN)
