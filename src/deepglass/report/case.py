"""What the sections may ask of a finished run; a section whose question is answered with None is left out."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepglass.data.example import Batch, Ragged
from deepglass.data.loader import make_batch
from deepglass.data.source import PARTS, Unreadable
from deepglass.foundation.seeds import text_keys
from deepglass.material import Material
from deepglass.metrics.figure import Figure
from deepglass.report.baselines import Baseline, bags, baselines, baselines_of_texts
from deepglass.report.thumbnail import contact_sheet
from deepglass.run import Run
from deepglass.tasks.task import Predictions, Task, crops_of

COUNTING = ("test", "val", "train")  # the first of these that has examples is the one that counts

WITHOUT_STEPS = frozenset(("picture", "vector"))  # kinds of input that methods without depth can take
SIDE = 16  # pixels a side to which pictures are averaged for methods without depth
FLOOR_TRAIN, FLOOR_ASKED = 10_000, 5_000  # rows of the floor, at most
CHUNK = 512

Results = Mapping[str, tuple[dict[str, Figure], Predictions]]


class Floor(NamedTuple):
    """The methods without depth, fitted on `trained` rows and asked about `asked` (places in the counting part)."""

    baselines: list[Baseline]
    trained: int
    asked: Tensor  # int64 (M,)


class Classified(NamedTuple):
    """The answers of one part of a task with one class an example."""

    rows: np.ndarray  # of the source (N,)
    ids: list[str]
    logits: Tensor  # (N, K)
    targets: Tensor  # int64 (N,)
    labels: tuple[str, ...]

    @property
    def shares(self) -> Tensor:
        """float64 (N, K)"""
        return self.logits.double().softmax(1)

    @property
    def predicted(self) -> Tensor:
        """int64 (N,)"""
        return self.logits.argmax(1)

    def name(self, number: int) -> str:
        """A class's name; a dash for a class that the training part never had."""
        return self.labels[number] if number >= 0 else "–"


@dataclass(frozen=True)
class Case:
    """A finished run with its data and its results by part."""

    run: Run
    material: Material
    results: Results

    @cached_property
    def part(self) -> str:
        """The part whose figures count."""
        return next(part for part in COUNTING if part in self.results)

    @property
    def parts(self) -> list[str]:
        """The parts that have examples."""
        return [part for part in PARTS if part in self.results]

    @property
    def model(self) -> nn.Module:
        """The finished network, as the bundle holds it."""
        return self.run.bundle.model.eval()

    @property
    def task(self) -> Task:
        """The task with its facts."""
        return self.run.bundle.task

    @property
    def labels(self) -> tuple[str, ...] | None:
        """The classes' names, where there are classes."""
        return getattr(self.task.facts, "labels", None)

    @property
    def inputs(self) -> Any:
        """The facts of one input a row, where it is a picture or as many numbers as any other."""
        columns, offsets = self.material.store.columns, self.material.store.offsets
        fixed = "input" in columns and "input" not in offsets and self.kind in WITHOUT_STEPS
        fixed = fixed and not crops_of(self.task)
        return self.task.facts.inputs if fixed else None

    @property
    def kind(self) -> str:
        """The kind of input, of fixed size or not; empty for a task of its own kind."""
        return getattr(getattr(self.task.facts, "inputs", None), "kind", "")

    def text(self, row: int) -> str:
        """One row as a text on one line, where rows are texts that can still be read."""
        return " ".join(self.whole_text(row).split())

    def whole_text(self, row: int) -> str:
        """The same with its own line breaks and blanks."""
        try:
            return self.material.source.read(row).text
        except (Unreadable, OSError):
            return ""

    def batch(self, rows: np.ndarray) -> Batch:
        """These rows as the network sees them, with their answers: standardised, not augmented."""
        batch = make_batch(self.material.store, self.material.targets, rows)
        return self.task.present(batch.to(self.run.device))

    def classified(self, part: str | None = None) -> Classified | None:
        """Logits and classes of one part; None for tasks that do not name one class an example."""
        part = part or self.part
        target = self.material.targets.get("target")
        if part not in self.results or not self.labels or isinstance(target, Ragged | None) or target.ndim != 1:
            return None
        predictions = self.results[part][1]
        if "logits" not in predictions or target.is_floating_point():
            return None
        rows, logits = self.material.rows[part], predictions["logits"]
        logits = logits if len(logits) == len(rows) else logits[:0]  # a sample of the training part
        ids = [str(self.material.store.index.ids[row]) for row in rows.tolist()]
        return Classified(rows, ids, logits, target[rows], self.labels)

    def answered(self, part: str) -> int:
        """How many rows of a part were answered for: of the training part sometimes a sample."""
        first = next(iter(self.results[part][1].values()))
        return len(first.lengths if isinstance(first, Ragged) else first)

    def presented(self, rows: np.ndarray) -> Tensor:
        """What these rows put into the network."""
        return self.batch(rows)["input"]

    def pixels(self, row: int) -> np.ndarray | None:
        """One row as a picture uint8 (H, W, C), where rows are pictures; of a clip, its contact sheet."""
        if self.kind == "clip":
            return contact_sheet(self.material.store.each("input", np.array([row]))[0])
        if self.inputs is None or self.inputs.kind != "picture":
            return None
        return np.asarray(self.material.store.columns["input"][row]).transpose(1, 2, 0)

    def sample(self, part: str, most: int) -> np.ndarray:
        """Places in a part, at most so many, drawn by the examples' names and in their order. int64 (n,)"""
        rows = self.material.rows[part]
        if len(rows) <= most:
            return np.arange(len(rows))
        ids = self.material.store.index.ids
        keys = text_keys(0, [str(ids[row]) for row in rows.tolist()])
        return np.sort(np.argsort(keys, kind="stable")[:most])

    def flat(self, rows: np.ndarray) -> Tensor:
        """These rows as methods without depth see them: standardised, pictures averaged to 16 x 16. (N, F)"""
        parts = [_small(self.presented(rows[start : start + CHUNK])) for start in range(0, len(rows), CHUNK)]
        return torch.cat(parts)

    @cached_property
    def held_out(self) -> bool:
        """Whether the part that counts shares no row with the training part; in k-fold all rows are in both."""
        rows = self.material.rows
        return self.part != "train" and not np.intersect1d(rows["train"], rows[self.part]).size

    @cached_property
    def floor(self) -> Floor | None:
        """None without classes, held-out rows, and inputs that are texts or all of one size."""
        found, known = self.classified(), self.classified("train")
        texts = self.kind == "text"
        if found is None or known is None or not (texts or self.inputs is not None) or not self.held_out:
            return None
        taken = torch.from_numpy(self.sample("train", FLOOR_TRAIN))
        asked = torch.from_numpy(self.sample(self.part, FLOOR_ASKED))
        rows = known.rows[taken.numpy()], found.rows[asked.numpy()]
        y, classes = known.targets[taken], len(found.labels)
        if texts:
            vocabulary = len(self.task.facts.inputs.vocabulary)
            train, held_out = bags(self._tokens(rows[0]), self._tokens(rows[1]), vocabulary)
            made = baselines_of_texts(train, y, held_out, vocabulary, classes)
        else:
            made = baselines(self.flat(rows[0]), y, self.flat(rows[1]), classes)
        return Floor(made, len(taken), asked)

    def _tokens(self, rows: np.ndarray) -> Ragged:
        column = self.material.store.gather(rows)["input"]
        assert isinstance(column, Ragged)
        return column


def _small(values: Tensor) -> Tensor:
    """(B, C, H, W) or (B, F) -> (B, F)"""
    if values.ndim == 4:
        size = (min(SIDE, values.shape[2]), min(SIDE, values.shape[3]))
        values = F.adaptive_avg_pool2d(values, size)
    return values.flatten(1).float().cpu()
