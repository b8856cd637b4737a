"""A small GAN on real digits, written as a user would write a task and a model of their own.

Two players, each with its optimizer and its schedule; every fourth step R1 (Mescheder 2018, arXiv:1801.04406): a double
backward through the discriminator. Remembered: a pool of past pictures (carry), BatchNorm, and how sure the
discriminator was (a buffer), which decides how much noise hides the real pictures from it.

latent (B, 8) -> generator -> picture (B, 1, 14, 14) -> discriminator -> logit (B, 1)
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepglass.data.example import Example
from deepglass.foundation.ports import Image, Players, Ports
from deepglass.foundation.seeds import Draws, text_keys
from deepglass.metrics.figure import Figure
from deepglass.tasks.task import Alarm, Losses, Stream, Turn

LATENT, SIDE = 8, 14


class DigitsNetworks(nn.Module):
    """Generator and discriminator under one roof."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(5)
        self.generator = nn.Sequential(
            nn.Linear(LATENT, 48), nn.BatchNorm1d(48), nn.ReLU(), nn.Linear(48, SIDE * SIDE), nn.Tanh()
        )
        self.discriminator = nn.Sequential(
            *(nn.Conv2d(1, 6, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(6, 12, 3, 2), nn.LeakyReLU(0.2)),
            *(nn.Flatten(), nn.Dropout(0.2), nn.Linear(108, 1)),
        )

    def make(self, latent: Tensor) -> Tensor:
        return self.generator(latent).view(-1, 1, SIDE, SIDE)

    def forward(self, picture: Tensor) -> Tensor:
        return self.discriminator(picture)


@dataclass(frozen=True)
class DigitsFacts:
    """What the training part tells: the mean picture's brightness."""

    brightness: float = 0.0


class DigitsGAN(nn.Module):
    """The task: pictures that the discriminator takes for digits."""

    def __init__(self):
        super().__init__()
        self.facts = DigitsFacts()
        self.register_buffer("sureness", torch.zeros(()))

    def asks(self):
        return Ports(Image(1, SIDE, SIDE), Players(("generator", "discriminator")))

    def streams(self):
        return {"train": Stream()}

    def prepare(self, raw, label=None):
        return Example({"input": torch.from_numpy(np.ascontiguousarray(raw.pixels)).permute(2, 0, 1)})

    def preparation(self):
        return ["pixels"]

    def code(self, labels):
        return {}

    def settle(self, columns):
        return DigitsFacts(float(np.asarray(columns["input"]).mean()))

    def present(self, batch, draws=None):
        pictures = F.avg_pool2d(batch["input"].float(), 2) / 127.5 - 1  # (B, 1, 14, 14)
        if draws is not None:
            pictures = pictures + self.sureness.clamp(0, 1) * 0.2 * draws.normal("noise", 1, SIDE, SIDE)
        return batch.with_columns(input=pictures)

    def turns(self):
        return [
            Turn("discriminator", self.discriminate),
            Turn("discriminator", self.penalty, every=4),
            Turn("generator", self.generate, rate=lambda done: 0.5 * (1 - done)),
        ]

    def discriminate(self, model, batch):
        fake = model.make(batch.draws("latent").normal("z", LATENT)).detach()
        pool = batch.carry.get("pool", fake)
        real = model(batch["input"])
        self.sureness.lerp_(real.detach().sign().mean(), 0.2)
        return Losses({"d": F.softplus(-real).sum() + F.softplus(model(pool)).sum()}, carry={"pool": fake})

    def penalty(self, model, batch):
        real = batch["input"].clone().requires_grad_(True)
        (gradient,) = torch.autograd.grad(model(real).sum(), real, create_graph=True)
        return Losses({"r1": 0.05 * gradient.square().sum()})

    def generate(self, model, batch):
        fake = model.make(batch.draws("latent").normal("z", LATENT))
        return Losses({"g": F.softplus(-model(fake)).sum()})

    def predict(self, model, batch):
        """One made picture a row; its latent is a function of the row's id."""
        keys = torch.from_numpy(text_keys(0, list(batch.ids)).view(np.int64))
        return {"picture": model.make(Draws(keys).normal("z", LATENT)).flatten(1)}

    def truth(self, batch):
        return self.present(batch)["input"].flatten(1)

    def metrics(self):
        return {"distance": Distance()}


class WaryGAN(DigitsGAN):
    """The same, which is alarmed whenever it has been checked twice."""

    def alarms(self, checks):
        return [Alarm("twice", checks[-1][0], {})] if len(checks) == 2 else []


class Distance:
    """Squared distance between the mean made picture and the mean real one; lower is better."""

    def __init__(self):
        self.made, self.real = [], []

    def update(self, ids, predictions, targets):
        self.made.append(predictions["picture"].double())
        self.real.append(targets.double())

    def compute(self):
        made, real = torch.cat(self.made), torch.cat(self.real)
        value = float((made.mean(0) - real.mean(0)).square().mean())
        return Figure(value, value, value, len(made), "down")
