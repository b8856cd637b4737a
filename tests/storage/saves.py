"""Small saves for every test of storage: a state with all that a checkpoint can hold, alone or in a child process.

`python -m tests.storage.saves FOLDER [BUG]` makes six saves, where asked with a bug that the order law must see.
"""

import contextlib
import ctypes
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import torch
import torch._dynamo  # loaded by the first optimizer, which takes two seconds: once in the server, not in every child
from torch import Tensor

from deepglass.engine import checkpoint
from deepglass.engine.checkpoint import Checkpoints, restore
from deepglass.engine.loop import one_step
from deepglass.engine.state import State
from deepglass.foundation import sealed
from tests.engine.families import tensors
from tests.engine.test_loop import start, training

PR_SET_PTRACER, ANYONE = 0x59616D61, ctypes.c_ulong(-1)


def state_at(folder: Path, step: int) -> State:
    """A small GAN after so many steps: two optimizers, averages, a task's buffer and a carried pool."""
    task, state, rows, settings = start("gan")
    life = replace(training(folder, rows, settings, 1 << 20, None, state), log_every=1 << 40)
    while state.step < step:
        one_step(task, state, life, rows(state.step))
    return state


def restored(checkpoints: Checkpoints) -> tuple[int, dict[str, Tensor]]:
    """What a resume would begin with: the step and every tensor."""
    found, document, _ = checkpoints.newest()
    _, state, _, _ = start("gan")
    restore(state, found, document)
    return state.step, tensors(state)


def different(one: dict[str, Tensor], other: dict[str, Tensor]) -> list[str]:
    """The names under which two states are not equal bit for bit."""
    return [name for name in one.keys() | other.keys() if name not in one or not one[name].equal(other[name])]


def left_aside(folder: Path) -> list[Path]:
    """Temporaries that nobody took away."""
    return [path for path in folder.rglob(".*") if sealed.LEFT_ASIDE.fullmatch(path.name)]


def traced_child(folder: Path, now, failures) -> None:
    """Save 1 and 2; wait; save 3, which is interfered with; wait; save 4. `now` tells and is told where we are."""
    ctypes.CDLL(None).prctl(PR_SET_PTRACER, ANYONE)  # strace may attach although it is not our parent
    torch.set_num_threads(1)
    with open(os.devnull, "w") as quiet, contextlib.redirect_stderr(quiet):
        state, checkpoints = state_at(folder, 3), Checkpoints(folder)
        for step in (1, 2, 3, 4):
            if step > 2:
                now.value = 2 * step
                while now.value == 2 * step:
                    time.sleep(0.002)
            state.step = step
            checkpoints.save(state)
            checkpoints.wait()
            failures.value = len(checkpoints.failures)
    now.value = 99


def no_fsync() -> None:
    os.fsync = lambda handle: None


def rename_before_fsync() -> None:
    durably, place = sealed._write_durably, sealed._into_place
    late: list[str] = []

    def write(file, content):
        if file.parent.name.startswith(".step"):
            late.append(file.name)
        file.write_bytes(content)

    def into_place(aside, folder):
        place(aside, folder)
        for name in late:
            durably(folder / name, (folder / name).read_bytes())
        late.clear()

    sealed._write_durably, sealed._into_place = write, into_place


def parent_forgotten() -> None:
    whole = sealed._sync_folder
    sealed._sync_folder = lambda folder: whole(folder) if folder.name.startswith(".") else None


def folder_forgotten() -> None:
    sealed._make_folder = lambda folder: folder.mkdir(parents=True, exist_ok=True)


def not_read_back() -> None:
    sealed.verify = lambda folder: None


def latest_first() -> None:
    save = checkpoint.write_sealed

    def write_sealed(folder, files):
        sealed.write_text(folder.parent / "latest", folder.name)
        save(folder, files)

    checkpoint.write_sealed = write_sealed


def pruned_first() -> None:
    save = checkpoint.write_sealed

    def write_sealed(folder, files):
        for old in sorted(folder.parent.glob("step-*"))[:-1]:
            sealed.remove_sealed(old)
        save(folder, files)

    checkpoint.write_sealed = write_sealed


BUGS = (no_fsync, rename_before_fsync, parent_forgotten, folder_forgotten, not_read_back, latest_first, pruned_first)


def main(folder: Path, bug: str = "") -> None:
    """Six saves; with two kept, four of them prune."""
    for plant in BUGS:
        if plant.__name__ == bug:
            plant()
    state, checkpoints = state_at(folder, 1), Checkpoints(folder)
    for step in range(1, 7):
        state.step = step
        checkpoints.save(state)
    checkpoints.settle()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
