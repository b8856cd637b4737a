"""deepglass end to end: dg.train on the .npz, told to train for an hour, ended when the clock has seen enough.

The recipe's augmentation, averaged weights, clipping and schedule are off, so that the work is that of the peers; the
plan is "auto". Steps are counted by the journal's events. The flag "plain" turns the plan off.
"""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from clock import Clock, Job
from rows import LETTERS, MARKS, ROWS, Row
from torch_nets import NETS, count

import deepglass as dg

HOUR = 60.0  # minutes: what the plan may reckon with
NEVER = 1e6
SIZES = {  # of the networks that the row makes, beside the ten classes
    "mlp": {"classes": 10, "hidden": (512, 256)},
    "char_lm": {"vocabulary": len(LETTERS) + MARKS, "outputs": len(LETTERS) + MARKS},
}
LETTERS_ALONE = {
    **{"task.text.vocabulary.level": "characters", "model.features": 64, "model.hidden": 512, "model.layers": 2},
    "model.dropout": 0.0,
}
STILL = {"flip": False, "crop_pad": 0, "resize_crop": 1.0, "rotate": 0.0, "shift": 0.0, "scale": 0.0, "shear": 0.0}


class Enough(Exception):
    """The clock has seen what it wanted."""


def settings_of(row: Row, job: Job) -> dict[str, object]:
    """The row's training: constant rate, nothing beside the steps themselves."""
    chosen: dict[str, object] = {
        "train.batch": row.batch,
        "train.optimizer": "sgd",
        "train.momentum": 0.9,
        "train.lr": row.lr,
        "train.weight_decay": 0.0,
        "train.schedule": "constant",
        "train.warmup": 0.0,
        "train.average": 0.0,
        "train.clip": 0.0,
        "train.check_epochs": NEVER,
        "train.save_minutes": NEVER,
        "train.plan": "plain" if "plain" in job.flags else "auto",
    }
    if row.channels:
        chosen |= {"task.smoothing": 0.0, "task.picture.size": 32 if job.row == "lenet5" else row.side}  # in a frame
        chosen |= {f"task.picture.augment.{name}": value for name, value in STILL.items()}
    else:
        chosen |= LETTERS_ALONE | {"data.passage": row.side, "data.val": 0.02, "data.test": 0.02}
    if job.row == "mlp":
        chosen["model.hidden"] = (512, 256)
    if job.epochs:
        return chosen | {"train.steps": job.epochs * row.epoch_steps}
    return chosen | {"train.minutes": HOUR}


def place_of(row: Row, job: Job) -> Path:
    """What deepglass is given: the examples as they are, or the letters as a file of text beside them."""
    file = Path(job.data)
    if row.channels:
        return file
    with np.load(file) as stored:
        file.with_suffix(".txt").write_text(str(stored["text"]))
    return file.with_suffix(".txt")


def main() -> None:
    job = Job.from_command_line()
    row = ROWS[job.row]
    clock = Clock(job, row.batch, row.epoch_steps)
    clock.mark("imported")
    out = Path(job.result).with_suffix(".run")
    shutil.rmtree(out, ignore_errors=True)
    plan: dict[str, object] = {}

    def watch(event: dict) -> None:
        if event["kind"] == "start":
            clock.mark("built")
            plan.update(event["plan"])
        if event["kind"] == "train" and clock.tick(event["step"] + 1, lambda: event["losses"]["loss"]):
            raise Enough

    torch.manual_seed(0)
    model = row.model or NETS[job.row]()
    try:
        dg.train(place_of(row, job), model=model, out=out, settings=settings_of(row, job), watchers=[watch])
    except Enough:
        pass
    clock.write(**about(job, row, model), version=f"torch {torch.__version__}", plan=plan)
    shutil.rmtree(out, ignore_errors=True)


def about(job: Job, row: Row, model: object) -> dict[str, int]:
    """Parameters, and multiply-accumulate steps of one example forward, as the graph counts them."""
    from deepglass.foundation.catalogue import find
    from deepglass.foundation.padded import Padded
    from deepglass.graph.cost import cost
    from deepglass.graph.trace import trace

    if row.model:
        config = find("models", row.model)
        model = replace(config, **SIZES.get(job.row, {"classes": 10})).build()
    if row.channels:
        side = 32 if job.row == "lenet5" else row.side
        one = torch.zeros(1, row.channels, side, side)
    else:
        one = Padded(torch.zeros(1, row.side, dtype=torch.int64), torch.tensor([row.side]))
    found = cost(trace(model, one))
    return {"parameters": count(model), "macs": found.macs}


if __name__ == "__main__":
    main()
