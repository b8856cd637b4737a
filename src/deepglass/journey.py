"""The whole trip on one screen: recognise, check, plan, train, evaluate, bundle, report. CLI and Python call it."""

import contextlib
import math
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from deepglass.bundle import Bundle, Own, external
from deepglass.data.check import report as told
from deepglass.data.convert import Converted
from deepglass.data.convert import convert as converted
from deepglass.data.recognise import Recognised, Survey, found_in, layout_for, recognise, recognised, survey
from deepglass.data.settings import DataSettings
from deepglass.data.source import PARTS, Finding, Source
from deepglass.data.split import parts_of
from deepglass.engine.journal import Journal, Watcher
from deepglass.engine.measure import estimate as step_cost
from deepglass.engine.measure import measure_all
from deepglass.engine.rates import Rates, find_rate
from deepglass.export.publish import Published
from deepglass.export.publish import publish as published
from deepglass.folds import OutOfFold, out_of_fold, train_folds
from deepglass.foundation.catalogue import nearest
from deepglass.foundation.device import same_threads
from deepglass.foundation.errors import RunFailed, Stopped, UsageError
from deepglass.foundation.lock import locked
from deepglass.foundation.place import forget_folder, make_folder, new_folder
from deepglass.foundation.settings import Override, flatten, resolve
from deepglass.foundation.sizes import Size
from deepglass.generated import joining
from deepglass.material import Material, picture_size
from deepglass.networks import EXTERNAL, fit_model, learns_pairs
from deepglass.recipes.recipe import choose_recipe
from deepglass.recipes.transfer import model_of, transferred, weights_asked
from deepglass.report.write import write_report
from deepglass.run import Run, RunSettings
from deepglass.tasks.task import Predictions
from deepglass.weights.hub import here

SHIPPED = Path(__file__).parent / "weights" / "bundles"  # what comes with the package
SHRUNK = 2.0  # times that pictures are larger than what the network sees, from which it is said


@dataclass(frozen=True)
class Proposal:
    """What would be done with the data, before anything is done: the layout seen and the settings worked out."""

    found: Recognised
    source: Source
    survey: Survey
    settings: RunSettings
    origins: dict[str, str]
    own: Own = Own()


def propose(
    place: str,
    overrides: Iterable[Override] = (),
    size: Size = "small",
    *,
    recipe: str = "",
    own: Own = Own(),
) -> Proposal:
    """Recognise the data and work out every setting: defaults < recipe < file < command line."""
    place = str(Path(place).resolve()) if Path(place).exists() else str(place)  # a resume may stand elsewhere
    overrides = [Override("data.place", place, "command line"), *overrides]
    resolve(RunSettings(), [one for one in overrides if _judged_early(one, overrides)])  # all mistakes at once
    data, _ = resolve(_DataOnly(), [one for one in overrides if one.path.startswith("data.")])
    asked = _last(overrides, "task.name")
    read = replace(data.data, layout=layout_for(asked, place, data.data, learns_pairs(_last(overrides, "model.name"))))
    found = recognised(place, read, asked)
    source = recognise(place, read)
    seen = survey(source, read.split_seed)
    task = asked or source.task
    name, chosen = choose_recipe(task, seen, recipe or _last(overrides, "recipe"))
    weights = weights_asked(overrides)
    base = chosen.make(task, seen, size, _last(overrides, "model.name") or model_of(weights))
    given = external(model=own.model is not None, task=own.task is not None)
    base = replace(base, recipe=f"{name} {size}", **given)
    if _last(overrides, "train.epochs") and not _last(overrides, "train.steps"):
        base = replace(base, train=replace(base.train, steps=None))  # the user's epochs win over the recipe's steps
    begun = transferred(base, weights)
    looked = replace(begun, data=found_in(source, replace(begun.data, layout=read.layout)))
    origins = _origins(base, f"recipe {name}") | _changed(base, begun, "weights") | _changed(begun, looked, "data")
    settings, set_by = resolve(looked, [one for one in overrides if one.path != "recipe"])
    source.findings.extend(_shrunk(seen, settings))
    return Proposal(found, source, seen, settings, origins | set_by, own)


def train(
    proposal: Proposal,
    *,
    out: str = "",
    watchers: Iterable[Watcher] = (),
    asked_to_stop: Callable[[], bool] = lambda: False,
    reading: Callable[[int, int], None] = lambda done, of: None,
) -> "Outcome":
    """Data in; a run with its bundle and figures out."""
    place = proposal.settings.data.place
    run = Run(new_folder(out, place), proposal.settings, proposal.origins, proposal.own, proposal.source)
    run.ready()
    run.folder, fresh = make_folder(run.folder, out, place)
    mine = False
    try:
        with locked(run.folder):
            new_folder(str(run.folder), place)  # nor did anybody else begin in it meanwhile
            mine = True
            run.write()
        return finish(run, watchers, asked_to_stop, reading)
    except BaseException as error:
        if mine and getattr(error, "code", "") != "run.locked":  # else it is somebody else's
            forget_folder(run.folder, fresh)
        raise


def resume(
    folder: Path,
    *,
    own: Own = Own(),
    watchers: Iterable[Watcher] = (),
    asked_to_stop: Callable[[], bool] = lambda: False,
    reading: Callable[[int, int], None] = lambda done, of: None,
) -> "Outcome":
    """Go on with a run where it stopped; nothing about it can be changed."""
    return finish(Run.open(folder, own), watchers, asked_to_stop, reading)


@dataclass
class Outcome:
    """A finished run and what came of it."""

    run: Run
    figures: dict[str, dict[str, Any]]
    seconds: float
    report: Path | None = None
    folds: dict[str, Any] | None = None
    material: Material | None = None
    place: str = ""  # other data that were evaluated; empty for the run's own

    @property
    def left_out(self) -> list[str]:
        """Ids of the examples that could not be used."""
        findings = self.material.findings if self.material else ()
        return [finding.file for finding in findings if finding.kind == "unreadable"]

    @property
    def sampled(self) -> dict[str, int]:
        """Parts of which only so many examples were answered for."""
        if "train" not in self.figures or len(self.figures) == 1 or self.material is None:
            return {}
        asked = len(self.material.some_training().rows["train"])
        return {"train": asked} if asked < len(self.material.rows["train"]) else {}

    def predict(self, inputs: Any) -> list[dict[str, Any]]:
        """The finished model's answers."""
        return self.run.predict(inputs)

    def generate(self, prompt: str = "", length: int = 500, **settings: Any) -> str:
        """What the finished model writes; see `Bundle.writing`."""
        return self.run.bundle.generate(prompt, length, **settings)

    def pictures(self, count: int, label: str = "", seed: int = 0, truncation: float = 0.0) -> list[np.ndarray]:
        """Pictures that the finished model makes; see `Bundle.pictures`."""
        return list(self.run.bundle.pictures(count, label, seed, truncation))

    def __repr__(self) -> str:
        part = next(name for name in ("test", "val", "train") if name in self.figures)
        shown = ", ".join(f"{name} {figure.value:.4g}" for name, figure in self.figures[part].items())
        return f"<run {self.run.folder}: {shown} ({part}); report {self.report}>"

    def document(self) -> dict[str, Any]:
        """The JSON of train, resume and evaluate."""
        metrics = {
            part: {name: figure.value for name, figure in figures.items()} for part, figures in self.figures.items()
        }
        document = {"run": str(self.run.folder), "metrics": metrics, "seconds": round(self.seconds, 2)}
        document["left_out"] = self.left_out
        by = {name: figure.by for figures in self.figures.values() for name, figure in figures.items() if figure.by}
        more = {"measured_by": by, "sampled": self.sampled, "folds": self.folds}
        return document | {name: value for name, value in more.items() if value}


def finish(
    run: Run,
    watchers: Iterable[Watcher],
    asked_to_stop: Callable[[], bool],
    reading: Callable[[int, int], None],
) -> Outcome:
    """Train to the end, then evaluate every part once with the bundle's weights."""
    began = time.monotonic()
    reading = _stopping(reading, asked_to_stop)
    if run.settings.data.folds > 1:
        found = train_folds(run, watchers, asked_to_stop, reading)
        page = _report_folds(run, found)
        seconds = time.monotonic() - began
        return Outcome(run, {"test": found.figures}, seconds, page, found.document(), found.material)
    material = run.material(reading)
    run.train(tuple(watchers), asked_to_stop, material)
    results = evaluate_parts(run, material)
    figures = {part: found for part, (found, _) in results.items()}
    page = write_report(run, material, results)
    return Outcome(run, figures, time.monotonic() - began, page, material=material)


def report(folder: Path, own: Own = Own()) -> Path:
    """The page of a finished run, written anew in the language in force."""
    run = Run.open(folder, own)
    material = run.material()
    if run.settings.data.folds > 1 and run.bundle:  # an unfinished run is refused before its folds are asked
        return _report_folds(run, out_of_fold(run, material))
    return write_report(run, material, evaluate_parts(run, material))


def _report_folds(run: Run, found: OutOfFold) -> Path:
    """The figures that count are those of the folds, for the refit has seen every answer."""
    train = run.evaluate("train", found.material.some_training())
    results = {"train": train, "test": (found.figures, found.predictions)}
    return write_report(run, found.material, results)


def evaluate_parts(run: Run, material: Material) -> dict[str, tuple[dict[str, Any], Predictions]]:
    """Figures and predictions of every part that has examples; where another counts, of some of the training part."""
    parts = [part for part in PARTS if len(material.rows[part])]
    some = material.some_training() if parts != ["train"] else material
    return {part: run.evaluate(part, some) for part in parts}


def evaluate(folder: Path, place: str = "", own: Own = Own()) -> Outcome:
    """Exact figures of a finished run: of its own parts, or of other data as one test part."""
    began = time.monotonic()
    run = Run.open(folder, own)
    material = run.elsewhere(place) if place else run.material()
    figures = {part: found for part, (found, _) in evaluate_parts(run, material).items()}
    return Outcome(run, figures, time.monotonic() - began, material=material, place=place)


def load(place: str | Path, own: Own = Own()) -> Bundle:
    """The bundle of a run's folder, a bundle's own or published one, "hub:user/name", or one of ours ("digits")."""
    place = here(place)
    for folder in (place / "bundle", place, SHIPPED / str(place)):
        if (folder / "bundle.json").is_file():
            return Bundle.load(folder, own)
    if (place / "run.toml").is_file():
        raise RunFailed("run.unfinished", folder=place)
    shipped = [found.name for found in SHIPPED.iterdir() if found.is_dir()] if SHIPPED.is_dir() else []
    raise UsageError("bundle.not_found", place=place, hint=nearest(str(place), shipped))


def publish(place: str | Path, out: str | Path, licence: str, *, dataset: str = "", to: str = "") -> Published:
    """A finished model as a folder that the Hugging Face hub understands; uploaded only where `to` names user/name."""
    return published(here(place), Path(out), licence, dataset=dataset, to=to)


@dataclass(frozen=True)
class Checked:
    """What the doctor says of a place."""

    sentence: str
    layout: str
    task: str
    counts: dict[str, int]
    findings: list[dict[str, Any]]

    def document(self) -> dict[str, Any]:
        """The JSON of check."""
        return {"layout": self.layout, "task": self.task, "counts": self.counts, "findings": self.findings}


def check(
    place: str, overrides: Iterable[Override], reading: Callable[[int, int], None] = lambda done, of: None
) -> Checked:
    """Every example read with the readers of training; nothing is written but the cache."""
    proposal = propose(place, overrides)
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder), proposal.settings, proposal.origins, source=proposal.source)
        parts, findings = run.examine(reading)
    counts, task = {part: int((parts == part).sum()) for part in PARTS}, proposal.settings.task.name
    return Checked(proposal.found.sentence(task), proposal.source.layout, task, counts, told(findings))


def convert(
    place: str,
    to: str,
    out: str | Path,
    overrides: Iterable[Override] = (),
    reading: Callable[[int, int], None] = lambda done, of: None,
) -> Converted:
    """Boxes in another form, in a new folder; the data themselves are not touched."""
    data, _ = resolve(_DataOnly(), list(overrides))
    layout = layout_for("detect", place, data.data)
    return converted(recognise(place, replace(data.data, layout=layout)), to, out, reading)


@dataclass(frozen=True)
class Estimate:
    """What a training would cost, from one batch forward and backward."""

    settings: dict[str, Any]
    origins: dict[str, str]
    parameters: int
    macs: int
    steps: int
    step_seconds: float
    seconds: float
    memory_bytes: int
    disk_bytes: int
    limit: str
    plan: str
    made: int = 0  # pictures made by another run that join the training part


def estimate(proposal: Proposal, reading: Callable[[int, int], None], measure: bool = False) -> Estimate:
    """Time real steps on a sample of the training part; no run is kept. `measure` tries every plan and remembers it."""
    with _trial(proposal) as run:
        run.ready()
        settings = run.settings.train
        material = run.material(reading, sample=2 * settings.batch)
        training, state = run.training(material, Journal(run.folder))
        made = joining(settings.generated, material.task)
        examples = made + int((parts_of(run.source.index, run.settings.data) == "train").sum())
        given = settings.steps or settings.minutes
        steps = training.steps if given else math.ceil(settings.epochs * examples / settings.batch)
        fitted = flatten(replace(run.settings, model=fit_model(run.settings.model, material.task.asks())))
        origins = {path: "data" for path, value in flatten(run.settings).items() if fitted[path] != value}
        if measure:
            training = replace(training, plan=measure_all(material.task, state, training))
        cost = step_cost(material.task, state, training, steps)
    return Estimate(fitted, proposal.origins | origins, **cost, made=made)


def find_rates(proposal: Proposal, reading: Callable[[int, int], None]) -> Rates:
    """Which learning rate to begin with; nothing is kept."""
    with _trial(proposal) as run:
        material = run.material(reading, sample=50 * run.settings.train.batch)
        training, state = run.training(material, Journal(run.folder))
        return find_rate(material.task, state, training)


@contextlib.contextmanager
def _trial(proposal: Proposal) -> Iterator[Run]:
    """A run in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder, same_threads():
        yield Run(Path(folder), proposal.settings, proposal.origins, proposal.own, proposal.source)


@dataclass(frozen=True, kw_only=True, slots=True)
class _DataOnly:
    data: DataSettings = DataSettings()


def _changed(before: RunSettings, after: RunSettings, by: str) -> dict[str, str]:
    flat = flatten(before)
    return {path: by for path, value in flatten(after).items() if value != flat.get(path)}


def _judged_early(one: Override, overrides: list[Override]) -> bool:
    """Whether a setting has its meaning before the data are known: not where the recipe chooses its model or task."""
    section = one.path.partition(".")[0]
    return one.path != "recipe" and (section not in ("model", "task") or bool(_last(overrides, f"{section}.name")))


def _stopping(reading: Callable[[int, int], None], asked_to_stop: Callable[[], bool]) -> Callable[[int, int], None]:
    """Reading, which ends where the user asks to stop."""

    def read(done: int, of: int) -> None:
        reading(done, of)
        if asked_to_stop():
            raise Stopped("run.stopped_reading")

    return read


def _shrunk(seen: Survey, settings: RunSettings) -> list[Finding]:
    """That pictures become so much smaller that looking at them in tiles may pay, where the task can do that."""
    asked, model = settings.task.settings, settings.model
    if seen.kind != "picture" or not hasattr(asked, "tiles") or asked.tiles.cut or model.name == EXTERNAL:
        return []
    (height, width), _ = picture_size(asked.picture.size, model.settings.ports().takes, seen)
    if max(seen.width / max(1, width), seen.height / max(1, height)) <= SHRUNK:
        return []
    values = {"own": f"{seen.width} x {seen.height}", "size": f"{width} x {height}"}
    return [Finding("pictures_shrunk", "note", "", values)]


def _last(overrides: Iterable[Override], path: str) -> str:
    return next((str(one.value) for one in reversed(list(overrides)) if one.path == path), "")


def _origins(base: RunSettings, recipe: str) -> dict[str, str]:
    """Which values the recipe set: those that differ from the defaults."""
    defaults = flatten(RunSettings(task=base.task, model=base.model))
    found = {path: recipe for path, value in flatten(base).items() if value != defaults.get(path)}
    return found | {"task.name": recipe, "model.name": recipe}
