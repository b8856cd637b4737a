"""The hall: model, data, task and engine meet here and nowhere else. A run is all four and the folder it writes.

run.toml (every setting and its origin) · data.json (facts, fingerprint) · machine.json · plan.json · events.jsonl ·
checkpoints/ · bundle/ · blobs/ · generated/
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from deepglass.bundle import Bundle, Own, check_start, start_of, task_settings, written
from deepglass.bundle_folder import describe
from deepglass.data.check import before, refuse_unusable, told_first
from deepglass.data.column import Parts
from deepglass.data.loader import Ahead, answers_of
from deepglass.data.prepare import Preparation, prepare_all
from deepglass.data.recognise import fits, layout_elsewhere, nearest_place, recognise, survey
from deepglass.data.settings import DataSettings
from deepglass.data.source import Finding, Source
from deepglass.data.split import parts_of
from deepglass.data.store import Store
from deepglass.engine.checkpoint import Checkpoints, restore
from deepglass.engine.evaluate import score
from deepglass.engine.journal import Journal, Watcher, reached
from deepglass.engine.loop import Training, learned_all, train
from deepglass.engine.measure import decide
from deepglass.engine.optimizers import build_optimizer
from deepglass.engine.plan import Plan, look_every, plain_plan, read_plan, write_plan
from deepglass.engine.recorder import Recorder
from deepglass.engine.settings import TrainSettings
from deepglass.engine.state import Score, State, freeze, start_averages
from deepglass.engine.tensorboard import TensorBoard
from deepglass.foundation.device import choose_device, differs, machine, same_threads
from deepglass.foundation.errors import DataError, DeepglassError, RunFailed, Stopped, UsageError
from deepglass.foundation.lock import locked
from deepglass.foundation.memory import Heap
from deepglass.foundation.sealed import sweep, write_document, write_sealed_text
from deepglass.foundation.seeds import seed_torch
from deepglass.foundation.settings import Choice, choose, from_json, to_toml
from deepglass.generated import Wanted, enlarged, origin_of, refuse_generated
from deepglass.learned import keep_learned, learned_of
from deepglass.material import Material, Watch, gather, gather_elsewhere, picture_size, start_from
from deepglass.networks import EXTERNAL, check_own, fit_model, learns_pairs, network_of
from deepglass.tasks.task import Predictions, Task, checking, fed, form_of
from deepglass.weights.settings import WeightsSettings
from deepglass.weights.start import Start, adapted, begin_with


def _default_task() -> Choice:
    return choose("tasks", "classify")


def _default_model() -> Choice:
    return choose("models", "mlp")


@dataclass(frozen=True, kw_only=True, slots=True)
class RunSettings:
    """Everything a run is made of; run.toml holds it whole."""

    seed: int = 0
    recipe: str = ""  # the recipe it began with
    data: DataSettings = DataSettings()
    task: Choice = field(default_factory=_default_task)
    model: Choice = field(default_factory=_default_model)
    weights: WeightsSettings = WeightsSettings()
    train: TrainSettings = TrainSettings()


class Run:
    """A run and its folder: create or open it, train, evaluate, predict."""

    def __init__(
        self,
        folder: Path,
        settings: RunSettings,
        origins: Mapping[str, str] | None = None,
        own: Own = Own(),
        source: Source | None = None,
    ):
        self.folder = folder
        self.settings = settings
        self.origins = dict(origins or {})
        self.own = own
        self._source = source
        self.filled: dict[str, int] = {}  # rows of the table of words that began with vectors from a file

    @classmethod
    def open(cls, folder: Path, own: Own = Own()) -> "Run":
        """An existing run, as its run.toml says."""
        file = folder / "run.toml"
        if not file.is_file():
            raise UsageError("run.no_run", place=folder, hint=nearest_place(folder))
        return cls(folder, written(file, RunSettings()), own=own)

    @property
    def device(self) -> torch.device:
        """Where this run computes."""
        return choose_device(self.settings.train.device)

    @cached_property
    def source(self) -> Source:
        """Where its examples lie."""
        return self._source or recognise(self.settings.data.place, self.settings.data)

    @cached_property
    def bundle(self) -> Bundle:
        """The finished model."""
        if not (self.folder / "bundle").is_dir():
            raise RunFailed("run.unfinished", folder=self.folder)
        return Bundle.load(self.folder / "bundle", self.own)

    @cached_property
    def start(self) -> Start | None:
        """What the network begins with besides chance."""
        return start_of(self.settings.weights, self.settings.model.name)

    def predict(self, inputs: Any) -> list[dict[str, Any]]:
        """The finished model's answers for files, folders or arrays."""
        return self.bundle.predict(inputs)

    def material(
        self,
        watch: Watch = lambda done, of: None,
        *,
        sample: int = 0,
        parts: Parts | None = None,
        store: Store | None = None,
    ) -> Material:
        """Check, prepare and split the data, once; facts are learned in the run's first life and kept.

        With `sample`, only so many training rows are read and nothing is kept: enough for an estimate. A fold brings
        its own `parts` and the `store` that all folds share.
        """
        parts = parts_of(self.source.index, self.settings.data) if parts is None else parts
        task, name, data = self._task(parts), self.settings.task.name, self.settings.data
        if self.own.task is None:
            fit_model(self.settings.model, task.asks())  # before anything is read
        source, generated = self.source, self.settings.train.generated
        if generated and not sample:
            wanted = Wanted(generated, task.facts.labels, self.settings.seed, data)  # pyright: ignore
            source = enlarged(source, self.folder, wanted, self.device, watch)
        found = gather(source, task, parts, data, name, watch, sample=sample, store=store)
        return found.settled(self._settled(task, found, keep=not sample))

    def examine(self, watch: Watch) -> tuple[Parts, list[Finding]]:
        """The doctor's pass alone: parts and findings; refuses nothing."""
        parts = parts_of(self.source.index, self.settings.data)
        findings = list(self.source.findings) + before(self.source, parts, self.settings.task.settings)
        if not any(finding.level == "error" for finding in findings):
            task = self._task(parts)
            how = Preparation(task.prepare, [self.settings.task.name, task.preparation()], form_of(task))
            store = prepare_all(self.source, parts, how, self.settings.data, watch)
            store.finish()
            findings += store.findings
            parts = Parts(np.where(store.usable, parts.codes, np.int8(0)))  # what cannot be read is in no part
        return parts, findings

    def build_model(self, task: Task) -> nn.Module:
        """The network, sized for what the task asks; started from the run's seed."""
        seed_torch(self.settings.seed, "weights")
        if self.own.model is not None:
            return self.own.model
        if self.settings.model.name == EXTERNAL:
            raise UsageError("bundle.external", folder=self.folder)
        return network_of(fit_model(self.settings.model, task.asks()).settings)

    def state(self, task: Task) -> State:
        """A fresh state: step 0."""
        settings = self.settings.train
        model = self.build_model(task).to(self.device)
        if not Checkpoints(self.folder).begun():  # a resume needs no weights but its own
            self.filled = begin_with(model, self.start, task, self.settings.weights)
        freeze(model, settings.freeze, settings.freeze_later)
        remembers = {"task": task.to(self.device)} if isinstance(task, nn.Module) else {}
        state = State(nn.ModuleDict({"model": model, **remembers}), {})
        stages = [*model.stages(), model.head] if hasattr(model, "stages") else []  # pyright: ignore
        for turn in task.turns():
            state.optimizers[turn.updates] = build_optimizer(settings, state.trainable(turn.updates), stages)
        state.averages = start_averages(model) if settings.average else {}
        return state

    def train(
        self,
        watchers: tuple[Watcher, ...] = (),
        asked_to_stop: Callable[[], bool] = lambda: False,
        material: Material | None = None,
    ) -> State:
        """Train to the end from where the run stands, write the bundle; Stopped where the user asked to stop."""
        with locked(self.folder), same_threads():
            return self._train(watchers, asked_to_stop, material or self.material())

    def _train(self, watchers: tuple[Watcher, ...], asked_to_stop: Callable[[], bool], material: Material) -> State:
        extra = (TensorBoard(self.folder),) if self.settings.train.tensorboard else ()
        material.refuse_unsettled()
        sweep(self.folder)
        journal = Journal(self.folder, (*watchers, *extra))
        changed = differs(self.folder / "machine.json")  # before the plan sets the threads
        training, state = self.training(material, journal, material.stopping(asked_to_stop))
        rejected: list[DeepglassError] = []
        training.checkpoints.clean()
        if training.checkpoints.begun():
            tensors, document, rejected = training.checkpoints.newest()
            restore(state, tensors, document)
            training.saved_at = (state.step, 0.0)
        plan = training.plan
        about = {
            "plan": plan,
            "plan_name": plan.name,
            "speed": plan.speed,
            "seconds": plan.seconds(training.steps, training.check_every),
            "epoch_steps": training.epoch,
            "rejected": [str(error) for error in rejected],
            "vectors": self.filled,
        }
        about["finished"] = learned_all(state, training)
        about["differs"] = changed if state.step else []
        about["again"] = max(0, reached(self.folder) - state.step)  # what a kill took away, as far as it was told
        about |= {f"{level}s": told_first(material.findings, level) for level in ("warning", "note")}
        journal.write("start", state.step, steps=training.steps, place=self.settings.data.place, **about)
        try:
            state = train(material.task, state, training)
            material.refuse(wait=not asked_to_stop())
        except DeepglassError as error:
            journal.write("failed", state.step, code=error.code, reason=error.in_english())
            raise
        if state.step < training.steps and asked_to_stop():
            journal.write("stopped", state.step)
            raise Stopped("run.stopped", step=state.step, steps=training.steps, folder=self.folder)
        last = state.step
        best = self._finish(state, training.checkpoints, material, journal)  # whose weights are then in the state
        journal.write("end", last, best=best.step if best else None)
        return state

    def training(
        self, material: Material, journal: Journal, asked_to_stop: Callable[[], bool] = lambda: False
    ) -> tuple[Training, State]:
        """All that the loop needs, at step 0: the plan and the number of steps are decided here, once per run."""
        settings = self.settings.train
        loader = material.loader(settings.batch, self.settings.seed, self.settings.data.sampling)
        state = self.state(material.task)
        part, looked_at = material.checked()
        if not (self.start or Checkpoints(self.folder).begun()):
            start_from(state.model, material, self.device)
        asked, recorder = checking(material.task), Recorder(material.look(looked_at, part), self.folder, journal)
        training = Training(
            settings=settings,
            plan=Plan(),
            seed=self.settings.seed,
            steps=0,
            epoch=next(iter(loader.orders.values())).steps_per_epoch,
            check_every=0,
            device=self.device,
            batch=Ahead(loader.batch) if self.device.type == "cuda" else loader.batch,
            check=lambda: recorder(state.step, *looked_at.evaluated(state.model, asked, part, self.device)),
            alarms=material.alarms,
            journal=journal,
            checkpoints=Checkpoints(self.folder),
            folder=self.folder,
            part=part,
            asked_to_stop=asked_to_stop,
            tidy=Heap().tidy,
            beside=lambda: material.evaluation_seconds(state.model, self.device),
        )
        if self.own.model is not None:
            one = material.task.present(training.batch(0).rows(0, 1).to(self.device))
            check_own(state.model, material.task.asks(), *fed(material.task, one))
        plan = self._plan(material.task, state, training)
        plan.place(state.model, self.device)
        torch.set_num_threads(plan.threads or torch.get_num_threads())  # a resume computes as the first life did
        state.averages = start_averages(state.model) if settings.average else {}
        every = min(plan.steps, look_every(settings, training.epoch))
        log_every = max(1, plan.steps // 1000)
        return replace(training, plan=plan, steps=plan.steps, check_every=every, log_every=log_every), state

    def _plan(self, task: Task, state: State, training: Training) -> Plan:
        """The run's plan: read where it was decided before, never measured anew on a resume."""
        file = self.folder / "plan.json"
        if file.is_file() or training.checkpoints.begun():
            return read_plan(file)
        settings = self.settings.train
        steps = settings.steps or max(1, math.ceil(settings.epochs * training.epoch))
        if settings.plan not in ("auto", "plain"):
            begin = read_plan(Path(settings.plan))
            settings = replace(settings, minutes=0.0) if begin.steps else settings  # its schedule is repeated
            begin = replace(begin, steps=begin.steps or steps)  # a plan written by hand may name none
        else:
            begin = replace(plain_plan(settings), steps=steps)
        training = replace(training, settings=settings, plan=begin, steps=steps)
        plan = decide(task, state, training, begin)
        write_plan(plan, self.folder)
        return plan

    def evaluate(self, part: str, material: Material) -> tuple[dict[str, Any], Predictions]:
        """The bundle's exact figures on one part, and its predictions in the order of the part's rows."""
        model = self.bundle.model
        Plan(layout=read_plan(self.folder / "plan.json").layout).place(model, self.device)
        return material.evaluated(model, self.bundle.task, part, self.device)

    def figures_of(self, material: Material, part: str, predictions: Predictions) -> dict[str, Any]:
        """The task's metrics over predictions that are there already, in the order of the part's rows."""
        return score(material.task, answers_of(material.store, material.targets, material.rows[part]), predictions)

    def elsewhere(self, place: str, watch: Watch = lambda done, of: None) -> Material:
        """Other data as one test part, prepared as the bundle prepares; its answers must be known to the bundle."""
        data = replace(self.settings.data, place=place, val=0.0, test=0.0)  # all of it is one part
        if not fits(place, data):
            data = replace(data, layout="")
            pairs = learns_pairs(self.settings.model.name)
            data = replace(data, layout=layout_elsewhere(self.settings.task.name, place, data, pairs))
        return gather_elsewhere(place, self.bundle.task, data, watch)

    def ready(self) -> None:
        """Raise what would stop the run before its first step, before anything is read or written."""
        choose_device(self.settings.train.device)
        if self.settings.train.plan not in ("auto", "plain"):
            read_plan(Path(self.settings.train.plan))
        refuse_generated(self.settings.train.generated, self.settings.task.name, self.source, self.settings.data)
        if self.start:
            check_start(self.start, self.settings.model.name, self.settings.task.settings)

    def write(self) -> None:
        """run.toml and machine.json of a new run; the settings are then those that every later life reads."""
        write_sealed_text(self.folder / "run.toml", to_toml(self.settings, self.origins))
        self.settings = written(self.folder / "run.toml", RunSettings())
        write_document(self.folder / "machine.json", machine())

    def _finish(self, state: State, checkpoints: Checkpoints, material: Material, journal: Journal) -> Score | None:
        """The bundle: the weights that were best on validation, averaged ones where averaging is on."""
        best, rejected = checkpoints.best(state) if len(material.rows["val"]) else (None, [])  # else the last ones
        if rejected:
            journal.write("passed_over", state.step, reason=" ".join(str(error) for error in rejected))
        weights = state.averages or state.model.state_dict()
        model = fit_model(self.settings.model, material.task.asks())
        state.model.load_state_dict(weights)
        task = material.tuned(state.model, self.device)
        about = {
            "run": self.folder.name,
            "step": state.step,
            "seed": self.settings.seed,
            "place": self.settings.data.place,
            "weights": self.settings.weights,
            **origin_of(material.source),
            "passed_over": [error.in_english() for error in rejected],
        }
        document = describe(model, self.settings.task, task.facts, best.figures if best else {}, about)
        Bundle(document, state.model, task).save(self.folder / "bundle")
        self.__dict__.pop("bundle", None)
        return best

    def _task(self, parts: Parts) -> Task:
        """The task with the facts of the run's first life, or with what the index tells."""
        if self.own.task is not None and not hasattr(self.own.task, "learn"):
            return self.own.task
        settings = task_settings(self.settings.task, self.own, self.folder)
        known = learned_of(self.folder, self.settings.data.place)
        if known:
            if known["fingerprint"] != self.source.fingerprint():
                raise DataError("run.data_changed", place=self.settings.data.place, folder=self.folder)
            return settings.build(from_json(settings.facts_type, known["facts"], str(self.folder / "data.json")))
        found = survey(self.source, self.settings.data.split_seed)
        asked = settings.picture.size if hasattr(settings, "picture") else 0
        model = self.settings.model
        takes = None if model.name == EXTERNAL else model.settings.ports().takes
        refuse_unusable(self.source, parts.rows("train").tolist())
        training = self.source.index.take(parts.rows("train"))
        facts = settings.learn(training, *picture_size(asked, takes, found))
        return settings.build(adapted(facts, getattr(settings, "picture", None), self.start) if self.start else facts)

    def _settled(self, task: Task, material: Material, keep: bool) -> Task:
        """The task with the training part's statistics, kept in data.json."""
        counts, known = material.counts, learned_of(self.folder, self.settings.data.place)
        if known and keep and known["rows"] not in (None, counts):  # a file that could be read then, or could not
            raise DataError("run.data_changed", place=self.settings.data.place, folder=self.folder)
        if known and hasattr(self.own.task or self.settings.task.settings, "learn"):
            return task
        if not counts["train"]:
            raise RunFailed("run.no_training_rows", place=self.settings.data.place)
        facts = task.settle(material.statistics())
        if keep:
            keep_learned(self.folder, self.source.fingerprint(), counts, facts, origin_of(material.source))
        if self.own.task is not None and not hasattr(self.own.task, "learn"):
            task.facts = facts
            return task
        return (self.own.task or self.settings.task.settings).build(facts)
