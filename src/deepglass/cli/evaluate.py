"""Exact figures of a finished run, on its own test part or on other data."""

from pathlib import Path
from typing import Annotated

import typer

from deepglass import journey
from deepglass.bundle import Own
from deepglass.cli.options import Debug, Json, OwnModel, Printer, own_model
from deepglass.cli.outcome import tell
from deepglass.foundation.words import say


def evaluate(
    run: Annotated[Path, typer.Argument(help=say("cli.run"))],
    data: Annotated[str, typer.Argument(help=say("cli.other_data"))] = "",
    model: OwnModel = "",
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Every example once; what cannot be read is named, never replaced."""
    tell(journey.evaluate(run, data, Own(own_model(model))), Printer(as_json))


CATALOGUE = {"evaluate": evaluate}
