"""Pictures with boxes: a small detector learned from nothing, its pictures zoomed, mirrored and put together.

Below size paper the backbone has half the usual channels: on a laptop's processor seeing every picture three times as
often teaches more than a network four times as large.
"""

import math
from dataclasses import replace

from deepglass.data.augment.pictures import PictureAugment
from deepglass.data.augment.scenes import SceneAugment
from deepglass.data.recognise import Survey
from deepglass.engine.settings import TrainSettings
from deepglass.foundation.settings import choose
from deepglass.networks import choose_model
from deepglass.recipes.recipe import Recipe, Size
from deepglass.run import RunSettings
from deepglass.tasks.detect import DetectSettings
from deepglass.tasks.kinds.picture import PictureSettings

SIDES: dict[Size, int] = {"tiny": 128, "small": 256, "paper": 640}
EXAMPLES_SEEN: dict[Size, int] = {"tiny": 4_000, "small": 60_000, "paper": 1_500_000}
LEAST, MOST = 8, 300  # epochs
SMALL_NETWORK = {"backbone": "resnet18", "stem": 32, "features": 64, "depth": 2}


def scenes(task: str, survey: Survey, size: Size, model: str) -> RunSettings:
    """As many visits as the size allows; the picture's side is the data's own where that is smaller."""
    side = min(SIDES[size], max(64, -(-max(survey.width, survey.height) // 32) * 32))
    colours = PictureAugment(brightness=0.3, contrast=0.3, saturation=0.3, hue=0.02)
    seen = DetectSettings(
        scene=SceneAugment(flip=True, zoom_in=0.6, zoom_out=1.5, stretch=1.3, mosaic=0.5),
        picture=PictureSettings(size=side, fit="pad", augment=colours),
    )
    chosen = choose_model(model or "fcos")
    if chosen.name == "fcos" and size != "paper":
        chosen = replace(chosen, settings=replace(chosen.settings, **SMALL_NETWORK))
    batch = min(16, max(8, survey.examples // 20))
    train = TrainSettings(
        epochs=float(min(MOST, max(LEAST, round(EXAMPLES_SEEN[size] / max(1, survey.examples))))),
        batch=batch,
        optimizer="adamw",
        lr=1e-3 * math.sqrt(batch / 16),
        weight_decay=0.05,
        schedule="cosine",
        warmup=0.05,
        clip=10.0,
        average=0.998,
        check_epochs=2.0,
    )
    return RunSettings(task=replace(choose("tasks", task), settings=seen), model=chosen, train=train)


def _suits(survey: Survey) -> int:
    return 1 if survey.kind == "picture" else 0


CATALOGUE = {"scenes": Recipe(("detect",), _suits, scenes)}
