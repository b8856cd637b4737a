"""Write the report of a finished run anew, for example in another language."""

from pathlib import Path
from typing import Annotated

import typer

from deepglass import journey
from deepglass.cli.options import Debug, Json, Printer
from deepglass.foundation.words import language, say
from deepglass.report.write import write_report
from deepglass.run import Run


def report(
    run: Annotated[Path, typer.Argument(help=say("cli.run"))],
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """The same figures, computed again from the bundle and the data."""
    printer = Printer(as_json)
    opened = Run.open(run)
    material = opened.material()
    file = write_report(opened, material, journey.evaluate_parts(opened, material), language())
    printer.line(say("cli.report", file=file))
    printer.done({"run": str(run), "report": str(file), "json": str(file.with_suffix(".json"))})


CATALOGUE = {"report": report}
