"""Pictures made after a folder of others: strided convolutions, told the class where there are classes.

Rates are those of Radford 2016 (Adam, 0.0002, momentum 0.5); R1 keeps the discriminator from running away, and what is
kept of the generator is its average.
"""

from dataclasses import replace

from deepglass.data.augment.pictures import PictureAugment
from deepglass.data.recognise import Survey
from deepglass.engine.settings import TrainSettings
from deepglass.foundation.settings import choose
from deepglass.foundation.sizes import Size
from deepglass.networks import choose_model
from deepglass.recipes.recipe import Recipe
from deepglass.run import RunSettings
from deepglass.tasks.kinds.picture import PictureSettings

SIDES: dict[Size, tuple[int, ...]] = {"tiny": (28, 32), "small": (28, 32, 64), "paper": (28, 32, 64, 128)}
SEEN: dict[Size, int] = {"tiny": 20_000, "small": 400_000, "paper": 10_000_000}  # pictures
EPOCHS: dict[Size, tuple[int, int]] = {"tiny": (1, 20), "small": (5, 200), "paper": (20, 1000)}
FEATURES: dict[Size, int] = {"tiny": 32, "small": 64, "paper": 64}
BATCH = 64


def generate(task: str, survey: Survey, size: Size, model: str) -> RunSettings:
    """Epochs follow from how many pictures there are; pictures become squares of a size that can be halved evenly."""
    shorter = min(survey.width, survey.height)
    side = next((one for one in reversed(SIDES[size]) if one <= shorter), SIDES[size][0])
    classes = 2 <= len(survey.counts) <= 1000
    chosen = choose_model(model or ("cgan" if classes else "dcgan"))
    if hasattr(chosen.settings, "features"):
        chosen = replace(chosen, settings=replace(chosen.settings, features=FEATURES[size]))
    asked = choose("tasks", task)
    picture = PictureSettings(size=side, augment=PictureAugment(flip=survey.channels != (1,)))
    game = replace(asked.settings, picture=picture, by_class=hasattr(chosen.settings, "classes"), slope=0.5)
    least, most = EPOCHS[size]
    epochs = min(most, max(least, round(SEEN[size] / max(1, survey.training))))
    train = TrainSettings(
        epochs=float(epochs),
        batch=min(BATCH, max(8, survey.training // 10)),
        optimizer="adamw",
        lr=2e-4,
        momentum=0.5,
        schedule="constant",
        warmup=0.0,
        average=0.999,
        check_epochs=max(1.0, epochs / 10),
    )
    return RunSettings(task=replace(asked, settings=game), model=chosen, train=train)


def _suits(survey: Survey) -> int:
    return 1 if survey.kind == "picture" else 0


CATALOGUE = {"generate": Recipe(("generate_images",), _suits, generate)}
