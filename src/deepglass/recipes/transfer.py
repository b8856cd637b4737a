"""Beginning with weights that are there already: the network they are of, the size of their pictures, smaller steps."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from deepglass.bundle import start_of
from deepglass.engine.settings import TrainSettings
from deepglass.foundation.settings import Override, resolve
from deepglass.run import RunSettings
from deepglass.weights.settings import WeightsSettings
from deepglass.weights.vectors import widened

RATE = 0.25  # of the recipe's rate: trained weights are moved, not thrown about


def weights_asked(overrides: Iterable[Override]) -> WeightsSettings:
    """What the command line or a file says of weights."""
    return resolve(_WeightsOnly(), [one for one in overrides if one.path.startswith("weights.")])[0].weights


def model_of(weights: WeightsSettings) -> str:
    """The network that named weights or another run are of; nothing for a file, which does not say it."""
    start = start_of(weights, "")
    return start.model.name if start and start.model else ""


def transferred(base: RunSettings, weights: WeightsSettings) -> RunSettings:
    """The recipe's run as it begins with these weights."""
    if weights.vectors:
        model = replace(base.model, settings=widened(base.model.settings, weights.vectors))
        return replace(base, weights=weights, model=model)
    start = start_of(weights, base.model.name)
    if start is None:
        return base
    model = start.model if start.model and start.model.name == base.model.name else base.model
    task = base.task
    if start.inputs and hasattr(task.settings, "picture"):
        picture = replace(task.settings.picture, size=start.side)
        task = replace(task, settings=replace(task.settings, picture=picture))
    return replace(base, weights=weights, model=model, task=task, train=_slower(base.train))


def _slower(train: TrainSettings) -> TrainSettings:
    """Every rate of its own: that of Muon's matrices, and those of the rest and of the head beside it."""
    muon = replace(train.muon, rest_lr=train.muon.rest_lr * RATE, head_lr=train.muon.head_lr * RATE)
    return replace(train, lr=train.lr * RATE, muon=muon)


@dataclass(frozen=True, kw_only=True, slots=True)
class _WeightsOnly:
    weights: WeightsSettings = WeightsSettings()
