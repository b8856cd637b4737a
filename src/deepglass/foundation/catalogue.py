"""A room is its own register: a file offers `CATALOGUE = {"name": entry}` and nothing else is edited.

The keys are read from the source by `ast`, so listing needs no torch and a broken file fails alone; a file is imported
when one of its entries is asked for. This is the only file that imports by name.
"""

import ast
import difflib
import functools
import importlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepglass.foundation.errors import UsageError
from deepglass.foundation.words import say

PACKAGE = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a name is offered: the module to import, and the first line of its docstring."""

    name: str
    module: str
    summary: str


def entries(room: str) -> dict[str, Entry]:
    """Every name that `room` ("models", "data.sources") offers, in alphabetical order, without importing its files."""
    found: dict[str, Entry] = {}
    for file in sorted(PACKAGE.joinpath(*room.split(".")).glob("*.py")):
        module = f"deepglass.{room}.{file.stem}"
        for entry in _read(file, module, file.stat().st_mtime_ns):
            if entry.name in found:
                raise UsageError("catalogue.clash", name=entry.name, first=found[entry.name].module, second=module)
            found[entry.name] = entry
    return dict(sorted(found.items()))


def find(room: str, name: str) -> Any:
    """The entry `name` of `room`, its file imported now; an unknown name is answered with its neighbours."""
    offered = entries(room)
    if name not in offered:
        raise UsageError(
            "catalogue.missing", room=room, name=name, hint=nearest(name, offered), offered=", ".join(offered)
        )
    return importlib.import_module(offered[name].module).CATALOGUE[name]


def verb(name: str) -> Any:
    """The module of the command-line verb `name`: cli/NAME.py, imported now."""
    return importlib.import_module(f"deepglass.cli.{name}")


def local(place: str) -> Any:
    """What `./net.py:MyNet` names in a file of the user's; only ever called with words of their command line."""
    file, _, name = place.rpartition(":")
    spec = importlib.util.spec_from_file_location(Path(file).stem, file) if Path(file).is_file() else None
    if spec is None or spec.loader is None:
        raise UsageError("catalogue.no_local_file", file=file, name=name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not hasattr(module, name):
        raise UsageError("catalogue.no_local_name", file=file, name=name, hint=nearest(name, vars(module)))
    return getattr(module, name)


def nearest(name: str, known: object) -> str:
    """A "did you mean" clause for `name` among the strings in `known`, or nothing."""
    close = difflib.get_close_matches(name, list(known), n=2, cutoff=0.6)  # pyright: ignore
    return say("settings.meant", names=", ".join(close)) if close else ""


@functools.cache
def _read(file: Path, module: str, _changed: int) -> tuple[Entry, ...]:
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except SyntaxError:  # a broken file fails alone: it offers nothing until it is asked for by a test
        return ()
    summary = (ast.get_docstring(tree) or "").split("\n")[0]
    for node in tree.body:
        targets = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [None])
        target = targets[0]
        if isinstance(target, ast.Name) and target.id == "CATALOGUE":
            keys = node.value.keys if isinstance(node.value, ast.Dict) else [None]  # pyright: ignore
            if not all(isinstance(key, ast.Constant) and isinstance(key.value, str) for key in keys):
                raise UsageError("catalogue.unreadable", file=file, line=node.lineno)
            return tuple(Entry(str(key.value), module, summary) for key in keys)  # pyright: ignore
    return ()
