"""How it was learned: the loss and the validation figure by epoch, and the learning rate."""

from collections import defaultdict
from typing import Any

import numpy as np

from deepglass.engine.journal import Event, read_events
from deepglass.foundation.words import say
from deepglass.report.case import Case
from deepglass.report.section import Exhibit, Section
from deepglass.views.curve import Curve, Line
from deepglass.views.table import Table
from deepglass.views.view import number

POINTS = 120  # of a line; more steps are averaged


def curves(case: Case) -> Section | None:
    """Drawn from events.jsonl."""
    events = read_events(case.run.folder, "start", "train", "check")
    starts = [event for event in events if event["kind"] == "start"]
    trained = [event for event in events if event["kind"] == "train"]
    checks = [event for event in events if event["kind"] == "check"]
    if not starts or not trained:
        return None
    epoch = starts[-1]["epoch_steps"]
    chosen = getattr(getattr(case.task, "settings", None), "loss", "cross_entropy")
    exhibits = [_losses(trained, checks, epoch, chosen == "cross_entropy")]
    if checks:
        exhibits.append(_figure(checks, epoch))
    exhibits.append(_rates(trained, epoch))
    figures = {f"curve_{place}": exhibit.view.json() for place, exhibit in enumerate(exhibits)}
    return Section("curves", say("report.lead_curves"), exhibits, figures=figures)


def _rates(trained: list[Event], epoch: float) -> Exhibit:
    """The learning rate; a line for each turn where turns have rates of their own."""
    found: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for event in trained:
        if event["lr"] is not None:
            found[event["turn"]].append((event["step"], event["lr"]))
    if len({tuple(points) for points in found.values()}) == 1:
        found = defaultdict(list, {say("report.rate"): next(iter(found.values()))})
    lines = [Line(name, *averaged(points, epoch)) for name, points in found.items()]
    curve = Curve(lines, say("report.rate"), say("report.epoch"), say("report.rate"))
    most = max((value for one in lines for value in one.y), default=float("nan"))
    return Exhibit(curve, say("report.words_rate", most=number(most)))


def _losses(trained: list[Event], checks: list[Event], epoch: float, comparable: bool) -> Exhibit:
    """Training's loss; validation's beside it where both are the same quantity."""
    found: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for event in trained:
        for name, value in event["losses"].items():
            if value is not None:
                both = [event["turn"], name] if name != event["turn"] else [name]
                found[" ".join(both).strip()].append((event["step"], value))
    only = len(found) == 1
    lines = [
        Line(say("report.loss_train") if only else name, *averaged(points, epoch)) for name, points in found.items()
    ]
    if comparable and only and any("loss" in event["figures"] for event in checks):
        lines.append(line(checks, "loss", say("report.loss_val"), epoch))
    curve = Curve(lines, say("report.loss"), say("report.epoch"), say("report.loss"))
    return Exhibit(curve, say("report.words_loss"), _table(checks, epoch))


def _figure(checks: list[Event], epoch: float) -> Exhibit:
    name = next(iter(checks[0]["figures"]))
    words = say(f"tasks.metric_{name}")
    better = checks[0]["figures"][name]["better"]
    found = line(checks, name, words, epoch)
    title = say("report.on_train" if checks[0]["part"] == "train" else "report.on_val", name=words)
    curve = Curve([found], title, say("report.epoch"), words)
    pick = np.nanargmax if better == "up" else np.nanargmin
    best = int(pick(found.y)) if np.isfinite(found.y).any() else 0
    values = {"value": number(found.y[best]), "epoch": number(found.x[best])}
    return Exhibit(curve, say("report.words_best", name=words, **values))


def line(checks: list[Event], name: str, words: str, epoch: float) -> Line:
    """One figure of the checks, with its interval."""
    rows = [(event["step"] / epoch, event["figures"][name]) for event in checks if name in event["figures"]]
    ends = [[_real(figure[end]) for _, figure in rows] for end in ("value", "low", "high")]
    return Line(words, [place for place, _ in rows], *ends)


def averaged(points: list[tuple[int, float]], epoch: float) -> tuple[list[float], list[float]]:
    """Places in epochs and values; where there are many, means over equal stretches."""
    stretches = np.array_split(np.array(points, dtype=float).reshape(-1, 2), min(POINTS, max(1, len(points))))
    means = [stretch.mean(0) for stretch in stretches]
    return [float((step + 1) / epoch) for step, _ in means], [float(value) for _, value in means]


def _table(checks: list[Event], epoch: float) -> Table | None:
    if not checks:
        return None
    names = list(checks[0]["figures"])
    rows = [
        [event["step"] / epoch, *(_real(event["figures"].get(name, {}).get("value")) for name in names)]
        for event in checks
    ]
    return Table([say("report.epoch"), *(say(f"tasks.metric_{name}") for name in names)], rows)


def _real(value: Any) -> float:
    return float("nan") if value is None else float(value)
