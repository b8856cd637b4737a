"""The command line's door: finds the verb, loads its file, turns errors into one sentence and an exit code.

A verb's file is loaded when the verb is called, so that `deepglass --help` needs neither torch nor typer.
"""

import json
import re
import sys
import textwrap
import traceback
from typing import Any

from deepglass.foundation import catalogue
from deepglass.foundation.errors import DeepglassError, UsageError
from deepglass.foundation.words import LANGUAGES, choose_language, has, say

FAILED, USAGE, INTERRUPTED = 1, 2, 130
LIMIT = re.compile(r".*(greater|less) than or equal to (\S+)$")  # in Typer's words
GLOBAL = ("--json", "--debug", "--yes")


def main(words: list[str] | None = None) -> None:
    """Run one command line and exit with its code."""
    words = sys.argv[1:] if words is None else words
    try:
        rest = _choose_language(words)
        if not rest or rest[0] in ("--help", "-h", "help"):
            print(overview())
        elif rest[0] == "--version":
            import importlib.metadata  # here, so that the overview does not wait for it

            print(importlib.metadata.version("deepglass"))
        else:
            run_verb(rest)
    except DeepglassError as error:
        _fail(words, error.code, str(error), error.exit_code)
    except KeyboardInterrupt:
        _fail(words, "interrupted", say("cli.interrupted"), INTERRUPTED)
    except BrokenPipeError:
        sys.exit(FAILED)
    except Exception as error:  # a defect of ours: one sentence, and the trace for those who ask
        _fail(words, "defect", say("cli.defect", kind=type(error).__name__, reason=error), FAILED)


def run_verb(words: list[str]) -> None:
    """Load the verb's file and hand it the words."""
    import typer  # here, so that the overview does not wait for it

    flags = [word for word in words if word in GLOBAL and words.index(word) < _place_of_verb(words)]
    verb = words[_place_of_verb(words)] if _place_of_verb(words) < len(words) else ""
    offered = catalogue.entries("cli")
    if verb not in offered:
        hint = catalogue.nearest(verb, offered)
        raise UsageError("cli.no_verb", name=verb, hint=hint, offered=", ".join(offered))
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command(name=verb, help=summary(verb))(catalogue.find("cli", verb))
    try:
        code = app(flags + words[_place_of_verb(words) + 1 :], prog_name=f"deepglass {verb}", standalone_mode=False)
    except Exception as error:
        if type(error).__name__ == "Abort":  # what click makes of Ctrl-C; Typer's own copy of it ends with 130
            raise KeyboardInterrupt from None
        if isinstance(error, DeepglassError) or not hasattr(error, "format_message"):
            raise
        raise UsageError("cli.usage", reason=_wrong(error, words), verb=verb) from None
    if code == INTERRUPTED:
        raise KeyboardInterrupt
    if isinstance(code, int) and code:
        sys.exit(code)


def overview() -> str:
    """The verbs with one line each."""
    names = list(catalogue.entries("cli"))
    width = max(map(len, names))
    lines = [f"  {name:<{width}}  {summary(name)}" for name in names]
    return "\n".join([*textwrap.wrap(say("cli.about")), "", say("cli.usage_line"), "", *lines, "", say("cli.begin")])


def summary(verb: str) -> str:
    """A verb in one line, in the reader's language."""
    return say(f"cli.verb_{verb}") if has(f"cli.verb_{verb}") else catalogue.entries("cli")[verb].summary


def _place_of_verb(words: list[str]) -> int:
    return next((place for place, word in enumerate(words) if word not in GLOBAL), len(words))


def _wrong(error: Any, words: list[str]) -> str:
    """What is wrong with the words of a verb, of the kinds that Typer knows; one that it adds later stays English."""
    kind, message = type(error).__name__, str(error.format_message()).strip().rstrip(".")
    name, parameter = getattr(error, "option_name", ""), getattr(error, "param", None)
    if kind == "NoSuchOption":
        offered = [word for one in error.ctx.command.params for word in one.opts if word.startswith("--")]
        number = re.match(r"-[\d.]", name)  # a row of numbers, and its first is negative
        return say("cli.no_option", name=name, hint=say("cli.dashes") if number else catalogue.nearest(name, offered))
    if name:
        return say("cli.takes_no_value" if "not take" in message else "cli.needs_value", name=name)
    if parameter is not None:
        shown = next((word for word in parameter.opts if word.startswith("--")), parameter.name)
        if kind == "MissingParameter":
            return say("cli.word_missing", name=shown)
        if limit := LIMIT.match(message):
            return say(f"cli.not_{limit[1]}", name=shown, value=_after(shown, words), limit=limit[2])
        return say("cli.bad_value", name=shown)
    extra = re.search(r"unexpected extra arguments? ?\S* \((.*)\)", message)
    return say("cli.words_left", words=extra[1]) if extra else f"{message}."


def _after(name: str, words: list[str]) -> str:
    """What stands behind an option, as --count 0 or --count=0."""
    last = ""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        last = following if word == name else word.partition("=")[2] if word.startswith(f"{name}=") else last
    return last


def _fail(words: list[str], code: str, message: str, exit_code: int) -> None:
    if "--debug" in words:
        traceback.print_exc()
    if "--json" in words:
        print(json.dumps({"error": {"code": code, "message": message, "exit_code": exit_code}}, ensure_ascii=False))
    print(message, file=sys.stderr)
    sys.exit(exit_code)


def _choose_language(words: list[str]) -> list[str]:
    """The words without --lang, which must be known before the first word is said."""
    rest: list[str] = []
    place = 0
    while place < len(words):
        word = words[place]
        if word == "--lang" or word.startswith("--lang="):
            wanted = word.partition("=")[2] or (words[place + 1] if place + 1 < len(words) else "")
            place += 1 if "=" in word else 2
            meant = {one[:2]: one for one in LANGUAGES}.get(
                re.split("[-_.]", wanted.lower())[0]
            )  # zh, zh_CN.UTF-8, en-GB
            if meant is None:
                raise UsageError("cli.no_language", name=wanted, offered=", ".join(LANGUAGES))
            choose_language(meant)
        else:
            rest.append(word)
            place += 1
    return rest


if __name__ == "__main__":
    main()
