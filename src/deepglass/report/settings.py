"""How to repeat it: the command, every setting with where it came from, the plan and the machine."""

import json
import shlex
import tomllib
from pathlib import Path
from typing import Any

from deepglass.foundation.errors import RunFailed
from deepglass.foundation.sealed import read_document
from deepglass.foundation.settings import Choice, flatten, from_json, to_json
from deepglass.foundation.words import say
from deepglass.networks import EXTERNAL
from deepglass.report.case import Case
from deepglass.report.section import Section
from deepglass.views.table import Table

DATA = "data"  # the origin of what was fitted to the data


def settings(case: Case) -> Section:
    """What was chosen stands open, what was left as it was is one click away."""
    folder = case.run.folder
    written = tomllib.loads((folder / "run.toml").read_text(encoding="utf-8"))
    given: dict[str, str] = written.get("origin", {})
    values, origins = _in_force(case, given)
    rows = [[path, _written(value), _origin(origins.get(path, "default"))] for path, value in values.items()]
    chosen = [row for row in rows if origins.get(str(row[0]), "default") != "default"]
    machine, plan = _written_down(folder / "machine.json"), _written_down(folder / "plan.json")
    heads = [say(f"report.column_{name}") for name in ("setting", "value", "origin")]
    command = repeat(case.run.settings, given)
    return Section(
        "settings",
        say("report.lead_settings"),
        code=command,
        tables=[Table(heads, chosen)],
        folded=[
            Table(heads, rows, say("report.all_settings", count=len(rows))),
            Table(heads[:2], [[name, _written(value)] for name, value in plan.items()], say("report.plan")),
            Table(heads[:2], [[name, _written(value)] for name, value in machine.items()], say("report.machine")),
        ],
        figures={
            "command": command,
            "settings": {
                path: {"value": to_json(v), "origin": origins.get(path, "default")} for path, v in values.items()
            },
            "plan": plan,
            "machine": machine,
        },
    )


def _in_force(case: Case, given: dict[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Every setting as the run used it: of the model what the data made of it, which the bundle holds."""
    values, chosen = flatten(case.run.settings), case.run.settings.model
    document = case.run.bundle.document["model"]
    settings = from_json(type(chosen.settings), document["settings"], chosen.name)
    fitted = flatten(Choice("models", chosen.name, settings), "model.")
    changed = {path for path, value in fitted.items() if path not in values or values[path] != value}
    found: dict[str, Any] = {}
    for path, value in values.items():
        found |= fitted if path == "model.name" else {} if path.startswith("model.") else {path: value}
    origins = {**given, **dict.fromkeys(changed, DATA)}
    return {path: value for path, value in found.items() if value is not None}, origins


def repeat(chosen: Any, origins: dict[str, str]) -> str:
    """The command line that leads to the same settings: those that neither a default nor the recipe set."""
    words = ["deepglass", "train", str(chosen.data.place)]
    size = chosen.recipe.rpartition(" ")[2]
    if size in ("tiny", "small", "paper"):
        words.append(f"--size {size}")
    if chosen.model.name == EXTERNAL:
        words.append("--model ./net.py:MyNet")  # its code is the user's; only they know the file
    for path, value in flatten(chosen).items():
        origin = origins.get(path, "default")
        if path != "data.place" and value != EXTERNAL and origin != "default" and not origin.startswith("recipe"):
            words.append(f"{path}={_written(value)}")
    return " ".join(
        [*words[:2], *(word if word.startswith(("--size ", "--model ")) else shlex.quote(word) for word in words[2:])]
    )


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ",".join(map(_written, value))
    return value if isinstance(value, str) else json.dumps(to_json(value), ensure_ascii=False)


def _origin(origin: str) -> str:
    if origin == "default":
        return say("report.origin_default")
    if origin == DATA:
        return say("report.origin_data")
    if origin == "command line" or origin.startswith("--"):
        return say("report.origin_command", flag=f" {origin}" if origin.startswith("--") else "")
    return say("report.origin_recipe", name=origin.removeprefix("recipe ")) if origin.startswith("recipe ") else origin


def _written_down(file: Path) -> dict[str, Any]:
    """What the run's first life noted; nothing where that was lost."""
    try:
        return read_document(file)
    except (OSError, ValueError, RunFailed):
        return {}
