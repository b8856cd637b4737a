"""Pictures of lines of text: a small CRNN, its lines as wide as the data's are, varied a little on every visit."""

from dataclasses import replace

from deepglass.data.augment.pictures import PictureAugment
from deepglass.data.recognise import Survey
from deepglass.engine.settings import TrainSettings
from deepglass.foundation.ports import Image
from deepglass.foundation.settings import choose
from deepglass.foundation.sizes import Size
from deepglass.networks import choose_model
from deepglass.recipes.recipe import Recipe
from deepglass.run import RunSettings
from deepglass.tasks.kinds.picture import PictureSettings

EXAMPLES_SEEN: dict[Size, int] = {"tiny": 10_000, "small": 150_000, "paper": 2_000_000}
EPOCHS: dict[Size, tuple[int, int]] = {"tiny": (2, 60), "small": (5, 120), "paper": (10, 200)}
NARROWEST, WIDEST = 2, 16  # times the height
BATCH = 32


def read_text(task: str, survey: Survey, size: Size, model: str) -> RunSettings:
    """Epochs follow from how many lines there are, so that a small folder is seen more often."""
    chosen = choose_model(model or "crnn")
    takes = chosen.settings.ports().takes
    if isinstance(takes, Image) and survey.height:
        wide = min(WIDEST, max(NARROWEST, survey.width / survey.height)) * takes.height
        chosen = replace(chosen, settings=replace(chosen.settings, width=16 * round(wide / 16)))
    least, most = EPOCHS[size]
    augment = PictureAugment(
        fill="reflect",
        rotate=2,
        shift=0.03,
        scale=0.08,
        shear=6,
        brightness=0.3,
        contrast=0.3,
        saturation=0.3,
        invert=0.1,
    )
    asked = choose("tasks", task)
    picture = PictureSettings(fit="stretch" if survey.same_size else "pad", augment=augment)
    train = TrainSettings(
        epochs=float(min(most, max(least, round(EXAMPLES_SEEN[size] / max(1, survey.training))))),
        batch=min(BATCH, max(4, survey.training // 20)),
        optimizer="adamw",
        lr=3e-3,
        weight_decay=0.01,
        schedule="onecycle",
        clip=5.0,
        average=0.99,
    )
    return RunSettings(
        task=replace(asked, settings=replace(asked.settings, picture=picture)), model=chosen, train=train
    )


def _suits(survey: Survey) -> int:
    return 1 if survey.kind == "picture" else 0


CATALOGUE = {"read_text": Recipe(("read_text",), _suits, read_text)}
