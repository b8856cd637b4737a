"""A language model writes on from a prompt as fast as it is read; a maker of pictures fills a folder."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from deepglass import journey
from deepglass.bundle import Bundle, Own, SamplingSettings, unseen
from deepglass.cli.options import Debug, Json, OwnModel, Printer, own_model, tell_unknown
from deepglass.foundation.errors import MachineError, UsageError
from deepglass.foundation.settings import parse_assignments
from deepglass.foundation.words import say
from deepglass.views.picture import Gallery, Picture

SAMPLING = [field.name for field in dataclasses.fields(SamplingSettings)]
SHOWN = 8  # pictures that the terminal shows


def generate(
    run: Annotated[str, typer.Argument(help=say("cli.run_or_bundle"))],
    prompt: Annotated[str, typer.Argument(help=say("cli.prompt"))] = "",
    settings: Annotated[
        list[str] | None, typer.Argument(metavar="[SETTING=VALUE]...", help=say("cli.sampling"))
    ] = None,
    length: Annotated[int, typer.Option("--length", min=1, help=say("cli.length"))] = 500,
    count: Annotated[int, typer.Option("--count", min=1, help=say("cli.count"))] = 16,
    out: Annotated[str, typer.Option("--out", help=say("cli.pictures_out"))] = "",
    truncation: Annotated[float, typer.Option("--truncation", min=0.0, help=say("cli.truncation"))] = 0.0,
    model: OwnModel = "",
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """The same prompt or class, settings and seed give the same text or pictures."""
    printer = Printer(as_json)
    if prompt.partition("=")[0] in SAMPLING and "=" in prompt:  # settings alone
        prompt, settings = "", [prompt, *(settings or [])]
    chosen = {one.path: one.value for one in parse_assignments(settings or [])}
    bundle = journey.load(run, Own(own_model(model)))
    if hasattr(bundle.task, "paint"):
        _paint(printer, bundle, Asked(prompt, count, truncation), chosen, out)
        return
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


@dataclass(frozen=True)
class Asked:
    """Which pictures are to be made, beside the seed."""

    label: str
    count: int
    truncation: float


def _paint(printer: Printer, bundle: Bundle, asked: Asked, chosen: dict[str, str], out: str) -> None:
    """PNG files, numbered, and some of them on the terminal."""
    label, count, truncation = asked.label, asked.count, asked.truncation
    if unknown := sorted(chosen.keys() - {"seed"}):
        raise UsageError("cli.painter_takes_seed", names=", ".join(unknown))
    if not out:
        raise UsageError("cli.pictures_need_out")
    if not str(chosen.get("seed", "0")).isdecimal():
        raise UsageError("cli.seed", value=chosen["seed"])
    seed, folder, files = int(chosen.get("seed", "0")), Path(out), []
    shown: list[Picture] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, pixels in enumerate(bundle.pictures(count, label, seed, truncation), 1):
            files.append(folder / f"{label or 'made'}-{seed}-{number:0{len(str(count))}d}.png")
            picture = Picture(pixels)
            files[-1].write_bytes(picture.png(max(pixels.shape)))
            shown += [picture] if len(shown) < SHOWN else []
    except OSError as error:
        raise MachineError("sealed.cannot_write", folder=folder, reason=error.strerror) from None
    printer.line(Gallery(shown).terminal())
    printer.line(say("cli.painted", count=count, folder=folder))
    printer.done({"label": label, "seed": seed, "truncation": truncation, "pictures": list(map(str, files))})


CATALOGUE = {"generate": generate}
