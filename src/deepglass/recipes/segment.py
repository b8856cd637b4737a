"""Pictures with masks: a small U-Net, mirrored, cut and coloured anew on every visit.

The size of the pictures follows from the data, the longer side as large as the dial allows, or larger where the
shorter would be less than the network takes; Dice loss beside the cross-entropy, for what is looked for mostly takes a
small part of the picture.
"""

from dataclasses import replace

from deepglass.bundle import choose_model
from deepglass.data.augment.pictures import PictureAugment
from deepglass.data.recognise import Survey
from deepglass.engine.settings import TrainSettings
from deepglass.foundation.ports import Image
from deepglass.foundation.settings import choose
from deepglass.foundation.sizes import Size
from deepglass.models.fcn import SMALLEST
from deepglass.recipes.recipe import Recipe
from deepglass.run import RunSettings
from deepglass.tasks.kinds.picture import PictureSettings

LONGEST: dict[Size, int] = {"tiny": 96, "small": 256, "paper": 512}  # pixels of the longer side
PIXELS_SEEN: dict[Size, float] = {"tiny": 8e6, "small": 1.6e9, "paper": 2e11}
EPOCHS: dict[Size, tuple[int, int]] = {"tiny": (2, 40), "small": (8, 100), "paper": (40, 200)}
BATCH = 8
LEAST = 16  # pixels of the shorter side, of any network but an FCN
SMALL_NETWORK = {"backbone": "resnet18", "stem": 32}  # of an FCN below size paper


def segment(task: str, survey: Survey, size: Size, model: str) -> RunSettings:
    """Epochs follow from how many pixels there are, so that a small folder is seen more often."""
    chosen = choose_model(model or ("unet" if size == "paper" else "unet_small"))
    if chosen.name == "fcn" and size != "paper":
        chosen = replace(chosen, settings=replace(chosen.settings, **SMALL_NETWORK))
    height, width = _seen(survey, size, SMALLEST if chosen.name == "fcn" else LEAST)
    takes = chosen.settings.ports().takes
    if isinstance(takes, Image) and hasattr(chosen.settings, "height"):
        chosen = replace(chosen, settings=replace(chosen.settings, height=height, width=width))
    augment = PictureAugment(flip=True, resize_crop=0.5, brightness=0.2, contrast=0.2, saturation=0.2)
    asked = choose("tasks", task)
    picture = PictureSettings(fit="stretch" if survey.same_size else "pad", augment=augment)
    least, most = EPOCHS[size]
    epochs = min(most, max(least, round(PIXELS_SEEN[size] / max(1, survey.training * height * width))))
    train = TrainSettings(
        epochs=float(epochs),
        batch=min(BATCH, max(2, survey.training // 20)),
        optimizer="adamw",
        lr=2e-3,
        weight_decay=1e-4,
        schedule="onecycle",
        warmup=0.1,
        average=0.99,
        clip=5.0,
    )
    return RunSettings(
        task=replace(asked, settings=replace(asked.settings, picture=picture, dice=1.0)), model=chosen, train=train
    )


def _seen(survey: Survey, size: Size, least: int) -> tuple[int, int]:
    """Height and width at which pictures are seen, in the data's own proportion where they are large enough for it."""
    sides = max(1, survey.height), max(1, survey.width)
    scale = min(1.0, max(LONGEST[size] / max(sides), least / min(sides)))
    return max(least, round(scale * sides[0])), max(least, round(scale * sides[1]))


def _suits(survey: Survey) -> int:
    return 1 if survey.kind == "picture" else 0


CATALOGUE = {"segment": Recipe(("segment",), _suits, segment)}
