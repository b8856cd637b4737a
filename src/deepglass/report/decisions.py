"""What an operator wants to know: how much is sorted without a person, at which error and cost, and who must look."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from deepglass.foundation.words import say
from deepglass.metrics.decision import MeanCost
from deepglass.report.case import Case, Classified
from deepglass.report.section import Card, Exhibit, Section, percent, sentences
from deepglass.report.thumbnail import thumbnail
from deepglass.tasks.classify import Classify
from deepglass.tasks.decision import Decided, DecisionFacts, decide
from deepglass.views.bars import Bars
from deepglass.views.curve import Curve, Line
from deepglass.views.table import Table
from deepglass.views.view import number

MOST = 24  # of those that a person is asked about
MOST_BARS = 20
POINTS = 60  # of the curve
FURTHEST = 0.6  # share that is asked about, where the curve ends

Rows = list[dict[str, Any]]


def decisions(case: Case) -> Section | None:
    """The whole in a sentence; error over the share that is asked about; the classes; what a person looks at."""
    task, found = case.task, case.classified()
    if not isinstance(task, Classify) or not task.settings.decision.made or found is None or not len(found.targets):
        return None
    facts = task.facts.decision
    taken = case.results[case.part][1]["decision"].long()  # with folds each fold decided by its own limit
    decided = decide(found.logits, found.labels, facts)._replace(taken=taken)
    wrong = _wrong(found, decided, facts)
    figures = _shares(found, decided, wrong)
    rows = _by_class(found, decided, wrong)
    costs = _costs(found, decided, facts, task.settings.decision.price)
    asked = _asked(found, decided)
    pictures = case.kind == "picture"
    return Section(
        "decisions",
        sentences(_lead(figures, len(wrong)), _rule(facts), _costs_in_words(costs)),
        exhibits=[_curve(found, decided, figures), _bars(rows)],
        thumbs=[_card(case, found, decided, place) for place in asked] if pictures else (),
        tables=() if pictures or not asked else [_table(found, decided, asked)],
        figures=figures | {"costs": costs, "limit": facts.limit, "floor": facts.floor, "classes": rows},
    )


def _wrong(found: Classified, decided: Decided, facts: DecisionFacts) -> Tensor:
    """Whether what was done without a person was a mistake. bool (N,)"""
    aside = found.labels.index(facts.none) if facts.none else -1
    return torch.where(decided.taken == len(found.labels) + 1, aside, decided.taken) != found.targets


def _shares(found: Classified, decided: Decided, wrong: Tensor) -> dict[str, Any]:
    """Of all rows the shares; of those without a person the mistakes; and of all, were nobody asked."""
    asked, aside = decided.taken == len(found.labels), decided.taken == len(found.labels) + 1
    kept = wrong[~asked].double()
    return {
        "sorted": float((~asked & ~aside).double().mean()),
        "asked": float(asked.double().mean()),
        "aside": float(aside.double().mean()),
        "error": float(kept.mean()) if len(kept) else None,
        "error_if_nobody_were_asked": float((decided.best != found.targets).double().mean()),
    }


def _lead(figures: dict[str, Any], n: int) -> str:
    said = {name: percent(figures[name]) for name in ("sorted", "asked", "aside")}
    if figures["error"] is None:
        return say("report.decisions_all_asked", n=number(n))
    key = "decisions_aside" if figures["aside"] else "decisions_sorted"
    before = percent(figures["error_if_nobody_were_asked"])
    return say(f"report.{key}", n=number(n), error=percent(figures["error"]), before=before, **said)


def _rule(facts: DecisionFacts) -> str:
    """When a person is asked, and by what that was chosen."""
    if facts.limit is None or not facts.judged:
        return ""
    said = {"n": number(facts.judged), "temperature": number(facts.temperature)}
    if facts.costs:
        return say("report.decisions_cost", limit=number(facts.limit), **said)
    return say("report.decisions_confidence", confidence=percent(min(1.0, max(0.0, 1 - facts.limit))), **said)


def _costs(found: Classified, decided: Decided, facts: DecisionFacts, price: float) -> dict[str, Any]:
    """What an example costs on average as it is decided, and where the likeliest class is always taken."""
    if not facts.costs:
        return {}
    none = found.labels.index(facts.none) if facts.none else -1
    costs: dict[str, Any] = {"price": price}
    for name, taken in (("decided", decided.taken), ("likeliest", found.predicted)):
        metric = MeanCost(facts.costs, price, none)
        metric.update(found.ids, {"decision": taken}, found.targets)
        costs[name] = metric.compute().value
    return costs


def _costs_in_words(costs: dict[str, Any]) -> str:
    if not costs:
        return ""
    said = {name: number(costs[name]) for name in ("decided", "likeliest", "price")}
    return say("report.decisions_costs" if costs["price"] else "report.decisions_costs_free", **said)


def _curve(found: Classified, decided: Decided, figures: dict[str, Any]) -> Exhibit:
    """Those whose mistakes are to be feared most are asked about first."""
    order = decided.cost.argsort(stable=True)
    wrong = (decided.best != found.targets)[order].double()
    errors = wrong.cumsum(0) / torch.arange(1, len(wrong) + 1)
    kept = np.unique(np.linspace((1 - FURTHEST) * len(wrong), len(wrong), POINTS).round().clip(1).astype(int))[::-1]
    asked = [1 - int(count) / len(wrong) for count in kept]
    ideal = [max(0.0, float(wrong.sum()) - (len(wrong) - int(count))) / int(count) for count in kept]
    lines = [
        Line(say("report.error_here"), asked, [float(errors[int(count) - 1]) for count in kept]),
        Line(say("report.error_at_best"), asked, ideal),
    ]
    if figures["error"] is not None:
        lines.append(Line(say("report.error_chosen"), [figures["asked"]], [figures["error"]]))
    curve = Curve(lines, say("report.error_by_asked"), say("report.asked_share"), say("report.error_left"))
    return Exhibit(curve, say("report.words_error_by_asked"))


def _by_class(found: Classified, decided: Decided, wrong: Tensor) -> Rows:
    rows: Rows = []
    asked, aside = decided.taken == len(found.labels), decided.taken == len(found.labels) + 1
    for place, label in enumerate(found.labels):
        own = found.targets == place
        placed = own & ~asked & ~aside
        counts = (placed & ~wrong, placed & wrong, own & asked, own & aside, own)
        values = [int(count.sum()) for count in counts]
        rows.append({"label": label, **dict(zip(("right", "wrong", "asked", "aside", "n"), values, strict=True))})
    return rows


def _bars(rows: Rows) -> Exhibit:
    """The share of each class that a person is asked about, the largest first where there are many."""
    shown = [row for row in rows if row["n"]]
    shown = sorted(shown, key=_share_asked, reverse=True)[:MOST_BARS] if len(shown) > MOST_BARS else shown
    bars = Bars([row["label"] for row in shown], list(map(_share_asked, shown)), say("report.asked_by_class"))
    names = ("class", "sorted_right", "sorted_wrong", "asked", "aside", "examples")
    table = Table([say(f"report.column_{name}") for name in names], [list(row.values()) for row in rows])
    most = max(shown, key=_share_asked)
    return Exhibit(bars, say("report.words_asked", label=most["label"], share=percent(_share_asked(most))), table)


def _share_asked(row: dict[str, Any]) -> float:
    return row["asked"] / row["n"]


def _asked(found: Classified, decided: Decided) -> list[int]:
    """Places of those that a person is asked about, the dearest first."""
    places = torch.nonzero(decided.taken == len(found.labels))[:, 0]
    return places[decided.cost[places].argsort(descending=True, stable=True)][:MOST].tolist()


def _card(case: Case, found: Classified, decided: Decided, place: int) -> Card:
    pixels = case.pixels(int(found.rows[place]))
    assert pixels is not None
    title, sure = _title(found, decided, place), percent(float(found.shares[place].max()))
    described = say("report.described_mistake", id=found.ids[place], title=title, seen="")
    return Card((thumbnail(pixels),), described, title, (say("report.sure", share=sure),))


def _title(found: Classified, decided: Decided, place: int) -> str:
    return say(
        "report.would_be", taken=found.labels[int(decided.best[place])], true=found.name(int(found.targets[place]))
    )


def _table(found: Classified, decided: Decided, places: list[int]) -> Table:
    heads = [say(f"report.column_{name}") for name in ("example", "true", "taken", "sure")]
    rows = [
        [
            found.ids[place],
            found.name(int(found.targets[place])),
            found.labels[int(decided.best[place])],
            percent(float(found.shares[place].max())),
        ]
        for place in places
    ]
    return Table(heads, rows)
