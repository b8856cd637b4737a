"""Volumes with a table of middles and sizes: a small 3D U-Net learns where middles are, from mirrored parts.

Half of the parts have something in them. Parts are as large as the dial allows, at the volumes' own spacing.
"""

from dataclasses import replace

from deepglass.data.augment.volumes import VolumeAugment
from deepglass.data.recognise import Survey
from deepglass.engine.settings import TrainSettings
from deepglass.foundation.settings import choose
from deepglass.foundation.sizes import Size
from deepglass.recipes.recipe import Recipe
from deepglass.recipes.segment_volumes import BATCH, CHECKS, STEPS, network
from deepglass.run import RunSettings
from deepglass.tasks.kinds.volume import VolumeSettings


def detect_volumes(task: str, survey: Survey, size: Size, model: str) -> RunSettings:
    """As many parts as the dial says, however many volumes there are."""
    augment = VolumeAugment(flip="all", scale=0.1, level=0.1)
    asked = choose("tasks", task)
    settings = replace(asked.settings, volume=VolumeSettings(augment=augment))
    batch = 2 * BATCH[size]
    train = TrainSettings(
        steps=STEPS[size],
        batch=batch,
        optimizer="adamw",
        lr=2e-3,
        weight_decay=1e-4,
        schedule="onecycle",
        average=0.99,
        clip=5.0,
        check_epochs=max(1.0, STEPS[size] * batch / max(1, survey.training) / CHECKS),
    )
    return RunSettings(task=replace(asked, settings=settings), model=network(survey, size, model), train=train)


def _suits(survey: Survey) -> int:
    return 1 if survey.kind == "volume" else 0


CATALOGUE = {"detect_volumes": Recipe(("detect",), _suits, detect_volumes)}
