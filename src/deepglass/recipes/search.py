"""Pictures to be found again by what is on them: a small network that places those of a class together.

Each class lies whole in one part, so what is measured are classes that training never saw, as it will be in use. A step
sees several pictures of each of its classes, and tells pairs of a class from all others of the batch: people known from
one picture are found as often as by a proxy for each class or more often (records/2026-11-27-search.md), and small
classes are learned as well.
"""

from dataclasses import replace

from deepglass.data.augment.pictures import PictureAugment
from deepglass.data.recognise import Survey
from deepglass.data.settings import DataSettings
from deepglass.engine.settings import TrainSettings
from deepglass.foundation.ports import Image
from deepglass.foundation.settings import choose
from deepglass.networks import choose_model
from deepglass.recipes.recipe import Recipe, Size
from deepglass.run import RunSettings
from deepglass.tasks.kinds.picture import PictureSettings

SIDES: dict[Size, int] = {"tiny": 32, "small": 64, "paper": 224}  # pixels of the longer side
EXAMPLES_SEEN: dict[Size, int] = {"tiny": 10_000, "small": 40_000, "paper": 1_000_000}
EPOCHS: dict[Size, tuple[int, int]] = {"tiny": (2, 40), "small": (10, 60), "paper": (90, 300)}
MODELS: dict[Size, str] = {"tiny": "one_shot_cnn", "small": "one_shot_cnn", "paper": "resnet50"}
BATCH = 64
TOGETHER = 4  # pictures of a class in a step, where it has so many
SCALE, SCALE_OF_PAIRS = 8.0, 16.0  # of cosines, for classes of so many pictures and for smaller ones


def search(task: str, survey: Survey, size: Size, model: str) -> RunSettings:
    """Epochs follow from how many pictures there are, so that a small folder is seen more often."""
    chosen = choose_model(model or MODELS[size])
    scale = min(1.0, SIDES[size] / max(1, survey.width, survey.height))
    height, width = (max(16, round(scale * side)) for side in (survey.height, survey.width))
    takes = chosen.settings.ports().takes
    if isinstance(takes, Image) and hasattr(chosen.settings, "height"):
        chosen = replace(chosen, settings=replace(chosen.settings, height=height, width=width))
    asked = choose("tasks", task)
    augment = PictureAugment(flip=True, rotate=6, shift=0.06, scale=0.08, brightness=0.2, contrast=0.2)
    if max(survey.channels, default=1) == 3:
        augment = replace(augment, saturation=0.3, hue=0.03, grey=0.1)
    picture = PictureSettings(fit="stretch" if survey.same_size else "pad", augment=augment)
    least, most = EPOCHS[size]
    each = survey.examples / max(1, len(survey.counts))
    cosines = SCALE if each >= TOGETHER else SCALE_OF_PAIRS
    seen = replace(asked.settings, picture=picture, loss="contrastive", scale=cosines, test_views="mirror")
    train = TrainSettings(
        epochs=float(min(most, max(least, round(EXAMPLES_SEEN[size] / max(1, survey.examples))))),
        batch=min(BATCH, max(16, survey.examples // 8)),
        optimizer="adamw",
        lr=2e-3,
        weight_decay=0.02,
        schedule="cosine",
        warmup=0.1,
        average=0.99,
        clip=5.0,
        check_epochs=5.0,
    )
    return RunSettings(
        data=DataSettings(split="classes", sampling="balanced", together=max(2, min(TOGETHER, round(each)))),
        task=replace(asked, settings=seen),
        model=chosen,
        train=train,
    )


def _suits(survey: Survey) -> int:
    return 1 if survey.kind == "picture" else 0


CATALOGUE = {"search": Recipe(("embed",), _suits, search)}
