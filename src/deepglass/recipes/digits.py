"""Small grey pictures, such as handwritten digits: LeNet-5, moved and slanted a little on every visit."""

from deepglass.data.augment.pictures import digits as moved
from deepglass.data.recognise import Survey
from deepglass.engine.settings import TrainSettings
from deepglass.networks import choose_model
from deepglass.recipes.recipe import Recipe, Size, seeing
from deepglass.run import RunSettings
from deepglass.tasks.kinds.picture import PictureSettings

EPOCHS: dict[Size, float] = {"tiny": 10, "small": 60, "paper": 120}


def digits(task: str, survey: Survey, size: Size, model: str) -> RunSettings:
    """One-cycle AdamW with averaged weights; at `small` 8,000 digits take two minutes on two cores."""
    seen = seeing(task, PictureSettings(augment=moved(), size=32), smoothing=0.1)
    train = TrainSettings(
        epochs=EPOCHS[size],
        batch=128,
        optimizer="adamw",
        lr=6e-3,
        weight_decay=0.02,
        schedule="onecycle",
        warmup=0.2,
        average=0.998,
    )
    return RunSettings(task=seen, model=choose_model(model or "lenet5"), train=train, recipe="digits")


def _suits(survey: Survey) -> int:
    small = survey.kind == "picture" and survey.channels == (1,) and max(survey.width, survey.height) <= 40
    return 2 if small else 0


CATALOGUE = {"digits": Recipe(("classify", "multilabel"), _suits, digits)}
