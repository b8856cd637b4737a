"""Everything that people read, in English and Simplified Chinese: one TOML file per room, both languages side by side.

`say("data.empty_folder", path=p)` looks up table [empty_folder] of data.toml in the chosen language. A word that agrees
with a number names its two forms behind it: "{count} {count:step|steps}"; Chinese needs none. "{folder:quoted}" is one
word of a command line, whatever spaces a path has.
"""

import contextlib
import functools
import locale
import os
import re
import shlex
import string
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LANGUAGES = ("en", "zh-CN")
BREAKS = re.compile(r"[^\w@%+=:,./~-]")  # what would break a word of a command line, or mean something there
ONE = "1"  # as it is written; 0 and 1.0 are many

_chosen: list[str] = []


class _Filler(string.Formatter):
    """Fills in values; "{count:step|steps}" is the first word where the value is one, else the second."""

    def format_field(self, value: Any, format_spec: str) -> Any:
        if format_spec == "quoted":
            return shlex.quote(str(value)) if BREAKS.search(str(value)) else str(value)
        one, either, many = format_spec.partition("|")
        if not either:
            return super().format_field(value, format_spec)
        return one if str(value) == ONE else many


_filler = _Filler()


def choose_language(language: str) -> None:
    """Set the language of every later message: "en" or "zh-CN"."""
    _chosen[:] = [language]


def language() -> str:
    """The language in force: as chosen, else Chinese where the locale is Chinese, else English."""
    if _chosen:
        return _chosen[0]
    place = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or _system_locale()
    return "zh-CN" if place.lower().startswith("zh") else "en"


@contextlib.contextmanager
def speaking(lang: str | None) -> Iterator[None]:
    """Everything said inside is said in `lang`; None leaves the language in force."""
    before = list(_chosen)
    _chosen[:] = [lang] if lang else before
    try:
        yield
    finally:
        _chosen[:] = before


def say(key: str, /, lang: str | None = None, **values: object) -> str:
    """The message `key` in the language in force (or `lang`), filled with `values`."""
    room, _, name = key.partition(".")
    return _filler.vformat(_room(room)[name][lang or language()], (), values)


def has(key: str) -> bool:
    """Whether a message of that key exists."""
    room, _, name = key.partition(".")
    return (Path(__file__).parent / f"{room}.toml").is_file() and name in _room(room)


@functools.cache
def _room(room: str) -> dict[str, dict[str, str]]:
    return tomllib.loads((Path(__file__).parent / f"{room}.toml").read_text(encoding="utf-8"))


def _system_locale() -> str:
    return locale.getlocale()[0] or ""
