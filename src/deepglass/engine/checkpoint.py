"""Checkpoints: State as safetensors and JSON in a sealed folder, written off the training thread from a copy.

checkpoints/step-000001200/ {weights, optimizers, averages, carry}.safetensors, state.json, manifest.json
checkpoints/latest          the name of the newest whole one; moved only after it was read back, then pruning
"""

import json
import math
import re
import shutil
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from deepglass.engine.state import Score, Setback, State, best_of
from deepglass.foundation.errors import DeepglassError, MachineError, RunFailed
from deepglass.foundation.sealed import UNREADABLE, read_sealed, remove_sealed, sweep, write_sealed, write_text

VERSION = 2
KEEP = 2
WAITS = (1.0, 2.0, 4.0, 8.0)  # minutes from a failed save to the next try; one more failure ends the training
NAME = re.compile(r"step-(\d{9})")
GROUPS = ("weights", "optimizers", "averages", "carry")
TIMED = ".timed.tmp-000000000000"  # a folder that is swept away where a kill left it
DOCUMENT = {
    **{"version": int, "step": int, "scores": list, "setbacks": list},
    **{"ties": dict, "names": dict, "strides": dict},
}


class Checkpoints:
    """A run's checkpoints. `save` returns once the copy is taken; writing goes on in the background.

    A save that failed is tried again after a minute, then after longer, however often saves are due: a disk has a
    quarter of an hour to become well, and no more than that (and the time between two saves) can be lost.
    """

    def __init__(self, folder: Path):
        self.folder = folder / "checkpoints"
        self.failures: list[DeepglassError] = []  # since the last save that succeeded
        self._untold: deque[tuple[int, DeepglassError]] = deque()  # the writer's failures, for the training thread
        self._writer: threading.Thread | None = None
        self._tried = 0.0

    def save(self, state: State) -> None:
        """Copy the state and write it; what comes of it, `news` and `settle` tell."""
        self.wait()
        self._tried = time.monotonic()
        tensors, document = snapshot(state)
        told = (state.step, tensors, document, list(state.scores))
        self._writer = threading.Thread(target=self._write, args=told, daemon=False)
        self._writer.start()

    def due(self, regularly: bool) -> bool:
        """Whether to save now: where it is due, or, after a failure, where that lies long enough back."""
        if not self.failures:
            return regularly
        wait = WAITS[min(len(self.failures), len(WAITS)) - 1]
        return time.monotonic() - self._tried >= wait * 60

    def news(self) -> list[tuple[int, DeepglassError]]:
        """Failures that were not told yet: the how manieth in a row, and why."""
        return [self._untold.popleft() for _ in range(len(self._untold))]

    def endure(self) -> None:
        """Raise MachineError where too many saves in a row have failed."""
        if len(self.failures) > len(WAITS):
            raise self._given_up()

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
        try:
            found = [path.name for path in self.folder.iterdir()]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise MachineError("sealed.cannot_read", folder=self.folder, reason=error.strerror) from None
        return sorted(int(name.group(1)) for one in found if (name := NAME.fullmatch(one)))

    def begun(self) -> bool:
        """Whether this run was ever saved: then it never begins anew, even where every checkpoint is gone."""
        return bool(self.steps()) or self._latest().exists()

    def load(self, step: int) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]]:
        """One checkpoint's tensors by file and its document, the manifest verified."""
        return _parse(read_sealed(self.folder / _name(step)), self.folder / _name(step))

    def newest(self) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any], list[DeepglassError]]:
        """The newest checkpoint that is whole, and why newer ones were rejected; RunFailed where none is left."""
        steps = self.steps()
        rejected = self._missed(steps)
        for step in reversed(steps):
            try:
                tensors, document = self.load(step)
            except DeepglassError as error:
                rejected.append(error)
            else:
                return tensors, document, rejected
        reasons = " ".join(str(error) for error in rejected)
        raise RunFailed("train.no_checkpoint", folder=self.folder, reasons=reasons)

    def best(self, state: State) -> tuple[Score | None, list[DeepglassError]]:
        """Put the best check whose checkpoint is whole into the state; that check, and why better ones could not be.

        The state's own step needs no checkpoint.
        """
        rejected: list[DeepglassError] = []
        among = {score.step for score in state.scores}
        while (best := state.best(among)) and best.step != state.step:
            try:
                tensors, document = self.load(best.step)
            except DeepglassError as error:
                rejected.append(error)
                among.discard(best.step)
            else:
                restore(state, tensors, document)
        return best, rejected

    def back(self, state: State, before: int) -> None:
        """Put the best check before this step whose checkpoint is whole into the state, or the beginning."""
        among = {score.step for score in state.scores if score.step < before}
        while True:
            best = state.best(among)
            try:
                tensors, document = self.load(best.step if best else 0)
                break
            except DeepglassError:
                if best is None:
                    raise
                among.discard(best.step)
        for optimizer in state.optimizers.values():
            optimizer.state.clear()  # the beginning has none
            optimizer.zero_grad(set_to_none=True)
        restore(state, tensors, document)
        state.tree.eval()

    def _latest(self) -> Path:
        return self.folder / "latest"

    def _missed(self, steps: list[int]) -> list[DeepglassError]:
        """A whole checkpoint was there when `latest` was moved to it: where it is gone, that is told."""
        try:
            name = self._latest().read_bytes()[:80].decode(errors="replace")
        except OSError:
            return []
        if name in [_name(step) for step in steps]:
            return []
        return [RunFailed("train.latest", file=self._latest(), name=name)]

    def _given_up(self) -> MachineError:
        values = {"count": len(self.failures), "reason": self.failures[-1], "folder": self.folder.parent}
        return MachineError("train.cannot_save", **values)

    def _write(
        self, step: int, tensors: Mapping[str, Mapping[str, Tensor]], document: Any, scores: Sequence[Score]
    ) -> None:
        try:
            self.folder.parent.stat()  # a run that was taken away does not come back as a folder of checkpoints
            files = {f"{name}.safetensors": save_tensors(dict(group)) for name, group in tensors.items()}
            files["state.json"] = json.dumps(document, indent=1).encode()
            write_sealed(self.folder / _name(step), files)
            write_text(self._latest(), _name(step))
            self.failures.clear()
            self._prune(step, scores)
        except DeepglassError as error:
            self._failed(error)
        except Exception as error:  # no room in memory, a tensor that has no file form: told like any other failure
            reason = getattr(error, "strerror", None) or error
            self._failed(MachineError("sealed.cannot_write", folder=self.folder / _name(step), reason=reason))

    def _failed(self, error: DeepglassError) -> None:
        self.failures.append(error)
        self._untold.append((len(self.failures), error))

    def _prune(self, newest: int, scores: Sequence[Score]) -> None:
        """The newest ones and the best of all that are there stay, for a better one's save may have failed.

        Before the first check the beginning stays: a run that goes wrong may have to go back to it.
        Later ones than the newest are damaged: a resume passed them over.
        """
        steps = self.steps()
        best = best_of(scores, steps)
        names, keep = [_name(step) for step in steps], {_name(best.step if best else 0)}
        whole = [name for name in names if name <= _name(newest)]
        for name in sorted(set(names) - set(whole[-KEEP:]) - keep):
            remove_sealed(self.folder / name)


def seconds_of_a_save(state: State, folder: Path, averaged: bool) -> float:
    """What a checkpoint will take, by one of the state as it begins: without the optimizer's two moments.

    A disk that cannot be written now will say so when it matters.
    """
    began = time.perf_counter()
    place = folder / TIMED
    trial = Checkpoints(place)
    place.mkdir(parents=True, exist_ok=True)
    trial.save(state)
    trial.wait()
    shutil.rmtree(place, ignore_errors=True)
    return (time.perf_counter() - began) * (3 + averaged) / (1 + averaged)


def snapshot(state: State) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]]:
    """Copies of every tensor of the state, by file, and the rest as JSON. Tied tensors are stored once."""
    weights, ties = _untied(state.tree.state_dict())
    optimizers: dict[str, Tensor] = {}
    for updates, optimizer in state.optimizers.items():
        for name, parameter in state.trainable(updates).items():
            for slot, value in optimizer.state.get(parameter, {}).items():
                optimizers[f"{updates}:{name}:{slot}"] = torch.as_tensor(value)
    groups = {"weights": weights, "optimizers": optimizers, "averages": state.averages, "carry": state.carry}
    copies = {
        group: {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in tensors.items()}
        for group, tensors in groups.items()
    }
    document = {
        "version": VERSION,
        "step": state.step,
        "scores": [score._asdict() for score in state.scores],
        "setbacks": [setback._asdict() for setback in state.setbacks],
        "ties": ties,
        "names": {group: sorted(tensors) for group, tensors in groups.items()},
        "strides": {
            f"{group}/{name}": list((tensor if _dense(tensor.shape, tensor.stride()) else copies[group][name]).stride())
            for group in groups
            for name, tensor in groups[group].items()
        },
    }
    return copies, document


def restore(state: State, tensors: Mapping[str, Mapping[str, Tensor]], document: Mapping[str, Any]) -> None:
    """Put a checkpoint into a state of the same build: every key must be there and none may be left over."""
    state.unrest()
    _agree(document, tensors)
    strided = {
        group: {name: _restride(tensor, document["strides"][f"{group}/{name}"]) for name, tensor in named.items()}
        for group, named in tensors.items()
    }
    weights = strided["weights"] | {name: strided["weights"][owner] for name, owner in document["ties"].items()}
    _load_weights(state, weights)
    _load_optimizers(state, strided["optimizers"])
    _same_shapes("averages", state.averages, strided["averages"])
    device = next(state.model.parameters()).device
    state.averages = {name: strided["averages"][name].to(device) for name in state.averages}
    state.carry = {name: tensor.to(device) for name, tensor in strided["carry"].items()}
    state.step = document["step"]
    state.scores = [Score(**score) for score in document["scores"]]
    state.setbacks = [Setback(**setback) for setback in document["setbacks"]]


@torch.no_grad()
def _load_weights(state: State, weights: Mapping[str, Tensor]) -> None:
    live = state.tree.state_dict()
    _same_shapes("weights", live, weights)
    for name, tensor in weights.items():
        live[name].copy_(tensor)


def _load_optimizers(state: State, slots: Mapping[str, Tensor]) -> None:
    """Moments back to their parameters by name; a fused optimizer needs them with the parameter's own strides.

    A count of steps lies where torch's own load_state_dict puts it: on the device if the optimizer is fused.
    """
    left = dict(slots)
    for updates, optimizer in state.optimizers.items():
        fused = any(group.get("fused") for group in optimizer.param_groups)
        for name, parameter in state.trainable(updates).items():
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
    """Tensors and document, which must agree in every name; nothing larger than the files themselves is allocated."""
    try:
        document = json.loads(files["state.json"])
        if document.get("version") != VERSION:
            raise RunFailed("train.version", folder=folder, found=document.get("version"), known=VERSION)
        _same_names("files", [*(f"{name}.safetensors" for name in GROUPS), "state.json"], files)
        tensors = {name: load_tensors(files[f"{name}.safetensors"]) for name in GROUPS}
        _agree(document, tensors)
    except (*UNREADABLE, SafetensorError) as error:
        raise RunFailed("train.malformed", folder=folder, reason=f"{type(error).__name__} {error}".strip()) from None
    return tensors, document


def _agree(document: Mapping[str, Any], tensors: Mapping[str, Mapping[str, Tensor]]) -> None:
    _same_names("state.json", DOCUMENT, document)
    wrong = [name for name, kind in DOCUMENT.items() if type(document[name]) is not kind]
    _same_names("state.json", [], wrong)
    _same_names("names", GROUPS, document["names"])
    for group, named in tensors.items():
        _same_names(group, document["names"][group], named)
    together = {f"{group}/{name}": tensor for group, named in tensors.items() for name, tensor in named.items()}
    _same_names("strides", together, document["strides"])
    _same_names(
        "strides", [], [key for key, one in together.items() if not _dense(one.shape, document["strides"][key])]
    )
    _same_names("ties", [], [name for name, owner in document["ties"].items() if owner not in tensors["weights"]])
    for score in document["scores"]:
        _same_names("scores", Score._fields, score)
    for setback in document["setbacks"]:
        _same_names("setbacks", Setback._fields, setback)


def _dense(shape: Sequence[int], stride: Sequence[int]) -> bool:
    """Whether a tensor of these strides fills exactly its own memory: a view with gaps does not."""
    if len(shape) != len(stride) or min(stride, default=0) < 0:
        return False
    return 0 in shape or sum((size - 1) * step for size, step in zip(shape, stride, strict=True)) < math.prod(shape)


def _restride(tensor: Tensor, stride: list[int]) -> Tensor:
    if list(tensor.stride()) == stride:
        return tensor
    return torch.empty_strided(tensor.shape, stride, dtype=tensor.dtype).copy_(tensor)


def _name(step: int) -> str:
    return f"step-{step:09d}"


def _same_shapes(what: str, wanted: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> None:
    _same_names(what, wanted, found)
    kinds = {name: (tensor.shape, tensor.dtype) for name, tensor in wanted.items()}
    _same_names(what, [], [name for name, kind in kinds.items() if kind != (found[name].shape, found[name].dtype)])


def _same_names(what: str, wanted: Iterable[str], found: Iterable[str]) -> None:
    different = sorted(set(wanted) ^ set(found))
    if different:
        names = ", ".join(different[:5]) + (" ..." if len(different) > 5 else "")
        raise RunFailed("train.keys", what=what, names=names)
