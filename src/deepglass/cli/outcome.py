"""How a finished run is told: its figures with their intervals, and where to look next."""

import math
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
    writes = hasattr(outcome.run.bundle.task, "write")
    printer.line(say("cli.next_writing" if writes else "cli.next", folder=outcome.run.folder))
    printer.done(outcome.document())


def _interval(figure: Any) -> str:
    """Both ends, or a dash where they are unknown."""
    if math.isnan(figure.low):
        return "–"
    return say("cli.interval", low=plain(figure.low), high=plain(figure.high))
