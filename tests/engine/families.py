"""Three small families that go through the one loop: a classifier, a GAN of two turns, a ragged sequence.

They are written as a user would write a task of their own; nothing of the engine knows them.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepglass.data.example import Batch, Ragged
from deepglass.engine.state import trainable
from deepglass.foundation.seeds import row_keys
from deepglass.metrics.figure import Figure
from deepglass.tasks.task import Losses, Stream, Turn

ROWS = 96


class Base:
    """What the families share: nothing to learn, nothing to prepare."""

    facts = None

    def streams(self):
        return {"train": Stream()}

    def present(self, batch, draws=None):
        return batch

    def metrics(self):
        return {}


class Classifier(Base):
    """Dropout, BatchNorm and augmentation by keyed noise."""

    def __init__(self, noise: float = 0.1):
        self.noise = noise

    def present(self, batch, draws=None):
        if draws is None or not self.noise:
            return batch
        return batch.with_columns(input=batch["input"] + self.noise * draws.normal("noise", batch["input"].shape[1]))

    def turns(self):
        return [Turn("", self.loss)]

    def loss(self, model, batch):
        return Losses({"loss": F.cross_entropy(model(batch["input"]), batch["target"], reduction="sum")})


class Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.generator = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 6))
        self.discriminator = nn.Sequential(nn.Linear(6, 16), nn.LeakyReLU(0.2), nn.Dropout(0.1), nn.Linear(16, 1))


class GAN(Base, nn.Module):
    """Two players, optimizers and schedules; a lazy penalty of its own turn; remembered: a buffer and a pool."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean_norm", torch.zeros(()))

    def turns(self):
        return [
            Turn("discriminator", self.discriminate),
            Turn("discriminator", self.penalty, every=4),
            Turn("generator", self.generate, rate=lambda done: 0.5 * (1 - done)),
        ]

    def fake(self, model, batch):
        return model.generator(batch.draws("latent").normal("z", 4))

    def discriminate(self, model, batch):
        real, fake = batch["input"], self.fake(model, batch)
        pool = batch.carry.get("pool", fake.detach())
        sums = F.softplus(-model.discriminator(real)).sum() + F.softplus(model.discriminator(pool)).sum()
        return Losses({"d": sums}, carry={"pool": fake.detach()})

    def penalty(self, model, batch):
        real = batch["input"].clone().requires_grad_(True)
        (gradient,) = torch.autograd.grad(model.discriminator(real).sum(), real, create_graph=True)
        squares = gradient.square().sum(1)
        self.mean_norm.lerp_(squares.detach().mean(), 0.1)
        return Losses({"r1": 0.05 * squares.sum()})

    def generate(self, model, batch):
        return Losses({"g": F.softplus(-model.discriminator(self.fake(model, batch))).sum()})


class Sequence(Base):
    """Ragged rows: the loss is a sum over steps, divided by the number of steps of the whole batch."""

    def turns(self):
        return [Turn("", self.loss, counts=lambda batch: {"nll": float(batch["input"].lengths.sum())})]

    def loss(self, model, batch):
        ragged = batch["input"]
        logits = model(ragged.values)
        return Losses({"nll": F.cross_entropy(logits, batch["label"].values, reduction="sum")})


def network(norm: bool = True) -> nn.Module:
    layers = [
        nn.Linear(6, 16),
        *([nn.BatchNorm1d(16)] if norm else []),
        nn.ReLU(),
        *([nn.Dropout(0.2)] if norm else []),
    ]
    return nn.Sequential(*layers, nn.Linear(16, 3))


@dataclass
class Rows:
    """Made-up data as a function of the step."""

    batch_size: int = 24
    seed: int = 7

    def __call__(self, step: int) -> Batch:
        generator = torch.Generator().manual_seed(0)
        inputs, targets = torch.randn(ROWS, 6, generator=generator), torch.arange(ROWS) % 3
        rows = (torch.arange(self.batch_size) + step * self.batch_size) % ROWS
        ids = tuple(f"row-{row}" for row in rows.tolist())
        columns = {"input": inputs[rows], "target": targets[rows]}
        return Batch(ids, columns, step, row_keys(self.seed, "train", step, self.batch_size))


@dataclass
class RaggedRows:
    """Sequences of 1 to 9 steps."""

    batch_size: int = 10

    def __call__(self, step: int) -> Batch:
        generator = torch.Generator().manual_seed(step)
        lengths = torch.randint(1, 10, (self.batch_size,), generator=generator)
        values = torch.randn(int(lengths.sum()), 6, generator=generator)
        labels = torch.randint(0, 3, (int(lengths.sum()),), generator=generator)
        columns = {"input": Ragged(values, lengths), "label": Ragged(labels, lengths)}
        ids = tuple(f"{step}-{row}" for row in range(self.batch_size))
        return Batch(ids, columns, step, row_keys(7, "train", step, self.batch_size))


def figure(value: float) -> Figure:
    return Figure(value, value, value, 1, "up")


def tensors(state) -> dict[str, Tensor]:
    found = {f"tree/{name}": value for name, value in state.tree.state_dict().items()}
    found |= {f"average/{name}": value for name, value in state.averages.items()}
    found |= {f"carry/{name}": value for name, value in state.carry.items()}
    for updates, optimizer in state.optimizers.items():
        for name, parameter in trainable(state.model, updates).items():
            slots = optimizer.state.get(parameter, {})
            found |= {f"optimizer/{updates}/{name}/{slot}": torch.as_tensor(v) for slot, v in slots.items()}
    return {name: value.clone() for name, value in found.items()}
