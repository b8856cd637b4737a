"""Memory and the first batch of a shuffled epoch over an index of many examples in a real .npz file.

python benchmarks/data_index.py [--examples 10000000] [--columns 8]

Two processes write nothing and differ only in the number of examples; printed: resident memory of each after the first
batch, at most while it was being made, and the seconds from an open index to the first batch (parts drawn, answers
coded, statistics of the keyed sample, one shuffled batch of 128).
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

LOOK = """
import json, sys, time
import numpy as np
from deepglass.data.recognise import recognise
from deepglass.data.settings import DataSettings
from deepglass.data.split import parts_of
from deepglass.foundation import catalogue
from deepglass.material import gather

def memory(name):
    line = next(line for line in open("/proc/self/status") if line.startswith(name))
    return int(line.split()[1]) / 1024

data = DataSettings()
began = time.perf_counter()
source = recognise(sys.argv[1], data)
opened = time.perf_counter()
parts = parts_of(source.index, data)
classify = catalogue.find("tasks", "classify")
facts = classify.learn(source.index.take(np.flatnonzero(parts == "train")), (0, 0), 0)
found = gather(source, classify.build(facts), parts, data, "classify", lambda done, of: None)
del parts
found.task.settle(found.statistics())
batch = found.loader(128, 0, "shuffled").batch(0)
done = time.perf_counter()
assert len(batch) == 128 and batch["input"].shape[0] == 128 and len(set(batch.ids)) == 128
print(json.dumps([memory("VmRSS"), memory("VmHWM"), opened - began, done - opened]))
"""


def look(file: Path) -> list[float]:
    """Resident MB after the first batch and at most, seconds to open and to the first batch."""
    said = subprocess.run([sys.executable, "-c", LOOK, str(file)], check=True, capture_output=True, text=True)
    return json.loads(said.stdout.splitlines()[-1])


def written(file: Path, examples: int, columns: int) -> Path:
    """Made examples of ten classes."""
    draw = np.random.default_rng(0)
    inputs = draw.standard_normal((examples, columns), dtype=np.float32)
    np.savez(file, x=inputs, y=draw.integers(0, 10, examples, dtype=np.uint8))
    return file


def main() -> None:
    words = argparse.ArgumentParser()
    words.add_argument("--examples", type=int, default=10_000_000)
    words.add_argument("--columns", type=int, default=8)
    asked = words.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        few = look(written(Path(folder) / "few.npz", 10_000, asked.columns))
        many = look(written(Path(folder) / "many.npz", asked.examples, asked.columns))
    for count, (after, most, opened, first) in ((10_000, few), (asked.examples, many)):
        print(
            f"{count}: {after:.0f} MB ({most:.0f} at most), opened in {opened:.2f} s, first batch after {first:.2f} s"
        )
    print(f"more by {many[0] - few[0]:.0f} MB ({many[1] - few[1]:.0f} at most)")


if __name__ == "__main__":
    main()
