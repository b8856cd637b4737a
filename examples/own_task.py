"""A task of your own: cross-entropy with a price on spread-out answers: python examples/own_task.py"""

from dataclasses import dataclass

import deepglass as dg
from deepglass.tasks.classify import Classify, ClassifySettings
from deepglass.tasks.task import Losses


class Confident(Classify):
    """Losses are sums over the rows; `counts` says what each sum is divided by."""

    def loss(self, model, batch):
        logits = model(batch["input"])
        entropy = -(logits.softmax(1) * logits.log_softmax(1)).sum()
        return Losses({**super().loss(model, batch).sums, "entropy": 0.1 * entropy})

    def counts(self, batch):
        return {**super().counts(batch), "entropy": float(len(batch))}


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfidentSettings(ClassifySettings):
    """What builds it, with every setting of `classify`."""

    def build(self, facts):
        return Confident(self, facts)


if __name__ == "__main__":
    print(dg.train("made:moons", task=ConfidentSettings(), size="tiny"))
