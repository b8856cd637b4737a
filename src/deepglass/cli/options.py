"""The few flags, the same everywhere, and the two ways out: text for people, one JSON document for programs."""

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer

from deepglass.foundation.catalogue import local
from deepglass.foundation.errors import UsageError
from deepglass.foundation.settings import Override, parse_assignments, to_json
from deepglass.foundation.sizes import SIZES, Size
from deepglass.foundation.words import say

Json = Annotated[bool, typer.Option("--json", help=say("cli.json"))]
Debug = Annotated[bool, typer.Option("--debug", help=say("cli.debug"))]
Out = Annotated[str, typer.Option("--out", help=say("cli.out"))]
ModelName = Annotated[str, typer.Option("--model", help=say("cli.model"))]
OwnModel = Annotated[str, typer.Option("--model", help=say("cli.own_model"))]
TaskName = Annotated[str, typer.Option("--task", help=say("cli.task"))]
SizeName = Annotated[str, typer.Option("--size", help=say("cli.size"))]
Device = Annotated[str, typer.Option("--device", help=say("cli.device"))]
Minutes = Annotated[str, typer.Option("--minutes", help=say("cli.minutes"))]
NAMED = 10  # unknown words that are named

Words = Annotated[list[str] | None, typer.Argument(metavar="[SETTING=VALUE]...", help=say("cli.settings"))]


def overrides(words: list[str] | None, **flags: tuple[str, str]) -> list[Override]:
    """Settings of the command line; each flag is a short name for one: device=("train.device", "cpu")."""
    named = [Override(path, value, f"--{flag}") for flag, (path, value) in flags.items() if value]
    return named + parse_assignments(words or [])


def chosen_size(name: str) -> Size:
    """The size dial, checked."""
    if name not in SIZES:
        raise UsageError("settings.choose", path="--size", value=name, allowed=", ".join(SIZES))
    return name  # pyright: ignore


def local_model(name: str) -> Any:
    """The network of `./net.py:MyNet`, run because the user named the file; None for a name of the catalogue."""
    return local(name)() if ".py:" in name else None


def own_model(name: str) -> Any:
    """The network that a run of one's own code needs; a name of the catalogue is refused, for runs know theirs."""
    if name and ".py:" not in name:
        raise UsageError("cli.own_model_only", name=name)
    return local_model(name)


class Printer:
    """Text to people: on stdout, or on stderr where stdout belongs to the JSON document."""

    def __init__(self, as_json: bool):
        self.as_json = as_json
        self.stream = sys.stderr if as_json else sys.stdout

    def line(self, text: str = "", end: str = "\n") -> None:
        """One line for people, or a part of one."""
        print(text, end=end, file=self.stream, flush=True)

    def done(self, document: Any) -> None:
        """The command's JSON document, where it was asked for."""
        if self.as_json:
            print(json.dumps(to_json(document), ensure_ascii=False, indent=1))


def tell_unknown(printer: Printer, answers: Iterable[Mapping[str, Any]]) -> None:
    """Which words or letters of all texts training never saw, in one sentence; nothing where there are none."""
    found = list(dict.fromkeys(word for answer in answers for word in answer.get("unknown", ())))
    if found:
        more = say("cli.more_unknown", count=len(found) - NAMED) if len(found) > NAMED else ""
        words = say("views.list_mark").join(map(repr, found[:NAMED]))
        printer.line(say("cli.unknown_words", words=words, more=more))
