"""Go on with a run that was stopped or killed, from its last checkpoint."""

from pathlib import Path
from typing import Annotated

import typer

from deepglass import journey
from deepglass.bundle import Own
from deepglass.cli.options import Debug, Json, OwnModel, Printer, own_model
from deepglass.cli.outcome import tell
from deepglass.cli.stop import StopSignals
from deepglass.engine.journal import read_events
from deepglass.foundation.words import say
from deepglass.progress import Watch


def resume(
    run: Annotated[Path, typer.Argument(help=say("cli.run"))],
    model: OwnModel = "",
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """The same bits as if the run had never been stopped."""
    own, printer = Own(own_model(model)), Printer(as_json)
    if page := _finished(run):  # what lies there is gone through all the same: a damaged file is found by it
        printer.line(say("cli.finished", file=page))
    with Watch(printer.stream) as watch, StopSignals() as stop:
        outcome = journey.resume(run, own=own, watchers=[watch], asked_to_stop=stop, reading=watch.read)
    tell(outcome, printer)


def _finished(folder: Path) -> Path | None:
    """The report of a run of which nothing is left to be done."""
    page = folder / "report.html"
    done = read_events(folder, "end") and (folder / "bundle" / "bundle.json").is_file()
    return page if done and page.is_file() else None


CATALOGUE = {"resume": resume}
