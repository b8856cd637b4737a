"""What was found in volumes: FROC over false alarms, and the volumes with most errors slice by slice."""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from deepglass.data.example import Ragged
from deepglass.foundation.words import say
from deepglass.metrics.froc import RATES, Froc, judged
from deepglass.report.case import Case
from deepglass.report.section import Exhibit, Section, Viewer
from deepglass.report.slices import leafed, legend_of
from deepglass.tasks.detect_volumes import DetectVolumes
from deepglass.tasks.kinds.volume import grey_of
from deepglass.tasks.wholes import volumes_of
from deepglass.views.curve import Curve, Line
from deepglass.views.slices import Slices
from deepglass.views.table import Table
from deepglass.views.view import number

SHOWN = 6  # volumes
COLUMNS = ("right", "wrong", "missed")


class Judged(NamedTuple):
    """One volume with what was said of it from the task's confidence on."""

    row: int  # of the source
    id: str
    said: Tensor  # (M, 6): left, back, up, size, score, class
    true: Tensor  # (T, 5): class, left, back, up, size
    right: int
    wrong: int
    missed: int


def balls(case: Case) -> Section | None:
    """Of what tells middles and sizes in volumes."""
    if not isinstance(case.task, DetectVolumes):
        return None
    each, metric = _judged(case, case.task)
    worst = sorted(each, key=lambda one: (-one.wrong - one.missed, one.id))[:SHOWN]
    totals = {name: sum(getattr(one, name) for one in each) for name in COLUMNS}
    shares = metric.found_at()
    counts: dict[str, Any] = {name: number(value) for name, value in totals.items()}
    lead = say("report.lead_balls", **counts, confidence=f"{case.task.settings.confidence:g}", shown=len(worst))
    figures = {**totals, "found_at": dict(zip(map(str, RATES), shares, strict=True))}
    classes = ("background", *(say(f"report.balls_{name}") for name in COLUMNS))
    viewers = [_viewer(case, case.task, one, classes) for one in worst]
    return Section("balls", lead, [_curve(shares)], viewers=viewers, legend=legend_of(classes), figures=figures)


def _curve(shares: list[float]) -> Exhibit:
    names = say("report.froc_alarms"), say("report.froc_found")
    line = Line(names[1], RATES, shares)
    table = Table(list(names), [list(row) for row in zip(RATES, shares, strict=True)])
    return Exhibit(Curve([line], "FROC", *names, log_x=True), say("report.words_froc"), table)


def _judged(case: Case, task: DetectVolumes) -> tuple[list[Judged], Froc]:
    rows, said = case.material.rows[case.part], case.results[case.part][1]["balls"]
    column = case.material.targets["balls"]
    assert isinstance(said, Ragged) and isinstance(column, Ragged)
    metric, found = Froc(), []
    for row, own in zip(rows.tolist(), said.each(), strict=True):
        truth = column.rows(row, row + 1)
        (true,), id = truth.each(), str(case.material.store.index.ids[row])
        metric.update([id], {"balls": Ragged(own, torch.tensor([len(own)]))}, truth)
        sure = own[own[:, 4] >= task.settings.confidence]
        _, hits = judged(sure.double(), true.double())
        right = int(hits.sum())
        found.append(Judged(row, id, sure, true, right, int((~hits).sum()), len(true) - right))
    return found, metric


def _viewer(case: Case, task: DetectVolumes, one: Judged, classes: tuple[str, ...]) -> Viewer:
    """A volume with its true and said balls: where both are, and where only one of them is."""
    batch = case.batch(np.array([one.row]))
    grey = grey_of(volumes_of(batch, "input")[0].cpu().float().numpy(), task.facts.inputs)
    affine = np.asarray(batch["affine"][0].cpu())
    true, said = (
        task.drawn(((0, *ends) for ends in rows.tolist()), grey.shape, affine) > 0
        for rows in (one.true[:, 1:5], one.said[:, :4])
    )
    mask = np.select([true & said, said, true], [1, 2, 3]).astype(np.uint8)
    words = say("report.balls_counted", right=one.right, wrong=one.wrong, missed=one.missed)
    view = Slices(grey, mask=mask, classes=classes)
    return leafed(view, f"{one.id}: {words} {view.text()}", one.id, (words,))
