"""Take one training step apart: forward, loss, back, update; in words, as a picture, as JSON."""

from pathlib import Path
from typing import Annotated

import typer

from deepglass.bundle import Own
from deepglass.cli.options import Debug, Json, ModelName, Printer, local_model, overrides
from deepglass.explain.step import Step, take_step
from deepglass.explain.step_json import document
from deepglass.explain.step_picture import StepPicture
from deepglass.explain.step_subject import subject_of
from deepglass.explain.step_words import sequence, text
from deepglass.foundation.errors import UsageError
from deepglass.foundation.sealed import write_text
from deepglass.foundation.words import say


def step(
    what: Annotated[str, typer.Argument(help=say("step.what"))],
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[INPUT] [SETTING=VALUE]...", help=say("step.given"))
    ] = None,
    target: Annotated[str, typer.Option("--target", help=say("step.target"))] = "",
    steps: Annotated[int, typer.Option("--steps", min=1, help=say("step.steps"))] = 1,
    model: ModelName = "",
    first: Annotated[bool, typer.Option("--first", help=say("step.first"))] = False,
    out: Annotated[str, typer.Option("--out", help=say("step.out"))] = "",
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """One step in slow motion, through the engine's own loop."""
    if out and Path(out).suffix not in (".svg", ".png"):
        raise UsageError("step.not_a_picture", file=out)
    given = words[0] if words and "=" not in words[0] else ""
    chosen = overrides((words or [])[1 if given else 0 :])
    subject = subject_of(what, given, target, chosen, first, Own(local_model(what) or local_model(model)))
    taken = [take_step(subject) for _ in range(steps)]
    printer = Printer(as_json)
    if steps > 1:
        printer.line(sequence(taken) + "\n")
    printer.line(text(taken[-1]))
    if out:
        _write(taken[-1], Path(out))
        printer.line(say("step.written", file=out))
    printer.done(document(taken[0]) if steps == 1 else [document(one) for one in taken])


def _write(seen: Step, file: Path) -> None:
    picture = StepPicture(seen)
    if file.suffix == ".svg":
        write_text(file, picture.svg())
    else:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(picture.png())


CATALOGUE = {"step": step}
