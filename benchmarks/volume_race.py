"""Clips a second of a 3-D ResNet: our training step with its measured plan beside the plain PyTorch loop, alternating.

    python benchmarks/volume_race.py [--model resnet3d18] [--side 56] [--frames 16] [--batch 4] [--rounds 10]

Both train the same network with AdamW on made clips. The plain loop is what one writes by hand: float32, batches cut
from tensors in memory that are standardised already. Ours is `deepglass train` with `plan=auto`: the plan is measured
first, and its step looks up batches, standardises, notes its losses and refuses what is not finite. Augmentation,
averaged weights and clipping are off, as the plain loop has none. In a round each does as many steps as take about
`--seconds`; what counts is the median over the rounds, and the median of the ratios within a round.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn
from video import SIDE as DRAWN
from video import film

from deepglass.engine.plan import Plan
from deepglass.foundation import catalogue

sys.path.insert(0, str(Path(__file__).parent / "contestants"))

from opened import opened  # noqa: E402

CLASSES, CLIPS = 4, 40  # classes, and clips of each
NEVER = 1e6


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--model", default="resnet3d18")
    words.add_argument("--side", type=int, default=56, help="pixels a side")
    words.add_argument("--frames", type=int, default=16)
    words.add_argument("--batch", type=int, default=4)
    words.add_argument("--rounds", type=int, default=10)
    words.add_argument("--seconds", type=float, default=3.0, help="that each takes in a round, about")
    words.add_argument("--threads", type=int, default=2)
    words.add_argument("--settings", nargs="*", default=[], help="of ours, such as train.precision=fp32")
    asked = words.parse_args()
    torch.set_num_threads(asked.threads)
    with tempfile.TemporaryDirectory() as folder:
        step, plan = ours(asked, Path(folder))
        steps = {"plain": plain(asked), "ours": step}
        for one in steps.values():
            one()
        counts = {name: max(1, round(asked.seconds / seconds(one, 1))) for name, one in steps.items()}
        rounds: list[dict[str, float]] = []
        for _ in range(asked.rounds):
            found = {name: asked.batch * counts[name] / seconds(one, counts[name]) for name, one in steps.items()}
            rounds.append(found)
    print(
        f"{asked.model}, {asked.batch} clips of {asked.frames} x {asked.side} x {asked.side}, {asked.threads} threads"
    )
    print(f"plan: {plan.name}; steps a second in trials: {plan.measured}")
    for reason in plan.reasons:
        print(f"  {reason}")
    medians = {name: statistics.median(one[name] for one in rounds) for name in steps}
    ratios = sorted(one["ours"] / one["plain"] for one in rounds)
    spread = f"{ratios[0]:.2f} to {ratios[-1]:.2f}"
    print(f"plain {medians['plain']:.2f} clips/s, ours {medians['ours']:.2f} clips/s")
    print(f"ratio {statistics.median(ratios):.2f} ({spread}, {len(rounds)} rounds)")


def ours(asked: argparse.Namespace, folder: Path) -> tuple[Callable[[], None], Plan]:
    """A step of `deepglass train`, and the plan that it follows."""
    made(folder / "clips")
    settings = {
        **{"model.name": asked.model, "task.name": "classify", "data.cache": "false"},
        **{"task.clip.size": asked.side, "task.clip.frames": asked.frames, "task.clip.augment.crop_pad": 0},
        **{"task.clip.augment.brightness": 0, "task.clip.augment.contrast": 0},
        **{"train.batch": asked.batch, "train.steps": 10**6, "train.average": 0, "train.clip": 0},
        **{"train.schedule": "constant", "train.check_epochs": NEVER, "train.save_minutes": NEVER},
    }
    settings |= dict(word.split("=", 1) for word in asked.settings)
    step, training = opened(folder / "clips", settings, folder / "run")
    return step, training.plan


def plain(asked: argparse.Namespace) -> Callable[[], None]:
    """A step as one would write it by hand, in float32."""
    size = {"depth": asked.frames, "height": asked.side, "width": asked.side}
    network = replace(catalogue.find("models", asked.model), channels=3, classes=CLASSES, **size).build()
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=0.05)
    clips = torch.randn(CLASSES * CLIPS, 3, *size.values())
    answers = torch.randint(0, CLASSES, (len(clips),))

    def step() -> None:
        rows = torch.randint(0, len(clips), (asked.batch,))
        loss = nn.functional.cross_entropy(network(clips[rows]), answers[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def made(folder: Path) -> None:
    """Class folders of clips in which a block of one colour moves over noise, long enough for one row each."""
    for number in range(CLASSES * CLIPS):
        draw = np.random.default_rng(number)
        pixels = np.repeat(draw.integers(0, 255, (1, DRAWN, DRAWN, 3), dtype=np.uint8), 24, axis=0)
        for place, frame in enumerate(pixels):
            frame[20:50, 2 * place : 2 * place + 30] = 60 * (number % CLASSES)
        film(folder / str(number % CLASSES) / f"{number:03d}.mp4", pixels)


def seconds(step: Callable[[], None], count: int) -> float:
    """How long so many steps take."""
    began = time.perf_counter()
    for _ in range(count):
        step()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
