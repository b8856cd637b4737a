"""Go on with a run that was stopped or killed, from its last checkpoint."""

from pathlib import Path
from typing import Annotated

import typer

from deepglass import journey
from deepglass.bundle import Own
from deepglass.cli.options import Debug, Json, OwnModel, Printer, own_model
from deepglass.cli.outcome import tell
from deepglass.cli.stop import StopSignals
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
    with Watch(printer.stream) as watch, StopSignals() as stop:
        outcome = journey.resume(run, own=own, watchers=[watch], asked_to_stop=stop, reading=watch.read)
    tell(outcome, printer)


CATALOGUE = {"resume": resume}
