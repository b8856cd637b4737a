"""The folder of a finished model: what is written there, and how it is checked before anything is made of it.

bundle.json (model, task, facts, figures), model.safetensors, manifest.json (SHA-256 of both)
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from deepglass.foundation.errors import RunFailed
from deepglass.foundation.sealed import UNREADABLE, read_sealed, write_sealed
from deepglass.foundation.settings import Choice, to_json

FORMAT = 1
PARTS = {"format": int, "model": dict, "task": dict, "facts": object, "figures": dict, "about": dict}


def describe(
    model: Choice, task: Choice, facts: Any, figures: dict[str, Any], about: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The document of a bundle."""
    return {
        "format": FORMAT,
        "model": {"name": model.name, "settings": to_json(model.settings)},
        "task": {"name": task.name, "settings": to_json(task.settings)},
        "facts": to_json(facts),
        "figures": to_json(figures),
        "about": to_json(about or {}),
    }


def load_weights(network: nn.Module, weights: dict[str, Tensor], place: str) -> None:
    """Strictly: every name and shape must be there, and none may be left over."""
    check_weights(network, weights, place)
    network.load_state_dict(weights)


def check_weights(network: nn.Module, weights: dict[str, Tensor], place: str) -> None:
    """Raise RunFailed where a name or shape is missing, wrong or left over."""
    wanted = network.state_dict()
    wrong = sorted(wanted.keys() ^ weights.keys())
    wrong += [name for name in wanted.keys() & weights.keys() if wanted[name].shape != weights[name].shape]
    if wrong:
        raise RunFailed("bundle.weights", folder=place, names=", ".join(wrong[:5]), count=len(wrong))


def write(folder: Path, document: Mapping[str, Any], weights: Mapping[str, Tensor]) -> None:
    """A sealed folder of these."""
    files = {"bundle.json": json.dumps(document, indent=1, ensure_ascii=False).encode()}
    here = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    files["model.safetensors"] = save_tensors(_own_memory(here))
    write_sealed(folder, files)


def opened(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """A bundle's document and weights, checked against the manifest and for being what they should be."""
    files = read_sealed(folder)
    try:
        document = json.loads(files["bundle.json"])
        if document.get("format") != FORMAT:
            raise RunFailed("bundle.version", folder=folder, found=document.get("format"), known=FORMAT)
        if wrong := [part for part, kind in PARTS.items() if not isinstance(document[part], kind)]:
            raise TypeError(*wrong)
        return document, load_tensors(files["model.safetensors"])
    except (*UNREADABLE, SafetensorError) as error:
        raise malformed(folder, error) from None


def malformed(folder: Path, error: BaseException) -> RunFailed:
    """What is said of a sealed folder that makes no sense."""
    return RunFailed("bundle.malformed", folder=folder, reason=f"{type(error).__name__} {error}".strip())


def _own_memory(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Tied tensors as copies: safetensors stores no shared memory, and a bundle is loaded name by name."""
    seen: set[int] = set()
    own: dict[str, Tensor] = {}
    for name, tensor in weights.items():
        own[name] = tensor.clone() if tensor.data_ptr() in seen else tensor
        seen.add(tensor.data_ptr())
    return own
