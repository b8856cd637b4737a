"""Train a network on a folder, a table or a name such as digits."""

from pathlib import Path
from typing import Annotated

import typer

from deepglass import journey
from deepglass.bundle import Own
from deepglass.cli.options import (
    Debug,
    Device,
    Json,
    Minutes,
    ModelName,
    Out,
    Printer,
    SizeName,
    TaskName,
    Words,
    chosen_size,
    local_model,
    minutes_setting,
    overrides,
)
from deepglass.cli.outcome import tell
from deepglass.cli.progress import Watch
from deepglass.cli.stop import StopSignals
from deepglass.foundation.settings import read_toml
from deepglass.foundation.words import say


def train(
    data: Annotated[str, typer.Argument(help=say("cli.data"))],
    words: Words = None,
    task: TaskName = "",
    model: ModelName = "",
    size: SizeName = "small",
    minutes: Minutes = 0.0,
    device: Device = "",
    parent: Annotated[str, typer.Option("--from", help=say("weights.from"))] = "",
    out: Out = "",
    settings: Annotated[str, typer.Option("--settings", help=say("cli.settings_file"))] = "",
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Data in; a trained, evaluated, explained network out."""
    own = Own(local_model(model))
    chosen = read_toml(Path(settings)) if settings else []
    chosen += overrides(
        words,
        task=("task.name", task),
        model=("model.name", "" if own.model else model),
        minutes=minutes_setting(minutes),
        device=("train.device", device),
        **{"from": ("weights.parent", parent)},
    )
    printer = Printer(as_json)
    with Watch(as_json) as watch, StopSignals() as stop:
        proposal = journey.propose(data, chosen, chosen_size(size), own=own)
        watch.console.print(proposal.found.sentence())  # through the live line, which print would tear
        outcome = journey.train(proposal, out=out, watchers=[watch], asked_to_stop=stop, reading=watch.read)
    tell(outcome, printer)


CATALOGUE = {"train": train}
