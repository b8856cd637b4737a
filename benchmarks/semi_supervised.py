"""Few labelled digits and many unlabelled ones, beside the same network on the labels alone.

    python benchmarks/semi_supervised.py OUT --seeds 5 [--labelled 100] [--keep] [--kind semi] [--set train.epochs=20]
    python benchmarks/semi_supervised.py OUT --tune
    python benchmarks/semi_supervised.py OUT --seeds 5 --kind none       and generated, generated_augmented
    python benchmarks/semi_supervised.py OUT --summary

A seed draws which 100 of the 8,000 training digits keep their label (10 of each class), and all else; the 2,000 test
digits are the package's own. `alone` is the discriminator without a generator (semi_gan_alone), trained on the 100 by
the task classify with the same augmentation, on a schedule of its own: ALONE is the best of --tune, which tries rates
and lengths and judges them, in its favour, by the test digits of two draws that no seed uses. Nothing of `semi` was
tuned on them.

The course's own way, on the same network, schedule and draws as `alone` (which is the augmented one): `none` has no
augmentation, `generated` learns from --made pictures besides (train.generated), and generated_augmented has both. They
are made by a cgan that learned from the same 100 digits and nothing else, --painted steps of it (OUT/painter-100-SEED).

A line of JSON says what each run came to, OUT/results.jsonl keeps all, --keep leaves the runs.
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
NETWORK = {
    **{"task.name": "classify", "model.name": "semi_gan_alone", "train.batch": 64},
    **{"train.optimizer": "adamw", "train.schedule": "onecycle", "train.average": 0.99},
}
PLAIN = {"task.picture.size": 28, **{f"task.picture.augment.{name}": 0 for name in TURNED}}  # the recipe moves digits
KINDS = {
    "semi": {"recipe": "semi_supervised"} | SAME,
    "alone": NETWORK | SAME,
    "none": NETWORK | PLAIN,
    "generated": NETWORK | PLAIN,
    "generated_augmented": NETWORK | SAME,
}
PAINTER = {
    **{"task.name": "generate_images", "model.name": "cgan", "model.features": 32, "task.picture.size": 28},
    **{"train.batch": 64, "task.adaptive": 0.6, "task.adaptive_over": 50_000},
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
    words.add_argument("--kind", choices=tuple(KINDS), help="one of them alone; else semi and alone")
    words.add_argument("--made", type=int, default=2000, help="pictures that train.generated adds")
    words.add_argument("--painted", type=int, default=1500, help="steps of the network that makes them")
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
        for kind in [asked.kind] if asked.kind else ["semi", "alone"]:
            line = trained(asked, kind, seed, ({} if kind == "semi" else ALONE) | given) | {"set": asked.set}
            print(json.dumps(line), flush=True)
            with (asked.out / "results.jsonl").open("a", encoding="utf8") as stream:
                stream.write(json.dumps(line) + "\n")


def trained(asked: argparse.Namespace, kind: str, seed: int, given: dict[str, object]) -> dict[str, object]:
    """One training and its figures on the 2,000 test digits."""
    folder = asked.out / f"{kind}-{asked.labelled}-{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    settings = {"seed": seed, "data.split_seed": seed} | COMMON | KINDS[kind] | given
    if kind.startswith("generated"):
        settings["train.generated"] = f"{painter(asked, seed)}:{asked.made}"
    began, worked = time.perf_counter(), time.process_time()
    outcome = dg.train(f"digits-{asked.labelled}", out=folder, settings=settings)
    taken = {"seconds": time.perf_counter() - began, "processor_seconds": time.process_time() - worked}
    figures = {name: outcome.figures["test"][name].value for name in ("accuracy", "loss")}
    if not asked.keep:
        shutil.rmtree(folder)
    found = {"kind": kind, "seed": seed, "labelled": asked.labelled, **figures}
    return found | {name: round(value, 1) for name, value in taken.items()}


def painter(asked: argparse.Namespace, seed: int) -> Path:
    """The run that makes pictures after this seed's labelled digits, trained where it is not there yet."""
    folder = asked.out / f"painter-{asked.labelled}-{seed}"
    if not (folder / "bundle").is_dir():
        shutil.rmtree(folder, ignore_errors=True)
        settings = {"seed": seed, "data.split_seed": seed, "train.steps": asked.painted} | COMMON | PAINTER
        outcome = dg.train(f"digits-{asked.labelled}", out=folder, settings=settings)
        print(json.dumps({"kind": "painter", "seed": seed, "seconds": round(outcome.seconds, 1)}), flush=True)
    return folder


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
    """Mean, lowest and highest accuracy of each kind, its gap to `alone` seed by seed, and which goal semi meets."""
    lines = [json.loads(line) for line in file.read_text(encoding="utf8").splitlines()]
    runs = {(one["kind"], one["seed"]): one["accuracy"] for one in lines}  # the last of each
    kinds = [kind for kind in KINDS if any(one == kind for one, _ in runs)]
    seeds = sorted({seed for _, seed in runs if all((kind, seed) in runs for kind in kinds)})
    each = {kind: np.array([runs[kind, seed] for seed in seeds]) for kind in kinds}
    gaps = {f"{kind} - alone": each[kind] - each["alone"] for kind in kinds if "alone" in each and kind != "alone"}
    found: dict[str, object] = {"seeds": seeds}
    for kind, values in {**each, **gaps}.items():
        spread = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
        figures = {"mean": values.mean(), "deviation": spread, "lowest": values.min(), "highest": values.max()}
        found[kind] = {name: round(float(value), 4) for name, value in figures.items()}
    if "semi - alone" in gaps:
        strong = each["alone"].mean() > 0.88
        found["reached"] = bool(each["semi"].mean() >= 0.96 if strong else gaps["semi - alone"].mean() >= 0.08)
    return found


if __name__ == "__main__":
    main()
