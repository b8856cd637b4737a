"""A language model writes on from a prompt; a maker of pictures fills a folder, one of series a table."""

import csv
import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from deepglass import journey
from deepglass.bundle import Bundle, Own, SamplingSettings, unseen
from deepglass.cli.options import Debug, Json, OwnModel, Printer, own_model, tell_unknown
from deepglass.cli.ways import NAMES, Asked, PaintingSettings, fits, go
from deepglass.foundation.errors import MachineError, UsageError
from deepglass.foundation.settings import Override, parse_assignments, resolve
from deepglass.foundation.words import say
from deepglass.views.curve import Curve, Line
from deepglass.views.picture import Gallery, Picture

SAMPLING = [field.name for field in dataclasses.fields(SamplingSettings)]
OPTIONS = ("length", "count", "out", "truncation")
COUNT = 16  # pictures or series that are made
SHOWN, DRAWN = 8, 3  # pictures and series that the terminal shows


def generate(
    run: Annotated[str, typer.Argument(help=say("cli.run_or_bundle"))],
    prompt: Annotated[str, typer.Argument(help=say("cli.prompt"))] = "",
    settings: Annotated[
        list[str] | None, typer.Argument(metavar="[SETTING=VALUE]...", help=say("cli.sampling"))
    ] = None,
    length: Annotated[int, typer.Option("--length", min=1, help=say("cli.length"))] = 500,
    count: Annotated[int | None, typer.Option("--count", min=1, help=say("cli.count"))] = None,
    out: Annotated[str, typer.Option("--out", help=say("cli.pictures_out"))] = "",
    truncation: Annotated[float, typer.Option("--truncation", min=0.0, help=say("cli.truncation"))] = 0.0,
    model: OwnModel = "",
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """The same prompt or class, settings and seed give the same text, pictures or series."""
    printer = Printer(as_json)
    bundle = journey.load(run, Own(own_model(model)))
    paints = hasattr(bundle.task, "paint")
    makes = paints or hasattr(bundle.task, "record")
    names = [*SAMPLING, *NAMES, *OPTIONS] if makes else SAMPLING
    if prompt.partition("=")[0] in names and "=" in prompt:  # settings alone
        prompt, settings = "", [prompt, *(settings or [])]
    overrides = parse_assignments(settings or [])
    _dashed(overrides)
    if paints:
        _paint(printer, bundle, Asked(prompt, count, truncation), overrides, out)
        return
    chosen = {one.path: one.value for one in overrides}
    if hasattr(bundle.task, "record"):
        _record(printer, bundle, Asked(prompt, count, truncation), chosen, out)
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


def _dashed(overrides: list[Override]) -> None:
    """What is an option and was given as a setting."""
    for one in overrides:
        if one.path in OPTIONS:
            raise UsageError("cli.with_dashes", name=one.path, value=one.value)


def _paint(printer: Printer, bundle: Bundle, asked: Asked, overrides: list[Override], out: str) -> None:
    """PNG files, numbered, and some of them on the terminal; or what lies on a way between them."""
    given = {one.path: str(one.value) for one in overrides}
    if not out:
        raise UsageError("cli.pictures_need_out")
    _seed({name: value for name, value in given.items() if name in SAMPLING})
    chosen, _ = resolve(PaintingSettings(), overrides)
    folder, way = Path(out), chosen.way
    fits(given, way, asked)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (go if way else _some)(printer, bundle, asked, chosen, folder)
    except OSError as error:
        raise MachineError("sealed.cannot_write", folder=folder, reason=error.strerror) from None


def _some(printer: Printer, bundle: Bundle, asked: Asked, chosen: PaintingSettings, folder: Path) -> None:
    """So many pictures of one seed."""
    label, seed, count = asked.label, chosen.seed, asked.count or COUNT
    files: list[Path] = []
    shown: list[Picture] = []
    for number, pixels in enumerate(bundle.pictures(count, label, seed, asked.truncation), 1):
        files.append(folder / f"{label or 'made'}-{seed}-{number:0{len(str(count))}d}.png")
        picture = Picture(pixels)
        files[-1].write_bytes(picture.png(max(pixels.shape)))
        shown += [picture] if len(shown) < SHOWN else []
    printer.line(Gallery(shown).terminal())
    printer.line(say("cli.painted", count=count, folder=folder))
    told = {"label": label, "seed": seed, "truncation": asked.truncation, "pictures": list(map(str, files))}
    printer.done(told)


def _record(printer: Printer, bundle: Bundle, asked: Asked, chosen: dict[str, str], out: str) -> None:
    """A long table, one line a step, as it can be trained on; without a class asked for as many of each."""
    facts: Any = bundle.task.facts
    if asked.truncation:
        raise UsageError("cli.series_truncation")
    if not out:
        raise UsageError("cli.series_need_out")
    seed, columns, count = _seed(chosen), facts.inputs.columns, asked.count or COUNT
    labels = [asked.label] if asked.label or not facts.labels else facts.labels
    shares = [count // len(labels) + (place < count % len(labels)) for place in range(len(labels))]
    made = {label: list(bundle.series(each, label, seed)) for label, each in zip(labels, shares, strict=True)}
    try:
        with Path(out).open("x", newline="", encoding="utf-8") as stream:
            table = csv.writer(stream, lineterminator="\n")
            table.writerow(["series", "step", *columns, *(["label"] if labels[0] else [])])
            for label, rows in made.items():
                for number, row in enumerate(rows, 1):
                    named = [label] if label else []
                    name = f"{label or 'made'}-{seed}-{number:0{len(str(count))}d}"
                    table.writerows([name, step, *map(float, values), *named] for step, values in enumerate(row))
    except FileExistsError:  # it may be what the network learned from: both look the same
        raise UsageError("cli.file_exists", file=out) from None
    except OSError as error:
        raise MachineError("sealed.cannot_write", folder=out, reason=error.strerror) from None
    shown = [(label, rows[0]) for label, rows in made.items() if rows][:DRAWN]
    lines = [Line(label or columns[0], range(len(row)), row[:, 0].tolist()) for label, row in shown]
    printer.line(Curve(lines, "", say("tasks.step"), columns[0]).terminal())
    printer.line(say("cli.recorded", count=count, file=out))
    printer.done({"label": asked.label, "seed": seed, "count": count, "file": out})


def _seed(chosen: dict[str, str]) -> int:
    """The one setting that what is drawn at random is made by."""
    if unknown := sorted(chosen.keys() - {"seed"}):
        raise UsageError("cli.painter_takes_seed", names=", ".join(unknown))
    if not str(chosen.get("seed", "0")).isdecimal():
        raise UsageError("cli.seed", value=chosen["seed"])
    return int(chosen.get("seed", "0"))


CATALOGUE = {"generate": generate}
