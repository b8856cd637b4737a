"""A run's data, ready: prepared rows, coded targets, and which row belongs to which part."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from deepglass.data.check import before, refuse, refuse_unknown, too_many_bad
from deepglass.data.column import Coded, Parts, where
from deepglass.data.enlarged import Enlarged, own_of
from deepglass.data.example import Ragged, picked
from deepglass.data.files import Aligned
from deepglass.data.loader import Loader, Shared, Target, answers_of, every_example, make_batch
from deepglass.data.mapped import is_mapped
from deepglass.data.order import Balanced, Lengths, Order, Shuffled
from deepglass.data.prepare import Preparation, Watch, prepare_all
from deepglass.data.readers.picture import Fit
from deepglass.data.recognise import Survey, recognise
from deepglass.data.settings import DataSettings
from deepglass.data.source import PARTS, Finding, Source
from deepglass.data.sources.coco_masks import Outlined
from deepglass.data.sources.masks import Masked
from deepglass.data.sources.volume_masks import MaskedVolumes
from deepglass.data.store import Store
from deepglass.engine.evaluate import evaluate
from deepglass.foundation.errors import UsageError
from deepglass.foundation.ports import Captions, Image, Port, Volume
from deepglass.foundation.seeds import Permutation
from deepglass.tasks.task import (
    Alarm,
    Look,
    Predictions,
    Some,
    Stream,
    Task,
    alarms_of,
    checking,
    crops_of,
    encoder_of,
    fed,
    form_of,
    recodes,
    recorder_of,
    searching,
)

LARGE = 10_000  # pictures above which training may begin before all are read: see Material.large
SAMPLE = 4096  # training rows that are then read first, and whose statistics are the run's
GLANCE = 1000  # training rows that a check looks at where there is no validation part; nothing is chosen by it
LONGER = 4  # times the mean length: longer rows come in smaller batches, so that none takes all the memory
MOST_TRAINED, MOST_SEARCHED = 5000, 500  # training rows that are answered for where another part counts, at most
EVALUATION_BATCH = 256
TIMED = (16, 32, 64, 128, 256)  # rows by which it is told what an evaluation takes, one number after the other ...
LONG_ENOUGH = 1.5  # ... until so many seconds have gone by
START = 5000  # training rows from which a network may take its start


@dataclass
class Material:
    """What a run learns from and is measured on.

    A large set may still be read while the run trains, so nothing that the run computes may depend on what is known of
    it so far: its order runs over all rows with an answer, a row that cannot be read is left out of its batch, and its
    statistics are those of a keyed sample. That holds as well where everything is known: a packed copy, a resume.
    """

    source: Source
    task: Task
    store: Store
    targets: Mapping[str, Target]
    rows: Mapping[str, np.ndarray]  # usable rows with an answer, by part; waits for them to be read
    answered: Mapping[str, np.ndarray]  # rows with an answer, by part
    noted: list[Finding]  # what was seen before anything was read
    settings: DataSettings
    large: bool
    prepared: Store  # the rows before what is learned made numbers of them; folds share it
    unanswered: np.ndarray  # training rows without an answer, for the streams that want them
    held: tuple[Predictions, np.ndarray] | None = None  # what the folds answered for the rows that each held out

    @property
    def findings(self) -> list[Finding]:
        """All that the doctor has seen so far."""
        return self.noted + self.prepared.findings

    @property
    def made(self) -> np.ndarray:
        """Rows of pictures that a network made: trained on, and nothing else."""
        return np.arange(len(own_of(self.source).index), len(self.source.index), dtype=np.int32)

    @property
    def counts(self) -> dict[str, int]:
        """How many rows of each part the run counts on."""
        rows = self.answered if self.large else self.rows
        return {part: len(rows[part]) for part in PARTS}

    def settled(self, task: Task) -> "Material":
        """With the task that has learned from it, and rows as that task makes them."""
        encoder = encoder_of(task)
        store = self.prepared.encoded(encoder) if encoder else self.prepared
        targets = _targets(task, self.source.index.labels) if recodes(task) else self.targets
        return replace(self, task=task, store=store, targets=targets, rows=Readable(store, self.answered))

    def loader(self, batch: int, seed: int, sampling: str) -> Loader:
        """The training part's batches, one order for each stream that the task draws from."""
        orders: dict[str, Order] = {}
        training = np.concatenate([self.answered["train"] if self.large else self.rows["train"], self.made])
        for name, stream in self.task.streams().items():
            without = self.unanswered if self.large else self.unanswered[self.store.readable(self.unanswered)]
            wanted = _wanted(stream, self.store.index.labels, training, without)
            orders[name] = self._order(wanted, max(1, round(batch * stream.share)), seed, sampling, name)
        main = next(iter(orders.values()))
        self.store.prefer(lambda: np.concatenate([main.at(step) for step in range(math.ceil(main.steps_per_epoch))]))
        return Loader(self.store, self.targets, orders, seed, crops_of(self.task))

    def some(self, part: str) -> Some:
        """At most 4,096 rows of a part, drawn by a key; of a large training part those that are read first."""
        rows = self.answered[part] if self.large else self.rows[part]
        rows = keyed_sample(rows, self.settings.split_seed) if part == "train" else rows[:SAMPLE]
        batches = every_example(self.store, self.targets, rows, EVALUATION_BATCH)
        return Some(batches, [self.source.index.labels[row] for row in rows.tolist()])

    def look(self, held: "Material", part: str) -> Callable[[Predictions], Look]:
        """What looks at the checks of a part beside the metrics."""
        return recorder_of(self.task, lambda: self.some("train"), lambda: held.some(part))

    def alarms(self, scores: Sequence[Any]) -> list[Alarm]:
        """What goes wrong, by the steps and figures of these checks."""
        return alarms_of(self.task, [(score.step, score.figures) for score in scores])

    def statistics(self) -> Mapping[str, Any]:
        """The training rows that the run's statistics are taken from, column by column, to be looked at in pieces.

        Answers are among them where they differ in length: of texts, too, there is something to learn.
        """
        rows = self.rows["train"]
        if self.large:
            rows = keyed_sample(self.answered["train"], self.settings.split_seed)
            rows = np.sort(rows[self.store.readable(rows)])
        places = torch.from_numpy(rows)
        answers = {name: picked(column, places) for name, column in self.targets.items() if isinstance(column, Ragged)}
        return {**self.store.view(rows), **answers}

    def stopping(self, asked_to_stop: Callable[[], bool]) -> Callable[[], bool]:
        """Whether to stop: because it was asked for, or because too much of what was read since cannot be used."""
        return lambda: asked_to_stop() or self._too_many()

    def refuse(self, wait: bool = True) -> None:
        """Raise DataError where more examples are unreadable than the settings allow, once all are read."""
        if wait and not self._too_many():
            self.store.finish()
        too_many_bad(self.store.findings, len(own_of(self.source).index), self.settings)

    def _too_many(self) -> bool:
        bad = self.store.intake.bad if self.store.intake else 0
        return bad > self.settings.max_bad * len(own_of(self.source).index)

    def sampled(self, part: str, most: int) -> "Material":
        """The same with at most so many rows of a part, drawn by a key."""
        rows = self.answered[part] if self.large else self.rows[part]
        if len(rows) <= most:
            return self
        drawn = rows[np.sort(Permutation(len(rows), "sampled")(np.arange(most)))]
        if self.large:
            return replace(self, rows=Readable(self.store, {**self.answered, part: drawn}))
        return replace(self, rows={**self.rows, part: drawn})

    def checked(self) -> tuple[str, "Material"]:
        """The part that checks look at, and what of it: some training rows where nothing is held back."""
        return ("val", self) if self.counts["val"] else ("train", self.sampled("train", GLANCE))

    def evaluated(
        self, model: nn.Module, task: Task, part: str, device: torch.device
    ) -> tuple[dict[str, Any], Predictions]:
        """Exact figures of a part, and its predictions in the order of its rows."""
        rows = self.rows[part]
        batches = every_example(self.store, self.targets, rows, EVALUATION_BATCH)
        return evaluate(task, model, batches(), device, len(rows))

    def tuned(self, model: nn.Module, device: torch.device) -> Task:
        """The task with what it settles once there are weights, by the validation part or by what folds held out."""
        if not hasattr(self.task, "tuned"):
            return self.task
        if self.counts["val"]:
            predictions, rows = self.evaluated(model, self.task, "val", device)[1], self.rows["val"]
        elif self.held:
            predictions, rows = self.held
        else:
            return self.task
        return self.task.tuned(predictions, answers_of(self.store, self.targets, rows))  # pyright: ignore

    def refuse_unsettled(self) -> None:
        """Raise UsageError where the task would have nothing to settle by."""
        if getattr(self.task, "wants_held_out", False) and not self.counts["val"] and not self.held:
            raise UsageError("run.no_held_out")

    def some_training(self) -> "Material":
        """With at most `MOST_TRAINED` rows of the training part; `MOST_SEARCHED` where every answer is searched for."""
        return self.sampled("train", MOST_SEARCHED if searching(self.task) else MOST_TRAINED)

    def evaluation_seconds(self, model: nn.Module, device: torch.device) -> tuple[float, float]:
        """What a check takes, and the evaluation of all parts at the end, by a sample of rows and the network as it is.

        Answers that are searched for may be longer now than when it has learned to end them.
        """
        counts = {part: len(self.answered[part]) for part in PARTS}
        looked_at = counts["val"] or min(GLANCE, counts["train"])
        most = MOST_SEARCHED if searching(self.task) else MOST_TRAINED
        asked = sum(min(count, most) if part == "train" else count for part, count in counts.items())
        any_check, check = self._seconds_of(model, checking(self.task), device)
        always, each = self._seconds_of(model, self.task, device) if searching(self.task) else (any_check, check)
        times = sum(count > 0 for count in counts.values())  # each part is evaluated by itself
        return any_check + check * looked_at, times * always + each * asked

    def _seconds_of(self, model: nn.Module, task: Task, device: torch.device) -> tuple[float, float]:
        """What an evaluation takes however few rows it asks about, and each row besides.

        A line through the last two of `TIMED` that were tried: figures that come from thousands of draws, or a GPU that
        is hardly busy, cost the same for 30 rows as for 3,000.
        """
        part = "val" if len(self.sampled("val", 1).rows["val"]) else "train"  # of a sample only training rows are read
        taken: list[tuple[int, float]] = []
        for most in TIMED:
            sample, began = self.sampled(part, most), time.perf_counter()
            sample.evaluated(model, task, part, device)
            if most > TIMED[0]:  # the first is slower than all that follow
                taken.append((len(sample.rows[part]), time.perf_counter() - began))
            if sum(seconds for _, seconds in taken) > LONG_ENOUGH:
                break
        (few, sooner), (many, later) = taken[-2:] if len(taken) > 1 else [(0, 0.0), *taken]
        slope = (later - sooner) / (many - few) if many > few else 0.0
        each = slope if slope > 0 else later / many
        return max(0.0, later - each * many), each

    def _order(self, rows: np.ndarray, batch: int, seed: int, sampling: str, name: str) -> Order:
        if sampling != "balanced" and self.store.offsets and not crops_of(self.task):
            lengths = np.max([self.store.lengths(column)[rows] for column in self.store.offsets], axis=0)
            return Lengths(rows, lengths, int(LONGER * batch * max(1.0, lengths.mean())), seed, batch)
        if sampling != "balanced":
            return Shuffled(rows, batch, seed, name)
        classes = self.targets.get("target")
        if not isinstance(classes, Tensor | Shared) or classes.ndim != 1 or classes.is_floating_point():
            raise UsageError("run.no_classes")
        return Balanced(rows, classes[rows].numpy(), batch, seed, self.settings.together)


class Readable(Mapping[str, np.ndarray]):
    """Rows by part, without those that cannot be used; a part is waited for when it is asked for."""

    def __init__(self, store: Store, rows: Mapping[str, np.ndarray]):
        self.store = store
        self.all = rows

    def __getitem__(self, part: str) -> np.ndarray:
        rows = self.all[part]
        good = self.store.readable(rows)
        return rows if good.all() else rows[good]

    def __iter__(self) -> Iterator[str]:
        return iter(self.all)

    def __len__(self) -> int:
        return len(self.all)


def gather(
    source: Source,
    task: Task,
    parts: Parts,
    settings: DataSettings,
    name: str,
    watch: Watch,
    *,
    sample: int = 0,
    store: Store | None = None,
) -> Material:
    """Check and prepare every example, or `sample` training rows; a fold brings the store that all share.

    A sample is taken at even distances: sources list class after class, so the first rows would be of one class.
    Of a large set training may begin with a keyed sample; the rest is read in the background.
    """
    own = own_of(source)
    findings = list(source.findings)
    findings += before(own, parts, task)
    refuse(findings)
    parts = source.parts(parts) if isinstance(source, Enlarged) else parts
    form = form_of(task)
    large = not sample and (isinstance(form, Fit) or is_mapped(source)) and len(source.index) > LARGE
    answered, unanswered = _answered(source, parts), _unanswered(source, parts)
    only = None
    if sample:  # some of every stream: a batch has rows of each
        wanted = (
            _wanted(stream, source.index.labels, answered["train"], unanswered) for stream in task.streams().values()
        )
        only = np.unique(np.concatenate([_evenly(rows, sample) for rows in wanted]))
    first = keyed_sample(answered["train"], settings.split_seed) if large else None
    how = Preparation(task.prepare, [name, task.preparation()], form)
    store = store or prepare_all(source, parts, how, settings, watch, only=only, first=first)
    refuse(store.findings)
    too_many_bad(store.findings, len(own.index) if only is None else len(only), settings, len(own.index))
    found = _material(source, task, answered, store, findings, settings, large)
    return replace(found, unanswered=unanswered)


def start_from(model: nn.Module, material: Material, device: torch.device) -> None:
    """Hand a network that takes a part of its start from data some training rows, as it will see them."""
    if hasattr(model, "start_from"):
        some = material.sampled("train", START)
        batch = make_batch(some.store, some.targets, some.rows["train"])
        model.start_from(*fed(some.task, some.task.present(batch.to(device))))  # pyright: ignore


def gather_elsewhere(place: str, task: Task, settings: DataSettings, watch: Watch) -> Material:
    """Other data as one test part, seen through the columns and answers that the task knows."""
    source = recognise(place, settings)
    if source.index.kind == "vector":
        source = Aligned(source, task.facts.inputs.columns)
    if isinstance(source, Masked | Outlined | MaskedVolumes):
        source = source.numbered_as(getattr(task.facts, "classes", ()))
    refuse_unknown(place, source.index.labels, getattr(task.facts, "labels", ()))
    parts = Parts.all("test", len(source.index))
    how = Preparation(task.prepare, "elsewhere", form_of(task))
    store = prepare_all(source, parts, how, replace(settings, cache=False), watch)
    too_many_bad(store.findings, len(source.index), settings)
    found = _material(source, task, _answered(source, parts), store, list(source.findings), settings, False)
    return found.settled(task)


def keyed_sample(rows: np.ndarray, seed: int) -> np.ndarray:
    """At most SAMPLE of the rows, each equally likely, the same whenever it is asked for."""
    return rows[Permutation(len(rows), seed, "sample")(np.arange(min(SAMPLE, len(rows))))] if len(rows) else rows


def picture_size(asked: int, takes: Port | None, found: Survey) -> tuple[tuple[int, ...], int]:
    """Height, width and channels: as set, else what the model takes, else the data's own; of volumes depth first."""
    if found.kind in ("volume", "clip"):
        if isinstance(takes, Volume):
            return (takes.depth, takes.height, takes.width), takes.channels
        return (found.channels[len(found.channels) // 2], found.height, found.width), 1
    if found.kind != "picture":
        return (0, 0), 0
    channels = max(found.channels, default=3)  # where none of those looked at can be read, that is said when all are
    if asked:
        return (asked, asked), channels
    takes = takes.picture if isinstance(takes, Captions) else takes
    if isinstance(takes, Image):
        return (takes.height, takes.width), channels
    return (found.height, found.width), channels


def _evenly(rows: np.ndarray, count: int) -> np.ndarray:
    return rows[np.arange(count) * len(rows) // count] if count < len(rows) else rows


def _answered(source: Source, parts: Parts) -> dict[str, np.ndarray]:
    answered = where(source.index.labels, lambda label: label is not None)
    answered[len(own_of(source).index) :] = False  # what was made is in no figure
    return {name: parts.rows(name, answered) for name in PARTS}


def _unanswered(source: Source, parts: Parts) -> np.ndarray:
    return parts.rows("train", where(source.index.labels, lambda label: label is None))


def _wanted(stream: Stream, labels: Sequence[Any], answered: np.ndarray, unanswered: np.ndarray) -> np.ndarray:
    """Which of these training rows a stream draws from."""
    held = where(labels, stream.wants)[answered]
    wanted = answered if held.all() else answered[held]
    if not (len(unanswered) and stream.wants(None)):
        return wanted
    return np.sort(np.concatenate([wanted, unanswered]))


def _targets(task: Task, labels: Sequence[Any]) -> Mapping[str, Target]:
    """The task's code of every answer; of coded ones it is asked for each different answer once."""
    if not isinstance(labels, Coded):
        return task.code(labels)
    tables = task.code([*labels.names, None])
    return {name: Shared(table, labels.codes) for name, table in tables.items() if isinstance(table, Tensor)}


def _material(
    source: Source,
    task: Task,
    answered: Mapping[str, np.ndarray],
    store: Store,
    noted: list[Finding],
    settings: DataSettings,
    large: bool,
) -> Material:
    targets = _targets(task, source.index.labels)
    rows = Readable(store, answered)
    return Material(source, task, store, targets, rows, answered, noted, settings, large, store, np.zeros(0, np.int32))
