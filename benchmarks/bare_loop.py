"""What a training step costs beside its arithmetic: our loop and a bare PyTorch loop with the same plan, alternating.

    python benchmarks/bare_loop.py --cache DIR [--rows mlp,lenet5] [--rounds 12] [--plain]

The plan is bf16, channels last, compiled by inductor; `--plain` compiles nothing. The bare loop cuts its batches from
tensors in memory that are standardised already, and steps a fused optimizer: the least that a loop can do.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from deepglass.engine.plan import Plan, write_plan

sys.path.insert(0, str(Path(__file__).parent / "contestants"))

from clock import Job  # noqa: E402
from opened import opened  # noqa: E402
from rows import ROWS, data_file, standardised  # noqa: E402
from torch_nets import NETS  # noqa: E402
from with_deepglass import settings_of  # noqa: E402

STEPS = 100  # of each loop in a round
WARM = 30


def ours(row: str, file: Path, folder: Path, plan: Plan) -> Callable[[], None]:
    """A step of `dg.train`'s loop, with look and journal."""
    write_plan(plan, folder)
    asked = settings_of(ROWS[row], Job(row, str(file), [], 1.0, "", 0.0, 0)) | {"train.steps": 10**6}
    del asked["train.minutes"]
    asked |= {"train.plan": str(folder / "plan.json"), "model.name": ROWS[row].model}
    return opened(file, asked, folder / "run")[0]


def bare(row: str, file: Path, plan: Plan) -> Callable[[], None]:
    """A step as one would write it by hand."""
    pictures, answers = map(torch.from_numpy, standardised(file, first=True))
    pictures = pictures.contiguous(memory_format=torch.channels_last)
    network = NETS[row]().to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(network.parameters(), lr=ROWS[row].lr, momentum=0.9, nesterov=True, fused=True)
    called = network if plan.compile == "no" else torch.compile(network)
    batches = cut(pictures, answers, ROWS[row].batch)

    def step() -> None:
        x, y = next(batches)
        with torch.autocast("cpu", torch.bfloat16):
            loss = nn.functional.cross_entropy(called(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def cut(pictures: Tensor, answers: Tensor, batch: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Endless epochs."""
    while True:
        for rows in torch.randperm(len(answers)).split(batch):
            yield pictures[rows], answers[rows]


def microseconds(step: Callable[[], None], steps: int) -> float:
    """One step's time, over many."""
    began = time.perf_counter()
    for _ in range(steps):
        step()
    return (time.perf_counter() - began) / steps * 1e6


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--cache", default="peers-cache", help="where peers.py keeps its data")
    words.add_argument("--rows", default="mlp,lenet5")
    words.add_argument("--rounds", type=int, default=12)
    words.add_argument("--plain", action="store_true")
    asked = words.parse_args()
    compiled = "no" if asked.plain else "inductor"
    plan = Plan(precision="bf16", layout="channels_last", compile=compiled, threads=torch.get_num_threads())
    for row in asked.rows.split(","):
        file = data_file(row, Path(asked.cache) / "data")
        with tempfile.TemporaryDirectory() as folder:
            loops = {"ours": ours(row, file, Path(folder), plan), "bare": bare(row, file, plan)}
            for step in loops.values():
                microseconds(step, WARM)
            found = [{name: microseconds(step, STEPS) for name, step in loops.items()} for _ in range(asked.rounds)]
        medians = {name: statistics.median(one[name] for one in found) for name in loops}
        ratio = statistics.median(one["bare"] / one["ours"] for one in found)
        print(f"{row}: ours {medians['ours']:.0f} us a step, bare {medians['bare']:.0f} us; speed ratio {ratio:.3f}")


if __name__ == "__main__":
    main()
