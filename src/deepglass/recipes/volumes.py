"""Volumes to be told apart: a residual network in three dimensions, mirrored, turned and moved on every visit.

A small folder is seen more often. Balanced weights: of screening, few scans show what is looked for.
"""

from dataclasses import replace

from deepglass.data.augment.volumes import VolumeAugment
from deepglass.data.recognise import Survey
from deepglass.engine.settings import TrainSettings
from deepglass.foundation.ports import Volume
from deepglass.foundation.settings import Choice, choose
from deepglass.foundation.sizes import Size
from deepglass.networks import choose_model
from deepglass.recipes.recipe import Recipe
from deepglass.run import RunSettings
from deepglass.tasks.kinds.volume import VolumeSettings

LONGEST: dict[Size, int] = {"tiny": 32, "small": 64, "paper": 128}  # places of the longest axis
VOLUMES_SEEN: dict[Size, int] = {"tiny": 2_000, "small": 20_000, "paper": 500_000}
EPOCHS: dict[Size, tuple[int, int]] = {"tiny": (2, 40), "small": (5, 100), "paper": (40, 400)}
SHORTEST = 16


def volumes(task: str, survey: Survey, size: Size, model: str) -> RunSettings:
    """Epochs follow from how many volumes there are; their size from the data, as large as the dial allows."""
    least, most = EPOCHS[size]
    epochs = min(most, max(least, round(VOLUMES_SEEN[size] / max(1, survey.training))))
    chosen = choose("tasks", task)
    augment = VolumeAugment(flip="sides", turn=10.0, zoom=0.1, move=0.05, scale=0.1, level=0.1)
    settings = replace(chosen.settings, volume=VolumeSettings(augment=augment))
    if task == "classify":
        settings = replace(settings, class_weights="balanced")
    train = TrainSettings(
        epochs=float(epochs),
        batch=min(16, max(8, survey.training // 20)),
        optimizer="adamw",
        lr=2e-3,
        weight_decay=0.01,
        schedule="onecycle",
        average=0.99,
        clip=1.0,
        check_epochs=max(1.0, epochs / 20),
    )
    return RunSettings(
        task=replace(chosen, settings=settings),
        model=sized(choose_model(model or "cnn3d"), survey, LONGEST[size]),
        train=train,
    )


def sized(model: Choice, survey: Survey, longest: int) -> Choice:
    """The network for volumes in the data's proportions, as fine as they are; the longest axis so many places at most.

    A network's places are as far apart in all directions, as its kernels are: proportions are those in millimetres.
    """
    if not isinstance(model.settings.ports().takes, Volume):
        return model
    depth = survey.channels[len(survey.channels) // 2] if survey.channels else 1
    apart = survey.spacing or (1.0, 1.0, 1.0)
    whole = [side * step for side, step in zip((depth, survey.height, survey.width), apart, strict=True)]
    step = max(min(apart), max(whole) / longest)
    sides = [max(SHORTEST, 8 * round(side / step / 8)) for side in whole]
    return replace(model, settings=replace(model.settings, depth=sides[0], height=sides[1], width=sides[2]))


def _suits(survey: Survey) -> int:
    return 1 if survey.kind == "volume" else 0


CATALOGUE = {"volumes": Recipe(("classify", "multilabel", "regress"), _suits, volumes)}
