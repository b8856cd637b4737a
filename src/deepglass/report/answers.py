"""Answers that are not one class: numbers, predicted against true, several labels, tags, what comes."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from deepglass.data.example import Ragged, picked
from deepglass.foundation.words import say
from deepglass.metrics.f1 import ratio
from deepglass.metrics.spans import SpanF1, in_spans
from deepglass.report.case import Case
from deepglass.report.forecasts import forecasts
from deepglass.report.section import Exhibit
from deepglass.views.bars import Bars
from deepglass.views.scatter import Scatter
from deepglass.views.table import Table
from deepglass.views.view import finite, number

MOST_POINTS = 1200
MOST_BARS = 20
MOST_ROWS = 12


def answers(case: Case) -> tuple[list[Exhibit], dict[str, object]]:
    """Drawings and figures of the part that counts; nothing for answers of another kind."""
    predictions = case.results[case.part][1]
    if "values" in predictions and predictions["values"].ndim == 1:
        return [_numbers(case)], {}
    if "naive" in predictions:
        return forecasts(case)
    found = several_labels(case)
    if found is not None and case.labels:
        true, said = found[0], found[1] > 0.5
        hits, given, there = (part.double().sum(0) for part in (said & true, said, true))
        return _labels(case.labels, hits, given, there)
    target = case.material.targets.get("target")
    if "tags" in predictions and isinstance(target, Ragged):
        true = picked(target, torch.from_numpy(case.material.rows[case.part]))
        return _tags(case.task.facts.tags, predictions["tags"], true)  # pyright: ignore
    return [], {}


def several_labels(case: Case) -> tuple[Tensor, Tensor] | None:
    """Which labels each row of the part that counts has, and the network's share for each; None for other tasks.

    bool (N, K), float64 (N, K)
    """
    predictions, target = case.results[case.part][1], case.material.targets.get("target")
    if not case.labels or "logits" not in predictions or isinstance(target, Ragged | None):
        return None
    if target.shape[1:] != (len(case.labels),):
        return None
    return target[case.material.rows[case.part]] > 0, predictions["logits"].cpu().double().sigmoid()


def _numbers(case: Case) -> Exhibit:
    """Each example by its true number and the network's; the rows where they lie furthest apart behind it."""
    rows, index = case.material.rows[case.part], case.material.store.index
    true = np.array([float(index.labels[row]) for row in rows.tolist()])
    said = case.results[case.part][1]["values"].double().cpu().numpy()
    taken = case.sample(case.part, MOST_POINTS)
    points = np.stack([true[taken], said[taken]], axis=1)
    names = say("report.true_number"), say("report.predicted_number")
    part = say(f"report.part_{case.part}")
    view = Scatter(points, np.zeros(len(points), int), [part], say("report.predicted_against_true"), *names)
    gaps = np.abs(said - true)
    worst = np.argsort(-gaps, kind="stable")[:MOST_ROWS]
    cells = [
        [str(index.ids[int(rows[at])]), float(true[at]), float(said[at]), float(said[at] - true[at])]
        for at in worst.tolist()
    ]
    heads = [say("report.column_example"), *names, say("report.column_gap")]
    words = say("report.words_numbers", half=number(float(np.median(gaps))), most=number(float(gaps.max())))
    return Exhibit(view, words, Table(heads, cells, say("report.furthest")))


def _tags(names: tuple[str, ...], said: Ragged, true: Ragged) -> tuple[list[Exhibit], dict[str, object]]:
    """The same of every type of span, or of every tag where there are no spans."""
    if in_spans(names):
        metric = SpanF1(names)
        metric.update([str(row) for row in range(len(true.lengths))], {"tags": said}, true)
        return _labels(metric.types, *metric.totals())
    pairs = [(one[: len(other)], other[: len(one)]) for one, other in zip(said.each(), true.each(), strict=True)]
    given, there = (torch.cat(side).long() for side in zip(*pairs, strict=True))
    counts = (there[there == given], given, there[there >= 0])
    return _labels(names, *(torch.bincount(part, minlength=len(names)).double() for part in counts))


def _labels(
    labels: Sequence[str], hits: Tensor, given: Tensor, there: Tensor
) -> tuple[list[Exhibit], dict[str, object]]:
    """Precision, recall and F1 of every label, by how often it was right, was said and is true. (K,) each"""
    scores = [ratio(hits, given), ratio(hits, there), ratio(2 * hits, given + there)]
    columns = zip(*(part.tolist() for part in (*scores, given, there)), strict=True)
    cells = [
        [label, *map(finite, values[:3]), int(values[3]), int(values[4])]
        for label, values in zip(labels, columns, strict=True)
    ]
    names = ("label", "precision", "recall", "f1", "said", "examples")
    table = Table([say(f"report.column_{name}") for name in names], cells)
    kept = sorted(cells, key=lambda row: row[3] or 0)[:MOST_BARS] if len(cells) > MOST_BARS else cells
    title = say("report.f1_by_label") if kept is cells else say("report.f1_weakest_labels", count=MOST_BARS)
    bars = Bars([row[0] for row in kept], [row[3] or 0.0 for row in kept], title, "F1")
    documents = [dict(zip(("label", "precision", "recall", "f1", "said", "n"), row, strict=True)) for row in cells]
    return [Exhibit(bars, say("report.words_labels"), table)], {"labels": documents}
