"""What depth bought: the same held-out examples answered by methods that cost seconds and have no layers."""

import torch

from deepglass.foundation.settings import to_json
from deepglass.foundation.words import say
from deepglass.metrics.figure import Figure, share
from deepglass.report.case import Case
from deepglass.report.headline import duration, training_seconds
from deepglass.report.section import Exhibit, Note, Section, percent
from deepglass.views.bars import Bars
from deepglass.views.table import Table
from deepglass.views.view import number

BEND = 0.1  # by how much a method that can bend must be better before a straight one is said to fail


def floor(case: Case) -> Section | None:
    """Accuracy, size and time of each method beside the network's."""
    found, fitted = case.classified(), case.floor
    if found is None or fitted is None:
        return None
    true = found.targets[fitted.asked]
    rows = [
        (one.name, share(int((one.predicted == true).sum()), len(true)), one.numbers, one.seconds)
        for one in fitted.baselines
    ]
    right = int((found.predicted[fitted.asked] == true).sum())
    parameters = sum(parameter.numel() for parameter in case.model.parameters())
    rows.append(("network", share(right, len(true)), parameters, training_seconds(case)))
    names = [_name(case, row[0]) for row in rows]
    ends = [[getattr(row[1], end) for row in rows] for end in ("value", "low", "high")]
    bars = Bars(names, ends[0], say("report.floor_title"), say("report.accuracy"), ends[1], ends[2])
    cells = [
        [name, f.value, f.low, f.high, size, duration(time)]
        for name, (_, f, size, time) in zip(names, rows, strict=True)
    ]
    columns = ("method", "accuracy", "low", "high", "numbers", "time")
    table = Table([say(f"report.{name}") for name in columns], cells)
    straight = why_straight_fails(case)
    return Section(
        "floor",
        say("report.lead_floor", rows=number(fitted.trained), asked=number(len(true))),
        [Exhibit(bars, _bought(names, [row[1] for row in rows]))],
        notes=[straight] if straight and not _plane(case) else [],
        tables=[table],
        figures={
            name: {**to_json(figure._asdict()), "numbers": size, "seconds": round(time, 3)}
            for name, figure, size, time in rows
        },
    )


def _plane(case: Case) -> bool:
    """Two columns: the boundary's own section says why."""
    return case.inputs.kind == "vector" and len(case.inputs.columns) == 2


def _name(case: Case, name: str) -> str:
    model = case.run.settings.model.name
    return say("report.floor_network", model=model) if name == "network" else say(f"report.floor_{name}")


def _bought(names: list[str], figures: list[Figure]) -> str:
    """The network against the best of the others, in points and in mistakes."""
    *others, own = figures
    best = max(range(len(others)), key=lambda place: others[place].value)
    points = 100 * (own.value - others[best].value)
    if own.high < others[best].value:
        return say("report.floor_worse", best=names[best], accuracy=percent(others[best].value), own=percent(own.value))
    if own.low <= others[best].value:
        return say(
            "report.floor_nothing", best=names[best], accuracy=percent(others[best].value), own=percent(own.value)
        )
    spared = (own.value - others[best].value) / (1 - others[best].value)
    return say("report.floor_bought", best=names[best], points=f"{points:.3g}", spared=percent(spared))


def why_straight_fails(case: Case) -> Note | None:
    """Words where a network without bends fails on its own training rows while nearest neighbours find unseen ones."""
    known, found, fitted = case.classified("train"), case.classified(), case.floor
    if known is None or found is None or fitted is None or case.inputs is None or not is_affine(case):
        return None
    own = float((known.predicted == known.targets).double().mean())
    bent = next(one for one in fitted.baselines if one.name == "nearest")
    other = float((bent.predicted == found.targets[fitted.asked]).double().mean())
    if other < own + BEND:
        return None
    cut = "line" if _plane(case) else "cut"
    words = say(f"report.straight_{cut}", own=percent(own), other=percent(other), place=case.run.settings.data.place)
    return Note("said", words)


@torch.no_grad()
def is_affine(case: Case) -> bool:
    """Whether the network's scores at the middle of two rows are the middle of their scores: no layer bends."""
    rows = case.material.rows["train"][:64]
    if len(rows) < 2:
        return False
    inputs = case.presented(rows)
    others = inputs.flip(0)
    middle = case.model((inputs + others) / 2)
    return bool(torch.allclose(middle, (case.model(inputs) + case.model(others)) / 2, atol=1e-4, rtol=1e-3))
