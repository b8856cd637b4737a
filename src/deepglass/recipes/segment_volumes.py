"""Volumes with masks: a small 3D U-Net learns from parts of them, mirrored, turned and lighter or darker each time.

Parts are as large as the dial allows; Dice loss beside the cross-entropy, for what is looked for mostly takes a small
part of the body. Half of the parts have some of it in the middle.
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

LONGEST: dict[Size, int] = {"tiny": 24, "small": 64, "paper": 128}  # places of a part's longest side
STEPS: dict[Size, int] = {"tiny": 120, "small": 1000, "paper": 50_000}
BATCH: dict[Size, int] = {"tiny": 2, "small": 2, "paper": 2}
CHECKS = 10


def segment_volumes(task: str, survey: Survey, size: Size, model: str) -> RunSettings:
    """As many parts as the dial says, however many volumes there are."""
    augment = VolumeAugment(flip="sides", turn=10.0, zoom=0.1, scale=0.1, level=0.1)
    asked = choose("tasks", task)
    settings = replace(asked.settings, volume=VolumeSettings(augment=augment), dice=1.0)
    epochs = STEPS[size] * BATCH[size] / max(1, survey.training)
    train = TrainSettings(
        steps=STEPS[size],
        batch=BATCH[size],
        optimizer="adamw",
        lr=2e-3,
        weight_decay=1e-4,
        schedule="onecycle",
        average=0.99,
        clip=5.0,
        check_epochs=max(1.0, epochs / CHECKS),
    )
    return RunSettings(task=replace(asked, settings=settings), model=network(survey, size, model), train=train)


def network(survey: Survey, size: Size, model: str) -> Choice:
    """The network for parts of the volumes, as large as the dial allows."""
    chosen = choose_model(model or ("unet3d" if size == "paper" else "unet3d_small"))
    if not isinstance(chosen.settings.ports().takes, Volume):
        return chosen
    depth = survey.channels[len(survey.channels) // 2] if survey.channels else LONGEST[size]
    sides = [max(8, min(LONGEST[size], side)) for side in (depth, survey.height, survey.width)]
    return replace(chosen, settings=replace(chosen.settings, depth=sides[0], height=sides[1], width=sides[2]))


def _suits(survey: Survey) -> int:
    return 1 if survey.kind == "volume" else 0


CATALOGUE = {"segment_volumes": Recipe(("segment",), _suits, segment_volumes)}
