"""K-fold: one child run for each fold, every example answered once by a network that never saw it, one refit on all.

RUN/folds/0 .. K-1 are runs of their own; RUN itself is the refit on all data. RUN/folds/answers is a sealed folder of
what the folds answered, so that a report written later needs none of their networks. A resume goes on in the first
fold that is not finished.
"""

import json
import math
import statistics
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load, save
from torch import Tensor

from deepglass.data.column import NAMES, Parts
from deepglass.data.example import Ragged, concatenated, picked
from deepglass.data.split import folds, split
from deepglass.engine.journal import Watcher, read_events
from deepglass.foundation.errors import RunFailed
from deepglass.foundation.lock import locked
from deepglass.foundation.sealed import read_sealed, write_sealed, write_text
from deepglass.foundation.settings import to_json
from deepglass.material import Material
from deepglass.run import Run
from deepglass.tasks.task import Predictions

LENGTHS = "/lengths"  # what the name of a ragged prediction's lengths ends in


@dataclass(frozen=True)
class OutOfFold:
    """What the folds say together."""

    figures: dict[str, Any]  # over all examples, each answered by the fold that held it out
    folds: list[dict[str, float]]  # each fold's own figures
    predictions: Predictions
    material: Material  # all examples as the test part, in the order of the predictions

    def document(self) -> dict[str, Any]:
        """Mean and spread over the folds, and each fold."""
        means = {name: statistics.fmean(fold[name] for fold in self.folds) for name in self.folds[0]}
        spreads = {name: statistics.stdev(fold[name] for fold in self.folds) for name in self.folds[0]}
        return {"mean": means, "spread": spreads, "folds": self.folds}


def train_folds(
    run: Run, watchers: Iterable[Watcher], asked_to_stop: Callable[[], bool], reading: Callable[[int, int], None]
) -> OutOfFold:
    """Every fold that is not finished yet, then the refit in the run's own folder."""
    whole = run.material(reading)
    with locked(run.folder):
        for fold, (child, material) in enumerate(_children(run, whole)):
            if not read_events(child.folder, "end"):
                _announce(watchers, {"fold": fold + 1, "folds": run.settings.data.folds})
                child.train(tuple(watchers), asked_to_stop, material)
    found = out_of_fold(run, whole)
    write_text(run.folder / "folds.json", json.dumps(to_json(found.document()), indent=1) + "\n")
    if not read_events(run.folder, "end"):
        _announce(watchers, {})
        held = replace(whole, held=(found.predictions, found.material.rows["test"]))
        run.train(tuple(watchers), asked_to_stop, held)
    return found


def out_of_fold(run: Run, whole: Material) -> OutOfFold:
    """What the folds answered, as it was kept; where it was not, or was damaged, every fold is asked anew."""
    folder = run.folder / "folds" / "answers"
    try:
        files = read_sealed(folder)
    except RunFailed:
        _ask(run, whole, folder)
        files = read_sealed(folder)
    document, predictions = json.loads(files["answers.json"]), _whole(load(files["predictions.safetensors"]))
    place = {name: row for row, name in enumerate(whole.store.index.ids)}
    rows = np.array([place[name] for name in document["ids"]])
    own = [{name: math.nan if value is None else value for name, value in fold.items()} for fold in document["folds"]]
    material = replace(whole, rows={**whole.rows, "val": rows[:0], "test": rows})
    return OutOfFold(run.figures_of(material, "test", predictions), own, predictions, material)


def _ask(run: Run, whole: Material, folder: Path) -> None:
    """All folds' answers in the order of rows, and each fold's own figures, as one sealed folder."""
    asked = [(*child.evaluate("test", material), material.rows["test"]) for child, material in _children(run, whole)]
    rows = np.concatenate([rows for _, _, rows in asked])
    order = np.argsort(rows)
    together = {name: concatenated([found[name] for _, found, _ in asked]) for name in asked[0][1]}
    predictions = _flat({name: picked(column, torch.from_numpy(order)) for name, column in together.items()})
    own = [{name: float(figure.value) for name, figure in figures.items()} for figures, _, _ in asked]
    ids = [str(whole.store.index.ids[row]) for row in rows[order].tolist()]
    document = json.dumps({"ids": ids, "folds": to_json(own)}, ensure_ascii=False).encode()
    write_sealed(folder, {"answers.json": document, "predictions.safetensors": save(predictions)})


def _flat(predictions: Predictions) -> dict[str, Tensor]:
    """Predictions as plain tensors; of a ragged one its lengths beside it."""
    found: dict[str, Tensor] = {}
    for name, column in predictions.items():
        ragged = isinstance(column, Ragged)
        found |= {name: column.values, f"{name}{LENGTHS}": column.lengths} if ragged else {name: column}
    return found


def _whole(tensors: dict[str, Tensor]) -> Predictions:
    """The opposite of `_flat`."""
    names = [name for name in tensors if not name.endswith(LENGTHS)]
    return {
        name: Ragged(tensors[name], tensors[f"{name}{LENGTHS}"]) if f"{name}{LENGTHS}" in tensors else tensors[name]
        for name in names
    }


def _children(run: Run, whole: Material) -> Iterator[tuple[Run, Material]]:
    """Each fold's run and what it learns from."""
    held = folds(run.source.index, run.settings.data)
    for fold in range(run.settings.data.folds):
        child = _child(run, fold)
        yield child, child.material(parts=_parts(run, held, fold), store=whole.prepared)


def _announce(watchers: Iterable[Watcher], which: dict[str, int]) -> None:
    """Tell those who watch which fold begins; nothing is which for the refit."""
    for watch in watchers:
        watch({"kind": "fold", "step": 0, "which": which})


def _child(run: Run, fold: int) -> Run:
    folder = run.folder / "folds" / str(fold)
    settings = replace(run.settings, data=replace(run.settings.data, folds=0))
    child = Run(folder, settings, run.origins, run.own.fresh(), run.source)
    if not (folder / "run.toml").exists():
        child.write()
    return child


def _parts(run: Run, held: np.ndarray, fold: int) -> Parts:
    """The fold is the test part; validation is drawn from the others; a given test part stays out of everything."""
    rest = np.flatnonzero((held >= 0) & (held != fold))
    codes = np.full(len(held), NAMES.index(""), np.int8)
    codes[rest] = split(run.source.index.take(rest), replace(run.settings.data, test=0.0)).codes
    codes[held == fold] = NAMES.index("test")
    return Parts(codes)
