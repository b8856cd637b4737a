"""Exact evaluation: every example once, no padding, figures collected by example id."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from deepglass.data.example import Column, Ragged, concatenated
from deepglass.engine.compiled import eagerly
from deepglass.foundation.errors import RunFailed
from deepglass.tasks.task import Batch, Predictions, Task


@torch.no_grad()
def evaluate(
    task: Task, model: nn.Module, batches: Iterable[Batch], device: torch.device, examples: int
) -> tuple[dict[str, Any], Predictions]:
    """The task's metrics over `batches`, and every prediction as one table in the batches' order.

    Raises RunFailed unless exactly `examples` different ids were seen.
    """
    model.eval()
    metrics = task.metrics()
    ids: list[str] = []
    tables: list[Predictions] = []
    for batch in batches:
        presented = task.present(batch.to(device))
        with eagerly(model):  # what learned compiled is judged by the same arithmetic as anywhere else
            predictions = {name: _kept(column) for name, column in task.predict(model, presented).items()}
        for metric in metrics.values():
            metric.update(batch.ids, predictions, task.truth(batch))
        ids += batch.ids
        tables.append(predictions)
    if len(set(ids)) != examples:
        raise RunFailed("train.inexact", seen=len(set(ids)), examples=examples)
    table = {name: concatenated([part[name] for part in tables]) for name in tables[0]}
    return {name: metric.compute() for name, metric in metrics.items()}, table


def _kept(column: Column) -> Column:
    """On the processor, numbers as fp32; bytes, of which masks have many, as they are."""
    if isinstance(column, Ragged):
        return Ragged(*(part.cpu() for part in column))
    return column.cpu() if column.dtype == torch.uint8 else column.float().cpu()


def score(task: Task, batch: Batch, predictions: Predictions) -> dict[str, Any]:
    """The task's metrics over predictions that are there already."""
    metrics = task.metrics()
    for metric in metrics.values():
        metric.update(batch.ids, predictions, task.truth(batch))
    return {name: metric.compute() for name, metric in metrics.items()}
