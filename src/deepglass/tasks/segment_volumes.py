"""Segment volumes: one of K classes for every place, learned from parts of them, told of whole ones by sliding windows.

loss = Σ w_y · -log softmax(z)_y / Σ w_y over the places of a part that somebody has looked at, and the Dice loss;
where windows overlap, their shares are averaged, the middle of each counting most. A volume may be larger than the
memory: it is kept slab by slab, of a mapped one training reads the parts that it draws, and answers go layer by layer.

Letters: B volumes, K classes, d h w the part that the network takes, D H W a volume's own size, N = D H W.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from deepglass.data.augment.patches import Size, Whole, drawn, marked
from deepglass.data.augment.volumes import augment_volumes, placed
from deepglass.data.example import Batch, Column, Cut, Example, ragged
from deepglass.data.readers.volume import Cube, Respaced, Scan, resampled_mask
from deepglass.foundation.seeds import Draws
from deepglass.metrics.iou import Dice, MeanIou
from deepglass.metrics.surface import SurfaceDistance
from deepglass.tasks.inputs import OneInput
from deepglass.tasks.kinds.volume import grey_of
from deepglass.tasks.pixel_loss import PixelLoss
from deepglass.tasks.sliding import blended
from deepglass.tasks.task import Metric, Predictions
from deepglass.tasks.wholes import in_whole, prepared, rows_of, seen, volumes_of
from deepglass.views.mask import runs, unrolled
from deepglass.views.slices import Slices
from deepglass.views.view import View

UNKNOWN = 255
PIECE = 1 << 22  # places of a mask that are counted together
FOCUS = 0.5  # of the parts that are learned from: the share with something else than the first class in the middle


class SegmentVolumes(PixelLoss, OneInput):
    """The task of naming one class of K for every place of a volume; its settings and facts are those of `segment`."""

    def prepare(self, raw: Any, label: Any = None) -> Example:
        """Measured values and classes of every place, end to end, and where they lie.

        input float16 (N,), mask uint8 (N,), shape int32 (3,), affine float32 (4, 4), levels float32 (3,): mean, spread
        and lowest value, marks int64 (4096,): places of what is not the first class
        """
        found, inputs = prepared(raw, self.settings.volume.spacing)
        if raw.mask is not None:
            mask = np.ascontiguousarray(_mask_like(raw, found)).ravel()
            inputs |= {"mask": torch.from_numpy(mask), "marks": torch.from_numpy(marked(mask))}
        return Example(inputs)

    def preparation(self) -> Any:
        return ["volume", "whole, levels, marks", self.settings.volume.spacing]

    def crops(self) -> Cut:
        """A part of each volume with its mask, as large as the network takes it."""
        return self._cropped

    def code(self, labels: Sequence[Any]) -> Mapping[str, Column]:
        """Nothing: masks lie beside their volumes."""
        return {}

    def settle(self, columns: Mapping[str, Any]) -> Any:
        counts, masks = np.zeros(256, dtype=np.int64), columns["mask"]
        for row in range(len(masks)):
            mask = masks[row : row + 1][0]
            for start in range(0, len(mask), PIECE):
                counts += np.bincount(np.asarray(mask[start : start + PIECE]), minlength=256)
        return replace(super().settle(columns), pixels=tuple(counts[: len(self.facts.classes)].tolist()))

    def present(self, batch: Batch, draws: Draws | None = None) -> Batch:
        """Parts of volumes as the network sees them; whole volumes as they are, for windows to slide over."""
        if in_whole(batch):
            return batch
        parts, chosen = seen(batch["input"][:, None], batch["levels"], self.facts.inputs), self.settings.volume.augment
        if draws is None:
            return batch.with_columns(input=parts)
        parts = augment_volumes(parts, draws, chosen)
        moved = placed(batch["mask"][:, None].float() - UNKNOWN, draws, chosen, mask=True)  # zeros outside are unknown
        return batch.with_columns(input=parts, mask=(moved[:, 0] + UNKNOWN).round().to(torch.uint8))

    def predict(self, model: nn.Module, batch: Batch) -> Predictions:
        """The likeliest class of each place, how likely it is on average, and where the places lie.

        mask uint8 Ragged (ΣN,), sure (B,), shape (B, 3), affine (B, 4, 4)
        """
        rows = zip(volumes_of(batch, "input"), batch["levels"], strict=True)
        masks, sure = zip(*(self._told(model, *row) for row in rows), strict=True)
        return {
            "mask": ragged([mask.flatten() for mask in masks]),
            "sure": torch.tensor(sure),
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

    def _told(self, model: nn.Module, volume: Tensor, levels: Tensor) -> tuple[Tensor, float]:
        """One whole volume, window by window. (D, H, W) -> uint8 (D, H, W), how sure"""

        def shares(parts: Tensor) -> Tensor:
            return model(seen(parts, levels[None], self.facts.inputs)).float().softmax(1)

        return blended(shares, volume, float(levels[2]), self._size, self.settings.overlap)

    def _cropped(
        self, inputs: Mapping[str, Sequence[np.ndarray]], answers: Mapping[str, Column], draws: Draws
    ) -> dict[str, Column]:
        rows = zip(*(inputs[name] for name in ("input", "mask", "shape", "levels", "marks")), strict=True)
        wholes = [
            Whole(values.reshape(shape), mask.reshape(shape), float(levels[2]), marks)
            for values, mask, shape, levels, marks in rows
        ]
        parts, classes = drawn(wholes, draws, self._size, FOCUS)
        return {"input": parts, "mask": classes, "levels": torch.from_numpy(np.stack(inputs["levels"]))}

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
        for id, said, true in zip(ids, predictions["mask"].each(), rows_of(targets), strict=True):
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
            ids, predictions["mask"].each(), rows_of(targets), predictions["shape"], predictions["affine"], strict=True
        )
        for id, said, true, shape, affine in rows:
            size = shape.int().tolist()
            spacing = affine[:3, :3].double().square().sum(0).sqrt().tolist()
            self.metric.add(id, said.cpu().view(size), true.cpu().view(size), spacing)

    def compute(self) -> Any:
        """The figure, in millimetres."""
        return self.metric.compute()


def _mask_like(raw: Scan, found: Scan | Respaced) -> np.ndarray:
    """The mask at the places that the values were brought to."""
    assert raw.mask is not None
    return resampled_mask(raw.mask, found.grids, UNKNOWN) if isinstance(found, Respaced) else raw.mask
