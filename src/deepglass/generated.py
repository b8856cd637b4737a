"""Pictures that another run makes for the training part of this one: train.generated=RUN:N.

They are made once, equally many of each class, by numbers that follow from the run's seed, and kept in the run's
folder: generated/pictures.safetensors and generated/generated.json (which bundle made them, its digest, how many).
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors.numpy import load, save

from deepglass.bundle import Bundle
from deepglass.data.enlarged import Enlarged, Made
from deepglass.data.settings import DataSettings
from deepglass.data.source import Finding, Source
from deepglass.foundation.errors import UsageError
from deepglass.foundation.sealed import digest_of, read_sealed, write_sealed
from deepglass.foundation.seeds import key
from deepglass.foundation.settings import read_toml
from deepglass.weights.hub import here

FOLDER = "generated"
SPLIT = ("val", "test", "split", "split_seed", "folds")  # settings of the data that say what is tested


class Asked(NamedTuple):
    """Which bundle is to make how many pictures."""

    place: str
    pictures: int


class Wanted(NamedTuple):
    """What a run wants made: of these classes, by its seed, beside its data."""

    text: str  # RUN:N
    labels: Sequence[str]
    seed: int
    data: DataSettings


@dataclass(frozen=True)
class Origin:
    """Where made pictures come from, as it is kept and told."""

    run: str
    digest: str  # of the bundle that made them
    count: int
    each: int
    seed: int
    may_know: bool  # whether that run learned from the same data, split otherwise


def asked_for(text: str) -> Asked:
    """RUN:N taken apart; nothing is asked for by an empty text."""
    if not text:
        return Asked("", 0)
    place, _, count = text.rpartition(":")
    if not place or not (count.isascii() and count.isdecimal()) or not int(count):
        raise UsageError("run.generated_form", text=text)
    return Asked(place, int(count))


def painter(asked: Asked) -> Bundle:
    """The bundle, which must make pictures by class."""
    place = here(asked.place)
    folder = next((one for one in (place / "bundle", place) if (one / "bundle.json").is_file()), None)
    if folder is None:
        raise UsageError("bundle.not_found", place=asked.place, hint="")
    bundle = Bundle.load(folder)
    task = bundle.document["task"]["name"]
    if task != "generate_images" or not bundle.task.facts.labels:
        raise UsageError("run.generated_no_painter", place=asked.place, task=task)
    return bundle


def refuse_generated(text: str, task: str, source: Source, data: DataSettings) -> None:
    """Raise UsageError where made pictures are wanted and a run of this task on such data cannot learn from them."""
    asked, kind = asked_for(text), source.index.kind
    if not asked.pictures:
        return
    if task != "classify" or kind != "picture":
        raise UsageError("run.generated_task", task=task, kind=kind)
    if data.folds > 1:
        raise UsageError("run.generated_folds")
    painter(asked)


def joining(text: str, task: Any) -> int:
    """How many made pictures will join the training part, none of them made yet; UsageError where they cannot."""
    asked = asked_for(text)
    if asked.pictures:
        _of_each(asked, task.facts.labels, painter(asked))
    return asked.pictures


def enlarged(
    source: Source, folder: Path, wanted: Wanted, device: torch.device, watch: Callable[[int, int], None]
) -> Enlarged:
    """The source and the made pictures in the run's folder; where there are none yet they are made and kept."""
    kept = folder / FOLDER
    if not kept.is_dir():
        write_sealed(kept, _make(wanted, device, watch))
    files = read_sealed(kept)
    origin = Origin(**json.loads(files["generated.json"]))
    stored = load(files["pictures.safetensors"])
    made = [wanted.labels[int(number)] for number in stored["classes"].tolist()]
    told = asdict(origin) | {"digest": origin.digest[:12]}
    findings = [Finding("made_pictures", "note", "", told)]
    findings += [Finding("made_may_know", "warning", "", told)] if origin.may_know else []
    return Enlarged(source, Made(stored["pictures"], made, digest_of(kept), asdict(origin), findings))


def origin_of(source: Source) -> dict[str, Any]:
    """Where a source's made pictures come from, by the name `generated`; nothing where it has none."""
    return {"generated": source.made.origin} if isinstance(source, Enlarged) else {}


def _make(wanted: Wanted, device: torch.device, watch: Callable[[int, int], None]) -> dict[str, bytes]:
    """The files of the kept folder."""
    asked, labels, seed = asked_for(wanted.text), wanted.labels, wanted.seed
    bundle = painter(asked)
    each = _of_each(asked, labels, bundle)
    bundle.model.to(device)
    pictures: list[np.ndarray] = []
    for label in labels:
        for picture in bundle.pictures(each, label, key(seed, "generated", label) >> 2):
            pictures.append(picture)
            watch(len(pictures), asked.pictures + 1)  # all of them are not yet all that is read
    may_know = _may_know(bundle, wanted.data)
    origin = Origin(asked.place, bundle.digest, asked.pictures, each, seed, may_know)
    columns = {"pictures": np.stack(pictures), "classes": np.repeat(np.arange(len(labels), dtype=np.int32), each)}
    return {"pictures.safetensors": save(columns), "generated.json": json.dumps(asdict(origin), indent=1).encode()}


def _of_each(asked: Asked, labels: Sequence[str], bundle: Bundle) -> int:
    """How many pictures of each class that makes; UsageError where it does not know one, or they are not even."""
    known: Sequence[str] = bundle.task.facts.labels
    if unknown := [label for label in labels if label not in known]:
        values = {"names": ", ".join(unknown[:5]), "count": len(unknown), "known": ", ".join(known[:10])}
        raise UsageError("run.generated_classes", place=asked.place, **values)
    each, rest = divmod(asked.pictures, len(labels))
    if rest:
        enough = (each + 1) * len(labels)
        raise UsageError("run.generated_uneven", count=asked.pictures, classes=len(labels), enough=enough)
    return each


def _may_know(bundle: Bundle, data: DataSettings) -> bool:
    """Whether the bundle's run learned from the same place with other rows held back than here."""
    assert bundle.folder is not None
    file = bundle.folder.parent / "run.toml"
    if bundle.document["about"].get("place") != data.place or not file.is_file():
        return False
    theirs: dict[str, Any] = {one.path: one.value for one in read_toml(file)}
    return any(theirs.get(f"data.{name}", value) != value for name in SPLIT for value in [getattr(data, name)])
