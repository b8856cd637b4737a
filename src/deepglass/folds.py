"""K-fold: one child run for each fold, every example answered once by a network that never saw it, one refit on all.

RUN/folds/0 .. K-1 are runs of their own; RUN itself is the refit on all data, whose bundle carries the figures of the
folds. A resume goes on in the first fold that is not finished.
"""

import json
import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from deepglass.data.split import folds, split
from deepglass.engine.journal import Watcher, read_events
from deepglass.foundation.sealed import write_text
from deepglass.foundation.settings import to_json
from deepglass.material import Material
from deepglass.run import Run
from deepglass.tasks.task import Predictions


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
    index = run.source.index
    held = folds(index, run.settings.data)
    whole = run.material(reading)
    results = []
    for fold in range(run.settings.data.folds):
        child = _child(run, fold)
        material = child.material(parts=_parts(run, held, fold), store=whole.store)
        if not read_events(child.folder, "end"):
            _announce(watchers, {"fold": fold + 1, "folds": run.settings.data.folds})
            child.train(tuple(watchers), asked_to_stop, material)
        results.append((*child.evaluate("test", material), material.rows["test"]))
    found = _together(run, whole, results)
    write_text(run.folder / "folds.json", json.dumps(to_json(found.document()), indent=1) + "\n")
    if not read_events(run.folder, "end"):
        _announce(watchers, {})
        run.train(tuple(watchers), asked_to_stop, whole)
    return found


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


def _parts(run: Run, held: np.ndarray, fold: int) -> np.ndarray:
    """The fold is the test part; validation is drawn from the others; a given test part stays out of everything."""
    rest = np.flatnonzero((held >= 0) & (held != fold))
    parts = np.full(len(held), "", dtype="<U5")
    parts[rest] = split(run.source.index.take(rest), replace(run.settings.data, test=0.0))
    parts[held == fold] = "test"
    return parts


def _together(run: Run, whole: Material, results: list[tuple[dict[str, Any], Predictions, np.ndarray]]) -> OutOfFold:
    """All folds' answers in the order of rows, and the metrics over them."""
    rows = np.concatenate([rows for _, _, rows in results])
    order = np.argsort(rows)
    names = results[0][1]
    predictions = {name: torch.cat([found[name] for _, found, _ in results])[order] for name in names}
    material = replace(whole, rows={**whole.rows, "val": rows[:0], "test": rows[order]})
    figures = run.figures_of(material, "test", predictions)
    own = [{name: float(figure.value) for name, figure in found.items()} for found, _, _ in results]
    return OutOfFold(figures, own, predictions, material)
