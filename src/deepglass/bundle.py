"""The finished model: raw files in, answers out, by registry names, typed settings, facts and weights; no code in it.

What lies in its folder: bundle_folder.py
"""

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepglass.bundle_folder import check_weights, load_weights, malformed, opened, write
from deepglass.data.example import Batch, columns_of
from deepglass.data.files import Input, open_inputs
from deepglass.data.films import open_told
from deepglass.data.loader import together
from deepglass.data.readers.video import Frames, frames_of
from deepglass.data.source import Unreadable
from deepglass.foundation import catalogue
from deepglass.foundation.errors import UsageError
from deepglass.foundation.sealed import UNREADABLE, check_sealed_text, digest_of
from deepglass.foundation.settings import Choice, Override, Settings, from_json, read_toml, resolve
from deepglass.networks import EXTERNAL, ExternalConfig, before_head, build, choose_model
from deepglass.tasks.latents import Latents
from deepglass.tasks.sampling import SamplingSettings
from deepglass.tasks.task import Predictions, Task, encoder_of, fed, form_of
from deepglass.weights.hub import here
from deepglass.weights.settings import WeightsSettings
from deepglass.weights.start import Start, agree, public_start

MOST_HELD = 1 << 25  # numbers of prepared inputs that wait to be answered together


@dataclass(frozen=True)
class Own:
    """Parts of the user's own, handed in from Python: a network, and a task or the settings that build one."""

    model: nn.Module | None = None
    task: Any = None

    def fresh(self) -> "Own":
        """Copies, so that each fold begins with the network as it was handed in."""
        return copy.deepcopy(self)


def external(*, model: bool, task: bool) -> dict[str, Choice]:
    """The sections of a run's settings whose parts were handed in: named, but without settings."""
    found = {"model": choose_model(EXTERNAL)} if model else {}
    return found | ({"task": Choice("tasks", EXTERNAL, ExternalConfig())} if task else {})


def written(file: Path, base: Settings) -> Settings:
    """The settings of a run.toml over `base`; parts that it calls external have none and are handed in again."""
    overrides = read_toml(file)
    check_sealed_text(file)
    called = {one.path for one in overrides if one.value == EXTERNAL}
    sections = external(model="model.name" in called, task="task.name" in called)
    return resolve(replace(base, **sections), overrides)[0]  # pyright: ignore


def task_settings(task: Choice, own: Own, folder: Path) -> Any:
    """What builds the task: the user's own settings, else those of the catalogue."""
    if own.task is None and task.name == EXTERNAL:
        raise UsageError("bundle.external_task", folder=folder)
    return own.task or task.settings


@dataclass
class Bundle:
    """A trained network with its task's facts and preprocessing: raw files in, answers out."""

    document: dict[str, Any]
    model: nn.Module
    task: Task
    folder: Path | None = None

    @property
    def name(self) -> str:
        """The model's registry name."""
        return self.document["model"]["name"]

    def predict(self, inputs: Any, batch: int = 64) -> list[dict[str, Any]]:
        """Answers for files, folders, arrays or rows: [{"id", "prediction", "confidence", "top"}, ...].

        What cannot be read is answered with {"id", "error"} in its place; the answers do not depend on `batch`. Rows
        of unequal length are answered beside their like, so that a long one does not make many short ones as long.
        """
        answers: list[dict[str, Any]] = []
        for group in _groups(map(self._prepared, self.inputs(inputs)), batch):
            answers += self._answer(group)
        return answers

    def towards(self, side: str) -> "Bundle":
        """The same, asked to bring every picture to this side, where the task translates pictures."""
        if not hasattr(self.task, "towards"):
            raise UsageError("bundle.no_translator", task=self.document["task"]["name"])
        return replace(self, task=self.task.towards(side))  # pyright: ignore

    def embed(self, inputs: Any, batch: int = 64) -> "Embedded":
        """Pictures, or whatever the network takes, as vectors of length 1: near ones are alike to the network."""
        found = list(self.embedding(inputs, batch))
        vectors = [vector for _, vector, _ in found if vector is not None]
        ids = [name for name, vector, _ in found if vector is not None]
        errors = {name: error for name, vector, error in found if vector is None}
        return Embedded(ids, torch.stack(vectors) if vectors else torch.zeros(0, 0), errors)

    def embedding(self, inputs: Any, batch: int = 64) -> Iterator[tuple[str, Tensor | None, str]]:
        """What `embed` finds, one by one in the order of the inputs: id, float32 (D,), or else why there is none.

        The vector is what a network that was trained to give one gives, of any other what its head is called with.
        """
        for group in _groups(map(self._prepared, self.inputs(inputs)), batch):
            found: list[Tensor | None] = [None] * len(group)
            for places, rows in self._batches(group):
                for place, vector in zip(places, self.vectors(rows), strict=True):
                    found[place] = vector
            yield from ((item.id, vector, item.error) for item, vector in zip(group, found, strict=True))

    def vectors(self, batch: Batch) -> Tensor:
        """Prepared rows as vectors of length 1. float32 (B, D)"""
        if hasattr(self.task, "embeds"):
            return self.scores(batch)["vector"].float().cpu()
        device = next(self.model.parameters()).device
        self.model.eval()
        with torch.no_grad():
            shown = fed(self.task, self.task.present(batch.to(device)))
            return F.normalize(before_head(self.model, *shown).float(), dim=1).cpu()

    @property
    def digest(self) -> str:
        """What the folder's manifest says of its content: another network, or other settings, have another one."""
        if self.folder is None:
            raise UsageError("bundle.not_saved")
        return digest_of(self.folder)

    def inputs(self, inputs: Any) -> Iterator[Input]:
        """What `predict` would be asked about, one by one, each read when its turn comes."""
        facts = self.task.facts.inputs
        opened_as = open_told if getattr(self.task, "tells_films", False) else open_inputs
        return opened_as(inputs, facts.kind, facts.columns, getattr(facts, "channels", 0), form_of(self.task))

    def generate(self, prompt: str = "", length: int = 500, **settings: Any) -> str:
        """What `writing` writes, whole."""
        return "".join(self.writing(prompt, length, settings))

    def writing(self, prompt: str, length: int, settings: Mapping[str, Any]) -> Iterator[str]:
        """A text that goes on from the prompt for so many tokens, in pieces as they are written.

        `settings` are those of sampling: temperature, top_k, top_p, seed. The same of all give the same text.
        """
        sampling, _ = resolve(SamplingSettings(), [Override(name, value, "") for name, value in settings.items()])
        if not hasattr(self.task, "write"):
            raise UsageError("bundle.no_writer", task=self.document["task"]["name"])
        return self.task.write(self.model, prompt, length, sampling)  # pyright: ignore

    def pictures(self, count: int, label: str = "", seed: int = 0, truncation: float = 0.0) -> Iterator[np.ndarray]:
        """So many made pictures uint8 (H, W, C), of the class `label` if any; the same label and seed give the same."""
        if not hasattr(self.task, "paint"):
            raise UsageError("bundle.no_painter", task=self.document["task"]["name"])
        return self.task.paint(self.model, count, label, seed, truncation)  # pyright: ignore

    def series(self, count: int, label: str = "", seed: int = 0) -> Iterator[np.ndarray]:
        """So many made series float32 (T, C) in the data's own units; the same label and seed give the same."""
        if not hasattr(self.task, "record"):
            raise UsageError("bundle.no_recorder", task=self.document["task"]["name"])
        return self.task.record(self.model, count, label, seed)  # pyright: ignore

    @property
    def latents(self) -> Latents:
        """What its pictures are made of: ways from one to another, mixtures, directions, the likest of a real one."""
        return Latents(self.task, self.model)

    def live(self, file: Path | str | bytes) -> Iterator[dict[str, Any]]:
        """What begins and ends in a video, told while it is read from front to back; memory holds one window of it."""
        if not hasattr(self.task, "live"):
            raise UsageError("bundle.not_live", task=self.document["task"]["name"])
        form = form_of(self.task)
        assert isinstance(form, Frames)
        return self.task.live(self.model.eval(), frames_of(file, form))  # pyright: ignore

    def scores(self, batch: Batch) -> Predictions:
        """The network's predictions for prepared rows, on the processor the network is on."""
        device = next(self.model.parameters()).device
        self.model.eval()
        with torch.no_grad():
            return self.task.predict(self.model, self.task.present(batch.to(device)))

    def save(self, folder: Path) -> None:
        """Write the sealed folder."""
        write(folder, self.document, self.model.state_dict())
        self.folder = folder

    def save_pretrained(self, folder: str | Path) -> None:
        """`save`, by the name that people know from the hub's libraries."""
        self.save(Path(folder))

    @classmethod
    def load(cls, place: str | Path, own: Own = Own()) -> "Bundle":
        """Read a sealed folder; `own` must hold what the bundle calls external."""
        folder = Path(place)
        document, weights = opened(folder)
        try:
            task = _task(document, own.task, folder)
            network = _network(document, own.model, folder, weights)
        except (*UNREADABLE, MemoryError, RuntimeError) as error:  # settings that are typed and make no sense
            if own.task is not None or own.model is not None:
                raise  # the user's own code
            raise malformed(folder, error) from None
        load_weights(network, weights, str(folder))
        network.eval()
        return cls(document, network, task, folder)

    @classmethod
    def from_pretrained(cls, place: str | Path, *, model: nn.Module | None = None, task: Any = None) -> "Bundle":
        """A bundle's folder, a published one, or "hub:user/name"; by the name that people know."""
        return cls.load(here(place), Own(model, task))

    def _prepared(self, item: Input) -> "Prepared":
        """What is kept of one input until its turn comes: a sound's samples at the network's rate, not the file's."""
        try:
            if isinstance(item.raw, Unreadable):
                raise item.raw
            return Prepared(item.id, self.task.prepare(item.raw).inputs, times=item.times)
        except Unreadable as reason:  # or is of another shape than the network takes
            return Prepared(item.id, {}, Input(item.id, reason).error())

    def _answer(self, group: Sequence["Prepared"]) -> list[dict[str, Any]]:
        answers: list[dict[str, Any]] = [{"id": item.id, "error": item.error} for item in group]
        for places, batch in self._batches(group):
            for place, answer in zip(places, self.task.answers(self.scores(batch)), strict=True):
                times, dated = group[place].times, getattr(self.task, "dated", None)
                answer = dated(answer, times) if times and dated else answer
                answers[place] = {"id": group[place].id, **answer, **unseen(self.task, group[place].inputs["input"])}
        return answers

    def _batches(self, group: Sequence["Prepared"]) -> Iterator[tuple[list[int], Batch]]:
        """Those of a group that could be read, beside their like, and their places in it."""
        places = np.array([place for place, item in enumerate(group) if not item.error], dtype=np.int64)
        lengths = np.array([max(map(len, group[place].inputs.values())) for place in places], dtype=np.int64)
        order = np.argsort(lengths, kind="stable")
        for cut in together(lengths[order], len(group)):
            chosen = places[order[cut]].tolist()
            columns = columns_of([group[place].inputs for place in chosen], encoder_of(self.task))
            yield chosen, Batch(tuple(group[place].id for place in chosen), columns)


def unseen(task: Any, text: Tensor | str) -> dict[str, Any]:
    """What `unknown` tokens a text, or a prepared one, has and what share is `known`; nothing of what is no text."""
    if getattr(task.facts.inputs, "kind", "") != "text" or not hasattr(task, "unseen"):
        return {}
    return task.unseen(text if isinstance(text, str) else text.numpy().tobytes().decode(errors="ignore"))


class Embedded(NamedTuple):
    """Inputs as vectors of length 1, in their order, and why others have none."""

    ids: list[str]
    vectors: Tensor  # float32 (N, D)
    errors: dict[str, str]


class Prepared(NamedTuple):
    """One input as the task prepares it, or why it cannot be read."""

    id: str
    inputs: Mapping[str, Tensor]
    error: str = ""
    times: Any = None  # as an Input has them


def start_of(settings: WeightsSettings, model: str) -> Start | None:
    """What a network begins with besides chance: public weights, a file of them, or another run's bundle."""
    if sum(map(bool, (settings.vectors, settings.parent, settings.file or settings.name))) > 1:
        raise UsageError("weights.two_starts")
    if not settings.parent:
        return public_start(settings, model)
    parent = here(settings.parent)
    folder = next((place for place in (parent / "bundle", parent) if (place / "bundle.json").is_file()), None)
    if folder is None:
        raise UsageError("bundle.not_found", place=settings.parent, hint="")
    document, _ = opened(folder)
    name, facts = document["model"]["name"], document["facts"]
    inputs = (facts.get("inputs") if isinstance(facts, dict) else None) or {}
    return Start(
        settings.parent,
        lambda: opened(folder)[1],
        None if name == EXTERNAL else _chosen(name, document["model"]["settings"]),
        {key: tuple(value) if isinstance(value, list) else value for key, value in inputs.items()},
    )


def check_start(start: Start, model: str, task: Any) -> None:
    """Raise what the weights contradict of the network's name and the task's settings, or what keeps them unread."""
    if start.model and model not in (start.model.name, EXTERNAL):
        raise UsageError("weights.other_model", place=start.place, model=start.model.name, asked=model)
    if hasattr(task, "picture"):
        agree(start, task.picture)
    start.read()


def _task(document: dict[str, Any], own: Any, folder: Path) -> Task:
    if document["task"]["name"] == EXTERNAL:
        if own is None:
            raise UsageError("bundle.external_task", folder=folder)
        return own.build(from_json(own.facts_type, document["facts"], "bundle.json")) if hasattr(own, "learn") else own
    settings = catalogue.find("tasks", document["task"]["name"])
    settings = from_json(type(settings), document["task"]["settings"], "bundle.json")
    return settings.build(from_json(settings.facts_type, document["facts"], "bundle.json"))


def _network(document: dict[str, Any], model: nn.Module | None, folder: Path, weights: dict[str, Tensor]) -> nn.Module:
    name = document["model"]["name"]
    if name == EXTERNAL:
        if model is None:
            raise UsageError("bundle.external", folder=folder)
        return model
    with torch.device("meta"):  # before any memory is taken: a document may claim a network of any size
        check_weights(build(name, document["model"]["settings"]), weights, str(folder))
    return build(name, document["model"]["settings"])


def _chosen(name: str, settings: dict[str, Any]) -> Choice:
    return Choice("models", name, from_json(type(catalogue.find("models", name)), settings, "bundle.json"))


def _groups(items: Iterable[Prepared], size: int) -> Iterator[list[Prepared]]:
    """So many of them each, or fewer that hold many numbers."""
    group: list[Prepared] = []
    held = 0
    for item in items:
        group.append(item)
        held += sum(column.numel() for column in item.inputs.values())
        if len(group) == size or held > MOST_HELD:
            yield group
            group, held = [], 0
    if group:
        yield group
