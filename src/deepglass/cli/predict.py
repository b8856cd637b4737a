"""Answers for pictures, folders or tables, by a run, a bundle, or the digits that come with the package."""

import csv
from pathlib import Path
from typing import Annotated, Any

import typer

from deepglass import journey
from deepglass.bundle import Own
from deepglass.cli.options import Debug, Json, ModelName, Printer, local_model
from deepglass.foundation.errors import MachineError
from deepglass.foundation.words import say
from deepglass.tasks.task import said


def predict(
    run: Annotated[str, typer.Argument(help=say("cli.run_or_bundle"))],
    files: Annotated[list[str], typer.Argument(help=say("cli.files"))],
    model: ModelName = "",
    out: Annotated[str, typer.Option("--out", help=say("cli.csv"))] = "",
    show: Annotated[bool, typer.Option("--show", help=say("cli.show"))] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """The same answers as in evaluation: raw files pass through the bundle's own preprocessing."""
    printer = Printer(as_json)
    bundle = journey.load(run, Own(local_model(model)))
    answers = bundle.predict(files)
    for answer, raw in zip(answers, bundle.inputs(files), strict=True):
        if not out or "error" in answer:
            printer.line(_sentence(answer))
        if show and "error" not in answer:
            for view in bundle.task.show(raw.raw, answer):
                printer.line(view.terminal())
    if out:
        _write(Path(out), answers)
        failed = sum("error" in answer for answer in answers)
        printer.line(say("cli.written", file=out, count=len(answers) - failed, failed=failed))
    printer.done(answers)
    if answers and all("error" in answer for answer in answers):
        raise typer.Exit(3)


def _sentence(answer: dict[str, Any]) -> str:
    if "error" in answer:
        return say("cli.unanswered", id=answer["id"], reason=answer["error"])
    return say("cli.answered", id=answer["id"], answer=said(answer))


def _write(file: Path, answers: list[dict[str, Any]]) -> None:
    """id, prediction, confidence, error: one line an answer, readable by any spreadsheet."""
    try:
        with file.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(["id", "prediction", "confidence", "error"])
            for answer in answers:
                writer.writerow([answer.get(name, "") for name in ("id", "prediction", "confidence", "error")])
    except OSError as error:
        raise MachineError("sealed.cannot_write", folder=file, reason=error.strerror) from None


CATALOGUE = {"predict": predict}
