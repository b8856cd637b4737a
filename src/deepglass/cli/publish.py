"""A finished model as a folder for the Hugging Face hub: card, configuration, weights. Nothing is uploaded unasked."""

from typing import Annotated

import typer

from deepglass import journey
from deepglass.cli.options import Debug, Json, Printer
from deepglass.foundation.words import say


def publish(
    run: Annotated[str, typer.Argument(help=say("cli.run_or_bundle"))],
    out: Annotated[str, typer.Option("--out", help=say("cli.new_folder"))],
    licence: Annotated[str, typer.Option("--licence", help=say("cli.licence"))] = "",
    dataset: Annotated[str, typer.Option("--dataset", help=say("cli.dataset"))] = "",
    to: Annotated[str, typer.Option("--to", help=say("cli.send_to"))] = "",
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """The folder answers as the bundle does: deepglass predict FOLDER FILE."""
    printer = Printer(as_json)
    found = journey.publish(run, out, licence, dataset=dataset, to=to)
    values = {"files": len(found.files), "size": f"{found.bytes / 1e6:.3g}", "licence": found.licence}
    printer.line(say("cli.published", folder=found.folder, **values))
    if found.vocabulary:
        printer.line(say("cli.published_words", count=found.vocabulary))
    if found.address:
        printer.line(say("cli.sent", address=found.address))
    else:
        printer.line(say("cli.not_sent", folder=found.folder))
    printer.done(found)


CATALOGUE = {"publish": publish}
