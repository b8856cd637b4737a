"""What a network begins with: named tensors, how their pictures were prepared, and how they are put in, strictly."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from deepglass.foundation import catalogue
from deepglass.foundation.errors import UsageError
from deepglass.foundation.settings import Choice, choose
from deepglass.foundation.words import say
from deepglass.weights.entry import PublicWeights
from deepglass.weights.hub import fetch, file_here
from deepglass.weights.read import read_weights
from deepglass.weights.settings import WeightsSettings
from deepglass.weights.vectors import fill_table

NAMED = 3  # names that a message lists
COUNTERS = "num_batches_tracked"  # of BatchNorm; files older than 2018 lack them, and nothing depends on them


@dataclass(frozen=True)
class Start:
    """Weights that wait to be read, and what is known of them."""

    place: str
    read: Callable[[], dict[str, Tensor]]
    model: Choice | None = None  # the network they are of, where that is known
    inputs: Mapping[str, Any] = field(default_factory=dict)  # how inputs were prepared; empty: not known

    @property
    def side(self) -> int:
        """Pixels a side of the pictures they were trained with; 0 where that is not known or not one number."""
        height = self.inputs.get("height", 0)
        return height if height == self.inputs.get("width", 0) else 0


def public_start(settings: WeightsSettings, model: str) -> Start | None:
    """Public weights by name or a file of them; a file without a name is taken for the model's first entry."""
    if not settings.file and not settings.name:
        return None
    known = settings.name or first_entry(model)
    if not known:
        return Start(settings.file, lambda: read_weights(file_here(settings.file)))
    entry: PublicWeights = catalogue.find("weights", known)
    sha256 = entry.sha256 if settings.name else ""
    return Start(
        settings.file or known,
        lambda: read_weights(file_here(settings.file) if settings.file else _fetched(settings, entry), sha256),
        choose("models", entry.model) if settings.name else None,
        dataclasses.asdict(entry.preprocessing),
    )


def first_entry(model: str) -> str:
    """The first public weights of a network by name, or nothing."""
    names = catalogue.entries("weights")
    return next((name for name in names if catalogue.find("weights", name).model == model), "")


def adapted(facts: Any, picture: Any, start: Start) -> Any:
    """A task's facts with the weights' own preparation of inputs in place of what the training part would teach.

    `picture` holds the settings of pictures; one that contradicts the weights is an error.
    """
    given = start.inputs
    if not given or getattr(facts, "inputs", None) is None:
        return facts
    if tuple(given.get("columns", ())) != tuple(facts.inputs.columns):
        raise UsageError("weights.other_columns", place=start.place, wanted=", ".join(given.get("columns", ())) or "-")
    if facts.inputs.kind == "picture":
        agree(start, picture)
    return dataclasses.replace(facts, inputs=dataclasses.replace(facts.inputs, **given))


def agree(start: Start, picture: Any) -> None:
    """Raise UsageError where the settings of pictures contradict the weights' preparation."""
    height, width, channels = (start.inputs.get(name, 0) for name in ("height", "width", "channels"))
    if picture.size and height and picture.size not in (height, width):
        raise UsageError("weights.other_size", place=start.place, height=height, width=width, size=picture.size)
    asked = {"grey": 1, "colour": 3}.get(picture.channels, channels)
    if channels and asked != channels:
        raise UsageError("weights.other_channels", place=start.place, channels=channels, asked=picture.channels)


def begin_with(network: nn.Module, start: Start | None, task: Any, settings: WeightsSettings) -> dict[str, int]:
    """What a fresh network begins with besides chance; of word vectors it says how many words were found."""
    if settings.vectors:
        return fill_table(network, task.facts.inputs.vocabulary, settings.vectors)
    if start:
        begin(network, start)
    return {}


def begin(network: nn.Module, start: Start) -> list[str]:
    """Put the weights in, strictly but for the head, which stays new where it is of another size; returns its names."""
    wanted, found = network.state_dict(), start.read()
    head = getattr(network, "head", "")
    head = head if isinstance(head, str) else "head"
    mine = [name for name in wanted if head and name.startswith(f"{head}.")]
    new = mine if any(name not in found or found[name].shape != wanted[name].shape for name in mine) else []
    kept = {name: tensor for name, tensor in found.items() if not (new and name.startswith(f"{head}."))}
    _strict(wanted, kept, new, start.place)
    network.load_state_dict(kept, strict=False)
    return new


def _strict(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor], new: list[str], place: str) -> None:
    missing = [name for name in wanted if name not in found and name not in new and not name.endswith(COUNTERS)]
    unknown = [name for name in found if name not in wanted]
    shapes = [
        f"{name} {tuple(found[name].shape)} / {tuple(wanted[name].shape)}"
        for name in wanted
        if name in found and found[name].shape != wanted[name].shape
    ]
    wrong = [
        say(f"weights.wrong_{kind}", count=len(names), names=", ".join(names[:NAMED]))
        for kind, names in (("missing", missing), ("unknown", unknown), ("shapes", shapes))
        if names
    ]
    if wrong:
        raise UsageError("weights.unfit", place=place, reasons=" ".join(wrong))


def _fetched(settings: WeightsSettings, entry: PublicWeights) -> Path:
    where = f"https://huggingface.co/{entry.repo}" if entry.repo else entry.file
    if not entry.repo or not settings.fetch:
        key = "weights.not_here" if entry.repo else "weights.not_on_hub"
        raise UsageError(key, name=settings.name, place=where)
    return fetch(entry.repo, entry.file)
