"""Checkpoints: State as safetensors and JSON in a sealed folder, written off the training thread from a copy.

checkpoints/step-000001200/ {weights, optimizers, averages, carry}.safetensors, state.json, manifest.json
checkpoints/latest          the name of the newest whole one; moved only after it was read back, then pruning
"""

import json
import re
import shutil
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from deepglass.engine.state import Score, State, trainable
from deepglass.foundation.errors import DeepglassError, MachineError, RunFailed
from deepglass.foundation.sealed import read_sealed, sweep, write_sealed, write_text

VERSION = 1
KEEP = 2
MAX_FAILURES = 3
NAME = re.compile(r"step-(\d{9})")


class Checkpoints:
    """A run's checkpoints. `save` returns once the copy is taken; writing goes on in the background."""

    def __init__(self, folder: Path):
        self.folder = folder / "checkpoints"
        self.failures: list[DeepglassError] = []
        self._writer: threading.Thread | None = None

    def save(self, state: State) -> None:
        """Copy the state and write it; raises MachineError after several failures in a row."""
        self.wait()
        if len(self.failures) >= MAX_FAILURES:
            raise self._given_up()
        tensors, document = snapshot(state)
        best = state.best()
        keep = {_name(best.step)} if best else set[str]()
        self._writer = threading.Thread(target=self._write, args=(state.step, tensors, document, keep), daemon=False)
        self._writer.start()

    def wait(self) -> None:
        """Until the last save is on the disk."""
        if self._writer is not None:
            self._writer.join()
            self._writer = None

    def settle(self) -> None:
        """Until the last save is on the disk; raises MachineError where it could not be written."""
        self.wait()
        if self.failures:
            raise self._given_up()

    def clean(self) -> None:
        """Take away what a killed life left half-written."""
        sweep(self.folder)

    def steps(self) -> list[int]:
        """The steps of all checkpoints, oldest first."""
        found = self.folder.iterdir() if self.folder.is_dir() else ()
        return sorted(int(name.group(1)) for path in found if (name := NAME.fullmatch(path.name)))

    def load(self, step: int) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]]:
        """One checkpoint's tensors by file and its document, the manifest verified."""
        return _parse(read_sealed(self.folder / _name(step)), self.folder / _name(step))

    def newest(self) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any], list[DeepglassError]]:
        """The newest checkpoint that is whole, and why newer ones were rejected; RunFailed where none is left."""
        rejected: list[DeepglassError] = []
        for step in reversed(self.steps()):
            try:
                tensors, document = self.load(step)
            except DeepglassError as error:
                rejected.append(error)
            else:
                return tensors, document, rejected
        reasons = "; ".join(str(error) for error in rejected)
        raise RunFailed("train.no_checkpoint", folder=self.folder, reasons=reasons)

    def _given_up(self) -> MachineError:
        values = {"count": len(self.failures), "reason": self.failures[-1], "folder": self.folder.parent}
        return MachineError("train.cannot_save", **values)

    def _write(self, step: int, tensors: Mapping[str, Mapping[str, Tensor]], document: Any, keep: set[str]) -> None:
        try:
            files = {f"{name}.safetensors": save_tensors(dict(group)) for name, group in tensors.items()}
            files["state.json"] = json.dumps(document, indent=1).encode()
            write_sealed(self.folder / _name(step), files)
            write_text(self.folder / "latest", _name(step))
        except DeepglassError as error:
            self.failures.append(error)
            return
        except Exception as error:  # no room in memory, a tensor that has no file form: told like any other failure
            self.failures.append(MachineError("sealed.cannot_write", folder=self.folder / _name(step), reason=error))
            return
        self.failures.clear()
        self._prune(step, keep)

    def _prune(self, newest: int, keep: set[str]) -> None:
        """The newest ones and the best stay; later ones than the newest are damaged: a resume passed them over."""
        names = [_name(step) for step in self.steps()]
        whole = [name for name in names if name <= _name(newest)]
        for name in set(names) - set(whole[-KEEP:]) - keep:
            shutil.rmtree(self.folder / name, ignore_errors=True)


def snapshot(state: State) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]]:
    """Copies of every tensor of the state, by file, and the rest as JSON. Tied tensors are stored once."""
    weights, ties = _untied(state.tree.state_dict())
    optimizers: dict[str, Tensor] = {}
    for updates, optimizer in state.optimizers.items():
        for name, parameter in trainable(state.model, updates).items():
            for slot, value in optimizer.state.get(parameter, {}).items():
                optimizers[f"{updates}:{name}:{slot}"] = torch.as_tensor(value)
    groups = {"weights": weights, "optimizers": optimizers, "averages": state.averages, "carry": state.carry}
    document = {
        "version": VERSION,
        "step": state.step,
        "scores": [score._asdict() for score in state.scores],
        "ties": ties,
        "names": {group: sorted(tensors) for group, tensors in groups.items()},
        "strides": {
            f"{group}/{name}": list(tensor.stride()) for group in groups for name, tensor in groups[group].items()
        },
    }
    copies = {
        group: {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in tensors.items()}
        for group, tensors in groups.items()
    }
    return copies, document


def restore(state: State, tensors: Mapping[str, Mapping[str, Tensor]], document: Mapping[str, Any]) -> None:
    """Put a checkpoint into a freshly built state: every key must be there and none may be left over."""
    for group, names in document["names"].items():
        _same_names(group, names, tensors[group])
    strided = {
        group: {name: _restride(tensor, document["strides"][f"{group}/{name}"]) for name, tensor in named.items()}
        for group, named in tensors.items()
    }
    weights = strided["weights"] | {name: strided["weights"][owner] for name, owner in document["ties"].items()}
    _load_weights(state, weights)
    _load_optimizers(state, strided["optimizers"])
    _same_names("averages", state.averages, strided["averages"])
    device = next(state.model.parameters()).device
    state.averages = {name: strided["averages"][name].to(device) for name in state.averages}
    state.carry = {name: tensor.to(device) for name, tensor in strided["carry"].items()}
    state.step = document["step"]
    state.scores = [Score(**score) for score in document["scores"]]


@torch.no_grad()
def _load_weights(state: State, weights: Mapping[str, Tensor]) -> None:
    live = state.tree.state_dict()
    _same_names("weights", live, weights)
    for name, tensor in weights.items():
        if live[name].shape != tensor.shape:
            raise RunFailed("train.keys", what="weights", names=name)
        live[name].copy_(tensor)


def _load_optimizers(state: State, slots: Mapping[str, Tensor]) -> None:
    """Moments back to their parameters by name; a fused optimizer needs them with the parameter's own strides.

    A count of steps lies where torch's own load_state_dict puts it: on the device if the optimizer is fused.
    """
    left = dict(slots)
    for updates, optimizer in state.optimizers.items():
        fused = any(group.get("fused") for group in optimizer.param_groups)
        for name, parameter in trainable(state.model, updates).items():
            prefix = f"{updates}:{name}:"
            found = [key for key in left if key.startswith(prefix)]
            for key in found:
                value = left.pop(key)
                if value.shape == parameter.shape and not key.endswith(":step"):
                    value = torch.empty_like(parameter).copy_(value)
                elif fused:
                    value = value.to(parameter.device)
                optimizer.state[parameter][key.removeprefix(prefix)] = value.detach()
    _same_names("optimizers", {}, left)


def _untied(weights: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors that share their memory under the first of their names, and the others' owners."""
    owners: dict[tuple[int, tuple[int, ...], tuple[int, ...]], str] = {}
    once: dict[str, Tensor] = {}
    ties: dict[str, str] = {}
    for name, tensor in weights.items():
        place = (tensor.data_ptr(), tuple(tensor.shape), tensor.stride())
        if tensor.numel() and place in owners:
            ties[name] = owners[place]
        else:
            owners[place] = name
            once[name] = tensor
    return once, ties


def _parse(files: Mapping[str, bytes], folder: Path) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]]:
    document = json.loads(files["state.json"])
    if document.get("version") != VERSION:
        raise RunFailed("train.version", folder=folder, found=document.get("version"), known=VERSION)
    names = ("weights", "optimizers", "averages", "carry")
    return {name: load_tensors(files[f"{name}.safetensors"]) for name in names}, document


def _restride(tensor: Tensor, stride: list[int]) -> Tensor:
    if list(tensor.stride()) == stride:
        return tensor
    return torch.empty_strided(tensor.shape, stride, dtype=tensor.dtype).copy_(tensor)


def _name(step: int) -> str:
    return f"step-{step:09d}"


def _same_names(what: str, wanted: Iterable[str], found: Iterable[str]) -> None:
    different = sorted(set(wanted) ^ set(found))
    if different:
        names = ", ".join(different[:5]) + (" ..." if len(different) > 5 else "")
        raise RunFailed("train.keys", what=what, names=names)
