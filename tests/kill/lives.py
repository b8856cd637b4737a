"""One life of a small run in a process of its own: begin or go on, until the end, a signal or a kill.

`live` runs in a child forked from a server that has torch loaded already. What the child is doing right now stands in
shared memory, so that a kill can be aimed and counted; saves and checks are slowed a little, so that they can be hit.
"""

import contextlib
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch._dynamo  # loaded by the first optimizer, which takes two seconds: once here, not in every life

from deepglass.bundle import choose_model
from deepglass.cli.stop import StopSignals
from deepglass.data import loader
from deepglass.data.augment.pictures import PictureAugment
from deepglass.data.settings import DataSettings
from deepglass.data.sources.digits import FILE
from deepglass.engine import checkpoint
from deepglass.engine.settings import TrainSettings
from deepglass.foundation import sealed
from deepglass.foundation.errors import Stopped
from deepglass.foundation.settings import Choice
from deepglass.run import Run, RunSettings
from deepglass.tasks.classify import ClassifySettings
from deepglass.tasks.inputs import PictureSettings

READING, TRAINING, CHECKING = range(3)
MOVED = PictureAugment(rotate=10, shift=0.1, scale=0.1, mixup=0.4)
COMMON = TrainSettings(plan="plain", check_epochs=0.5, average=0.9, clip=5.0)


def settings(family: str, data: Path) -> RunSettings:
    """A small CNN; a residual network with BatchNorm in bf16; accumulation with Muon, which balances classes."""
    picture = PictureSettings(size=32 if family != "resnet" else 16, augment=MOVED)
    if family == "resnet":
        picture = replace(picture, augment=PictureAugment(flip=True, crop_pad=2, erase=0.5, cutmix=1.0))
    train = {
        "cnn": replace(COMMON, steps=48, batch=20, lr=3e-3, schedule="onecycle"),
        "resnet": replace(COMMON, steps=18, batch=12, lr=0.05, optimizer="sgd", precision="bf16"),
        "shards": replace(
            COMMON, steps=36, batch=25, lr=0.01, optimizer="muon", shards=3, schedule="plateau", plateau=1
        ),
    }[family]
    return RunSettings(
        seed=11,
        data=DataSettings(
            place=str(data / f"{family}.npz"), cache=False, sampling="balanced" if family == "shards" else "shuffled"
        ),
        task=Choice("tasks", "classify", ClassifySettings(picture=picture, smoothing=0.1)),
        model=choose_model("resnet20" if family == "resnet" else "lenet5"),
        train=train,
    )


FAMILIES = ("cnn", "resnet", "shards")


def write_data(folder: Path) -> None:
    """200 real digits, and 72 small colour pictures of three made kinds."""
    with np.load(FILE, allow_pickle=False) as stored:
        digits = {"x": stored["x"][:200], "y": stored["y"][:200]}
    for family in ("cnn", "shards"):
        np.savez(folder / f"{family}.npz", **digits)
    draw = np.random.default_rng(0)
    kinds = np.arange(72) % 3
    pixels = draw.integers(0, 120, (72, 16, 16, 3)) + 100 * np.eye(3, dtype=int)[kinds][:, None, None, :]
    np.savez(folder / "resnet.npz", x=pixels.astype(np.uint8), y=kinds)


def live(folder: Path, family: str, data: Path, now, saving, bug: str = "") -> None:
    """Train from where the run stands; exit code 0 at the end, 130 where a signal stopped it."""
    with open(os.devnull, "w") as quiet, contextlib.redirect_stderr(quiet):
        torch.set_num_threads(1)
        watch(now, saving)
        plant(bug)
        run = Run.open(folder) if (folder / "run.toml").is_file() else Run(folder, settings(family, data))
        if not (folder / "run.toml").is_file():
            run.write()
        with StopSignals() as stop:
            material = run.material()
            now.value = TRAINING
            try:
                run.train(asked_to_stop=stop, material=material)
            except Stopped as stopped:
                sys.exit(stopped.exit_code)


def watch(now, saving) -> None:
    """Note what is going on, and slow what is to be hit."""
    durably, whole, evaluate = sealed._write_durably, checkpoint.write_sealed, Run._evaluate

    def write_durably(file, content):
        durably(file, content)
        time.sleep(0.004)

    def write_sealed(place, files):
        saving.value += 1  # odd: inside a save
        whole(place, files)
        saving.value += 1

    def evaluated(*words):
        before, now.value = now.value, CHECKING
        time.sleep(0.004)
        found = evaluate(*words)
        time.sleep(0.004)
        now.value = before
        return found

    sealed._write_durably, checkpoint.write_sealed, Run._evaluate = write_durably, write_sealed, evaluated


def plant(bug: str) -> None:
    """Break the engine on purpose: the harness must see it."""
    if bug == "averages forgotten":
        whole = checkpoint.restore

        def restore(state, tensors, document):
            whole(state, tensors, document)
            state.averages = {name: value.clone() for name, value in state.model.state_dict().items()}

        sys.modules["deepglass.run"].restore = restore
    elif bug == "draws by the clock":
        loader.row_keys = lambda *_: torch.full((1,), time.time_ns()).repeat(_[-1])
    elif bug == "moments forgotten":
        checkpoint._load_optimizers = lambda state, slots: None
    elif bug:
        raise ValueError(f"No bug is called {bug}.")
