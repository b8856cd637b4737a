"""Forecasts: how far off they are step by step, beside the naive forecast, and a window with what came."""

import numpy as np

from deepglass.foundation.words import say
from deepglass.report.case import Case
from deepglass.report.section import Exhibit
from deepglass.tasks.forecast import Forecast
from deepglass.views.curve import Curve, Line
from deepglass.views.table import Table
from deepglass.views.view import number

MOST = 4096  # windows that are looked at, at even distances


def forecasts(case: Case) -> tuple[list[Exhibit], dict[str, object]]:
    """Errors by how far ahead, in units of what the naive forecast is off by in training; the course of one window."""
    task, predictions, rows = case.task, case.results[case.part][1], case.material.rows[case.part]
    assert isinstance(task, Forecast)
    taken = np.unique(np.linspace(0, len(rows) - 1, min(MOST, len(rows))).astype(int))
    windows = case.material.store.values("input", rows[taken])  # (N, T, C)
    came = windows[:, task.facts.history :, task.places]
    scale = np.array(task.facts.scale)
    errors = {
        name: (np.abs(np.asarray(predictions[column])[taken].reshape(came.shape) - came) / scale).mean((0, 2))
        for name, column in ((say("report.forecast_network"), "values"), (say("report.forecast_naive"), "naive"))
    }
    exhibits = [_by_step(errors)]
    middle = _median(np.asarray(predictions["values"])[taken].reshape(came.shape), came, scale)
    shown = taken[middle : middle + 1]
    answer = task.answers({name: predictions[name][shown] for name in ("values", "low", "high")})[0]
    where = str(case.material.store.index.ids[int(rows[shown[0]])])
    known = windows[middle, : task.facts.history]
    for place, name in enumerate(task.facts.targets):
        view = task.drawn(known, answer, name, came[middle, :, place].tolist())
        words = say("report.words_forecast", id=where, name=name)
        exhibits.append(Exhibit(view, words))
    own, naive = (values.tolist() for values in errors.values())
    return exhibits, {"by_step": {"network": own, "naive": naive}}


def _by_step(errors: dict[str, np.ndarray]) -> Exhibit:
    own, naive = errors.values()
    steps = range(1, len(own) + 1)
    lines = [Line(name, steps, values.tolist()) for name, values in errors.items()]
    view = Curve(lines, say("report.forecast_by_step"), say("report.steps_ahead"), say("tasks.metric_mase"))
    rows = [[step, float(one), float(other)] for step, one, other in zip(steps, own, naive, strict=True)]
    better = int((own < naive).sum())
    values = {"better": better, "steps": len(own), "first": number(float(own[0])), "last": number(float(own[-1]))}
    table = Table([say("report.steps_ahead"), *errors], rows)
    return Exhibit(view, say("report.words_by_step", **values), table)


def _median(values: np.ndarray, came: np.ndarray, scale: np.ndarray) -> int:
    """The window whose error is in the middle of all: neither the best nor the worst is shown."""
    each = (np.abs(values - came) / scale).mean((1, 2))
    return int(np.argsort(each, kind="stable")[len(each) // 2])
