"""A language model writes on from a prompt, token by token, as fast as it is read."""

import dataclasses
from typing import Annotated

import typer

from deepglass import journey
from deepglass.bundle import Own, SamplingSettings, unseen
from deepglass.cli.options import Debug, Json, ModelName, Printer, local_model, tell_unknown
from deepglass.foundation.settings import parse_assignments
from deepglass.foundation.words import say

SAMPLING = [field.name for field in dataclasses.fields(SamplingSettings)]


def generate(
    run: Annotated[str, typer.Argument(help=say("cli.run_or_bundle"))],
    prompt: Annotated[str, typer.Argument(help=say("cli.prompt"))] = "",
    settings: Annotated[
        list[str] | None, typer.Argument(metavar="[SETTING=VALUE]...", help=say("cli.sampling"))
    ] = None,
    length: Annotated[int, typer.Option("--length", min=1, help=say("cli.length"))] = 500,
    model: ModelName = "",
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """The same prompt, settings and seed give the same text."""
    printer = Printer(as_json)
    if prompt.partition("=")[0] in SAMPLING and "=" in prompt:  # settings alone
        prompt, settings = "", [prompt, *(settings or [])]
    chosen = {one.path: one.value for one in parse_assignments(settings or [])}
    bundle = journey.load(run, Own(local_model(model)))
    writing = bundle.writing(prompt, length, chosen)
    unknown = unseen(bundle.task, prompt)
    printer.line(prompt, end="")
    written: list[str] = []
    for piece in writing:
        printer.line(piece, end="")
        written.append(piece)
    printer.line()
    tell_unknown(printer, [unknown])
    printer.done({"prompt": prompt, "text": "".join(written), "length": length, **unknown})


CATALOGUE = {"generate": generate}
