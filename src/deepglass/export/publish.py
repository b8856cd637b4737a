"""A finished model as a folder that the Hugging Face hub understands, and that `load` reads as it reads a bundle.

README.md (the card) · config.json · preprocessor_config.json · bundle.json · model.safetensors · manifest.json

Nothing of it says where anything lay: paths of data, costs and other weights stay at home.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

from safetensors.torch import save

from deepglass.bundle_folder import opened
from deepglass.export.card import Told, card, inputs_of, labels_of
from deepglass.foundation import catalogue
from deepglass.foundation.errors import UsageError
from deepglass.foundation.sealed import read_document, write_sealed
from deepglass.weights.hub import ready, send

LICENCES = (  # of the hub's names for them, those that weights are given
    *("apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "isc", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0"),
    *("cc-by-nc-4.0", "cc-by-nc-sa-4.0", "cc-by-nd-4.0", "cc-by-nc-nd-4.0", "gpl-2.0", "gpl-3.0", "agpl-3.0"),
    *("lgpl-2.1", "lgpl-3.0", "mpl-2.0", "unlicense", "openrail", "cdla-permissive-2.0", "odc-by", "other"),
)
KEPT = ("step", "seed")  # of what a bundle says about its run
PARTS = ("test", "val", "train")  # the first of these that has figures is the one that counts
FILES = frozenset(("costs",))  # settings that name a file; every other text among settings is no path
RESAMPLE = {"bilinear": 2, "bicubic": 3}  # Pillow's numbers, which the hub's libraries use


@dataclass(frozen=True)
class Published:
    """The folder and what is in it; the address where it was uploaded."""

    folder: Path
    licence: str
    files: list[str]
    bytes: int
    vocabulary: int = 0  # words or pieces of the training texts, which are published with the weights
    address: str = ""
    figures: dict[str, float | None] = field(default_factory=dict)


def publish(place: Path, out: Path, licence: str, *, dataset: str = "", to: str = "") -> Published:
    """Write the folder; `dataset` is what the card calls the data, `to` the repository that it is uploaded into."""
    if licence not in LICENCES:
        hint = catalogue.nearest(licence, LICENCES)
        raise UsageError("export.licence" if licence else "export.no_licence", name=licence, hint=hint, known=_known())
    if out.exists():
        raise UsageError("export.exists", folder=out)
    if to:
        ready(to)
    source = _bundle(place)
    document, weights = opened(source)
    document = at_home(document)
    part, figures = _figures(source.parent, document)
    parameters = sum(tensor.numel() for tensor in weights.values())
    told = Told(out.name, licence, dataset, to, document, part, figures, parameters)
    files = {
        "bundle.json": _json(document),
        "config.json": _json(config(document)),
        "preprocessor_config.json": _json(preprocessing(document)),
        "model.safetensors": save(weights, metadata={"format": "pt"}),
    }
    written = files | {"README.md": card(told).encode()}
    write_sealed(out, files, beside={"README.md": written["README.md"]})
    address = send(out, to) if to else ""
    values = {name: figure["value"] for name, figure in figures.items()}
    size = sum(map(len, written.values()))
    return Published(out, licence, sorted(written), size, _vocabulary(document), address, values)


def at_home(document: dict[str, Any]) -> dict[str, Any]:
    """A bundle's document without what says where things lay; public weights that it began with keep their name.

    Of pictures that another bundle made for its training how many there are, and that one's digest.
    """
    about = document["about"]
    kept = {name: about[name] for name in KEPT if name in about}
    if name := (about.get("weights") or {}).get("name"):
        kept["weights"] = {"name": name}
    if made := about.get("generated"):
        kept["generated"] = {name: value for name, value in made.items() if name != "run"}
    parts = {part: document[part] for part in ("model", "task")}
    settled = {name: {**part, "settings": _settings(part, f"{name}s")} for name, part in parts.items()}
    return {**document, **settled, "about": kept}


def config(document: Mapping[str, Any]) -> dict[str, Any]:
    """What the hub shows of a network: its name and settings, its classes by number."""
    found: dict[str, Any] = {
        "library_name": "deepglass",
        "model_type": "deepglass",
        "architectures": [document["model"]["name"]],
        "task": document["task"]["name"],
        "model": document["model"],
        "bundle_format": document["format"],
    }
    labels = labels_of(document)
    if labels:
        found["id2label"] = {str(number): label for number, label in enumerate(labels)}
        found["label2id"] = {label: number for number, label in enumerate(labels)}
    return found


def preprocessing(document: Mapping[str, Any]) -> dict[str, Any]:
    """What is done to an input, pictures in the words of the hub's libraries; vocabularies stand in bundle.json."""
    inputs = inputs_of(document)
    own = {name: value for name, value in inputs.items() if name != "vocabulary"}
    if inputs.get("kind") != "picture":
        return own
    settings = document["task"]["settings"].get("picture") or {}
    return {
        "do_resize": True,
        "size": {"height": inputs["height"], "width": inputs["width"]},
        "fit": settings.get("fit", "crop"),
        "resample": RESAMPLE.get(inputs.get("smooth", "bilinear"), 2),
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": inputs["mean"],
        "image_std": inputs["std"],
        "num_channels": inputs["channels"],
    }


def _bundle(place: Path) -> Path:
    for folder in (place / "bundle", place):
        if (folder / "bundle.json").is_file():
            return folder
    raise UsageError("bundle.not_found", place=place, hint="")


def _figures(run: Path, document: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The figures that count: of the run's report, else those of the check that chose the weights."""
    try:
        parts = read_document(run / "report.json")["scores"]["parts"]
        part = next(name for name in PARTS if name in parts)
        found = {name: figure for name, figure in parts[part].items() if figure["value"] is not None}
        return "folds" if (run / "folds.json").is_file() else part, found
    except (OSError, ValueError, KeyError, TypeError, StopIteration):
        values = document["figures"].items()
        return "val", {name: {"value": value} for name, value in values if value is not None}


def _settings(part: Mapping[str, Any], room: str) -> Any:
    """The settings of a model or a task; of what is not from the catalogue nobody knows which texts are paths."""
    return _nameless(part["settings"], everywhere=part.get("name") not in catalogue.entries(room))


def _nameless(settings: Any, everywhere: bool) -> Any:
    """Settings in which a path has become the name of its file; `everywhere` takes any text with a slash for one."""
    if isinstance(settings, dict):
        return {name: _nameless(value, everywhere or name in FILES) for name, value in settings.items()}
    if isinstance(settings, list):
        return [_nameless(value, everywhere) for value in settings]
    return PurePath(settings.replace("\\", "/")).name if everywhere and isinstance(settings, str) else settings


def _vocabulary(document: Mapping[str, Any]) -> int:
    """How many tokens of the training texts are published."""
    held = inputs_of(document).get("vocabulary") or {}
    tokens = held.get("tokens") if isinstance(held, dict) else None
    return len(tokens) if tokens else 0


def _json(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def _known() -> str:
    return ", ".join(LICENCES)
