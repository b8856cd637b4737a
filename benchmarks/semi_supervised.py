"""Few labelled digits and many unlabelled ones, beside the same network on the labels alone.

    python benchmarks/semi_supervised.py OUT --seeds 5 [--labelled 100] [--keep] [--kind semi] [--set train.epochs=20]
    python benchmarks/semi_supervised.py OUT --tune
    python benchmarks/semi_supervised.py OUT --summary

A seed draws which 100 of the 8,000 training digits keep their label (10 of each class), and all else; the 2,000 test
digits are the package's own. `alone` is the discriminator without a generator (semi_gan_alone), trained on the 100 by
the task classify with the same augmentation, on a schedule of its own: ALONE is the best of --tune, which tries rates
and lengths and judges them, in its favour, by the test digits of two draws that no seed uses. Nothing of `semi` was
tuned on them. A line of JSON says what each run came to, OUT/results.jsonl keeps all, --keep leaves the runs.
"""

import argparse
import itertools
import json
import shutil
import time
from pathlib import Path

import numpy as np

import deepglass as dg

COMMON = {"train.device": "auto", "data.val": 0, "data.cache": False}
TURNED = {"rotate": 10, "shift": 0.08, "scale": 0.1, "shear": 8}  # as the recipe has it
SAME = {"task.picture.size": 28, **{f"task.picture.augment.{name}": value for name, value in TURNED.items()}}
KINDS = {
    "semi": {"recipe": "semi_supervised"},
    "alone": {
        **{"task.name": "classify", "model.name": "semi_gan_alone", "train.batch": 64},
        **{"train.optimizer": "adamw", "train.schedule": "onecycle", "train.average": 0.99},
    },
}
ALONE = {"train.steps": 1500, "train.lr": 3e-3, "task.smoothing": 0.1}
TRIED = {"train.steps": (500, 1500, 4000), "train.lr": (1e-3, 3e-3, 6e-3), "task.smoothing": (0.0, 0.1)}
UNUSED = (1000, 1001)  # draws of labels that choose the schedule


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("out", type=Path)
    words.add_argument("--seeds", type=int, default=5)
    words.add_argument("--first", type=int, default=0, help="the first seed")
    words.add_argument("--labelled", type=int, default=100)
    words.add_argument("--kind", choices=tuple(KINDS), help="one of them alone")
    words.add_argument("--set", nargs="*", default=[], help="settings besides, such as train.epochs=20")
    words.add_argument("--keep", action="store_true", help="leave the runs' folders")
    words.add_argument("--tune", action="store_true", help="the schedule of the network on the labels alone")
    words.add_argument("--summary", action="store_true", help="what all runs say together; trains nothing")
    asked = words.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    if asked.summary:
        print(json.dumps(summary(asked.out / "results.jsonl"), indent=1))
        return
    if asked.tune:
        print(json.dumps(tuned(asked), indent=1))
        return
    given = dict(word.split("=", 1) for word in asked.set)
    for seed in range(asked.first, asked.first + asked.seeds):
        for kind in [asked.kind] if asked.kind else list(KINDS):
            line = trained(asked, kind, seed, (ALONE if kind == "alone" else {}) | given) | {"set": asked.set}
            print(json.dumps(line), flush=True)
            with (asked.out / "results.jsonl").open("a", encoding="utf8") as stream:
                stream.write(json.dumps(line) + "\n")


def trained(asked: argparse.Namespace, kind: str, seed: int, given: dict[str, object]) -> dict[str, object]:
    """One training and its figures on the 2,000 test digits."""
    folder = asked.out / f"{kind}-{asked.labelled}-{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    settings = {"seed": seed, "data.split_seed": seed} | COMMON | SAME | KINDS[kind] | given
    began, worked = time.perf_counter(), time.process_time()
    outcome = dg.train(f"digits-{asked.labelled}", out=folder, settings=settings)
    taken = {"seconds": time.perf_counter() - began, "processor_seconds": time.process_time() - worked}
    figures = {name: outcome.figures["test"][name].value for name in ("accuracy", "loss")}
    if not asked.keep:
        shutil.rmtree(folder)
    found = {"kind": kind, "seed": seed, "labelled": asked.labelled, **figures}
    return found | {name: round(value, 1) for name, value in taken.items()}


def tuned(asked: argparse.Namespace) -> list[dict[str, object]]:
    """Every schedule of TRIED, the best first, by the mean over draws that no seed uses."""
    found: list[dict[str, object]] = []
    for values in itertools.product(*TRIED.values()):
        given = dict(zip(TRIED, values, strict=True))
        runs = [trained(asked, "alone", seed, dict(given)) for seed in UNUSED]
        found.append({**given, "accuracy": float(np.mean([run["accuracy"] for run in runs]))})
        print(json.dumps(found[-1]), flush=True)
    return sorted(found, key=lambda one: -float(str(one["accuracy"])))


def summary(file: Path) -> dict[str, object]:
    """Mean, lowest and highest accuracy of each kind, the gap seed by seed, and which half of the goal it meets."""
    lines = [json.loads(line) for line in file.read_text(encoding="utf8").splitlines()]
    runs = {(one["kind"], one["seed"]): one for one in lines}  # the last of each
    seeds = sorted({seed for kind, seed in runs if all((other, seed) in runs for other in KINDS)})
    each = {kind: np.array([runs[kind, seed]["accuracy"] for seed in seeds]) for kind in KINDS}
    gaps = each["semi"] - each["alone"]
    found: dict[str, object] = {"seeds": seeds}
    for kind, values in {**each, "gap": gaps}.items():
        spread = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
        figures = {"mean": values.mean(), "deviation": spread, "lowest": values.min(), "highest": values.max()}
        found[kind] = {name: round(float(value), 4) for name, value in figures.items()}
    strong = each["alone"].mean() > 0.88
    found["reached"] = bool(each["semi"].mean() >= 0.96 if strong else gaps.mean() >= 0.08)
    return found


if __name__ == "__main__":
    main()
