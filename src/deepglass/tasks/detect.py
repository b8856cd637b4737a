"""Detect: what is where in a picture, as boxes with a class and a confidence.

Every place of the network's maps answers for at most one box (losses/detection.py):
loss = [Σ_places BCE(σ(z), s) + gain · Σ_places s · (1 - GIoU)] / (boxes · places of a box)
Boxes come and go in pixels of the stored picture; inside they follow the picture into the network's frame.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from annotated_types import Ge, Gt, Le
from torch import Tensor, nn

from deepglass.data.annotation import Box
from deepglass.data.augment.scenes import NOTHING, SceneAugment, Windows, letterboxed, moved_boxes, rearrange
from deepglass.data.example import Batch, Column, Cut, Example, Form, Ragged, padded, ragged
from deepglass.data.source import Index
from deepglass.data.tiles import GREY, TileSettings, corners, parts
from deepglass.foundation.errors import DataError, UsageError
from deepglass.foundation.ports import Places, Ports
from deepglass.foundation.seeds import Draws
from deepglass.losses.detection import POSITIVES, assign, detection_loss
from deepglass.metrics.average_precision import AveragePrecision, counter
from deepglass.tasks.detect_volumes import DetectVolumes
from deepglass.tasks.inputs import OneInput, learn_inputs, natural
from deepglass.tasks.kinds.picture import PictureFacts, PictureSettings
from deepglass.tasks.kinds.volume import VolumeFacts, VolumeSettings
from deepglass.tasks.suppress import boxes_of, kept, middles
from deepglass.tasks.task import Losses, Metric, Predictions
from deepglass.tasks.tiles import Tiles, in_whole, prepared
from deepglass.tasks.tiles import pictures as whole_pictures
from deepglass.views.boxes import Boxes, Mark
from deepglass.views.view import View

STRIDES = (8, 16, 32)
WIDTH = 6  # numbers of a box in a column
AT_ONCE = 1 << 20  # pixels of tiles that are answered together
AROUND = 0.5  # chance that what is cut out of a large picture shows one of its boxes
SIDES = ("left", "top", "right", "bottom")  # as a table names them
CROWD = -2  # the class of a crowd's box in training: what is in it teaches nothing

Share = Annotated[float, Ge(0), Le(1)]


@dataclass(frozen=True, kw_only=True, slots=True)
class DetectFacts:
    """What was learned once from the training part."""

    labels: tuple[str, ...]  # in the order of the logits
    counts: tuple[int, ...]  # boxes of each in the training part
    inputs: PictureFacts | VolumeFacts


@dataclass(frozen=True, kw_only=True, slots=True)
class DetectSettings:
    """What is asked of a detector."""

    facts_type: ClassVar = DetectFacts

    confidence: Share = 0.3  # from which a box is an answer; figures look at all boxes, whatever this is
    overlap: Annotated[float, Gt(0), Le(1)] = 0.6  # of two boxes of one class, above which only the surer one stays
    most: Annotated[int, Ge(1), Le(300)] = 100  # boxes of a picture
    gain: Annotated[float, Gt(0)] = 2.5  # how much the places of boxes weigh against their classes
    tiles: TileSettings = TileSettings()
    scene: SceneAugment = SceneAugment()
    picture: PictureSettings = field(default_factory=lambda: PictureSettings(fit="pad"))
    volume: VolumeSettings = VolumeSettings()

    def learn(self, index: Index, size: tuple[int, int], channels: int) -> DetectFacts:
        """Labels and inputs from the training part's index; MachineError where nothing could judge what is learned."""
        if index.kind != "volume":
            counter()  # now, and not at the first check of a training that is then lost
        found: dict[str, int] = {}
        for boxes in index.labels:
            for box in boxes or ():
                found[box.label] = found.get(box.label, 0) + (not getattr(box, "crowd", False))
        if not any(found.values()):
            raise DataError("tasks.no_boxes", count=len(index))
        labels = sorted(found, key=natural)
        inputs = learn_inputs(index, self, size, channels)
        return DetectFacts(labels=tuple(labels), counts=tuple(found[name] for name in labels), inputs=inputs)  # pyright: ignore

    def build(self, facts: DetectFacts) -> "Detect | DetectVolumes":
        """The task with what it learned; UsageError where pictures would be moved without their boxes."""
        if facts.inputs.kind == "volume":
            moving = [name for name in ("turn", "zoom", "move") if getattr(self.volume.augment, name)]
            if moving:
                names = ", ".join(f"task.volume.augment.{name}" for name in moving)
                raise UsageError("tasks.middles_left_behind", names=names)
            return DetectVolumes(self, facts)
        picture, augment = self.picture, self.picture.augment
        if picture.fit == "crop":
            raise UsageError("tasks.boxes_cut")
        names = ("flip", "crop_pad", "rotate", "shift", "scale", "shear", "randaugment", "mixup", "cutmix")
        moved = [name for name in names if getattr(augment, name)] + ["resize_crop"] * (augment.resize_crop < 1)
        if moved:
            raise UsageError("tasks.boxes_left_behind", names=", ".join(f"task.picture.augment.{one}" for one in moved))
        return Detect(self, facts)


class Detect(OneInput):
    """The task of naming and placing what is in a picture."""

    settings: DetectSettings
    facts: DetectFacts
    columns: ClassVar[tuple[str, ...]] = ("id", "label", *SIDES, "confidence", "error")

    def __init__(self, settings: DetectSettings, facts: DetectFacts):
        super().__init__(settings, facts)
        self._number = {label: number for number, label in enumerate(facts.labels)}
        size = facts.inputs.height, facts.inputs.width
        self.tiles = Tiles(settings.tiles.overlap, size, AT_ONCE) if settings.tiles.cut else None

    def asks(self) -> Ports:
        return Ports(self.takes(), Places(len(self.facts.labels), STRIDES))

    def prepare(self, raw: Any, label: Any = None) -> Example:
        """The picture in the network's frame, in tiles as it is (H · W, C); and the size that it is stored at."""
        if self.tiles:
            channels = self.facts.inputs.channels  # pyright: ignore
            return Example(prepared(raw, channels), {} if label is None else self.code([label]))
        height, width = raw.pixels.shape[:2]
        size = torch.tensor(raw.size if any(raw.size) else (width, height), dtype=torch.float32)
        inputs = {"input": torch.from_numpy(self._form(raw)), "size": size}
        return Example(inputs, {} if label is None else self.code([label]))

    def form(self) -> Form | None:
        return None

    def code(self, labels: Sequence[Any]) -> dict[str, Ragged]:
        """Class (-1: one that the training part never had), left, top, right, bottom, crowd. Ragged (ΣM, 6)"""
        rows = [[self._row(box) for box in boxes or ()] for boxes in labels]
        flat = torch.tensor([row for boxes in rows for row in boxes], dtype=torch.float32).view(-1, WIDTH)
        return {"boxes": Ragged(flat, torch.tensor([len(boxes) for boxes in rows], dtype=torch.int64))}

    def preparation(self) -> Any:
        return [super().preparation(), self.settings.tiles.cut]

    def crops(self) -> Cut | None:
        """A random part of each picture as large as the network takes it, half of the time around one of its boxes."""
        return self._cropped if self.tiles else None

    def present(self, batch: Batch, draws: Draws | None = None) -> Batch:
        """Standardised; with draws rearranged, and the boxes (B, M, 6) follow in the network's frame."""
        if self.tiles and in_whole(batch):
            return batch
        inputs, pictures = self.facts.inputs, batch["input"]
        if draws is None or "boxes" not in batch:
            return batch.with_columns(input=self.kind.present(pictures, inputs, self.settings, None))
        pictures, framed = rearrange(pictures, self.framed(batch), draws, self.settings.scene)
        return batch.with_columns(input=self.kind.present(pictures, inputs, self.settings, draws), boxes=framed)

    def framed(self, batch: Batch) -> Tensor:
        """Boxes in pixels of the network's frame, class -1 behind a row's last; where they are so already, those.

        (B, M, 6)
        """
        boxes = batch["boxes"]
        if not isinstance(boxes, Ragged):
            return boxes
        values, lengths = padded(boxes)
        there = torch.arange(values.shape[1], device=lengths.device) < lengths[:, None]
        kind = torch.where(there, torch.where(values[..., 5] > 0, CROWD, values[..., 0]), NOTHING)
        if "corner" in batch:  # a part of a larger picture, as it is
            corner, inputs = batch["corner"], self.facts.inputs
            tile = corner.new_tensor([[inputs.width, inputs.height]]).expand_as(corner)
            cut = torch.cat([kind[..., None], values[..., 1:]], -1)
            return moved_boxes(cut, Windows(corner, tile, torch.zeros_like(corner), tile))
        scale, offset = (one.repeat(1, 2)[:, None] for one in self._frame(batch["size"]))
        return torch.cat([kind[..., None], values[..., 1:5] * scale + offset, values[..., 5:]], -1)

    def loss(self, model: nn.Module, batch: Batch) -> Losses:
        """Both losses, summed over the places."""
        logits, boxes, places, strides = self._said(model, batch["input"])
        framed = self.framed(batch)
        wanted, classes = framed[..., 1:5], framed[..., 0].long()
        assigned = assign(logits.detach().sigmoid(), boxes.detach(), places, strides, wanted, classes)
        crowd = (classes == CROWD)[:, :, None]
        low, high = wanted[..., None, :2], wanted[..., None, 2:]
        inside = ((places > low) & (places < high)).all(-1)  # (B, M, P)
        known = ~(inside & crowd).any(1)
        what, where = detection_loss(logits, boxes, assigned, wanted, classes, known)
        return Losses({"class": what, "box": self.settings.gain * where})

    def counts(self, batch: Batch) -> dict[str, float]:
        """The places that answer for a box, as if every box had as many."""
        return {"": float(max(1, int((self.framed(batch)[..., 0] >= 0).sum())) * POSITIVES)}

    def predict(self, model: nn.Module, batch: Batch) -> Predictions:
        """left, top, right, bottom in pixels of the stored picture, score, class: the surest first. Ragged (ΣM, 6)"""
        if self.tiles and in_whole(batch):
            return self._in_tiles(model, batch, self.tiles)
        found = self._found(model, batch["input"])
        row = torch.repeat_interleave(torch.arange(len(found.lengths), device=found.lengths.device), found.lengths)
        scale, offset = (values[row].repeat(1, 2) for values in self._frame(batch["size"]))
        limits = batch["size"][row].repeat(1, 2)
        corners = torch.minimum(((found.values[:, :4] - offset) / scale).clamp(min=0), limits)
        return {"boxes": Ragged(torch.cat([corners, found.values[:, 4:]], 1), found.lengths)}

    def truth(self, batch: Batch) -> Ragged:
        return batch["boxes"]

    def metrics(self) -> dict[str, Metric]:
        count = len(self.facts.labels)
        return {name: AveragePrecision(name, count) for name in ("map", "map50", "small", "medium", "large")}

    def answers(self, predictions: Predictions) -> list[dict[str, Any]]:
        """{"prediction": [labels], "boxes": [{"label", "confidence", "box": [left, top, right, bottom]}]}"""
        found: list[dict[str, Any]] = []
        for rows in predictions["boxes"].each():
            sure = [row for row in rows.tolist() if row[4] >= self.settings.confidence]
            boxes = [
                {"label": self.facts.labels[int(kind)], "confidence": score, "box": [round(end, 1) for end in corners]}
                for *corners, score, kind in sure
            ]
            found.append({"prediction": [box["label"] for box in boxes], "boxes": boxes})
        return found

    def rows(self, answer: Mapping[str, Any]) -> list[dict[str, Any]]:
        """A line of a table for each box; one that says nothing else of a picture without any."""
        found: list[dict[str, Any]] = [] if answer["boxes"] else [{"id": answer["id"]}]
        for box in answer["boxes"]:
            corners = dict(zip(SIDES, box["box"], strict=True))
            found.append({"id": answer["id"], "label": box["label"], **corners, "confidence": box["confidence"]})
        return found

    def show(self, raw: Any, answer: Mapping[str, Any]) -> list[View]:
        marks = [
            Mark(box["label"], box["box"], box["confidence"], self._number[box["label"]]) for box in answer["boxes"]
        ]
        return [Boxes(raw.pixels, marks, size=raw.size)]

    def _row(self, box: Box) -> tuple[float, ...]:
        return (self._number.get(box.label, -1), box.left, box.top, box.right, box.bottom, box.crowd)

    def _frame(self, sizes: Tensor) -> tuple[Tensor, Tensor]:
        inputs = self.facts.inputs
        return letterboxed(sizes, inputs.height, inputs.width, self.settings.picture.fit)

    def _in_tiles(self, model: nn.Module, batch: Batch, tiles: Tiles) -> Predictions:
        def found(part: Tensor) -> Ragged:
            return self._found(model, self.kind.present(part, self.facts.inputs, self.settings, None))

        boxes: list[Tensor] = []
        for picture in whole_pictures(batch):
            own = tiles.boxes(found, picture, self.settings.overlap, self.settings.most)
            limits = own.new_tensor([picture.shape[1], picture.shape[0]] * 2)
            boxes.append(torch.cat([torch.minimum(own[:, :4].clamp(min=0), limits), own[:, 4:]], 1))
        return {"boxes": ragged(boxes)}

    def _cropped(
        self, inputs: Mapping[str, Sequence[np.ndarray]], answers: Mapping[str, Column], draws: Draws
    ) -> dict[str, Column]:
        sizes, tile = np.stack(inputs["size"]), (self.facts.inputs.height, self.facts.inputs.width)
        where, around = corners(sizes, tile, draws), draws.chance("tiles/around", AROUND).tolist()
        which = draws.uniform("tiles/which").tolist()
        beside = draws.uniform("tiles/beside", 2).cpu().numpy()
        marked = answers["boxes"]
        assert isinstance(marked, Ragged)
        for row, own in enumerate(marked.each()):
            if around[row] and len(own):
                box = own[int(which[row] * len(own)), 1:5].numpy()
                wanted = (box[:2] + box[2:]) / 2 - beside[row] * tile[::-1]  # its middle lies anywhere in the part
                where[row] = wanted.clip(0, np.maximum(0, sizes[row] - tile[::-1]))
        found = parts(inputs, {"input": GREY}, where, tile)["input"].permute(0, 3, 1, 2)
        columns = {"input": found, "size": torch.from_numpy(sizes), "corner": torch.from_numpy(where).float()}
        return {**answers, **columns}

    def _found(self, model: nn.Module, images: Tensor) -> Ragged:
        """What stays of all that the network says, in pixels of its frame."""
        logits, boxes, _, _ = self._said(model, images)
        return kept(boxes, logits.sigmoid(), 0.01, self.settings.overlap, self.settings.most)

    def _said(self, model: nn.Module, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Logits (B, P, K), boxes (B, P, 4) in the frame, and every place's middle and stride."""
        said = model(images).float()
        places, strides = middles(STRIDES, images.shape[-2], images.shape[-1], images.device)
        return said[..., :-4], boxes_of(said[..., -4:], places, strides), places, strides


CATALOGUE = {"detect": DetectSettings()}
