"""Plans remembered in the cache: what was measured for one machine, these versions, this network and its rows."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepglass.engine.loop import Training
from deepglass.engine.plan import Plan
from deepglass.engine.state import State
from deepglass.foundation.device import cache_folder, machine
from deepglass.foundation.errors import DeepglassError
from deepglass.foundation.sealed import write_text
from deepglass.foundation.settings import from_json, to_json
from deepglass.tasks.task import Task

VERSION = 1
DEPENDS_ON = ("torch", "processor", "instructions", "cores", "threads", "gpus")  # of the machine


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """A plan that agreed with plain fp32: steps a second, and seconds until its first step, compiling included."""

    plan: Plan
    speed: float
    first: float


def recall(task: Task, state: State, training: Training) -> list[Known]:
    """What was measured for just this; empty where nothing was, or the file cannot be read."""
    try:
        document = json.loads(_file(task, state, training).read_text(encoding="utf-8"))
        return [from_json(Known, one, "plans") for one in document]
    except (OSError, ValueError, TypeError, DeepglassError):
        return []


def remember(task: Task, state: State, training: Training, known: list[Known]) -> None:
    """Keep what was measured; where the cache cannot be written, the next run measures again."""
    file = _file(task, state, training)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_text(file, json.dumps([to_json(one) for one in known], indent=1) + "\n")
    except OSError:
        return


def forget(task: Task, state: State, training: Training) -> None:
    """So that the next choice is measured anew."""
    _file(task, state, training).unlink(missing_ok=True)


def _file(task: Task, state: State, training: Training) -> Path:
    """Named by all that the speed depends on."""
    here = machine()
    settings = training.settings
    rows = training.batch(0)
    depends: dict[str, Any] = {
        "version": VERSION,
        "machine": {name: here[name] for name in DEPENDS_ON},
        "device": str(training.device),
        "network": str(state.model),
        "weights": [[name, list(one.shape), one.requires_grad] for name, one in state.model.named_parameters()],
        "task": [type(task).__name__, repr(getattr(task, "settings", None))],  # what it augments and how it counts
        "rows": {name: str(getattr(column, "shape", "ragged")) for name, column in rows.columns.items()},
        "settings": [settings.batch, settings.shards, settings.optimizer, settings.precision, settings.layout],
        "updates": [settings.momentum > 0, settings.clip > 0, bool(state.averages)],
    }
    name = hashlib.sha256(json.dumps(depends).encode()).hexdigest()[:32]
    return cache_folder() / "plans" / f"{name}.json"
