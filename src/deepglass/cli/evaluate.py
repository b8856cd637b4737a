"""Exact figures of a finished run, on its own test part or on other data; of made pictures also those of a judge."""

from pathlib import Path
from typing import Annotated

import typer

from deepglass import judging
from deepglass.bundle import Own
from deepglass.cli.options import Debug, Json, OwnModel, Printer, own_model
from deepglass.cli.outcome import tell
from deepglass.foundation.settings import parse_assignments
from deepglass.foundation.words import say


def evaluate(
    run: Annotated[Path, typer.Argument(help=say("cli.run"))],
    data: Annotated[str, typer.Argument(help=say("cli.other_data"))] = "",
    settings: Annotated[
        list[str] | None, typer.Argument(metavar="[SETTING=VALUE]...", help=say("judging.settings"))
    ] = None,
    model: OwnModel = "",
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Every example once; what cannot be read is named, never replaced."""
    if data.startswith(judging.WORDS):  # settings alone
        data, settings = "", [data, *(settings or [])]
    printer = Printer(as_json)
    found = judging.evaluate(run, data, Own(own_model(model)), parse_assignments(settings or []))
    for remark in found.remarks:
        printer.line(remark)
    tell(found.outcome, printer)
    if found.then:
        printer.line(found.then)


CATALOGUE = {"evaluate": evaluate}
