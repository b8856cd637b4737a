"""One life of a small run in a process of its own: begin or go on, until the end, a signal or a kill.

`live` runs in a child forked from a server that has torch loaded already. What the child is doing right now stands in
shared memory, which outlives it: so a kill can be aimed, and what it hit is known exactly. Saves and checks are slowed
a little, so that they can be hit.
"""

import contextlib
import ctypes
import json
import os
import sys
import time
from pathlib import Path

import torch
import torch._dynamo  # loaded by the first optimizer, which takes two seconds: once here, not in every life
import torch._inductor.compile_fx

from deepglass import journey
from deepglass.cli.stop import StopSignals
from deepglass.engine import checkpoint, loop
from deepglass.engine.compiled import graphs_compiled
from deepglass.foundation import sealed
from deepglass.foundation.errors import Stopped
from deepglass.foundation.settings import to_json
from deepglass.material import Material
from deepglass.run import Run
from tests.kill.bugs import plant
from tests.kill.families import FAMILIES

torch._inductor.config.compile_threads = 1  # a pool of compiling processes would outlive a kill
hall = sys.modules["deepglass.run"]


class Now(ctypes.Structure):
    """Where a life is; `saving` and `checking` count beginnings and ends, so that they are odd inside."""

    _fields_ = (
        ("training", ctypes.c_int),  # whether the loop runs: before it, data are read
        ("finishing", ctypes.c_int),  # whether the bundle is being written
        ("step", ctypes.c_int),
        ("first", ctypes.c_int),  # the step that this life began with
        ("saving", ctypes.c_int),
        ("checking", ctypes.c_int),
        ("graphs", ctypes.c_int),  # how many were compiled
    )


def live(folder: Path, family: str, data: Path, now: Now, bug: str = "") -> None:
    """Train from where the run stands; exit code 0 at the end, 130 where a signal stopped it."""
    with open(os.devnull, "w") as quiet, contextlib.redirect_stderr(quiet):
        torch.set_num_threads(1)
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(data / "inductor")  # compiled once, loaded by every later life
        watch(now)
        begun = (folder / "run.toml").is_file()
        plant(bug, resumed=any(folder.rglob("step-*")))
        own = FAMILIES[family].own()
        run = Run.open(folder, own) if begun else Run(folder, FAMILIES[family].settings(data), own=own)
        if not begun:
            run.write()
        try:
            with StopSignals() as stop:
                train(run, stop)
        except Stopped as stopped:
            sys.exit(stopped.exit_code)


def train(run: Run, stop: StopSignals) -> None:
    """A run of folds goes the way of the journey, up to its report; what the folds say together is kept."""
    if not run.settings.data.folds:
        run.train(asked_to_stop=stop)
        return
    journey.write_report = lambda *_: None  # takes longer than the folds, and draws only what is compared below
    outcome = journey.finish(run, (), stop, lambda done, of: None)
    (run.folder / "outcome.json").write_text(json.dumps(to_json(outcome.figures) | {"folds": outcome.folds}))


def watch(now: Now) -> None:
    """Note what is going on, and slow what is to be hit."""
    durably, whole, evaluate = sealed._write_durably, checkpoint.write_sealed, Material.evaluated
    step, finish, rounds = loop.one_step, Run._finish, hall.train

    def write_durably(file, content):
        durably(file, content)
        time.sleep(0.005)

    def write_sealed(place, files):
        now.saving += 1
        whole(place, files)
        now.saving += 1

    def evaluated(*words):
        if not now.training:
            return evaluate(*words)
        now.checking += 1
        time.sleep(0.01)
        found = evaluate(*words)
        time.sleep(0.01)
        now.checking += 1
        return found

    def one_step(task, state, *words):
        now.step = state.step
        step(task, state, *words)

    def all_rounds(task, state, training):
        now.first = now.step = state.step
        now.training = 1
        found = rounds(task, state, training)
        now.training, now.graphs = 0, graphs_compiled()
        return found

    def finished(*words):
        now.finishing = 1
        finish(*words)
        now.finishing = 0

    sealed._write_durably, checkpoint.write_sealed, Material.evaluated = write_durably, write_sealed, evaluated
    loop.one_step, Run._finish, hall.train = one_step, finished, all_rounds
