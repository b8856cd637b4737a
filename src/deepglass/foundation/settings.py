"""Settings are frozen dataclasses; any value can be set by its path, and every mistake is reported at once.

Layers, later ones win: defaults < recipe < file < command line. Each value remembers where it came from.
A section whose fields depend on a name (the model, the task) is a `Choice`: `model.name=mlp` picks the entry of the
catalogue, `model.activation=tanh` sets a field of that entry.
"""

import dataclasses
import json
import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter

from deepglass.foundation import catalogue
from deepglass.foundation.errors import SettingsError, UsageError
from deepglass.foundation.words import say

Settings = TypeVar("Settings")

JSON_SCALARS = (str, int, float, bool)
REASONS = {  # pydantic's kind of mistake -> our sentence, and where pydantic keeps the limit
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("at_least", "ge"),
    "less_than": ("below", "lt"),
    "less_than_equal": ("at_most", "le"),
    "float_parsing": ("number", ""),
    "float_type": ("number", ""),
    "int_parsing": ("whole_number", ""),
    "int_type": ("whole_number", ""),
    "int_from_float": ("whole_number", ""),
    "bool_parsing": ("yes_or_no", ""),
    "bool_type": ("yes_or_no", ""),
    "string_type": ("text", ""),
    "tuple_type": ("list", ""),
    "literal_error": ("one_of", "expected"),
    "missing": ("absent", ""),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """A named entry of a catalogue with its settings; written as one section `[model] name = ...`."""

    room: str
    name: str
    settings: Any


def choose(room: str, name: str) -> Choice:
    """The entry `name` of `room` with the settings it has in its catalogue."""
    return Choice(room, name, catalogue.find(room, name))


class Override(NamedTuple):
    """A value for the setting at `path`, as text from the command line or typed from a file, and where it came from."""

    path: str
    value: Any
    origin: str


def resolve(base: Settings, overrides: Iterable[Override]) -> tuple[Settings, dict[str, str]]:
    """`base` with the overrides applied in order, and the origin of each value that an override set.

    Raises SettingsError listing every unknown name and every bad value together.
    """
    overrides = list(overrides)
    problems: list[str] = []
    origins: dict[str, str] = {}
    names_first = sorted(overrides, key=lambda override: not override.path.endswith(".name"))  # a stable sort
    for override in names_first:
        try:
            base = _set(base, override.path.split("."), override)
            origins[override.path] = override.origin
        except UsageError as problem:
            problems.append(str(problem))
    if problems:
        raise SettingsError(problems)
    return base, origins


def flatten(settings: Any, prefix: str = "") -> dict[str, Any]:
    """Every setting by its path: {"train.lr": 0.1, "model.name": "mlp", ...}."""
    flat: dict[str, Any] = {}
    if isinstance(settings, Choice):
        return {f"{prefix}name": settings.name} | flatten(settings.settings, prefix)
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if dataclasses.is_dataclass(value):
            flat |= flatten(value, f"{prefix}{field.name}.")
        else:
            flat[prefix + field.name] = value
    return flat


def parse_assignments(words: Iterable[str], origin: str = "command line") -> list[Override]:
    """`["train.lr=0.1", "seed=7"]` as overrides."""
    found: list[Override] = []
    problems: list[str] = []
    for word in words:
        path, equals, value = word.partition("=")
        if equals and path and not path.startswith("-"):
            found.append(Override(path, value, origin))
        else:
            problems.append(say("settings.not_assignment", text=word))
    if problems:
        raise SettingsError(problems)
    return found


def read_toml(file: Path) -> list[Override]:
    """The settings of a TOML file as overrides; a table [origin], as run.toml has, is not a setting."""
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError("settings.no_file", file=file, reason=error.strerror or error) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError("settings.bad_file", file=file, reason=error) from None
    document.pop("origin", None)
    return [Override(path, value, str(file)) for path, value in _leaves(document)]


def to_toml(settings: Any, origins: Mapping[str, str]) -> str:
    """Every setting and, in a last table [origin], where each came from ("default" unless an override set it).

    A setting that is None is left out: TOML has no word for it, and None is then its default.
    """
    flat = {path: value for path, value in flatten(settings).items() if value is not None}
    tables: dict[str, list[str]] = {"": []}  # each once, whatever the order of fields and sections
    for path, value in flat.items():
        table, _, name = path.rpartition(".")
        tables.setdefault(table, []).append(f"{name} = {_toml(value)}")
    lines = tables.pop("")
    for table, own in tables.items():
        lines += ["", f"[{table}]", *own]
    lines += ["", "[origin]"]
    lines += [f'"{path}" = {_toml(origins.get(path, "default"))}' for path in flat]
    return "\n".join(lines) + "\n"


def to_json(value: Any) -> Any:
    """Settings, facts and figures as plain JSON: dataclasses to objects, tuples to lists."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None  # JSON has no NaN; a figure that does not exist is null
    return value if isinstance(value, JSON_SCALARS) or value is None else str(value)


def from_json(kind: type[Settings], document: Any, file: str = "") -> Settings:
    """A dataclass of type `kind` out of JSON, every field checked; the opposite of `to_json`."""
    try:
        return TypeAdapter(kind).validate_python(document)
    except ValueError as error:
        raise SettingsError([say("settings.bad_document", file=file, reason=_reason(error, with_place=True))]) from None


def _set(settings: Any, path: list[str], override: Override) -> Any:
    if isinstance(settings, Choice):
        if path == ["name"]:
            same = override.value == settings.name
            return settings if same else choose(settings.room, str(override.value))
        return replace(settings, settings=_set(settings.settings, path, override))
    name, rest = path[0], path[1:]
    fields = {field.name: getattr(settings, field.name) for field in dataclasses.fields(settings)}
    if name not in fields or bool(rest) != dataclasses.is_dataclass(fields[name]):
        raise _unknown(settings, name, override.path, fields)
    if rest:
        return replace(settings, **{name: _set(fields[name], rest, override)})
    hint = get_type_hints(type(settings), include_extras=True)[name]
    return replace(settings, **{name: _check(hint, override)})


def _unknown(settings: Any, name: str, path: str, fields: Mapping[str, Any]) -> UsageError:
    owner = type(settings).__name__.removesuffix("Settings").removesuffix("Config")
    if name in fields and path.split(".")[-1] == name:
        inner = [inside for inside in flatten(fields[name]) if "." not in inside]
        return UsageError("settings.section", path=path, first=inner[0], known=", ".join(inner))
    return UsageError(
        "settings.unknown",
        owner=owner,
        name=name,
        path=path,
        hint=catalogue.nearest(name, fields),
        known=", ".join(fields),
    )


def _check(hint: Any, override: Override) -> Any:
    """The override's value as the annotation wants it; command-line text is tried as TOML first, then as plain text."""
    adapter = TypeAdapter(hint)
    candidates = [override.value]
    if isinstance(override.value, str):
        parts = [part.strip() for part in override.value.strip("[]()").split(",") if part.strip()]
        candidates = [*_as_toml(override.value), override.value, parts]  # a list of one needs no comma
    reason = ""
    for candidate in candidates:
        try:
            return adapter.validate_python(candidate)
        except ValueError as error:
            reason = reason or _reason(error)
    allowed = _choices(hint)
    if allowed:
        raise UsageError("settings.choose", path=override.path, value=override.value, allowed=", ".join(allowed))
    raise UsageError("settings.bad", path=override.path, value=override.value, reason=reason)


def _choices(hint: Any) -> list[str]:
    if get_origin(hint) is Literal:
        return [str(choice) for choice in get_args(hint)]
    return [choice for part in get_args(hint) for choice in _choices(part)]


def _as_toml(text: str) -> list[Any]:
    try:
        return [tomllib.loads(f"v = {text}")["v"]]
    except tomllib.TOMLDecodeError:
        return []


def _reason(error: ValueError, with_place: bool = False) -> str:
    errors = getattr(error, "errors", None)
    if errors is None:
        return str(error)
    first = errors()[0]
    key, value = REASONS.get(first["type"], ("", ""))
    reason = str(first["msg"])[:1].lower() + str(first["msg"])[1:]
    if key:
        reason = say(f"settings.{key}", limit=first.get("ctx", {}).get(value, ""))
    place = ".".join(str(step) for step in first["loc"])
    return f"{place}: {reason}" if with_place and place else reason


def _leaves(document: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in document.items():
        if isinstance(value, Mapping):
            found += _leaves(value, f"{prefix}{key}.")
        else:
            found.append((prefix + key, value))
    return found


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace(
            "\x7f", "\\u007f"
        )  # the one that TOML refuses and JSON takes
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return repr(value)
