"""How well: every figure of every part, the classes one by one, and which is taken for which."""

from collections.abc import Mapping

import numpy as np
import torch

from deepglass.foundation.settings import to_json
from deepglass.foundation.words import say
from deepglass.metrics.auroc import AUROC
from deepglass.metrics.confusion import Confusion
from deepglass.metrics.f1 import F1
from deepglass.metrics.figure import Figure
from deepglass.report.answers import answers
from deepglass.report.case import Case, Classified
from deepglass.report.section import Exhibit, Note, Section
from deepglass.tasks.task import called
from deepglass.views.bars import Bars
from deepglass.views.matrix import Matrix
from deepglass.views.table import Table
from deepglass.views.view import finite, number

MOST_BARS = 20


def scores(case: Case) -> Section:
    """The confusion matrix and the classes where there are classes; the figures of all parts always."""
    figures = {
        part: {name: to_json(figure._asdict()) for name, figure in case.results[part][0].items()} for part in case.parts
    }
    found = case.classified()
    drawn = _classes(found) if found else answers(case)
    return Section(
        "scores",
        say("report.lead_scores", part=say(f"report.part_{case.part}")) if found else "",
        exhibits=drawn[0],
        notes=[*_signed(case), *_sampled(case)],
        tables=[_by_part(case)],
        figures={"parts": figures, **drawn[1]},
    )


def _by_part(case: Case) -> Table:
    rows: list[list[str | float]] = []
    for name in case.results[case.part][0]:
        row: list[str | float] = [say(f"tasks.metric_{name}")]
        for part in case.parts:
            row.append(float(case.results[part][0][name].value))
        main = case.results[case.part][0][name]
        rows.append([*row, float(main.low), float(main.high)])
    parts = [say(f"report.part_{part}") for part in case.parts]
    ends = [say("report.low"), say("report.high")]
    return Table([say("report.figure"), *parts, *ends], rows)


def signed(figures: Mapping[str, Figure]) -> dict[str, list[str]]:
    """The figures whose names alone do not say how they were measured, by what does."""
    found: dict[str, list[str]] = {}
    for name, figure in figures.items():
        if figure.by:
            found.setdefault(figure.by, []).append(called(name))
    return found


def _signed(case: Case) -> list[Note]:
    """How figures were measured, where their names alone do not say it."""
    figures = case.results[case.part][0]
    return [
        Note("note", say("report.measured_by", name=say("views.list_mark").join(names), by=by))
        for by, names in signed(figures).items()
    ]


def _sampled(case: Case) -> list[Note]:
    """Which figures are of some examples of their part."""
    notes: list[Note] = []
    for part in case.parts:
        asked, of = case.answered(part), len(case.material.rows[part])
        if asked < of:
            name = say(f"report.part_{part}")
            notes.append(Note("note", say("report.sampled", part=name, asked=number(asked), of=number(of))))
    return notes


def _classes(found: Classified) -> tuple[list[Exhibit], dict[str, object]]:
    f1, auroc, confusion = F1(), AUROC(), Confusion()
    for metric in (f1, auroc, confusion):
        metric.update(found.ids, {"logits": found.logits}, found.targets)
    per_class, areas = f1.per_class(), auroc.per_class()
    columns = torch.stack([*per_class[:3], areas]).T.tolist()
    rows = [
        {
            "label": label,
            **dict(zip(("precision", "recall", "f1", "auroc"), map(finite, values), strict=True)),
            "n": int(n),
        }
        for label, values, n in zip(found.labels, columns, per_class.support.tolist(), strict=True)
    ]
    counts = confusion.compute().numpy()
    matrix = Matrix(counts, found.labels, say("views.matrix_title"))
    bars, words = _weakest(rows)
    exhibits = [Exhibit(matrix, matrix.text(), _pairs(counts, found.labels)), Exhibit(bars, words, _table(rows))]
    return exhibits, {"classes": rows, "confusion": {"labels": list(found.labels), "counts": counts.tolist()}}


def _weakest(rows: list[dict[str, object]]) -> tuple[Bars, str]:
    """F1 of the classes; where there are many, of those that fare worst."""
    kept = rows if len(rows) <= MOST_BARS else sorted(rows, key=_f1)[:MOST_BARS]
    title = say("report.f1_by_class") if len(kept) == len(rows) else say("report.f1_weakest", count=MOST_BARS)
    bars = Bars([str(row["label"]) for row in kept], list(map(_f1, kept)), title, "F1")
    low, high = min(rows, key=_f1), max(rows, key=_f1)
    if _f1(low) == _f1(high):
        return bars, say("report.words_f1_equal", value=number(_f1(low)))
    values = {"hardest": low["label"], "low": number(_f1(low)), "easiest": high["label"], "high": number(_f1(high))}
    return bars, say("report.words_f1", **values)


def _f1(row: dict[str, object]) -> float:
    return float(row["f1"])  # pyright: ignore


def _table(rows: list[dict[str, object]]) -> Table:
    names = ("class", "precision", "recall", "f1", "auroc", "examples")
    return Table([say(f"report.column_{name}") for name in names], [list(row.values()) for row in rows])  # pyright: ignore


def _pairs(counts: np.ndarray, labels: tuple[str, ...]) -> Table | None:
    """The classes that are taken for another, most often first."""
    pairs = [
        (labels[true], labels[taken], int(counts[true, taken]))
        for true in range(len(labels))
        for taken in range(len(labels))
        if true != taken and counts[true, taken]
    ]
    if not pairs:
        return None
    pairs.sort(key=lambda pair: -pair[2])
    names = ("true", "taken", "times")
    return Table([say(f"report.column_{name}") for name in names], pairs[:50])
