"""Train on synthetic, test on real: what made series are worth to a classifier, on sets of the UCR archive.

    python benchmarks/series_gan.py DATA [--sets ItalyPowerDemand] [--seeds 3] [--first 0] [--steps 0] [--keep F.json]

DATA as for benchmarks/series.py. Of each set's training part alone `series_gan` learns by the recipe as it is (or so
many steps), makes as many series of each class as the training part has, and ten times as many. Two classifiers learn
from the real series, from the made ones, and from both together, and name the classes of the real test part: the
nearest neighbour under dynamic time warping, and `series_lstm` as the recipe for series trains it. Neighbours among
made series are as good as among real ones only where these lie in the same places. Mean over seeds, and their spread.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from series import warped

import deepglass as dg
from deepglass.data.recognise import recognise
from deepglass.data.settings import DataSettings

SETS = ("ItalyPowerDemand",)
TIMES = 10  # as many made series as real ones, and so many times as many
Part = tuple[np.ndarray, np.ndarray]  # series float (N, T, C) and their labels (N,)


def main() -> None:
    words = argparse.ArgumentParser()
    words.add_argument("data", type=Path)
    words.add_argument("--sets", nargs="+", default=list(SETS))
    words.add_argument("--seeds", type=int, default=3)
    words.add_argument("--first", type=int, default=0, help="the first seed")
    words.add_argument("--steps", type=int, default=0)
    words.add_argument("--keep", type=Path)
    asked = words.parse_args()
    known = json.loads(asked.keep.read_text()) if asked.keep and asked.keep.exists() else {}
    seeds = range(asked.first, asked.first + asked.seeds)
    for name in asked.sets:
        for seed in seeds:
            if f"{name}/{seed}" not in known:
                known[f"{name}/{seed}"] = compared(asked.data / name / f"{name}_TRAIN.ts", seed, asked.steps)
                print(name, seed, json.dumps(known[f"{name}/{seed}"]), flush=True)
                if asked.keep:
                    asked.keep.write_text(json.dumps(known))
    print(table({name: [known[f"{name}/{seed}"] for seed in seeds] for name in asked.sets}))


def compared(place: Path, seed: int, steps: int) -> dict[str, float]:
    """Accuracies of both classifiers on the real test part, by what they learned from; and how the made ones look."""
    real, test = parts_of(place)
    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder)
        only_training(own / "real.npz", real, ([], []))
        found, made = learned(own, real, seed, steps)
        sets = {"real": real, "made": made[1], f"made x{TIMES}": made[TIMES], "both": together(real, made[TIMES])}
        for name, part in sets.items():
            found[f"neighbour, {name}"] = neighbour(part, test)
            file = own / f"{name.replace(' ', '')}.npz"
            only_training(file, part, test)
            settings = {"seed": seed, "data.layout": "series_npz"}
            run = dg.train(file, model="series_lstm", out=own / f"run {name}", settings=settings, progress=False)
            found[f"series_lstm, {name}"] = run.figures["test"]["accuracy"].value
    return found


def learned(folder: Path, real: Part, seed: int, steps: int) -> tuple[dict[str, float], dict[int, Part]]:
    """A generator that saw the training part alone: its figures, and what it made, once and ten times as many."""
    began = time.perf_counter()
    settings = {"seed": seed, "data.layout": "series_npz", "data.test": 0.0} | ({"train.steps": steps} if steps else {})
    run = dg.train(folder / "real.npz", task="generate_series", out=folder / "gan", settings=settings, progress=False)
    found = {name: figure.value for name, figure in next(iter(run.figures.values())).items()}
    found["seconds"] = time.perf_counter() - began
    bundle = run.run.bundle
    made: dict[int, Part] = {}
    for times in (1, TIMES):
        labels, counts = np.unique(real[1], return_counts=True)
        wanted = dict(zip(labels.tolist(), (times * counts).tolist(), strict=True))
        rows = [row for label, n in wanted.items() for row in bundle.series(n, str(label), seed)]
        made[times] = np.stack(rows), np.repeat(labels, times * counts)
    return found, made


def parts_of(place: Path) -> tuple[Part, Part]:
    """The archive's training and test part."""
    source = recognise(str(place), DataSettings())
    rows = np.stack([source.read(row) for row in range(len(source.index))])
    labels, parts = np.array(list(source.index.labels)), np.array(list(source.index.parts))
    return (rows[parts == "train"], labels[parts == "train"]), (rows[parts == "test"], labels[parts == "test"])


def only_training(file: Path, train: Part, test: tuple) -> None:
    """An archive that the layout series_npz reads."""
    held = {"x_test": test[0], "y_test": test[1]} if len(test[0]) else {}
    np.savez(file, x_train=train[0], y_train=train[1], **held)


def together(one: Part, other: Part) -> Part:
    return np.concatenate([one[0], other[0]]), np.concatenate([one[1], other[1]])


def neighbour(train: Part, test: Part) -> float:
    """The share of test series whose nearest series of these has their class."""
    known = train[0].astype(np.float64)
    nearest = [int(warped(row, known).argmin()) for row in test[0].astype(np.float64)]
    return float((train[1][nearest] == test[1]).mean())


def table(found: dict[str, list[dict[str, float]]]) -> str:
    """A row for each classifier and what it learned from, a column for each set."""
    lines = [f"| | {' | '.join(found)} |", f"|---|{'---|' * len(found)}"]
    for name in next(iter(found.values()))[0]:
        cells = []
        for runs in found.values():
            values = [run[name] for run in runs]
            spread = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
            cells.append(f"{statistics.mean(values):.3f}{spread}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
