"""The six rows of the comparison: network, batch, examples, and data made so that every network can learn them.

Every contestant reads the same .npz: uint8 pictures (N, H, W, C) and ten classes, or passages of letters (N, T), which
deepglass reads as the text they are. Each class is a smooth pattern of its
own; noise lies over it. Some answers are drawn at random, so that no loss comes to nothing: processors are slow with
the tiny numbers that gradients then become. Examples fill whole batches, so that nobody meets a short one.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

CLASSES = 10
AT_RANDOM = 0.3  # share of the answers
LETTERS = "".join(map(chr, range(33, 116)))
MARKS = 2  # numbers of a vocabulary before its letters: the unknown, and the one that begins a passage
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
    second_biases: int = 0  # of the parameters: those that PyTorch's recurrent layers have beside Keras's

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
    "char_lm": Row("LSTM 2x512 over 250 letters", 64, 250, 0, 10, 3_334_037, 0.5, "char_lm", 4096),
}


def data_file(name: str, folder: Path) -> Path:
    """The row's examples, written once."""
    file = folder / f"{name}.npz"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        aside = file.with_suffix(".part.npz")
        np.savez(aside, **(make(ROWS[name]) if ROWS[name].channels else make_letters(ROWS[name])))
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


def make_letters(row: Row) -> dict[str, np.ndarray]:
    """Passages in which every letter has ten that often follow it; numbers as deepglass counts them, and as text."""
    draws = np.random.default_rng(row.side)
    count, letters = row.examples + 2 * HELD_BACK, len(LETTERS)
    follows = draws.integers(letters, size=(letters, 10))
    written = np.empty((count, row.side), np.int64)
    written[:, 0] = draws.integers(letters, size=count)
    for place in range(1, row.side):
        written[:, place] = follows[written[:, place - 1], draws.integers(10, size=count)]
    noisy = draws.random(written.shape) < AT_RANDOM
    written[noisy] = draws.integers(letters, size=int(noisy.sum()))
    numbers = written[: row.examples] + MARKS
    begun = np.concatenate([np.full_like(numbers[:, :1], MARKS - 1), numbers[:, :-1]], axis=1)
    text = "".join(LETTERS[number] for number in written.ravel())
    return {"x_train": begun, "y_train": numbers, "text": np.array(text)}


def examples_of(row: Row, file: str | Path, first: bool) -> tuple[np.ndarray, np.ndarray]:
    """What the network is given and what it should say: letters as they are, pictures `standardised`."""
    if row.channels:
        return standardised(file, first)
    with np.load(file) as stored:
        return stored["x_train"], stored["y_train"]


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
