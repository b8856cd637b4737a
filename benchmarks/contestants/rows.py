"""The five rows of the comparison: network, batch, picture, and data made so that every network can learn them.

Every contestant reads the same .npz: uint8 pictures (N, H, W, C) and ten classes. Each class is a smooth pattern of its
own; noise lies over it. Some answers are drawn at random, so that no loss comes to nothing: processors are slow with
the tiny numbers that gradients then become. Examples fill whole batches, so that nobody meets a short one.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

CLASSES = 10
AT_RANDOM = 0.3  # share of the answers
HELD_BACK = 40  # examples of validation and of test each: deepglass wants to look at some; outside the measured window


@dataclass(frozen=True)
class Row:
    """One row of the table. All use SGD with Nesterov momentum 0.9 at a constant rate, and no weight decay."""

    title: str
    batch: int
    side: int
    channels: int
    epoch_steps: int
    parameters: int
    lr: float
    model: str = ""  # the name in deepglass's catalogue; empty: a plain torch network is handed in

    @property
    def examples(self) -> int:
        """Examples of one epoch."""
        return self.batch * self.epoch_steps


ROWS = {
    "mlp": Row("MLP 784-512-256-10", 128, 28, 1, 468, 535_818, 0.02, "mlp"),
    "lenet5": Row("LeNet-5", 128, 28, 1, 468, 61_706, 0.02, "lenet5"),
    "resnet18": Row("ResNet-18 for CIFAR", 64, 32, 3, 10, 11_173_962, 0.02),
    "alexnet": Row("AlexNet", 16, 224, 3, 10, 57_044_810, 0.01, "alexnet"),
    "resnet50": Row("ResNet-50", 8, 224, 3, 10, 23_528_522, 0.002, "resnet50"),
}


def data_file(name: str, folder: Path) -> Path:
    """The row's examples, written once."""
    file = folder / f"{name}.npz"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        aside = file.with_suffix(".part.npz")
        np.savez(aside, **make(ROWS[name]))
        aside.rename(file)
    return file


def make(row: Row) -> dict[str, np.ndarray]:
    """Arrays of the three parts, always the same."""
    draws = np.random.default_rng(row.side)
    coarse = draws.normal(size=(CLASSES, 4, 4, row.channels)).astype(np.float32)
    each = -(-row.side // 4)
    patterns = coarse.repeat(each, axis=1).repeat(each, axis=2)[:, : row.side, : row.side]
    found: dict[str, np.ndarray] = {}
    for part, count in (("train", row.examples), ("val", HELD_BACK), ("test", HELD_BACK)):
        answers = np.arange(count) % CLASSES
        draws.shuffle(answers)
        pictures = np.empty((count, *patterns.shape[1:]), np.uint8)
        for start in range(0, count, 1024):  # 60,000 pictures of noise at once would be 200 MB
            chosen = patterns[answers[start : start + 1024]]
            noise = draws.standard_normal(chosen.shape, np.float32)
            pictures[start : start + 1024] = np.clip(128 + 30 * (chosen + 1.5 * noise), 0, 255)
        noisy = draws.random(count) < AT_RANDOM
        answers[noisy] = draws.integers(CLASSES, size=int(noisy.sum()))
        found[f"x_{part}"], found[f"y_{part}"] = pictures, answers
    return found


def standardised(file: str | Path, first: bool) -> tuple[np.ndarray, np.ndarray]:
    """The training part as float32, mean 0 and spread 1 in each channel; channels before the pixels where `first`."""
    with np.load(file) as stored:
        pictures, answers = stored["x_train"], stored["y_train"].astype(np.int64)
    levels = np.zeros((pictures.shape[-1], 256))
    for start in range(0, len(pictures), 1024):  # in pieces: what is thrown away would count as their memory
        for channel, counts in enumerate(levels):
            counts += np.bincount(pictures[start : start + 1024, ..., channel].ravel(), minlength=256)
    shares = levels / levels.sum(axis=1, keepdims=True)
    mean = shares @ np.arange(256)
    spread = np.sqrt(shares @ np.arange(256) ** 2 - mean**2)
    pictures = pictures.astype(np.float32)
    pictures -= mean.astype(np.float32)
    pictures /= spread.astype(np.float32)
    return np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)) if first else pictures, answers
