"""From `import torch` done to the first batch of a run, with no packed copy and with one.

python benchmarks/data_start.py DIR [--rounds 3] [--model resnet20]

Each start is a process of its own with a cache folder of its own. Cold: nothing packed (the system's own cache of the
files is dropped before where this process may); warm: the packed copy of the cold start. Printed: seconds, medians.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

START = """
import sys, tempfile, time
from pathlib import Path
began = time.perf_counter()
import torch
loaded = time.perf_counter()
from deepglass.engine.journal import Journal
from deepglass.foundation.settings import Override
from deepglass.journey import propose
from deepglass.run import Run
imported = time.perf_counter()
settings = {"model.name": sys.argv[2], "train.plan": "plain"}
proposal = propose(sys.argv[1], [Override(name, value, "bench") for name, value in settings.items()])
with tempfile.TemporaryDirectory() as folder:
    run = Run(Path(folder), proposal.settings, proposal.origins, source=proposal.source)
    material = run.material()
    training, state = run.training(material, Journal(Path(folder)))
    training.batch(0)
    done = time.perf_counter()
    material.store.finish()
print(loaded - began, imported - loaded, done - imported, time.perf_counter() - imported, material.store.reused)
"""


def start(place: str, model: str, cache: Path) -> list[float]:
    """Seconds: import torch, import deepglass, to the first batch, until all is read and packed."""
    said = subprocess.run(
        [sys.executable, "-c", START, place, model],
        env={**os.environ, "XDG_CACHE_HOME": str(cache)},
        check=True,
        capture_output=True,
        text=True,
    )
    *seconds, _ = said.stdout.split()[-5:]
    return [float(one) for one in seconds]


def main() -> None:
    words = argparse.ArgumentParser()
    words.add_argument("data")
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--model", default="resnet20")
    asked = words.parse_args()
    found: dict[str, list[list[float]]] = {"cold": [], "warm": []}
    for _ in range(asked.rounds):
        with tempfile.TemporaryDirectory() as folder:
            os.sync()
            with contextlib.suppress(OSError):
                Path("/proc/sys/vm/drop_caches").write_text("3")
            found["cold"].append(start(asked.data, asked.model, Path(folder)))
            found["warm"].append(start(asked.data, asked.model, Path(folder)))
    for name, rounds in found.items():
        torch, ours, first, whole = (statistics.median(column) for column in zip(*rounds, strict=True))
        firsts = ", ".join(f"{one[2]:.2f}" for one in rounds)
        print(f"{name}: torch {torch:.2f}, deepglass {ours:.2f}, first batch {first:.2f} ({firsts}), all {whole:.2f}")


if __name__ == "__main__":
    main()
