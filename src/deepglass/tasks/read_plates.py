"""Read plates: where the number plates of a street picture are, with their corners, and what stands on each.

One network, two players: the finder says for every place of a map whether a plate's middle is there and where its
corners are; the reader writes down what stands on a plate that was made upright by its corners.
finder: [Σ_places focal + gain · Σ_plates |corners off| / height] / plates;  reader: Σ_plates ctc / letters
The finder learns from windows of a picture, the reader from plates as they are stored, by their true corners, a little
off. Two lines are read as one, the lower behind the upper.

Letters: B pictures, K kinds, P places, M plates of a picture, N plates of all. Corners are x, y, clockwise from the
top left as one reads the plate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from annotated_types import Ge, Gt, Le, Lt
from torch import Tensor, nn

from deepglass.data.annotation import Plate
from deepglass.data.augment.street import (
    PARTLY,
    Stored,
    StreetAugment,
    jittered,
    rectified,
    shrunk,
    stored,
    windows,
    worn,
)
from deepglass.data.example import Batch, Column, Example, Form, Ragged, concatenated, padded
from deepglass.data.readers.picture import fit_picture, to_bytes
from deepglass.data.source import Index
from deepglass.foundation.errors import DataError, UsageError
from deepglass.foundation.padded import Padded
from deepglass.foundation.plane import boxes_around, upright
from deepglass.foundation.ports import Plates, Ports
from deepglass.foundation.seeds import Draws
from deepglass.losses.ctc import ctc, ctc_count, flat_start
from deepglass.losses.plates import centre_loss, corner_loss, hills
from deepglass.metrics.average_precision import AveragePrecision, counter
from deepglass.metrics.plates import Marked, PlateFigure, lines_of
from deepglass.tasks.inputs import OneInput, learn_inputs
from deepglass.tasks.kinds.picture import PictureFacts, PictureSettings
from deepglass.tasks.letters import Alphabet, Read, read_letters, written
from deepglass.tasks.suppress import unrivalled
from deepglass.tasks.task import Losses, Metric, Predictions, Turn
from deepglass.views.boxes import Boxes, Mark
from deepglass.views.view import View

STRIDE = 8
AT_A_TIME = 64  # plates that are read together
LEAST = 0.05  # of a place's score, from which what stands there is read
AT_ONCE = 1 << 21  # pixels that are searched together
OVERLAP = 0.5  # of the boxes of two plates, above which only the surer one stays
ALIKE, SPREAD = 0.5, 0.25  # of the levels of a picture: what every place is brought to about 0 and 1 by
END = ord("\n")  # of a plate's text
LOOKS = ((0.0, 1.0), (0.05, 0.97), (-0.05, 1.04), (0.05, 1.04), (-0.05, 0.97))  # heights of the plate lower; its size

CORNERS = tuple(f"{axis}{corner}" for corner in range(1, 5) for axis in "xy")  # as a table names them

Share = Annotated[float, Ge(0), Le(1)]


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadPlatesFacts:
    """What was learned once from the training part."""

    alphabet: str  # every character that occurs, in the order of Unicode; symbol 0 is the blank
    kinds: tuple[str, ...]  # of plates, and ...
    lines: tuple[int, ...]  # ... how many lines each has, in the order of the logits
    counts: tuple[int, ...]  # plates of each in the training part
    inputs: PictureFacts


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadPlatesSettings:
    """What is asked of a reader of plates."""

    facts_type: ClassVar = ReadPlatesFacts

    confidence: Share = 0.3  # from which a plate is an answer
    most: Annotated[int, Ge(1), Le(100)] = 10  # plates of a picture
    kept: Annotated[int, Ge(64), Le(8192)] = 1280  # pixels of a picture's longer side that plates are read from
    search: Annotated[int, Ge(64), Le(4096)] = 640  # and that they are searched for in
    tall: Annotated[int, Ge(8), Le(256)] = 32  # pixels of a plate made upright
    wide: Annotated[int, Ge(16), Le(2048)] = 128
    split: Annotated[float, Gt(0), Lt(1)] = 0.4  # of a plate's height, where the lower of two lines begins
    flat: Annotated[int, Ge(0)] = 300  # steps in which characters are looked for evenly spread, before they are found
    looks: Annotated[int, Ge(1), Le(len(LOOKS))] = len(LOOKS)  # how often a plate is read, a little off each time
    gain: Annotated[float, Gt(0)] = 4.0  # how much corners weigh against middles
    street: StreetAugment = StreetAugment()
    picture: PictureSettings = field(default_factory=lambda: PictureSettings(fit="pad"))

    def learn(self, index: Index, size: tuple[int, int], channels: int) -> ReadPlatesFacts:
        """Alphabet and kinds from the training part's plates; MachineError where nothing could judge what is found."""
        counter()  # now, and not at the first check of a training that is then lost
        plates = [plate for label in index.labels if isinstance(label, tuple) for plate in label]
        plates = [plate for plate in plates if isinstance(plate, Plate)]
        alphabet = "".join(sorted({letter for plate in plates for letter in plate.text}))
        if not alphabet:
            raise DataError("tasks.no_plates", count=len(index))
        found = sorted({(plate.kind, plate.lines) for plate in plates})
        counts = [sum((plate.kind, plate.lines) == one for plate in plates) for one in found]
        inputs = learn_inputs(index, self, size, channels)
        assert isinstance(inputs, PictureFacts)
        same = {"mean": (ALIKE,) * inputs.channels, "std": (SPREAD,) * inputs.channels}
        kinds, lines = zip(*found, strict=True)
        return ReadPlatesFacts(
            alphabet=alphabet, kinds=kinds, lines=lines, counts=tuple(counts), inputs=replace(inputs, **same)
        )

    def build(self, facts: ReadPlatesFacts) -> "ReadPlates":
        """The task with what it learned; UsageError where pictures would be moved without their plates."""
        augment = self.picture.augment
        names = ("flip", "crop_pad", "rotate", "shift", "scale", "shear", "randaugment", "mixup", "cutmix")
        moved = [name for name in names if getattr(augment, name)] + ["resize_crop"] * (augment.resize_crop < 1)
        if moved:
            raise UsageError(
                "tasks.plates_left_behind", names=", ".join(f"task.picture.augment.{one}" for one in moved)
            )
        return ReadPlates(self, facts)


class ReadPlates(OneInput):
    """The task of finding and reading number plates."""

    settings: ReadPlatesSettings
    facts: ReadPlatesFacts
    draws: ClassVar[bool] = True  # its answers are shown best in the pictures themselves
    columns: ClassVar[tuple[str, ...]] = ("id", "text", "kind", "lines", "confidence", *CORNERS, "error")

    def asks(self) -> Ports:
        asked = self.settings
        gives = Plates(len(self.facts.kinds), 1 + len(self.facts.alphabet), STRIDE, asked.tall, asked.wide, asked.split)
        return Ports(self.takes(), gives)

    def prepare(self, raw: Any, label: Any = None) -> Example:
        """The picture pixel by pixel, smaller only where it has more than plates are read from.

        input uint8 (HW, C), size float32 (2,) its width and height, whole float32 (2,) those of the stored picture
        """
        height, width = raw.pixels.shape[:2]
        scale = min(1.0, self.settings.kept / max(width, height))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        channels = self.facts.inputs.channels
        pixels = raw.pixels
        if (width, height, pixels.shape[2]) != (*size, channels):
            pixels = fit_picture(pixels, channels, size[1], size[0], "stretch").transpose(1, 2, 0)
        pixels = np.require(to_bytes(pixels), requirements=["C", "W"]).reshape(-1, channels)
        whole = raw.size if any(raw.size) else (width, height)
        sizes = {"size": torch.tensor(size, dtype=torch.float32), "whole": torch.tensor(whole, dtype=torch.float32)}
        return Example({"input": torch.from_numpy(pixels), **sizes}, {} if label is None else self.code([label]))

    def form(self) -> Form | None:
        return None

    def preparation(self) -> Any:
        return [self.facts.inputs.channels, self.settings.kept]

    def code(self, labels: Sequence[Any]) -> dict[str, Column]:
        """plates Ragged (ΣM, 10): kind, lines, four corners in pixels of the stored picture; text Ragged: Unicode
        numbers, each plate's closed by an END."""
        plates = [[self._row(plate) for plate in label or ()] for label in labels]
        flat = torch.tensor([row for rows in plates for row in rows], dtype=torch.float32).view(-1, 10)
        lengths = torch.tensor([len(rows) for rows in plates], dtype=torch.int64)
        text = written(["".join(f"{plate.text}\n" for plate in label or ()) for label in labels])
        return {"plates": Ragged(flat, lengths), "text": text}

    def present(self, batch: Batch, draws: Draws | None = None) -> Batch:
        """Whole pictures to be searched; with draws a window of each, its plates, and the plates upright.

        input (B, C, h, w), plates (B, M, 10) in the window, kind below 0 of what is none; lines Ragged (N, C, 32, 128)
        """
        pictures = stored(batch["input"], batch["size"])
        if draws is None or "plates" not in batch:
            return self._whole(batch, pictures)
        inputs, asked = self.facts.inputs, self.settings
        plates, lengths = padded(batch["plates"])
        there = torch.arange(plates.shape[1], device=lengths.device) < lengths[:, None]
        corners = plates[..., 2:].unflatten(-1, (4, 2)) * (batch["size"] / batch["whole"])[:, None, None]
        frame = (inputs.height, inputs.width, asked.search)
        shown, moved, state = windows(pictures, corners, there, draws, asked.street, frame)
        kinds = torch.where(state == 0, plates[..., 0], state.float())
        owner = there.nonzero()[:, 0]
        lines = self._upright(
            pictures, owner, jittered(corners, draws, asked.street.jitter)[there], plates[..., 1][there]
        )
        return batch.with_columns(
            input=self.kind.present(shown, inputs, asked, draws),
            plates=torch.cat([kinds[..., None], plates[..., 1:2], moved.flatten(2)], -1),
            lines=Ragged(worn(lines, there, draws, asked.street), lengths),
        )

    def turns(self) -> list[Turn]:
        return [Turn("finder", self.find, self.plates_in), Turn("reader", self.read, self.letters_in)]

    def find(self, model: nn.Module, batch: Batch) -> Losses:
        """How well middles and corners are known, summed over pictures and plates."""
        logits, corners, size = self._said(model, batch["input"])
        kinds, wanted = batch["plates"][..., 0].long(), batch["plates"][..., 2:].unflatten(-1, (4, 2))
        hill = hills(wanted, kinds >= 0, size, STRIDE)  # (B, M, P)
        of_kind = F.one_hot(kinds.clamp(min=0), logits.shape[1]) * (kinds >= 0)[..., None]
        by_kind = (hill[:, :, None] * of_kind[..., None]).sum(1).clamp(max=1)  # (B, K, P)
        known = ~self._partly(wanted, kinds, size).any(1)
        off = corner_loss(corners, wanted, hill)
        return Losses({"middle": centre_loss(logits, by_kind, known), "corner": self.settings.gain * off})

    def plates_in(self, batch: Batch) -> dict[str, float]:
        """The plates of the windows, at least one."""
        return {"": float(max(1, int((batch["plates"][..., 0] >= 0).sum())))}

    def read(self, model: nn.Module, batch: Batch) -> Losses:
        """Connectionist temporal classification over the plates."""
        lines, symbols = batch["lines"].values, self._symbols(batch)
        told = symbols.lengths > 0  # a plate that nobody could read is found, and teaches no letters
        lines, symbols = lines[told], Padded(symbols.values[told], symbols.lengths[told])
        if not len(lines):
            return Losses({"letters": sum(one.sum() for one in _part(model, "reader").parameters()) * 0.0})  # pyright: ignore
        loss = flat_start if batch.step < self.settings.flat else ctc
        return Losses({"letters": loss(_part(model, "reader")(lines), symbols)})

    def letters_in(self, batch: Batch) -> dict[str, float]:
        """The characters of the plates, at least one."""
        return {"": ctc_count(self._symbols(batch))}

    def predict(self, model: nn.Module, batch: Batch) -> Predictions:
        """Every plate that may be one, the surest of each picture first; all ragged by picture.

        corners (ΣM, 8) in pixels of the stored picture; boxes (ΣM, 6): their boxes, the finder's score, 0; kind (ΣM,);
        text: Unicode numbers, each plate's closed by an END; score (ΣM,): the finder's times how sure the reader is
        """
        if "pixels" not in batch:  # of unequal size: each by itself
            alone = [self.present(batch.rows(row, row + 1)) for row in range(len(batch))]
            parts = [self.predict(model, one) for one in alone]
            return {name: concatenated([part[name] for part in parts]) for name in parts[0]}
        frames, pictures = batch["input"], stored(batch["pixels"], batch["size"])
        step = max(1, AT_ONCE // max(1, frames.shape[-2] * frames.shape[-1]))
        found = [self._found(model, frames[start : start + step]) for start in range(0, len(frames), step)]
        corners, scores, kinds, lengths = (torch.cat(part) for part in zip(*found, strict=True))
        owner = torch.repeat_interleave(lengths)
        corners = corners * (batch["size"] / frames.new_tensor(frames.shape[:1:-1]))[owner][:, None]
        many = torch.tensor(self.facts.lines, device=kinds.device)[kinds]
        said = self._read(model, [self._upright(pictures, owner, each, many) for each in self._looks(corners)])
        texts = [text for part in said for text in part.texts]
        sure = torch.cat([part.sure for part in said]) if said else scores.new_zeros(0)
        corners = corners * (batch["whole"] / batch["size"])[owner][:, None]
        boxes = torch.cat([boxes_around(corners), scores[:, None], torch.zeros_like(scores)[:, None]], 1)
        columns = {"corners": corners.flatten(1), "boxes": boxes, "kind": kinds}
        columns["score"] = scores * sure.to(scores.device)
        ends = [0, *lengths.cumsum(0).tolist()]
        text = written(["".join(f"{one}\n" for one in texts[a:b]) for a, b in zip(ends, ends[1:], strict=False)])
        return {**{name: Ragged(values, lengths) for name, values in columns.items()}, "text": text}

    def truth(self, batch: Batch) -> Marked:
        flat, lengths = batch["plates"]
        boxes = boxes_around(flat[:, 2:].unflatten(1, (4, 2)))
        return Marked(Ragged(F.pad(boxes, (1, 1)), lengths), batch["text"])

    def metrics(self) -> dict[str, Metric]:
        names = ("plate_accuracy", "cer_found", "found")
        read: dict[str, Metric] = {name: PlateFigure(name, self.settings.confidence) for name in names}
        return {**read, "map50": AveragePrecision("map50", 1)}

    def answers(self, predictions: Predictions) -> list[dict[str, Any]]:
        """{"prediction": [texts], "plates": [{"text", "kind", "lines", "confidence", "corners": [[x, y], ...]}]}"""
        columns = [predictions[name].each() for name in ("corners", "kind", "score")]
        found: list[dict[str, Any]] = []
        for corners, kinds, scores, texts in zip(*columns, lines_of(predictions["text"]), strict=True):
            rows = zip(corners.view(-1, 4, 2).tolist(), kinds.long().tolist(), scores.tolist(), texts, strict=True)
            plates = [self._answer(*row) for row in rows if row[2] >= self.settings.confidence]
            plates.sort(key=lambda plate: -plate["confidence"])
            found.append({"prediction": [plate["text"] for plate in plates], "plates": plates})
        return found

    def rows(self, answer: Mapping[str, Any]) -> list[dict[str, Any]]:
        """A line of a table for each plate; one that says nothing else of a picture without any."""
        found: list[dict[str, Any]] = [] if answer["plates"] else [{"id": answer["id"]}]
        for plate in answer["plates"]:
            ends = [end for corner in plate["corners"] for end in corner]
            found.append({"id": answer["id"], **plate, **dict(zip(CORNERS, ends, strict=True))})
        return found

    def show(self, raw: Any, answer: Mapping[str, Any]) -> list[View]:
        marks = [plate_mark(plate) for plate in answer["plates"]]
        return [Boxes(raw.pixels, marks, size=raw.size)]

    def upright(self, pixels: np.ndarray, corners: Tensor, lines: Tensor) -> np.ndarray:
        """Plates of a picture as the reader sees them. (H, W, C), (N, 4, 2), (N,) -> uint8 (N, tall, wide, C)"""
        height, width, channels = pixels.shape
        flat = torch.from_numpy(np.ascontiguousarray(to_bytes(pixels))).view(1, -1, channels)
        pictures = stored(flat, torch.tensor([[float(width), float(height)]]))
        cut = self._upright(pictures, torch.zeros(len(corners), dtype=torch.int64), corners, lines)
        return cut.round().to(torch.uint8).permute(0, 2, 3, 1).numpy()

    def places(self, found: Tensor) -> tuple[Tensor, Tensor, tuple[int, int]]:
        """What a finder says, taken apart: logits (B, K, P), corners (B, P, 4, 2), rows and columns of the map."""
        logits, corners = found.float().flatten(2).split((len(self.facts.kinds), 8), 1)
        return logits, corners.mT.unflatten(-1, (4, 2)), (found.shape[2], found.shape[3])

    @cached_property
    def _alphabet(self) -> Alphabet:
        return Alphabet(self.facts.alphabet)

    def _row(self, plate: Plate) -> tuple[float, ...]:
        known = list(zip(self.facts.kinds, self.facts.lines, strict=True))
        kind = known.index((plate.kind, plate.lines)) if (plate.kind, plate.lines) in known else 0
        return (kind, plate.lines, *(end for corner in plate.corners for end in corner))

    def _answer(self, corners: list[list[float]], kind: int, score: float, text: str) -> dict[str, Any]:
        rounded = [[round(x, 1), round(y, 1)] for x, y in corners]
        about = {"kind": self.facts.kinds[kind], "lines": self.facts.lines[kind]}
        return {"text": text, **about, "confidence": score, "corners": rounded}

    def _whole(self, batch: Batch, pictures: Stored) -> Batch:
        """Pictures of one size as they are searched; those of several sizes stay as they are, for each comes alone."""
        if not bool((pictures.sizes == pictures.sizes[:1]).all()):
            return batch
        small = torch.stack([shrunk(pictures.picture(row), self.settings.search) for row in range(len(batch))])
        facts = replace(self.facts.inputs, height=small.shape[2], width=small.shape[3])
        return batch.with_columns(pixels=batch["input"], input=self.kind.present(small, facts, self.settings, None))

    def _upright(self, pictures: Stored, owner: Tensor, corners: Tensor, lines: Tensor) -> Tensor:
        """Plates cut out of their pictures. (N,), (N, 4, 2), (N,) -> float 0 .. 255 (N, C, tall, wide)"""
        tall, wide = self.settings.tall, self.settings.wide
        one, two = (
            upright(2 * tall, 2 * wide, count, split=self.settings.split, device=corners.device) for count in (1, 2)
        )
        return rectified(pictures, owner, corners, torch.where((lines == 2)[:, None, None, None], two, one))

    def _said(self, model: nn.Module, images: Tensor) -> tuple[Tensor, Tensor, tuple[int, int]]:
        """Logits (B, K, P), corners in pixels of the images (B, P, 4, 2), and rows and columns of the map."""
        return self.places(_part(model, "finder")(images))

    def _looks(self, corners: Tensor) -> list[Tensor]:
        """Corners as they are, and a little lower, higher, wider and narrower. (N, 4, 2) each"""
        middle, down = corners.mean(1, keepdim=True), (corners[:, 3] - corners[:, 0])[:, None]
        moved = LOOKS[: self.settings.looks]
        return [middle + share * down + size * (corners - middle) for share, size in moved]

    def _read(self, model: nn.Module, looks: Sequence[Tensor]) -> list[Read]:
        """What stands on plates by the mean of what each look gives for every column. (N, C, tall, wide) each"""
        said: list[Read] = []
        for parts in zip(*(look.split(AT_A_TIME) for look in looks), strict=True):
            if len(parts[0]):
                each = [_part(model, "reader")(part) for part in parts]
                shares = torch.stack([one.values.float().softmax(2) for one in each]).mean(0)
                said.append(read_letters(Padded(shares.log(), each[0].lengths), self._alphabet))
        return said

    def _found(self, model: nn.Module, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Corners in pixels of the images (N, 4, 2), scores and kinds (N,), and how many each picture has (B,)."""
        logits, corners, size = self._said(model, images)
        best, kind = logits.sigmoid().max(1)  # (B, P)
        around = F.max_pool2d(best.unflatten(1, size), 3, 1, 1).flatten(1)
        top = torch.where(best == around, best, 0).topk(min(4 * self.settings.most, best.shape[1]), 1)
        chosen = corners.gather(1, top.indices[..., None, None].expand(-1, -1, 4, 2))  # (B, N, 4, 2)
        boxes = boxes_around(chosen.flatten(0, 1)).unflatten(0, chosen.shape[:2])
        alike = torch.zeros_like(top.indices)
        alive = unrivalled(boxes, top.values, alike, LEAST, OVERLAP, self.settings.most)
        return chosen[alive], top.values[alive], kind.gather(1, top.indices)[alive], alive.sum(1)

    def _partly(self, wanted: Tensor, kinds: Tensor, size: tuple[int, int]) -> Tensor:
        """Places in the boxes of plates that are seen in part. bool (B, M, P)"""
        down, across = (torch.arange(side, device=wanted.device) * STRIDE + STRIDE / 2 for side in size)
        places = torch.stack(torch.meshgrid(down, across, indexing="ij")[::-1], -1).flatten(0, 1)  # (P, 2)
        low, high = wanted.amin(2)[:, :, None], wanted.amax(2)[:, :, None]
        return ((places > low) & (places < high)).all(-1) & (kinds == PARTLY)[..., None]

    def _symbols(self, batch: Batch) -> Padded:
        """What the network should write of each plate, plate by plate. int64 (N, L)"""
        values = batch["text"].values
        ends = (values == END).nonzero()[:, 0]
        lengths = torch.diff(ends, prepend=ends.new_tensor([-1])) - 1
        if not len(ends):
            return Padded(values.new_zeros(0, 0).long(), lengths)
        return self._alphabet.symbols(Ragged(values[values != END], lengths))


def plate_mark(plate: Mapping[str, Any]) -> Mark:
    """A plate as it is drawn: its outline with what stands on it."""
    across, down = zip(*plate["corners"], strict=True)
    box = (min(across), min(down), max(across), max(down))
    return Mark(plate["text"], box, plate.get("confidence"), outline=plate["corners"])


def _part(model: nn.Module, name: str) -> nn.Module:
    return model.get_submodule(name)


CATALOGUE = {"read_plates": ReadPlatesSettings()}
