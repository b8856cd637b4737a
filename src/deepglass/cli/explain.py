"""Why a network answers as it does: Grad-CAM, occlusion, integrated gradients, its weights, its decision boundary."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from deepglass import journey
from deepglass.bundle import Own
from deepglass.cli.options import Debug, Json, OwnModel, Printer, own_model, tell_unknown
from deepglass.explain.answer import Explained, choose_method, reading
from deepglass.explain.answer import explain as explain_all
from deepglass.explain.write import more, sentence, write_explanations
from deepglass.foundation.errors import DataError
from deepglass.foundation.words import say


def explain(
    run: Annotated[str, typer.Argument(help=say("cli.run_or_bundle"))],
    files: Annotated[list[str] | None, typer.Argument(help=say("explain.files"))] = None,
    model: OwnModel = "",
    method: Annotated[str, typer.Option("--method", help=say("explain.method"))] = "",
    target: Annotated[str, typer.Option("--target", help=say("explain.target"))] = "",
    out: Annotated[str, typer.Option("--out", help=say("explain.out"))] = "",
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """One sentence for each input, and pictures in a folder."""
    printer = Printer(as_json)
    bundle = journey.load(run, Own(own_model(model)))
    name, _ = choose_method(bundle, method, rows=bool(files))
    folder = Path(out) if out else Path(run) / "explain" if Path(run).is_dir() else Path("explain")
    found = explain_all(bundle, files or [], name, target)
    document = write_explanations(_told(printer, found), name, bundle.name, folder, reading(bundle, name))
    answers = document["explanations"]
    if words := more(len(answers)):
        printer.line(words)
    tell_unknown(printer, answers)
    printer.line(say("explain.written", file=folder / "explanation.html"))
    printer.done({"folder": str(folder), **document})
    if any("error" in answer for answer in answers):
        raise typer.Exit(DataError.exit_code)


def _told(printer: Printer, found: Iterator[Explained]) -> Iterator[Explained]:
    """Each with a sentence as it comes: a long table is no silence."""
    for one in found:
        printer.line(sentence(one))
        yield one


CATALOGUE = {"explain": explain}
