"""What a training would do: every setting with its origin, the network's cost, one step timed; nothing is trained."""

from collections.abc import Callable
from typing import Annotated

import typer

from deepglass import journey
from deepglass.cli.options import Debug, Json, Printer
from deepglass.cli.proposing import proposing
from deepglass.foundation.settings import to_json
from deepglass.foundation.words import has, say
from deepglass.progress import Watch
from deepglass.views.curve import Curve, Line
from deepglass.views.view import number


@proposing
def plan(
    proposed: Callable[[], journey.Proposal],
    rates: Annotated[bool, typer.Option("--rates", help=say("cli.rates"))] = False,
    measure: Annotated[bool, typer.Option("--measure", help=say("cli.measure"))] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Settings with origins, one batch forward and backward, and an estimate of time and memory."""
    printer = Printer(as_json)
    with Watch(printer.stream) as watch:
        proposal = proposed()
        found = journey.estimate(proposal, watch.read, measure)
        tried = journey.find_rates(proposal, watch.read) if rates else None
    printer.line(proposal.found.sentence(proposal.settings.task.name))
    width = max(map(len, found.settings))
    for path, value in found.settings.items():
        printer.line(f"  {path:<{width}} = {value!s:<24} # {_origin(found.origins.get(path, 'default'))}")
    if found.made:
        printer.line(say("cli.made_join", count=f"{found.made:,}"))
    printer.line(say("cli.cost", parameters=f"{found.parameters:,}", macs=_short(found.macs)))
    printer.line(
        say(
            "cli.time",
            steps=found.steps,
            step=f"{1000 * found.step_seconds:.3g}",
            long=_long(found.seconds),
            memory=f"{found.memory_bytes / 2**20:.3g}",
            disk=f"{found.disk_bytes / 2**20:.3g}",
        )
    )
    printer.line(say("cli.plan_found", plan=found.plan, limit=say(f"plan.limit_{found.limit}")))
    if tried:
        line = Line(say("cli.smoothed_loss"), tried.rates, tried.losses)
        curve = Curve((line,), say("cli.rates_title"), "train.lr", say("cli.smoothed_loss"), log_x=True)
        printer.line(curve.terminal())
        printer.line(say("cli.suggested_rate", rate=f"{tried.suggestion:.2g}"))
    printer.done({**to_json(found), "rates": tried})


def _origin(origin: str) -> str:
    """Where a setting comes from, in words; the name of a file stays."""
    kind, _, name = origin.partition(" ") if origin.startswith("recipe ") else (origin.replace(" ", "_"), "", "")
    return say(f"cli.origin_{kind}", **({"name": name} if name else {})) if has(f"cli.origin_{kind}") else origin


def _long(seconds: float) -> str:
    """How long that is, in seconds or minutes."""
    if seconds < 100:
        return say("cli.seconds_long", seconds=number(seconds))
    return say("cli.minutes_long", minutes=number(seconds / 60))


def _short(count: float) -> str:
    for unit in ("", " k", " M", " G"):
        if count < 1000:
            return f"{count:.3g}{unit}"
        count /= 1000
    return f"{count:.3g} T"


CATALOGUE = {"plan": plan}
