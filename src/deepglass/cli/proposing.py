"""The words and flags of every verb that proposes a training, in one place. `ls` and `doctor` need no torch for it."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from deepglass.bundle import Own
from deepglass.cli.options import (
    Device,
    Minutes,
    ModelName,
    SizeName,
    TaskName,
    Words,
    chosen_size,
    local_model,
    overrides,
)
from deepglass.foundation.settings import read_toml
from deepglass.foundation.words import say
from deepglass.journey import Proposal, propose


def proposal(
    data: Annotated[str, typer.Argument(help=say("cli.data"))],
    words: Words = None,
    task: TaskName = "",
    model: ModelName = "",
    size: SizeName = "small",
    minutes: Minutes = "",
    device: Device = "",
    parent: Annotated[str, typer.Option("--from", help=say("weights.from"))] = "",
    settings: Annotated[str, typer.Option("--settings", help=say("cli.settings_file"))] = "",
) -> Callable[[], Proposal]:
    """What is to be trained; mistakes in the words are raised at once, the data are looked at when it is called."""
    own = Own(local_model(model))
    chosen = read_toml(Path(settings)) if settings else []
    chosen += overrides(
        words,
        task=("task.name", task),
        model=("model.name", "" if own.model else model),
        minutes=("train.minutes", minutes),
        device=("train.device", device),
        **{"from": ("weights.parent", parent)},
    )
    dial = chosen_size(size)
    return lambda: propose(data, chosen, dial, own=own)


def proposing(verb: Callable[..., None]) -> Callable[..., None]:
    """A verb with the words and flags of `proposal` before its own; it is given what they propose as `proposed`."""
    shared, own = inspect.signature(proposal).parameters, dict(inspect.signature(verb).parameters)
    del own["proposed"]

    def called(**given: Any) -> None:
        asked = {name: given.pop(name) for name in shared}
        verb(proposed=proposal(**asked), **given)

    called.__signature__ = inspect.Signature([*shared.values(), *own.values()])  # pyright: ignore
    called.__annotations__ = proposal.__annotations__ | verb.__annotations__
    called.__doc__ = verb.__doc__
    return called
