"""How a finished run is told: its figures with their intervals, and where to look next."""

import math
import shlex
from typing import Any

from deepglass.cli.options import Printer
from deepglass.foundation.words import say
from deepglass.journey import Outcome
from deepglass.progress import plain
from deepglass.report.scores import signed
from deepglass.tasks.task import called
from deepglass.views.table import Table
from deepglass.views.view import number

NAMED = 3  # examples that are named


def tell(outcome: Outcome, printer: Printer) -> None:
    """Figures of the test part (else of validation), the report's place, and the JSON where it was asked for."""
    part = next(name for name in ("test", "val", "train") if name in outcome.figures)
    where = outcome.place or say("cli.the_part", part=say(f"cli.part_{part}"))
    figures = outcome.figures[part]
    rows = [[called(name), plain(one.value), _interval(one)] for name, one in figures.items()]
    heads = [say(f"cli.column_{name}") for name in ("figure", "value", "interval")]
    title = say("cli.figures", part=where, n=number(next(iter(figures.values())).n))
    printer.line(Table(heads, rows, title).terminal())
    for by, names in signed(figures).items():
        printer.line(say("cli.measured_by", name=say("views.list_mark").join(names), by=by))
    if outcome.left_out and outcome.material:
        names = ", ".join(outcome.left_out[:NAMED]) + (" ..." if len(outcome.left_out) > NAMED else "")
        of = len(outcome.material.source.index)
        printer.line(say("cli.left_out", count=len(outcome.left_out), of=of, names=names))
    for part, asked in outcome.sampled.items():
        of = len(outcome.material.rows[part]) if outcome.material else 0
        printer.line(say("report.sampled", part=say(f"report.part_{part}"), asked=number(asked), of=number(of)))
    if outcome.report:
        printer.line(say("cli.report", file=outcome.report))
    printer.line(_next(outcome))
    printer.done(outcome.document())


def _next(outcome: Outcome) -> str:
    """What can be done with such a network: what makes pictures or series is asked for some, another is asked why."""
    task, folder = outcome.run.bundle.task, outcome.run.folder
    if outcome.run.settings.task.name == "generate_images":
        label = shlex.quote(task.facts.labels[0]) if task.facts.labels else ""
        return say("cli.next_painting_one_of" if label else "cli.next_painting", folder=folder, label=label)
    if hasattr(task, "record"):
        return say("cli.next_recording", folder=folder)
    if getattr(task, "draws", "") == "exactly":
        return say("cli.next_bringing", folder=folder)
    return say("cli.next_writing" if hasattr(task, "write") else "cli.next", folder=folder)


def _interval(figure: Any) -> str:
    """Both ends, or why they are unknown, or a dash."""
    if figure.few:
        return say("cli.too_few", n=figure.n)
    if math.isnan(figure.low):
        return "–"
    return say("cli.interval", low=plain(figure.low), high=plain(figure.high))
