"""Write the report of a finished run anew, for example in another language."""

from pathlib import Path
from typing import Annotated

import typer

from deepglass import journey
from deepglass.bundle import Own
from deepglass.cli.options import Debug, Json, OwnModel, Printer, own_model
from deepglass.foundation.words import say


def report(
    run: Annotated[Path, typer.Argument(help=say("cli.run"))],
    model: OwnModel = "",
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """The same figures, computed again from the bundle and the data."""
    printer = Printer(as_json)
    file = journey.report(run, Own(own_model(model)))
    printer.line(say("cli.report", file=file))
    printer.done({"run": str(run), "report": str(file), "json": str(file.with_suffix(".json"))})


CATALOGUE = {"report": report}
