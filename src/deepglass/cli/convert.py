"""Boxes in another form: COCO, VOC, YOLO or a table, with the pictures, in a new folder."""

from typing import Annotated

import typer

from deepglass import journey
from deepglass.cli.options import Debug, Json, Printer, Words, overrides
from deepglass.foundation.words import say
from deepglass.progress import Watch

SHOWN = 20


def convert(
    data: Annotated[str, typer.Argument(help=say("cli.data"))],
    to: Annotated[str, typer.Option("--to", help=say("cli.to"))],
    out: Annotated[str, typer.Option("--out", help=say("cli.new_folder"))],
    words: Words = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Whole corners stay as they are; pictures are linked where they can be; nothing is written over."""
    printer = Printer(as_json)
    with Watch(printer.stream) as watch:
        found = journey.convert(data, to, out, overrides(words), watch.read)
    values = {"folder": found.folder, "pictures": found.pictures, "boxes": found.boxes, "classes": len(found.classes)}
    printer.line(say("cli.converted", **values, linked=found.linked))
    for finding in found.findings[:SHOWN]:
        file = f"{finding['file']}: " if finding["file"] else ""
        printer.line(
            say("cli.finding", level=say(f"cli.level_{finding['level']}"), file=file, reason=finding["reason"])
        )
    if len(found.findings) > SHOWN:
        printer.line(say("cli.more_findings", count=len(found.findings) - SHOWN))
    printer.done(found)


CATALOGUE = {"convert": convert}
