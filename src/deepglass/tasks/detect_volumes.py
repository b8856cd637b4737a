"""Detect in volumes: what is where, as middles with a size, a class and a confidence.

The network gives a map for each class that is high where a middle is, and one of sizes (CenterNet, arXiv:1904.07850):
loss = -1/N Σ_places { (1 - p)² log p at a middle; (1 - y)⁴ p² log(1 - p) elsewhere }
       + 1/M Σ_near |s - log(size / 10)|
with y a bell around each middle. Learned from parts, half of them around something; told of whole volumes by windows
that overlap, of which only the inner part is believed. Middles come and go in millimetres of the body.

Letters: B rows, K classes, N middles, M places near one (y above a half), d h w the part that the network takes, D H W
a volume's own size.
"""

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepglass.data.augment.patches import Size, cut, starts
from deepglass.data.augment.volumes import VolumeAugment, augment_volumes, placed
from deepglass.data.example import Batch, Column, Cut, Example, Ragged, ragged
from deepglass.data.readers.volume import Cube, Scan
from deepglass.foundation.ports import Map, Ports
from deepglass.foundation.seeds import Draws
from deepglass.metrics.froc import Froc
from deepglass.tasks.inputs import OneInput
from deepglass.tasks.kinds.volume import grey_of
from deepglass.tasks.sliding import windows
from deepglass.tasks.task import Losses, Metric, Predictions
from deepglass.tasks.wholes import in_whole, prepared, seen, volumes_of
from deepglass.views.slices import Slices
from deepglass.views.view import View

AROUND = 0.5  # of the parts that are learned from: the share with something in them, where there is something
OVERLAP = 0.5  # of windows that slide over a volume
UNIT = 10.0  # millimetres: sizes are learned as logarithms of as many times this
BELL = 6.0  # a bell falls off over this part of a size
NEAR = 0.5  # of a bell: from there on its size is told
PRIOR = 4.0  # most places are no middle, which a network need not learn first
LEAST = 0.02  # a score below it is no answer and counts in no figure
KEPT = 1000  # middles of a volume that are looked at for being the same


class DetectVolumes(OneInput):
    """The task of naming and placing what is in a volume; its settings and facts are those of `detect`."""

    columns = ("id", "class", "coordX", "coordY", "coordZ", "diameter_mm", "confidence", "error")  # of a table

    def __init__(self, settings: Any, facts: Any):
        super().__init__(settings, facts)
        self._number = {label: number for number, label in enumerate(facts.labels)}

    def asks(self) -> Ports:
        return Ports(self.takes(), Map(len(self.facts.labels) + 1))

    def prepare(self, raw: Any, label: Any = None) -> Example:
        """Measured values end to end, and where they lie."""
        return Example(prepared(raw, self.settings.volume.spacing)[1], {} if label is None else self.code([label]))

    def preparation(self) -> Any:
        return ["volume", "whole, levels", self.settings.volume.spacing]

    def code(self, labels: Sequence[Any]) -> Mapping[str, Column]:
        """Class (-1: one that the training part never had), left, back, up, size. Ragged (ΣM, 5)"""
        rows = [
            [(self._number.get(ball.label, -1), ball.left, ball.back, ball.up, ball.size) for ball in balls or ()]
            for balls in labels
        ]
        flat = torch.tensor([row for balls in rows for row in balls], dtype=torch.float32).view(-1, 5)
        return {"balls": Ragged(flat, torch.tensor([len(balls) for balls in rows], dtype=torch.int64))}

    def crops(self) -> Cut:
        """A part of each volume with the maps that are to be told of it."""
        return self._cropped

    def present(self, batch: Batch, draws: Draws | None = None) -> Batch:
        """Parts as the network sees them, their maps mirrored with them; whole volumes as they are."""
        if in_whole(batch):
            return batch
        parts = seen(batch["input"][:, None], batch["levels"], self.facts.inputs)
        if draws is None:
            return batch.with_columns(input=parts)
        chosen: VolumeAugment = self.settings.volume.augment
        maps = placed(batch["maps"], draws, VolumeAugment(flip=chosen.flip))
        return batch.with_columns(input=augment_volumes(parts, draws, chosen), maps=maps)

    def loss(self, model: nn.Module, batch: Batch) -> Losses:
        """Of the classes' maps and of the sizes at the middles, summed over the places."""
        said, maps = model(batch["input"]).float(), batch["maps"]
        score, wanted, middle = said[:, :-1] - PRIOR, maps[:, :-1], maps[:, :-1] >= 1
        there = score.sigmoid()
        right = torch.where(middle, (1 - there) ** 2 * F.logsigmoid(score), 0.0)
        alarm = torch.where(middle, 0.0, (1 - wanted) ** 4 * there**2 * F.logsigmoid(-score))
        sizes = torch.where(_near(maps), (said[:, -1] - maps[:, -1]).abs(), 0.0)
        return Losses({"middle": -(right + alarm).sum(), "size": sizes.sum()})

    def counts(self, batch: Batch) -> dict[str, float]:
        """Middles, and the places near one."""
        maps = batch["maps"]
        return {"middle": max(1.0, float((maps[:, :-1] >= 1).sum())), "size": max(1.0, float(_near(maps).sum()))}

    def predict(self, model: nn.Module, batch: Batch) -> Predictions:
        """left, back, up, size in millimetres, score, class: the surest first. balls Ragged (ΣM, 6)"""
        rows = zip(volumes_of(batch, "input"), batch["levels"], batch["affine"], strict=True)
        return {"balls": ragged([self._found(model, *row) for row in rows]), "affine": batch["affine"]}

    def truth(self, batch: Batch) -> Any:
        return batch["balls"]

    def metrics(self) -> dict[str, Metric]:
        return {"froc": Froc()}

    def answers(self, predictions: Predictions) -> list[dict[str, Any]]:
        """{"prediction": [labels], "balls": [{"label", "confidence", "middle": [left, back, up], "size"}], "affine"}"""
        found: list[dict[str, Any]] = []
        for rows, affine in zip(predictions["balls"].each(), predictions["affine"], strict=True):
            balls = [
                {
                    "label": self.facts.labels[int(kind)],
                    "confidence": score,
                    "middle": [round(value, 1) for value in middle],
                    "size": round(size, 1),
                }
                for *middle, size, score, kind in rows.tolist()
                if score >= self.settings.confidence
            ]
            labels = [ball["label"] for ball in balls]
            found.append({"prediction": labels, "balls": balls, "affine": affine.double().tolist()})
        return found

    def rows(self, answer: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The answer as lines of a table that is read back, one for each thing; an empty one of a volume without."""
        for one in answer["balls"]:
            places = dict(zip(self.columns[2:5], one["middle"], strict=True))
            sizes = {"diameter_mm": one["size"], "confidence": one["confidence"]}
            yield {"id": answer["id"], "class": one["label"], **places, **sizes}
        if not answer["balls"]:
            yield {"id": answer["id"]}

    def show(self, raw: Any, answer: Mapping[str, Any]) -> list[View]:
        """The slices with what was found in them."""
        scan: Scan = raw
        balls = [(self._number[ball["label"]], *ball["middle"], ball["size"]) for ball in answer["balls"]]
        mask = self.drawn(balls, scan.shape, scan.affine)
        grey = grey_of(Cube(*scan.shape, fit="stretch")(scan)[0].astype(np.float32), self.facts.inputs)
        return [Slices(grey, mask=mask, classes=("background", *self.facts.labels))]

    def drawn(self, balls: Iterable[Sequence[float]], shape: Sequence[int], affine: np.ndarray) -> np.ndarray:
        """Balls (class, left, back, up, size) as a mask: 0 or 1 + class. uint8 (D, H, W)"""
        mask = np.zeros(shape, dtype=np.uint8)
        spacing = np.linalg.norm(np.asarray(affine, dtype=np.float64)[:3, :3], axis=0)
        for kind, *ends, size in balls:
            middle, reach = self._in_places(np.array(ends), affine), size / 2
            low = [max(0, math.floor(at - reach / step)) for at, step in zip(middle, spacing, strict=True)]
            high = [max(0, math.ceil(at + reach / step) + 1) for at, step in zip(middle, spacing, strict=True)]
            here = tuple(slice(*ends) for ends in zip(low, high, strict=True))
            axes = zip(here, mask.shape, middle, spacing, strict=True)
            z, y, x = (((np.arange(side)[part] - at) * step) ** 2 for part, side, at, step in axes)
            mask[here][z[:, None, None] + y[:, None] + x <= reach**2] = 1 + int(kind)
        return mask

    @property
    def _size(self) -> Size:
        facts = self.facts.inputs
        return facts.depth, facts.height, facts.width

    def _in_places(self, middles: np.ndarray, affine: np.ndarray) -> np.ndarray:
        """Millimetres of the body as slice, row, column. (..., 3) -> (..., 3)"""
        back = np.linalg.inv(np.asarray(affine, dtype=np.float64))
        return middles @ back[:3, :3].T + back[:3, 3]

    def _cropped(
        self, inputs: Mapping[str, Sequence[np.ndarray]], answers: Mapping[str, Column], draws: Draws
    ) -> dict[str, Column]:
        """input (B, d, h, w), maps (B, K + 1, d, h, w), levels (B, 3)"""
        balls = answers["balls"]
        assert isinstance(balls, Ragged)
        around, which = draws.chance("balls/around", AROUND).tolist(), draws.uniform("balls/which").tolist()
        beside, place = draws.uniform("balls/beside", 3).tolist(), draws.uniform("balls/place", 3).tolist()
        parts: list[Tensor] = []
        maps: list[Tensor] = []
        rows = zip(*(inputs[name] for name in ("input", "shape", "affine", "levels")), balls.each(), strict=True)
        for row, (values, shape, affine, levels, own) in enumerate(rows):
            free = [max(0, side - wanted) for side, wanted in zip(shape.tolist(), self._size, strict=True)]
            start = [math.floor(share * (room + 1)) for share, room in zip(place[row], free, strict=True)]
            middles = self._in_places(own[:, 1:4].double().numpy(), affine)
            if around[row] and len(own):
                chosen = middles[int(which[row] * len(own))]
                ends = zip(chosen, beside[row], self._size, free, strict=True)
                start = [min(max(0, round(at - share * side)), room) for at, share, side, room in ends]
            here = tuple(slice(at, at + side) for at, side in zip(start, self._size, strict=True))
            part = torch.from_numpy(np.array(values.reshape(shape)[here]))
            parts.append(cut(part, (0, 0, 0), self._size, float(levels[2])))
            spacing = np.linalg.norm(affine[:3, :3].astype(np.float64), axis=0)
            maps.append(self._maps(middles - start, own.numpy(), spacing))
        levels = torch.from_numpy(np.stack(inputs["levels"]))
        return {"input": torch.stack(parts), "maps": torch.stack(maps), "levels": levels}

    def _maps(self, middles: np.ndarray, balls: np.ndarray, spacing: np.ndarray) -> Tensor:
        """What is to be told: bells that are 1 at the place of a middle, and the logarithms of sizes near it."""
        found = np.zeros((len(self.facts.labels) + 1, *self._size), dtype=np.float32)
        axes = [np.arange(side) for side in self._size]
        for middle, (kind, *_, size) in zip(np.rint(middles).astype(int), balls, strict=True):
            if kind < 0 or (middle < 0).any() or (middle >= self._size).any():
                continue
            z, y, x = (((axis - at) * step) ** 2 for axis, at, step in zip(axes, middle, spacing, strict=True))
            bell = np.exp(-(z[:, None, None] + y[:, None] + x) / (2 * (size / BELL) ** 2))
            np.maximum(found[int(kind)], np.minimum(bell, 0.999), out=found[int(kind)])
            found[(int(kind), *middle)] = 1.0
            found[-1][bell > NEAR] = math.log(size / UNIT)
        return torch.from_numpy(found)

    def _found(self, model: nn.Module, volume: Tensor, levels: Tensor, affine: Tensor) -> Tensor:
        """What is in one whole volume. (M, 6)"""
        size = self._size
        corners = list(itertools.product(*map(starts, volume.shape, size, (OVERLAP,) * 3)))
        told: list[Tensor] = []
        for some, parts in windows(volume, float(levels[2]), size, corners):  # pyright: ignore
            said = model(seen(parts, levels[None], self.facts.inputs)).float()
            score = (said[:, :-1] - PRIOR).sigmoid()
            peaks = (score == F.max_pool3d(score, 3, 1, 1)) & (score >= LEAST)
            n, kind, *places = peaks.nonzero().unbind(1)
            at = torch.stack(places, 1)
            begun = torch.tensor(some, device=at.device)[n]
            believed = self._inner(at, begun, volume.shape)
            across = UNIT * said[n, -1, *places].clamp(-5, 5).exp()
            beside = torch.stack([across, score[n, kind, *places], kind], 1)
            told.append(torch.cat([at + begun, beside], 1).double()[believed])
        rows = torch.cat(told)
        rows = rows[rows[:, 4].argsort(descending=True, stable=True)[:KEPT]]
        rows[:, :3] = rows[:, :3] @ affine[:3, :3].double().T + affine[:3, 3].double()
        return _apart(rows)[: self.settings.most].float()

    def _inner(self, at: Tensor, begun: Tensor, shape: Sequence[int]) -> Tensor:
        """Which places are not at the rim of their window, or at the volume's own, and lie in the volume. bool (P,)"""
        size, whole = torch.tensor(self._size, device=at.device), torch.tensor(shape, device=at.device)
        rim = (size * OVERLAP / 2).long()
        low = (at >= rim) | (begun == 0)
        high = (at < size - rim) | (begun + size >= whole)
        return (low & high & (at + begun < whole)).all(1)


def _near(maps: Tensor) -> Tensor:
    """Which places are near a middle. (B, K + 1, d, h, w) -> bool (B, d, h, w)"""
    return (maps[:, :-1] > NEAR).any(1)


def _apart(rows: Tensor) -> Tensor:
    """Without what lies within the radius of something surer of its class, the surest first. (M, 6) -> (M', 6)"""
    near = torch.cdist(rows[:, :3], rows[:, :3]) <= torch.maximum(rows[:, 3], rows[:, None, 3]) / 2
    near &= rows[:, 5] == rows[:, None, 5]
    kept: list[int] = []
    for row in range(len(rows)):
        if not near[row, kept].any():
            kept.append(row)
    return rows[kept]
