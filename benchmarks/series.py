"""The recipe for series against 1-NN with dynamic time warping, on sets of the UCR archive: a Markdown table.

    python benchmarks/series.py DATA [--sets GunPoint ArrowHead] [--seeds 5] [--keep RESULTS.json]

DATA holds NAME/NAME_TRAIN.ts and NAME/NAME_TEST.ts, as the package aeon 1.6.0 of PyPI brings them in
aeon/datasets/data. The split is the archive's. A network is what `deepglass train NAME_TRAIN.ts` gives, without any
other word but the seed; what is shown is the mean over seeds and the sample's standard deviation. The neighbour is
found by the full, exact distance (no window), all rows of a set at once, one diagonal of the table after the other.
With --keep, what is there already is not computed again, so that the script may be run in pieces.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import deepglass as dg
from deepglass.data.recognise import recognise
from deepglass.data.settings import DataSettings

SETS = ("GunPoint", "ArrowHead", "OSULeaf", "ACSF1", "ItalyPowerDemand")


def main() -> None:
    words = argparse.ArgumentParser()
    words.add_argument("data", type=Path)
    words.add_argument("--sets", nargs="+", default=list(SETS))
    words.add_argument("--seeds", type=int, default=5)
    words.add_argument("--keep", type=Path)
    asked = words.parse_args()
    known = json.loads(asked.keep.read_text()) if asked.keep and asked.keep.exists() else {}

    def keep() -> None:
        if asked.keep:
            asked.keep.write_text(json.dumps(known))

    for name in asked.sets:
        place = asked.data / name / f"{name}_TRAIN.ts"
        found = known.setdefault(name, {"runs": {}})
        for seed in map(str, range(asked.seeds)):
            if seed not in found["runs"]:
                found["runs"][seed] = trained(place, int(seed))
                print(name, seed, found["runs"][seed], flush=True)
                keep()
        if "neighbour" not in found:
            neighbour(place, found, keep)
            keep()
    print(table({name: known[name] for name in asked.sets}))


def trained(place: Path, seed: int) -> dict[str, float]:
    """One training by the recipe as it is."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        outcome = dg.train(place, out=Path(folder) / "run", settings={"seed": seed}, progress=False)
    return {"accuracy": outcome.figures["test"]["accuracy"].value, "seconds": time.perf_counter() - began}


def neighbour(place: Path, found: dict, keep: Callable[[], None]) -> None:
    """The share of test series whose nearest training series has their class; `found` remembers how far it got."""
    source = recognise(str(place), DataSettings())
    rows = np.stack([source.read(row) for row in range(len(source.index))]).astype(np.float64)
    labels, parts = np.array(list(source.index.labels)), np.array(list(source.index.parts))
    train, test = parts == "train", parts == "test"
    found |= {"train": int(train.sum()), "test": int(test.sum()), "length": rows.shape[1]}
    nearest = found.setdefault("nearest", [])
    for one in rows[test][len(nearest) :]:
        nearest.append(int(warped(one, rows[train]).argmin()))
        keep()
    found["neighbour"] = float((labels[train][nearest] == labels[test]).mean())


def warped(one: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The squared distances under dynamic time warping of one series to all others. (T, C), (N, T, C) -> (N,)

    D(i, j) = |a_i - b_j|² + min(D(i-1, j), D(i, j-1), D(i-1, j-1)): a diagonal i + j depends on the two before alone.

    >>> warped(np.array([[0.0], [0], [1]]), np.array([[[0.0], [1], [1]], [[2.0], [2], [2]]])).tolist()
    [0.0, 9.0]
    """
    count, steps = others.shape[:2]
    turned = np.ascontiguousarray(others[:, ::-1].transpose(1, 2, 0))  # (T, C, N): a diagonal is one piece of memory
    before, last, now = (np.full((steps + 2, count), np.inf) for _ in range(3))  # by i + 1; outside the table is ∞
    for diagonal in range(2 * steps - 1):
        low, high = max(0, diagonal - steps + 1), min(diagonal, steps - 1)
        first = steps - 1 - diagonal + low
        apart = turned[first : first + high - low + 1] - one[low : high + 1, :, None]
        cost = np.square(apart, out=apart).sum(1)  # (places, N)
        if diagonal:
            best = np.minimum(last[low : high + 1], last[low + 1 : high + 2])
            cost += np.minimum(best, before[low : high + 1], out=best)
        now[low + 1 : high + 2] = cost
        now[low] = now[high + 2] = np.inf
        before, last, now = last, now, before
    return last[steps]


def table(found: dict[str, dict]) -> str:
    """Markdown: a line for each set."""
    lines = [
        "| set | train | test | length | 1-NN DTW | deepglass, mean ± spread | seeds | seconds a training |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, one in found.items():
        scores = [run["accuracy"] for run in one["runs"].values()]
        spread = statistics.stdev(scores) if len(scores) > 1 else 0.0
        seconds = statistics.median(run["seconds"] for run in one["runs"].values())
        lines.append(
            f"| {name} | {one['train']} | {one['test']} | {one['length']} | {one['neighbour']:.3f} "
            f"| {statistics.mean(scores):.3f} ± {spread:.3f} | {len(scores)} | {seconds:.0f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
