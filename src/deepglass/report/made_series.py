"""Series that a generator makes, class by class beside real ones, and whether they are copies of these."""

import numpy as np
import torch

from deepglass.foundation.words import say
from deepglass.metrics.made_series import courses
from deepglass.report.case import Case
from deepglass.report.section import Exhibit, Note, Section
from deepglass.tasks.generate_series import GenerateSeries
from deepglass.views.curve import Curve, Line
from deepglass.views.view import number

CLASSES, EACH = 4, 5  # classes that are shown, and series of each
COMPARED, SEARCHED = 200, 2000  # made series whose likeness is looked for, among so many of training


def made_series(case: Case) -> Section | None:
    """Made and real series side by side, on the same axis of values."""
    task = case.task
    if not isinstance(task, GenerateSeries):
        return None
    exhibits: list[Exhibit] = []
    for place, label in enumerate(task.facts.labels[:CLASSES] or ("",)):
        drawn = list(task.record(case.model, EACH, label, seed=place))
        real = _rows(case, _of_class(case, label)[:EACH])
        values = np.concatenate([row[:, 0] for row in (*drawn, *real)])
        for rows, words in ((drawn, "report.series_made"), (real, "report.series_real")):
            curve = _curve(case, rows, say(words, label=label), (float(values.min()), float(values.max())))
            exhibits.append(Exhibit(curve, ""))
    made, own = _nearest(case, task)
    words = say("report.series_nearest", made=number(made), own=number(own))
    copied = [Note("warning" if made < own / 2 else "note", words)]
    figures = {"nearest_of_made": made, "nearest_of_real": own}
    return Section("made", say("report.lead_made_series"), exhibits, notes=copied, figures=figures)


def _curve(case: Case, rows: list[np.ndarray], title: str, ends: tuple[float, float]) -> Curve:
    """The first channel of each, between these ends."""
    lines = [Line(str(place), range(len(row)), row[:, 0].tolist()) for place, row in enumerate(rows, 1)]
    return Curve(lines, title, say("tasks.step"), str(case.task.facts.inputs.columns[0]), y_ends=_parted(*ends))


def _parted(low: float, high: float) -> tuple[float, float]:
    """Ends that are not one, with a little room beyond the values."""
    room = 0.05 * (high - low) or 0.5
    return low - room, high + room


def _of_class(case: Case, label: str) -> np.ndarray:
    """Rows of the training part, of this class where one is named."""
    rows = case.material.rows["train"]
    if not label:
        return rows[case.sample("train", EACH)]
    numbers = case.material.targets["target"]
    assert isinstance(numbers, torch.Tensor)
    return rows[numbers[torch.from_numpy(rows)].numpy() == case.task.facts.labels.index(label)]


def _rows(case: Case, rows: np.ndarray) -> list[np.ndarray]:
    return [np.asarray(one) for one in case.material.store.each("input", rows)]


def _nearest(case: Case, task: GenerateSeries) -> tuple[float, float]:
    """How far the nearest training series is from made ones, and from real ones: medians, in spreads a place."""
    spread = torch.tensor(task.facts.inputs.std)
    known = _rows(case, case.material.rows["train"][case.sample("train", SEARCHED)])
    of_known = courses([torch.tensor(row) / spread for row in known])
    of_made = courses([torch.tensor(row) / spread for row in task.record(case.model, COMPARED)])
    root = of_known.shape[1] ** 0.5
    between = torch.cdist(of_known, of_known).fill_diagonal_(float("inf"))
    apart = torch.cdist(of_made, of_known)
    return float(apart.min(1).values.median()) / root, float(between.min(1).values.median()) / root
