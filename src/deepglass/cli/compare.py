"""Compare values of one setting: the same training for each, side by side, with the reason seen layer by layer."""

import json
import re
import time
from pathlib import Path
from typing import Annotated

import typer

from deepglass import journey
from deepglass.bundle import Own
from deepglass.cli.options import (
    Debug,
    Json,
    Minutes,
    ModelName,
    Printer,
    TaskName,
    chosen_size,
    local_model,
    overrides,
)
from deepglass.cli.stop import StopSignals
from deepglass.engine.journal import read_events
from deepglass.explain.compare import Comparison, Variant, measure
from deepglass.explain.compare_page import document, page, text
from deepglass.foundation.errors import UsageError
from deepglass.foundation.place import new_folder
from deepglass.foundation.ports import Image
from deepglass.foundation.sealed import write_text
from deepglass.foundation.settings import Override
from deepglass.foundation.words import say
from deepglass.networks import choose_model
from deepglass.progress import Watch
from deepglass.run import Run

DEEP = "[32, 32, 32, 32, 32, 32]"  # hidden layers in which a gradient has the room to vanish


def compare(
    what: Annotated[str, typer.Argument(metavar="PATH=V1,V2,...", help=say("compare.what"))],
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[DATA] [SETTING=VALUE]...", help=say("compare.words"))
    ] = None,
    task: TaskName = "",
    model: ModelName = "mlp",
    size: Annotated[str, typer.Option("--size", help=say("compare.size"))] = "tiny",
    minutes: Minutes = "",
    out: Annotated[str, typer.Option("--out", help=say("compare.out"))] = "",
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Train every variant on one budget and see why they differ."""
    path, values = varied(what)
    own = Own(local_model(model))
    data = words[0] if words and "=" not in words[0] else default_data(model)
    chosen = overrides(
        [word for word in words or [] if word != data],
        task=("task.name", task),
        model=("model.name", "" if own.model or path == "model.name" else model),
        minutes=("train.minutes", minutes),
    )
    twice = next((one for one in chosen if one.path == path), None)
    if twice is not None:
        raise UsageError("compare.varied_twice", path=path, value=twice.value)
    printer = Printer(as_json)
    if path == "model.activation" and model == "mlp" and not any(one.path == "model.hidden" for one in chosen):
        chosen.append(Override("model.hidden", DEEP, "compare"))
        printer.line(say("compare.deep", hidden=DEEP))
    folder = new_folder(out, f"compare-{path.rpartition('.')[2]}")
    proposals = [
        journey.propose(data, [*chosen, Override(path, value, "compare")], chosen_size(size), own=own)
        for value in values
    ]
    variants: list[Variant] = []
    for place, (value, proposal) in enumerate(zip(values, proposals, strict=True), 1):
        printer.line(say("compare.now", path=path, value=value, place=place, count=len(values)))
        name = re.sub(r"[^\w.-]+", "-", value).strip("-")
        variants.append(_train(value, folder / f"{place}-{name}", proposal, printer))
    found = Comparison(path, model, data, variants)
    _tell(found, folder, printer)


def varied(text: str) -> tuple[str, list[str]]:
    """The setting and its values; commas inside brackets belong to one value.

    >>> varied("model.hidden=[8],[8,8]")
    ('model.hidden', ['[8]', '[8,8]'])
    """
    path, _, values = text.partition("=")
    parts = [part.strip() for part in re.split(r",(?![^\[]*\])", values) if part.strip()]
    if not path or len(set(parts)) < 2:
        raise UsageError("compare.two_values", text=text)
    return path, list(dict.fromkeys(parts))


def default_data(model: str) -> str:
    """Digits for networks that see pictures; points for the others; one's own does not say what it sees."""
    if ".py:" in model:
        raise UsageError("compare.own_needs_data", name=model)
    return "digits" if isinstance(choose_model(model).settings.ports().takes, Image) else "made:xor"


def _train(value: str, folder: Path, proposal: journey.Proposal, printer: Printer) -> Variant:
    """One variant from start to end, and its figures on the test part, else on validation."""
    run = Run(folder, proposal.settings, proposal.origins, proposal.own.fresh(), proposal.source)
    if (folder / "run.toml").exists():
        raise UsageError("run.exists", folder=folder)
    run.write()
    with Watch(printer.stream) as watch, StopSignals() as stop:
        material = run.material(watch.read)
        began = time.monotonic()
        run.train((watch,), stop, material)
        seconds = time.monotonic() - began
    part = next(name for name in ("test", "val", "train") if len(material.rows[name]))
    figures, _ = run.evaluate(part, material)
    return measure(value, run, figures, read_events(folder), seconds, proposal.own)


def _tell(found: Comparison, folder: Path, printer: Printer) -> None:
    told = document(found)
    write_text(folder / "compare.json", json.dumps(told, ensure_ascii=False, indent=1) + "\n")
    write_text(folder / "compare.html", page(found))
    printer.line("\n" + text(found))
    printer.line(say("compare.page", file=folder / "compare.html"))
    printer.done(told | {"page": str(folder / "compare.html")})


CATALOGUE = {"compare": compare}
