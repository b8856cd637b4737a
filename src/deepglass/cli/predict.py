"""Answers for pictures, folders or tables, by a run, a bundle, or the digits that come with the package."""

import csv
from pathlib import Path
from typing import Annotated, Any

import typer

from deepglass import journey
from deepglass.cli.options import Debug, Json, Printer
from deepglass.foundation.errors import MachineError
from deepglass.foundation.words import say


def predict(
    run: Annotated[str, typer.Argument(help=say("cli.run_or_bundle"))],
    files: Annotated[list[str], typer.Argument(help=say("cli.files"))],
    out: Annotated[str, typer.Option("--out", help=say("cli.csv"))] = "",
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """The same answers as in evaluation: raw files pass through the bundle's own preprocessing."""
    printer = Printer(as_json)
    answers = journey.load(run).predict(files)
    for answer in answers:
        printer.line(_sentence(answer))
    if out:
        _write(Path(out), answers)
        printer.line(say("cli.written", file=out, count=len(answers)))
    printer.done(answers)
    if answers and all("error" in answer for answer in answers):
        raise typer.Exit(3)


def _sentence(answer: dict[str, Any]) -> str:
    if "error" in answer:
        return say("cli.unanswered", id=answer["id"], reason=answer["error"])
    if "confidence" not in answer:
        return say("cli.answered", id=answer["id"], prediction=answer["prediction"])
    return say(
        "cli.answer", id=answer["id"], prediction=answer["prediction"], confidence=f"{100 * answer['confidence']:.1f}"
    )


def _write(file: Path, answers: list[dict[str, Any]]) -> None:
    """id, prediction, confidence, error: one line an answer, readable by any spreadsheet."""
    try:
        with file.open("w", newline="", encoding="utf-8-sig") as stream:
            writer = csv.writer(stream)
            writer.writerow(["id", "prediction", "confidence", "error"])
            for answer in answers:
                writer.writerow([answer.get(name, "") for name in ("id", "prediction", "confidence", "error")])
    except OSError as error:
        raise MachineError("sealed.cannot_write", folder=file, reason=error.strerror) from None


CATALOGUE = {"predict": predict}
