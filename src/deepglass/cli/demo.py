"""Small trainings that need no data of one's own, each with its part of the course."""

from typing import Annotated

import typer

from deepglass import journey
from deepglass.cli.options import Debug, Json, Out, Printer, Words
from deepglass.cli.outcome import tell
from deepglass.cli.stop import StopSignals
from deepglass.foundation import catalogue
from deepglass.foundation.settings import parse_assignments
from deepglass.foundation.words import say
from deepglass.progress import Watch

FIRST = "lenet"


def demo(
    name: Annotated[str, typer.Argument(help=say("demos.name"))] = FIRST,
    words: Words = None,
    listed: Annotated[bool, typer.Option("--list", help=say("demos.list"))] = False,
    out: Out = "",
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Train it, and say what it shows."""
    printer = Printer(as_json)
    if listed:
        rows = [_row(found) for found in catalogue.entries("demos")]
        width = max(len(row["name"]) for row in rows)
        for row in rows:
            printer.line(say("demos.row", **(row | {"name": row["name"].ljust(width)})))
        printer.done(rows)
        return
    chosen = catalogue.find("demos", name)
    printer.line(say("demos.row", **_row(name)))
    settings = parse_assignments(chosen.settings, f"demo {name}") + parse_assignments(words or [])
    with Watch(printer.stream) as watch, StopSignals() as stop:
        proposal = journey.propose(chosen.place, settings, chosen.size)
        outcome = journey.train(proposal, out=out, watchers=[watch], asked_to_stop=stop, reading=watch.read)
    tell(outcome, printer)
    if chosen.next:
        printer.line(say("demos.next", name=chosen.next))


def _row(name: str) -> dict[str, str]:
    part = catalogue.find("demos", name).part
    return {"name": name, "part": part, "shows": say(f"demos.{name.replace('-', '_')}")}


CATALOGUE = {"demo": demo}
