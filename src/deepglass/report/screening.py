"""Screening: the ROC of one class, the operating point that validation chose, and what it does on the part that counts.

It says in every report that nothing here is a medical device.
"""

import math
from typing import Any

from torch import Tensor

from deepglass.foundation.settings import to_json
from deepglass.foundation.words import say
from deepglass.metrics.auroc import areas, mean_area
from deepglass.metrics.figure import Figure
from deepglass.metrics.operating import Operating, operating, roc, threshold_at
from deepglass.report.case import Case, Classified
from deepglass.report.section import Exhibit, Note, Section, percent, sentences
from deepglass.views.curve import Curve, Line
from deepglass.views.table import Table
from deepglass.views.view import number


def screening(case: Case) -> Section | None:
    """Where the task screens for one class, and that class and others are there."""
    found, sought = case.classified(), getattr(case.task.settings, "screen", "")  # pyright: ignore
    if found is None or sought not in found.labels:
        return None
    scores, positive = _of(found, sought)
    if not (positive.any() and (~positive).any()):
        return None
    wanted: float = case.task.settings.specificity  # pyright: ignore
    area = mean_area(areas(scores[:, None], positive[:, None]), len(scores))
    chosen_on, threshold = _threshold(case, sought, wanted)
    notes = [Note("warning", say("report.no_device"))]
    if chosen_on == case.part:
        notes.append(Note("warning", say("report.chosen_on_itself")))
    figures: dict[str, Any] = {"sought": sought, "auroc": to_json(area._asdict()), "chosen_on": chosen_on}
    if math.isnan(threshold):
        return Section("screening", say("report.lead_screening", sought=sought), notes=notes, figures=figures)
    point = operating(scores, positive, threshold)
    figures |= _as_figures(point, wanted)
    lead = say("report.lead_screening", sought=sought)
    said = {"threshold": percent(threshold), "wanted": percent(wanted), "part": say(f"report.part_{chosen_on}")}
    return Section(
        "screening",
        sentences(lead, say("report.screening_point", **said)),
        [_curve(scores, positive, area, point, sought)],
        notes=notes,
        tables=[_table(point, area)],
        figures=figures,
    )


def _of(found: Classified, sought: str) -> tuple[Tensor, Tensor]:
    """The share of the class that is sought, and who has it."""
    known = found.targets >= 0
    place = found.labels.index(sought)
    return found.shares[known, place], found.targets[known] == place


def _threshold(case: Case, sought: str, wanted: float) -> tuple[str, float]:
    """The part that chose, and its threshold: validation where it is held back, else the part itself."""
    for part in ("val", "train"):
        chosen = case.classified(part) if part != case.part and part in case.results else None
        if chosen is not None and len(chosen.logits):
            scores, positive = _of(chosen, sought)
            if (~positive).any():
                return part, threshold_at(scores, positive, wanted)
    found = case.classified()
    assert found is not None
    return case.part, threshold_at(*_of(found, sought), wanted)


def _curve(scores: Tensor, positive: Tensor, area: Figure, point: Operating, sought: str) -> Exhibit:
    across, up = roc(scores, positive)
    at = [1 - point.specificity.value], [point.sensitivity.value]
    lines = [
        Line(sought, across, up),
        Line(say("report.by_chance"), [0.0, 1.0], [0.0, 1.0]),
        Line(say("report.operating_point"), *at),
    ]
    curve = Curve(lines, say("report.roc"), say("report.false_alarms"), say("report.sensitivity"))
    words = say("report.words_roc", area=number(area.value), low=number(area.low), high=number(area.high))
    return Exhibit(curve, words)


def _table(point: Operating, area: Figure) -> Table:
    names = ("sensitivity", "specificity", "precision", "auroc")
    shown = zip(names, (point.sensitivity, point.specificity, point.precision, area), strict=True)
    rows = [[say(f"report.{name}"), f.value, f.low, f.high, f.n] for name, f in shown]
    heads = [say(f"report.{name}") for name in ("column_figure", "column_value", "low", "high", "column_examples")]
    return Table(heads, rows)


def _as_figures(point: Operating, wanted: float) -> dict[str, Any]:
    counts = {name: getattr(point, name) for name in ("found", "missed", "alarmed", "spared")}
    shares = {name: to_json(getattr(point, name)._asdict()) for name in ("sensitivity", "specificity", "precision")}
    return {"threshold": point.threshold, "wanted_specificity": wanted, **shares, **counts}
