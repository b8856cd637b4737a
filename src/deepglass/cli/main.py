"""The command line's door: finds the verb, loads its file, turns errors into one sentence and an exit code.

A verb's file is loaded when the verb is called, so that `deepglass --help` needs neither torch nor numpy.
"""

import json
import sys
import traceback
from typing import Any

import click
import typer

from deepglass.foundation import catalogue
from deepglass.foundation.errors import DeepglassError
from deepglass.foundation.words import LANGUAGES, choose_language, has, say

FAILED, USAGE, INTERRUPTED = 1, 2, 130


class Verbs(click.Group):
    """The verbs of cli/, each a file with a CATALOGUE."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(catalogue.entries("cli"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return Unloaded(cmd_name) if cmd_name in catalogue.entries("cli") else None

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] not in catalogue.entries("cli"):
            offered = catalogue.entries("cli")
            hint = catalogue.nearest(args[0], offered)
            ctx.fail(say("cli.no_verb", name=args[0], hint=hint, offered=", ".join(offered)))
        return super().resolve_command(ctx, args)


class Unloaded(click.Command):
    """A verb by its name and first line; the real command takes over when it is called."""

    def __init__(self, name: str):
        key = f"cli.verb_{name}"
        summary = say(key) if has(key) else catalogue.entries("cli")[name].summary
        super().__init__(name, help=summary, short_help=summary)

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> click.Context:
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(name=self.name, help=self.help)(catalogue.find("cli", str(self.name)))
        return typer.main.get_command(app).make_context(info_name, args, parent, **extra)


def main(words: list[str] | None = None) -> None:
    """Run one command line and exit with its code."""
    words = sys.argv[1:] if words is None else words
    _choose_language(words)
    try:
        group = Verbs("deepglass", help=say("cli.about"), no_args_is_help=True, epilog=say("cli.begin"))
        group.main(words, prog_name="deepglass", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as help_text:
        click.echo(help_text.format_message())
    except click.ClickException as error:
        _fail(words, "usage", error.format_message(), USAGE)
    except (click.Abort, KeyboardInterrupt):
        _fail(words, "interrupted", say("cli.interrupted"), INTERRUPTED)
    except DeepglassError as error:
        _fail(words, error.code, str(error), error.exit_code)
    except BrokenPipeError:
        sys.exit(FAILED)
    except Exception as error:  # a defect of ours: one sentence, and the trace for those who ask
        _fail(words, "defect", say("cli.defect", kind=type(error).__name__, reason=error), FAILED)


def _fail(words: list[str], code: str, message: str, exit_code: int) -> None:
    if "--debug" in words:
        traceback.print_exc()
    if "--json" in words:
        print(json.dumps({"error": {"code": code, "message": message, "exit_code": exit_code}}, ensure_ascii=False))
    print(message, file=sys.stderr)
    sys.exit(exit_code)


def _choose_language(words: list[str]) -> None:
    """The language must be known before the first word is said, so --lang is looked up ahead of all else."""
    for place, word in enumerate(words):
        wanted = word.removeprefix("--lang=") if word.startswith("--lang=") else None
        if word == "--lang" and place + 1 < len(words):
            wanted = words[place + 1]
        if wanted in LANGUAGES:
            choose_language(str(wanted))
        elif wanted is not None:
            print(say("cli.no_language", name=wanted, offered=", ".join(LANGUAGES)), file=sys.stderr)
            sys.exit(USAGE)


if __name__ == "__main__":
    main()
