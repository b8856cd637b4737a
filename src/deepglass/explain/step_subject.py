"""What a step is taken of: a run with its own data, or a network by name with a made example and textbook settings.

A made example is a point with the parity of its coordinates as class (two coordinates: exclusive or), taken as it is;
for networks that see pictures, or make them, it is one handwritten digit of each class.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import nn

from deepglass.bundle import Own
from deepglass.data.example import Batch, columns_of
from deepglass.data.files import open_inputs
from deepglass.data.loader import make_batch
from deepglass.data.recognise import recognise
from deepglass.data.settings import DataSettings
from deepglass.data.source import Index, Unreadable
from deepglass.data.sources.arrays import Arrays
from deepglass.engine.loop import State, Training
from deepglass.foundation import catalogue
from deepglass.foundation.errors import DataError, UsageError
from deepglass.foundation.ports import Latent, Vector
from deepglass.foundation.settings import Choice, Override, choose, parse_assignments, resolve
from deepglass.material import Material
from deepglass.networks import EXTERNAL, choose_model
from deepglass.run import Run, RunSettings, restore
from deepglass.tasks.kinds.picture import PictureSettings
from deepglass.tasks.task import Task, encoder_of, form_of

FIRST = "0"  # of the digits that come with the package
SIDE = 32  # pixels of a digit's side for networks that make pictures: all of them can halve that evenly
EVERY_NUMBER = 150  # parameters up to which every number of a network is shown, of one example

TEXTBOOK = (
    "train.optimizer=sgd",
    "train.momentum=0",
    "train.schedule=constant",
    "train.warmup=0",
    "train.steps=1000000",
)
ALONE = ("train.plan=plain", "train.device=cpu", "data.cache=false", "data.val=0", "data.test=0")
OF_POINTS = ("train.batch=1", "train.lr=0.5")
OF_PICTURES = ("train.batch=10", "train.lr=0.1")
OF_MODEL = {
    "perceptron": ("task.loss=perceptron", "train.lr=1"),
    "mlp": ("model.hidden=[3]", "model.activation=sigmoid"),
}


class Listener:
    """Stands where journal and checkpoints stand: hears what the engine says of a step, and writes nothing."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def write(self, kind: str, step: int, **values: Any) -> None:
        """One event of the engine."""
        self.events.append({"kind": kind, "step": step, **values})

    def save(self, state: State) -> None:
        """Nothing is kept of a step that is only looked at."""

    def wait(self) -> None:
        """Nothing is being written."""


@dataclass
class Subject:
    """A network, its task, and all that the engine needs for its next step."""

    name: str
    task: Task
    training: Training
    state: State
    heard: Listener

    @property
    def small(self) -> bool:
        """Whether every number can be shown."""
        return numbers_in(self.state.model) <= EVERY_NUMBER


def numbers_in(model: nn.Module) -> int:
    """How many parameters the model has."""
    return sum(parameter.numel() for parameter in model.parameters())


def subject_of(
    what: str,
    given: str = "",
    target: str = "",
    chosen: Sequence[Override] = (),
    first: bool = False,
    own: Own = Own(),
) -> Subject:
    """The subject of that name or folder; `given` is the example (numbers, a file, an id), `target` its answer.

    `first`: the untrained network of a run and its first batch, in place of the newest checkpoint and the next one.
    `own`: the network of a run of one's own, or the one that `what` stands for.
    """
    if (Path(what) / "run.toml").is_file():
        return _of_run(Run.open(Path(what), own), given, target, chosen, first)
    offered = catalogue.entries("models")
    if own.model is None and what not in offered:
        raise UsageError("show.unknown", name=what, hint=catalogue.nearest(what, offered))
    if own.model is not None and not given:
        raise UsageError("step.own_needs_example", name=what)
    return _of_model(what, given, target, chosen, own)


def _of_run(run: Run, given: str, target: str, chosen: Sequence[Override], first: bool) -> Subject:
    wrong = next((one for one in chosen if not one.path.startswith("train.")), None)
    if wrong is not None:
        raise UsageError("step.only_train", folder=run.folder, setting=wrong.path)
    if not (run.folder / "plan.json").is_file():
        raise UsageError("step.not_begun", folder=run.folder)
    run.settings = resolve(run.settings, chosen)[0]
    material = run.material()
    subject = _ready(run, material, run.settings.model.name)
    if not first and subject.training.checkpoints.steps():
        tensors, document, _ = subject.training.checkpoints.newest()
        restore(subject.state, tensors, document)
        # after the last step there is no next one: it is taken once more, at the last rate
        subject.state.step = min(subject.state.step, subject.training.steps - 1)
    rows = None if any(one.path == "train.batch" for one in chosen) else 1
    return _looked_at(subject, material, given, target, rows)


def _of_model(name: str, given: str, target: str, chosen: Sequence[Override], own: Own) -> Subject:
    base = RunSettings(model=choose_model(EXTERNAL if own.model is not None else name))
    if own.model is None and isinstance(base.model.settings.ports().takes, Latent):
        base = replace(base, task=_makes_pictures(base.model))
    given = FIRST if given == "digits" else given
    numbers = _numbers(given)
    if own.model is not None:  # it says nothing of what it takes; a number alone is one of the digits
        takes_numbers = numbers is not None and len(numbers) > 1
    else:
        takes_numbers = isinstance(base.model.settings.ports().takes, Vector)
    if takes_numbers or (name in OF_MODEL and (not given or numbers is not None)):
        source, taught = _points(given, numbers), (*OF_POINTS, *OF_MODEL.get(name, ()))
    else:
        source, taught = _digits(given), OF_PICTURES
    settings = resolve(base, [*parse_assignments((*TEXTBOOK, *ALONE, *taught), "textbook"), *chosen])[0]
    with TemporaryDirectory() as folder:  # the plan is written beside a run; nothing of it is kept
        run = Run(Path(folder), settings, own=own, source=source)
        material = run.material()
        if source.index.kind == "vector":
            material = replace(material, task=_as_it_is(material.task, settings.task))
        subject = _ready(run, material, name)
    return _looked_at(subject, material, given, target, None)


def _makes_pictures(model: Choice) -> Choice:
    """The task of a network that makes pictures, by class where it knows classes."""
    asked = choose("tasks", "generate_images")
    by_class = getattr(model.settings, "classes", 0) > 0
    return replace(asked, settings=replace(asked.settings, by_class=by_class, picture=PictureSettings(size=SIDE)))


def _ready(run: Run, material: Material, name: str) -> Subject:
    heard = Listener()
    training, state = run.training(material, heard)  # pyright: ignore
    training = replace(training, journal=heard, log_every=1)  # pyright: ignore
    return Subject(name, material.task, training, state, heard)


def _looked_at(subject: Subject, material: Material, given: str, target: str, rows: int | None) -> Subject:
    """The subject with its batches: the given example alone where that can be, else what the run would draw."""
    draw = subject.training.batch
    example = _example(material, given, target) if given else None
    company = any("running_mean" in name for name, _ in subject.state.model.named_buffers())
    alone = rows == 1 and subject.small

    def batch(step: int) -> Batch:
        if example is None:
            return draw(step).rows(0, 1) if alone else draw(step)
        return _joined(example, draw(step)) if company else replace(example, step=step)

    quiet = replace(subject.training, batch=batch, checkpoints=subject.heard)  # pyright: ignore
    return replace(subject, training=quiet)


def _example(material: Material, given: str, target: str) -> Batch:
    """The given example as a batch of one row: known by its id, or read from numbers or a file, its answer named."""
    ids = list(material.store.index.ids)
    if given in ids and not target:
        return make_batch(material.store, material.targets, np.array([ids.index(given)]), 0, torch.zeros(1).long())
    labels = getattr(material.task.facts, "labels", ())
    if target not in labels:
        code = "step.name_target" if not target else "step.no_label"
        raise UsageError(code, given=given, target=target, labels=", ".join(labels))
    raw = material.source.read(ids.index(given), form_of(material.task)) if given in ids else _raw(material, given)
    row = material.task.prepare(raw, target)
    columns = {**columns_of([row.inputs], encoder_of(material.task)), **row.targets}
    return Batch((given,), columns, 0, torch.zeros(1, dtype=torch.int64))


def _raw(material: Material, given: str) -> Any:
    index, numbers = material.source.index, _numbers(given)
    if index.kind == "vector":
        if numbers is None or len(numbers) != len(index.columns):
            raise UsageError("step.columns", given=given, count=len(index.columns), columns=", ".join(index.columns))
        return np.array(numbers, dtype=np.float32)
    read = next(iter(open_inputs(given, index.kind, index.columns, fit=form_of(material.task))))
    if isinstance(read.raw, Unreadable):
        raise DataError("step.unreadable", given=given, reason=read.error())
    return read.raw


def _joined(example: Batch, others: Batch) -> Batch:
    """The example in front of the batch's other rows: batch normalisation needs company."""
    rest = others.rows(1, len(others))
    columns = {name: torch.cat([example[name], rest[name]]) for name in example.columns}
    return Batch((*example.ids, *rest.ids), columns, others.step, others.keys)


def _numbers(given: str) -> list[float] | None:
    try:
        return [float(part) for part in given.split(",")]
    except ValueError:
        return None


def _points(given: str, numbers: list[float] | None) -> Arrays:
    """The point asked for and one of the other class, which makes it a task; else the corners of a square."""
    if numbers is None and given:
        raise UsageError("step.no_point", given=given)
    other = [0.0 if numbers[0] > 0.5 else 1.0, *numbers[1:]] if numbers else []
    points = [numbers, other] if numbers else [[1.0, 0.0], [0.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
    names = [",".join(f"{value:g}" for value in point) for point in points]
    names[0] = given or names[0]
    labels = [str(sum(value > 0.5 for value in point) % 2) for point in points]
    columns = tuple(f"x{place + 1}" for place in range(len(points[0])))
    index = Index(names, labels, kind="vector", columns=columns)
    return Arrays("made", "classify", Path(), index, np.array(points, dtype=np.float32))


def _digits(given: str) -> Arrays:
    """One handwritten digit of each class, from those that come with the package."""
    if given and not Path(given).exists() and not given.isdigit():
        raise UsageError("step.no_example", given=given)
    digits = recognise("digits", DataSettings())
    rows = np.array([list(digits.index.labels).index(str(digit)) for digit in range(10)])
    pixels = np.stack([digits.read(row).pixels for row in rows.tolist()])
    names = [str(digit) for digit in range(10)]
    return Arrays("made", "classify", Path(), Index(names, names), pixels)


def _as_it_is(task: Task, choice: Choice) -> Task:
    """The task without standardisation: the numbers on paper are the numbers in the network."""
    facts = task.facts
    size = len(facts.inputs.columns)
    plain = replace(facts.inputs, mean=(0.0,) * size, std=(1.0,) * size)
    return choice.settings.build(replace(facts, inputs=plain))
