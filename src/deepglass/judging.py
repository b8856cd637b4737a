"""How near made pictures are to real ones as a judge sees them: a classifier trained here, or a file of public weights.

What one judge says cannot be held against what another says. So the judge's hash is a part of a figure's name, and `by`
tells all that the figure depends on besides.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import torch
from annotated_types import Ge, Le
from torch import Tensor

from deepglass import journey
from deepglass.bundle import Bundle, Own
from deepglass.data.example import Batch
from deepglass.foundation import catalogue
from deepglass.foundation.errors import DataError, UsageError
from deepglass.foundation.ports import Image, Ports, Vector
from deepglass.foundation.sealed import file_sha256
from deepglass.foundation.seeds import Permutation
from deepglass.foundation.settings import Override, resolve
from deepglass.foundation.words import say
from deepglass.journey import Outcome
from deepglass.material import Material
from deepglass.metrics import kid
from deepglass.metrics.fid import fid
from deepglass.metrics.figure import Figure, share
from deepglass.metrics.manifold import NEAREST, manifold
from deepglass.networks import before_head, choose_model, network_of
from deepglass.report.judged import keep
from deepglass.tasks.classify import Classify, ClassifyFacts, ClassifySettings
from deepglass.tasks.kinds.picture import PictureFacts
from deepglass.tasks.semi_supervised import SemiSupervised
from deepglass.tasks.task import fed
from deepglass.weights.hub import file_here
from deepglass.weights.settings import WeightsSettings
from deepglass.weights.start import begin, first_entry, public_start

LEAST = 10  # real pictures
AT_ONCE = 250  # pictures that the judge looks at together
DIGITS = 8  # of the judge's hash, in the names of its figures
COVERED = 0.1  # a class is, where made pictures are taken for it at least so many times as often as real ones


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgingSettings:
    """Who judges, and how many pictures."""

    judge: str = ""  # a classifier's run or bundle, or NETWORK:FILE of public weights
    pictures: Annotated[int, Ge(LEAST), Le(50_000)] = 2000  # real ones at most, and as many made ones
    seed: Annotated[int, Ge(0)] = 1  # of the made ones


WORDS = tuple(f"{field.name}=" for field in fields(JudgingSettings))  # with which settings begin


class Judged(NamedTuple):
    """The outcome of an evaluation, the judge's figures among those of the part that counts, and what to know of it."""

    outcome: Outcome
    remarks: list[str]
    then: str = ""  # what to do with them


class Shown(NamedTuple):
    """Made pictures beside real ones uint8 (H, W, C), and the class that was asked for of each made one, if any."""

    made: list[np.ndarray]
    real: list[np.ndarray]
    asked: list[str]
    side: str = ""  # to which they were translated


@dataclass
class Judge:
    """A network whose features stand for pictures; `labels` are the classes that it knows by name."""

    bundle: Bundle
    digest: str
    labels: tuple[str, ...]

    @classmethod
    def of(cls, place: str) -> "Judge":
        """The classifier of a run, a bundle's folder, one of ours, or NETWORK:FILE; UsageError where it is none."""
        name, _, file = place.partition(":")
        known = name if name in catalogue.entries("weights") else first_entry(name)
        if file and known:
            return cls(_of_file(known, file), file_sha256(file_here(file)), ())
        bundle = journey.load(place)
        if not isinstance(bundle.task, Classify | SemiSupervised) or bundle.task.facts.inputs.kind != "picture":
            raise UsageError("judging.no_classifier", place=place, task=bundle.document["task"]["name"])
        return cls(bundle, bundle.digest, tuple(bundle.task.facts.labels))

    @property
    def short(self) -> str:
        """The hash as figures' names have it."""
        return self.digest[:DIGITS]

    def features(self, pictures: Sequence[np.ndarray]) -> Tensor:
        """What the head of the network is called with, after its own way of preparing pictures. float32 (N, F)"""
        task, model = self.bundle.task, self.bundle.model.eval()
        device = next(model.parameters()).device
        rows = [task.prepare(one.raw).inputs["input"] for one in self.bundle.inputs(list(pictures))]
        found: list[Tensor] = []
        for start in range(0, len(rows), AT_ONCE):
            part = torch.stack(rows[start : start + AT_ONCE])
            shown = task.present(Batch(("",) * len(part), {"input": part}).to(device))
            with torch.no_grad():
                found.append(before_head(model, *fed(task, shown)).float().cpu())
        return torch.cat(found)

    def taken_for(self, pictures: Sequence[np.ndarray]) -> list[str]:
        """The class that each looks most like."""
        return [str(answer["prediction"]) for answer in self.bundle.predict(list(pictures))]

    @cached_property
    def sees(self) -> str:
        """Of which size, and brought to it how."""
        inputs, picture = self.bundle.task.facts.inputs, self.bundle.task.settings.picture  # pyright: ignore
        return f"{inputs.width}x{inputs.height} {picture.fit} {inputs.smooth}"


def evaluate(folder: Path, place: str = "", own: Own = Own(), settings: Iterable[Override] = ()) -> Judged:
    """Exact figures of a finished run, and where a judge is named, those of its pictures by that judge."""
    overrides = list(settings)
    if not overrides:
        outcome = journey.evaluate(folder, place, own)
        return Judged(outcome, _learned_from(outcome))
    asked, _ = resolve(JudgingSettings(), overrides)
    if not asked.judge:
        raise UsageError("judging.which_judge")
    judge, task = Judge.of(asked.judge), journey.load(folder, own).task  # before anything takes time
    if not (hasattr(task, "paint") or hasattr(task.facts, "sides")):
        raise UsageError("judging.no_pictures")
    outcome = journey.evaluate(folder, place, own)
    judge.bundle.model.to(outcome.run.device)
    part = next(part for part in ("test", "val", "train") if part in outcome.figures)
    figures, remarks = dict(outcome.figures[part]), list[str]()
    for shown in shown_of(outcome, part, asked):
        if len(shown.real) < LEAST:
            raise DataError("judging.too_few", count=len(shown.real), least=LEAST)
        found, said = judged(judge, shown, f"{part}|seed:{asked.seed}")
        figures |= found
        remarks += [one for one in said if one not in remarks]
    if not place:
        keep(outcome.run, {name: figure for name, figure in figures.items() if "@" in name})
    then = "" if place else say("judging.kept", run=folder)
    return Judged(replace(outcome, figures={**outcome.figures, part: figures}), remarks, then)


def _learned_from(outcome: Outcome) -> list[str]:
    """That most of the data were seen in training, where the place that was asked for is the run's own."""
    place, own = outcome.place, outcome.run.settings.data.place
    if not place or (place != own and Path(place).resolve() != Path(own).resolve()):
        return []
    return [say("judging.own_data", place=place, folder=outcome.run.folder)]


def judged(judge: Judge, shown: Shown, of: str) -> tuple[dict[str, Figure], list[str]]:
    """All figures of one heap of made pictures beside real ones, by their names; and what to know of them."""
    made, real = judge.features(shown.made), judge.features(shown.real)
    (height, width), features = shown.made[0].shape[:2], made.shape[1]
    nearest = ",".join(map(str, NEAREST.values()))
    by = f"{judge.bundle.name}:{judge.digest[: 2 * DIGITS]}|features:{features}|made:{len(made)}|real:{len(real)} {of}"
    by += f"|{width}x{height}>{judge.sees}|k:{nearest}"
    few = min(len(made), len(real)) < features
    found = {"kid": kid.distance(real, made, by), "fid": fid(real, made, f"{by}|biased" if few else by)}
    found |= {f"manifold_{name}": figure for name, figure in manifold(real, made, by).items()}
    remarks = [say("judging.few", count=min(len(made), len(real)), features=features)] if few else []
    if judge.labels:
        classes, said = _classes(judge, shown, by)
        found, remarks = found | classes, remarks + said
    side = f":{shown.side}" if shown.side else ""
    return {f"{name}@{judge.short}{side}": figure for name, figure in found.items()}, remarks


def _classes(judge: Judge, shown: Shown, by: str) -> tuple[dict[str, Figure], list[str]]:
    """How many are taken for what they were to be, where both mean the same by it; which classes are there at all.

    A judge that knows none of the classes that were asked for sees its own in anything: nothing is counted then.
    """
    taken, usual = judge.taken_for(shown.made), Counter(judge.taken_for(shown.real))
    often, scale = Counter(taken), COVERED * len(shown.made) / len(shown.real)
    covered = sum(often[label] >= max(1.0, scale * count) for label, count in usual.items())
    nan = float("nan")
    found = {"classes_covered": Figure(covered / len(usual), nan, nan, len(usual), "up", by)}
    if not shown.asked:
        return found, []
    if unknown := sorted(set(shown.asked) - set(judge.labels)):
        foreign = len(unknown) == len(set(shown.asked))
        return {} if foreign else found, [
            say("judging.other_classes", count=len(unknown), names=", ".join(unknown[:3]))
        ]
    right = sum(map(str.__eq__, taken, shown.asked))
    return {"recognised": share(right, len(taken))._replace(by=by), **found}, []


def shown_of(outcome: Outcome, part: str, asked: JudgingSettings) -> Iterator[Shown]:
    """What a run makes beside real pictures of a part, in equal numbers; of translations, each side by itself.

    Where classes can be asked for, as many of each are made as are among the real ones.
    """
    material, bundle = outcome.material, outcome.run.bundle
    assert material is not None
    if not hasattr(bundle.task, "paint"):
        yield from _translated(outcome, material, part, asked)
        return
    rows, labels = material.rows[part], getattr(bundle.task.facts, "labels", ())
    asks = labels if "label" in bundle.task.drawn(1).columns else ()  # pyright: ignore
    numbers = _column(material, "target")
    rows = rows[numbers[rows] >= 0] if asks else rows
    rows = _some(rows, asked.pictures)
    if not asks:
        yield Shown(list(bundle.pictures(len(rows), seed=asked.seed)), _stored(material, "input", rows), [])
        return
    counts = np.bincount(numbers[rows], minlength=len(asks)).tolist()
    made: list[np.ndarray] = []
    for label, count in zip(asks, counts, strict=True):
        made += bundle.pictures(count, label, asked.seed) if count else ()
    names = [label for label, count in zip(asks, counts, strict=True) for _ in range(count)]
    yield Shown(made, _stored(material, "input", rows), names)


def _translated(outcome: Outcome, material: Material, part: str, asked: JudgingSettings) -> Iterator[Shown]:
    """Pictures brought to each side, beside those that lie there; of pairs, beside their partners."""
    predictions, rows = outcome.run.evaluate(part, material)[1], material.rows[part]
    sides, made = outcome.run.bundle.task.facts.sides, predictions["picture"].numpy()
    to = predictions["to"].long().numpy() if "to" in predictions else np.ones(len(made), np.int64)
    for number in sorted(set(to.tolist())):
        coming = np.flatnonzero(to == number)
        column, there = ("input", rows[to != number]) if "to" in predictions else ("partner", rows)
        count = min(len(coming), len(there), asked.pictures)
        if not count:
            continue
        pictures = list(made[_some(coming, count)].transpose(0, 2, 3, 1))
        yield Shown(pictures, _stored(material, column, _some(there, count)), [sides[number]] * count, sides[number])


def _some(rows: np.ndarray, count: int) -> np.ndarray:
    """At most so many, drawn by a key, in their order."""
    return np.sort(rows[Permutation(len(rows), "judging")(np.arange(min(count, len(rows))))])


def _stored(material: Material, column: str, rows: np.ndarray) -> list[np.ndarray]:
    stored = material.store.columns[column]
    return [np.asarray(stored[row]).transpose(1, 2, 0) for row in rows.tolist()]


def _column(material: Material, name: str) -> np.ndarray:
    """Numbers of all rows; of what has none, none."""
    column: Any = material.targets.get(name)
    return np.asarray(column[np.arange(len(material.source.index))]) if column is not None else np.zeros(0, np.int64)


def _of_file(known: str, file: str) -> Bundle:
    """The network of public weights with the weights of this file, and pictures prepared as theirs were."""
    entry = catalogue.find("weights", known)
    inputs = PictureFacts(columns=("picture",), **{name: getattr(entry.preprocessing, name) for name in PREPARED})
    labels = tuple(map(str, range(entry.classes)))
    facts = ClassifyFacts(labels=labels, counts=(0,) * len(labels), inputs=inputs)
    task = ClassifySettings().build(facts)
    ports = Ports(Image(inputs.channels, inputs.height, inputs.width), Vector(len(labels)))
    network = network_of(choose_model(entry.model).settings.fitted(ports))
    start = public_start(WeightsSettings(file=file), entry.model)
    assert start is not None
    begin(network, start)
    return Bundle({"model": {"name": entry.model}, "task": {"name": "classify"}}, network.eval(), task)


PREPARED = ("channels", "height", "width", "smooth", "mean", "std")
