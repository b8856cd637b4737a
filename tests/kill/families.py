"""The families that are killed: each a run of a few seconds that leans on another part of the state."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from deepglass.bundle import EXTERNAL, ExternalConfig, Own, choose_model
from deepglass.data.augment.pictures import PictureAugment
from deepglass.data.settings import DataSettings
from deepglass.data.sources.digits import FILE
from deepglass.data.vocabulary import VocabularySettings
from deepglass.engine.settings import TrainSettings
from deepglass.foundation.settings import Choice
from deepglass.run import RunSettings
from deepglass.tasks.classify import ClassifySettings
from deepglass.tasks.generate_text import GenerateTextSettings
from deepglass.tasks.kinds.picture import PictureSettings
from deepglass.tasks.kinds.text import TextSettings
from tests.kill.digits_gan import DigitsGAN, DigitsNetworks

MOVED = PictureAugment(rotate=10, shift=0.1, scale=0.1, mixup=0.4)
COLOURED = PictureAugment(flip=True, crop_pad=2, erase=0.5, cutmix=1.0)
WORDS = TextSettings(vocabulary=VocabularySettings(least=1, lines=True), drop=0.1)
COMMON = TrainSettings(plan="plain", check_epochs=0.5, average=0.9, clip=5.0)


class SmallNetwork(nn.Module):
    """image (B, 1, 32, 32) -> two convolutions, dropout -> logits (B, 10)"""

    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.maps = nn.Sequential(
            *(nn.Conv2d(1, 6, 5, stride=2), nn.ReLU(), nn.Conv2d(6, 12, 3, stride=2), nn.ReLU(), nn.Dropout2d(0.2))
        )
        self.digit = nn.Sequential(nn.Flatten(), nn.Linear(432, 32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 10))

    def forward(self, image: Tensor) -> Tensor:
        return self.digit(self.maps(image))


@dataclass(frozen=True)
class Family:
    """One run: what it leans on, and its settings beside those all families share."""

    says: str
    train: TrainSettings
    model: str = EXTERNAL
    network: type[nn.Module] | None = None
    task: type | None = None
    picture: PictureSettings = PictureSettings(size=32, augment=MOVED)
    file: str = "digits.npz"
    data: DataSettings = field(default_factory=lambda: DataSettings(cache=False))
    compiled: bool = False
    asks: Any = None  # the task's settings, by its name in the catalogue, where it is not to classify pictures
    sized: Mapping[str, Any] = field(default_factory=dict)  # settings of the model

    def own(self) -> Own:
        """The parts handed in, as they are at the start of every life."""
        return Own(self.network() if self.network else None, self.task() if self.task else None)

    def settings(self, folder: Path) -> RunSettings:
        """The whole run's settings; the data lie in `folder`."""
        asks = self.asks or Choice("tasks", "classify", ClassifySettings(picture=self.picture, smoothing=0.1))
        model = choose_model(self.model)
        return RunSettings(
            seed=11,
            data=replace(self.data, place=str(folder / self.file)),
            task=Choice("tasks", EXTERNAL, ExternalConfig()) if self.task else asks,
            model=replace(model, settings=replace(model.settings, **self.sized)),
            train=replace(self.train, plan=str(folder / "compiled.json")) if self.compiled else self.train,
        )


FAMILIES = {
    "cnn": Family(
        "CNN with dropout, augmentation, mixup, averaged weights",
        replace(COMMON, steps=48, batch=20, lr=3e-3, schedule="onecycle"),
        network=SmallNetwork,
    ),
    "resnet": Family(
        "ResNet-20 with BatchNorm in bf16, cutmix, SGD",
        replace(COMMON, steps=18, batch=12, lr=0.05, optimizer="sgd", precision="bf16"),
        "resnet20",
        picture=PictureSettings(size=16, augment=COLOURED),
        file="colours.npz",
    ),
    "gan": Family(
        "GAN: two optimizers and schedules, lazy R1, averages, a pool",
        replace(COMMON, steps=40, batch=20, lr=4e-3, schedule="cosine"),
        network=DigitsNetworks,
        task=DigitsGAN,
    ),
    "shards": Family(
        "accumulation over 3 shards, Muon, rate by plateaus, balanced classes",
        replace(COMMON, steps=36, batch=25, lr=0.01, optimizer="muon", shards=3, schedule="plateau", plateau=1),
        "lenet5",
        data=DataSettings(cache=False, sampling="balanced"),
    ),
    "folds": Family(
        "3 folds and the refit on all data",
        replace(COMMON, steps=18, batch=20, lr=3e-3, check_epochs=1.0),
        network=SmallNetwork,
        data=DataSettings(cache=False, folds=3),
    ),
    "patience": Family(
        "early stopping: the run ends by itself",
        replace(COMMON, steps=400, batch=20, lr=0.02, schedule="constant", patience=4),
        network=SmallNetwork,
    ),
    "language": Family(
        "LSTM over words: rows of unequal length, dropout on weights and vectors, words lost",
        replace(COMMON, steps=30, batch=6, lr=3e-3),
        "word_lm",
        data=DataSettings(cache=False, passage=60),
        file="text.txt",
        asks=Choice("tasks", "generate_text", GenerateTextSettings(text=WORDS)),
        sized={"features": 12, "hidden": 16, "layers": 2},
    ),
    "compiled": Family(
        "compiled by inductor, with dropout, the plan pinned",
        replace(COMMON, steps=48, batch=20, lr=3e-3),
        network=SmallNetwork,
        compiled=True,
    ),
}


def write_data(folder: Path) -> None:
    """200 real digits, 72 small colour pictures of three made kinds, a text, and the plan of what is compiled."""
    with np.load(FILE, allow_pickle=False) as stored:
        np.savez(folder / "digits.npz", x=stored["x"][:200], y=stored["y"][:200])
    (folder / "compiled.json").write_text(json.dumps({"compile": "inductor", "threads": 1, "steps": 48}))
    draw = np.random.default_rng(0)
    kinds = np.arange(72) % 3
    pixels = draw.integers(0, 120, (72, 16, 16, 3)) + 100 * np.eye(3, dtype=int)[kinds][:, None, None, :]
    np.savez(folder / "colours.npz", x=pixels.astype(np.uint8), y=kinds)
    said = (f"{number} and {number * number % 97}, {'not ' * (number % 3)}{number % 7}.\n" for number in range(400))
    (folder / "text.txt").write_text("".join(said))
