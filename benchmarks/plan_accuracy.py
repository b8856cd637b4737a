"""Whether a measured plan learns what plain fp32 learns: the same runs with the plan on and off, in turn, seed by seed.

    python benchmarks/plan_accuracy.py digits --seeds 3
    python benchmarks/plan_accuracy.py CIFAR --seeds 2 --size tiny train.epochs=2

Prints each run's accuracy on the test part, both means, and the difference with its standard error over the seeds.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

import deepglass as dg

PLANS = ("auto", "plain")


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("data")
    words.add_argument("settings", nargs="*", help="path=value, as on the command line")
    words.add_argument("--seeds", type=int, default=3)
    words.add_argument("--size", default="small")
    asked = words.parse_intermixed_args()
    given = dict(one.split("=", 1) for one in asked.settings)
    found: dict[str, list[float]] = {plan: [] for plan in PLANS}
    for seed in range(asked.seeds):
        for plan in PLANS:
            with tempfile.TemporaryDirectory() as folder:
                settings = {**given, "seed": seed, "train.plan": plan}
                outcome = dg.train(asked.data, size=asked.size, out=str(Path(folder) / "run"), settings=settings)
                found[plan].append(float(outcome.figures["test"]["accuracy"].value))
                used = (outcome.run.folder / "plan.json").read_text()
            precision = "bf16" if '"bf16"' in used.split('"measured"')[0] else "fp32"
            print(f"seed {seed}, plan {plan} ({precision}): {found[plan][-1]:.4f}", flush=True)
    apart = [on - off for on, off in zip(*found.values(), strict=True)]
    error = statistics.stdev(apart) / len(apart) ** 0.5 if len(apart) > 1 else float("nan")
    for plan, each in found.items():
        print(f"plan {plan}: mean {statistics.mean(each):.4f} over {len(each)} seeds")
    print(f"difference {statistics.mean(apart):+.4f}, standard error {error:.4f}")


if __name__ == "__main__":
    main()
