"""Few labels and many pictures: a classifier that learns beside a generator of pictures.

    deepglass train DIR                  class folders, and a folder named unlabelled
    deepglass train digits-100           100 digits with a label, 7,900 without

An epoch sees every picture once; labelled ones come as often as unlabelled ones, so the few are seen over and over.
Momentum and the falling rate are those of Salimans 2016, as is keeping the average of the weights.
"""

from dataclasses import replace

from deepglass.data.augment.pictures import PictureAugment
from deepglass.data.augment.pictures import digits as moved
from deepglass.data.recognise import Survey
from deepglass.data.settings import DataSettings
from deepglass.engine.settings import TrainSettings
from deepglass.foundation.settings import choose
from deepglass.foundation.sizes import Size
from deepglass.networks import choose_model
from deepglass.recipes.recipe import Recipe
from deepglass.run import RunSettings
from deepglass.tasks.kinds.picture import PictureSettings

SIDES = (28, 32, 48, 64, 96)  # that can be halved evenly down to a few places
SEEN: dict[Size, int] = {"tiny": 40_000, "small": 400_000, "paper": 4_000_000}  # pictures
EPOCHS: dict[Size, tuple[int, int]] = {"tiny": (2, 50), "small": (20, 200), "paper": (100, 600)}
BATCH = 64
ENOUGH = 1000  # labelled pictures of which some are held back for validation; fewer are all needed to learn from


def semi_supervised(task: str, survey: Survey, size: Size, model: str) -> RunSettings:
    """Epochs follow from how many pictures there are, with a label or without."""
    shorter, grey = min(survey.width, survey.height), survey.channels == (1,)
    side = next((one for one in reversed(SIDES) if one <= shorter), SIDES[0])
    asked, chosen = choose("tasks", task), choose_model(model or "semi_gan")
    cut = moved() if grey else PictureAugment(flip=True, crop_pad=max(2, side // 8))
    seen = replace(asked.settings, picture=PictureSettings(size=side, augment=cut))
    least, most = EPOCHS[size]
    train = TrainSettings(
        epochs=float(min(most, max(least, round(SEEN[size] / max(1, survey.training))))),
        batch=min(BATCH, max(8, survey.training // 10)),
        optimizer="adamw",
        lr=2e-3,
        momentum=0.5,
        schedule="linear",
        warmup=0.02,
        average=0.999,
        check_epochs=5.0,
    )
    labelled = sum(survey.counts.values()) - (survey.examples - survey.training)
    data = DataSettings() if labelled >= ENOUGH else DataSettings(val=0.0)
    return RunSettings(data=data, task=replace(asked, settings=seen), model=chosen, train=train)


def _suits(survey: Survey) -> int:
    return 1 if survey.kind == "picture" else 0


CATALOGUE = {"semi_supervised": Recipe(("semi_supervised",), _suits, semi_supervised)}
