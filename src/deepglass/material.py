"""A run's data, ready: prepared rows, coded targets, and which row belongs to which part."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from deepglass.data.cache import Store, prepare_all
from deepglass.data.check import before, refuse, refuse_unknown, too_many_bad
from deepglass.data.files import Aligned
from deepglass.data.loader import Loader, make_batch
from deepglass.data.order import Balanced, Order, Shuffled
from deepglass.data.recognise import Survey, recognise
from deepglass.data.settings import DataSettings
from deepglass.data.source import PARTS, Finding, Source
from deepglass.foundation.errors import UsageError
from deepglass.foundation.ports import Image, Port
from deepglass.foundation.seeds import Permutation
from deepglass.tasks.task import Task

Watch = Callable[[int, int], None]
GLANCE = 1000  # training rows that a check looks at where there is no validation part; nothing is chosen by it
START = 5000  # training rows from which a network may take its start


@dataclass
class Material:
    """What a run learns from and is measured on."""

    source: Source
    task: Task
    store: Store
    targets: Mapping[str, Tensor]
    rows: dict[str, np.ndarray]  # usable rows with an answer, by part
    findings: list[Finding]

    def loader(self, batch: int, seed: int, sampling: str) -> Loader:
        """The training part's batches, one order for each stream that the task draws from."""
        orders: dict[str, Order] = {}
        for name, stream in self.task.streams().items():
            wanted = [row for row in self.rows["train"] if stream.wants(self.store.index.labels[row])]
            orders[name] = self._order(np.array(wanted), max(1, round(batch * stream.share)), seed, sampling, name)
        return Loader(self.store, self.targets, orders, seed)

    def sampled(self, part: str, most: int) -> "Material":
        """The same with at most so many rows of a part, drawn by a key."""
        rows = self.rows[part]
        if len(rows) <= most:
            return self
        drawn = rows[np.sort(Permutation(len(rows), "sampled")(np.arange(most)))]
        return replace(self, rows=self.rows | {part: drawn})

    def checked(self) -> tuple[str, "Material"]:
        """The part that checks look at, and what of it: some training rows where nothing is held back."""
        return ("val", self) if len(self.rows["val"]) else ("train", self.sampled("train", GLANCE))

    def _order(self, rows: np.ndarray, batch: int, seed: int, sampling: str, name: str) -> Order:
        if sampling != "balanced":
            return Shuffled(rows, batch, seed, name)
        classes = self.targets.get("target")
        if classes is None or classes.ndim != 1 or classes.is_floating_point():
            raise UsageError("run.no_classes")
        return Balanced(rows, classes[torch.from_numpy(rows)].numpy(), batch, seed)


def gather(
    source: Source,
    task: Task,
    parts: np.ndarray,
    settings: DataSettings,
    name: str,
    watch: Watch,
    *,
    sample: int = 0,
    store: Store | None = None,
) -> Material:
    """Check and prepare every example, or `sample` training rows; a fold brings the store that all share.

    A sample is taken at even distances: sources list class after class, so the first rows would be of one class.
    """
    findings = list(source.findings) + before(source, parts)
    only = _evenly(np.flatnonzero(parts == "train"), sample) if sample else None
    preparation = [name, task.preparation()]
    store = store or prepare_all(source, parts, task.prepare, preparation, settings.cache, watch, only)
    refuse(findings + store.findings)
    too_many_bad(store.findings, len(source.index) if only is None else len(only), settings)
    return _material(source, task, parts, store, findings)


def start_from(model: nn.Module, material: Material, device: torch.device) -> None:
    """Hand a network that takes a part of its start from data some training rows, as it will see them."""
    if hasattr(model, "start_from"):
        some = material.sampled("train", START)
        batch = make_batch(some.store, some.targets, some.rows["train"])
        model.start_from(some.task.present(batch.to(device))["input"])  # pyright: ignore


def gather_elsewhere(place: str, task: Task, settings: DataSettings, watch: Watch) -> Material:
    """Other data as one test part, seen through the columns and answers that the task knows."""
    source = recognise(place, settings)
    if source.index.kind == "vector":
        source = Aligned(source, task.facts.inputs.columns)
    refuse_unknown(place, source.index.labels, getattr(task.facts, "labels", ()))
    parts = np.full(len(source.index), "test")
    store = prepare_all(source, parts, task.prepare, "elsewhere", False, watch)
    too_many_bad(store.findings, len(source.index), settings)
    return _material(source, task, parts, store, list(source.findings))


def picture_size(asked: int, takes: Port | None, found: Survey) -> tuple[tuple[int, int], int]:
    """Height, width and channels: as set, else what the model takes, else the data's own."""
    if found.kind != "picture":
        return (0, 0), 0
    channels = max(found.channels)
    if asked:
        return (asked, asked), channels
    if isinstance(takes, Image):
        return (takes.height, takes.width), channels
    return (found.height, found.width), channels


def _evenly(rows: np.ndarray, count: int) -> np.ndarray:
    return rows[np.arange(count) * len(rows) // count] if count < len(rows) else rows


def _material(source: Source, task: Task, parts: np.ndarray, store: Store, findings: list[Finding]) -> Material:
    labels = source.index.labels
    answered = np.array([label is not None for label in labels])
    rows = {name: np.flatnonzero((parts == name) & store.usable & answered) for name in PARTS}
    return Material(source, task, store, task.code(labels), rows, findings + store.findings)
