"""The data doctor alone: what the data are, and everything that is wrong with them, by file."""

from typing import Annotated

import typer

from deepglass import journey
from deepglass.cli.options import Debug, Json, Printer, TaskName, Words, overrides
from deepglass.foundation.errors import DataError
from deepglass.foundation.words import say
from deepglass.progress import Watch

SHOWN = 20


def check(
    data: Annotated[str, typer.Argument(help=say("cli.data"))],
    words: Words = None,
    task: TaskName = "",
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Reads every example as a training of the task would; changes nothing."""
    printer = Printer(as_json)
    with Watch(printer.stream) as watch:
        found = journey.check(data, overrides(words, task=("task.name", task)), watch.read)
    printer.line(found.sentence)
    counts = found.counts
    printer.line(say("cli.parts", train=counts.get("train", 0), val=counts.get("val", 0), test=counts.get("test", 0)))
    for finding in found.findings[:SHOWN]:
        printer.line(say("cli.finding", level=say(f"cli.level_{finding['level']}"), **_place(finding)))
    if len(found.findings) > SHOWN:
        printer.line(say("cli.more_findings", count=len(found.findings) - SHOWN))
    if not found.findings:
        printer.line(say("cli.no_findings"))
    printer.done(found.document())
    if any(finding["level"] == "error" for finding in found.findings):
        raise typer.Exit(DataError.exit_code)


def _place(finding: dict[str, str]) -> dict[str, str]:
    return {"file": f"{finding['file']}: " if finding["file"] else "", "reason": finding["reason"]}


CATALOGUE = {"check": check}
