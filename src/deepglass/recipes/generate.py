"""Pictures made after a folder of others: strided convolutions, told the class where there are classes.

Rates are those of Radford 2016 (Adam, 0.0002, momentum 0.5); R1 keeps the discriminator from running away, and what is
kept of the generator is its average.
"""

from dataclasses import replace
from typing import Any

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
POWERS: dict[Size, tuple[int, ...]] = {"tiny": (32,), "small": (32, 64), "paper": (32, 64, 128, 256, 512, 1024)}
SEEN: dict[Size, int] = {"tiny": 20_000, "small": 400_000, "paper": 10_000_000}  # pictures
EPOCHS: dict[Size, tuple[int, int]] = {"tiny": (1, 20), "small": (5, 200), "paper": (20, 1000)}
FEATURES: dict[Size, int] = {"tiny": 32, "small": 64, "paper": 64}
STYLES: dict[Size, dict[str, int]] = {
    "tiny": {"base": 1024, "most": 64, "style": 64, "depth": 2},
    "small": {"base": 8192, "most": 256, "style": 256, "depth": 4},
    "paper": {},
}
BATCH = 64


def generate(task: str, survey: Survey, size: Size, model: str) -> RunSettings:
    """Epochs follow from how many pictures there are; pictures become squares of a size that can be halved evenly."""
    chosen = choose_model(model or ("cgan" if 2 <= len(survey.counts) <= 1000 else "dcgan"))
    settings = chosen.settings
    if hasattr(settings, "features"):
        settings = replace(settings, features=FEATURES[size])
    if hasattr(settings, "style"):
        settings = replace(settings, **STYLES[size])
    asked = choose("tasks", task)
    picture = PictureSettings(size=_side(survey, size, settings), augment=PictureAugment(flip=survey.channels != (1,)))
    seen = SEEN[size]
    game = replace(asked.settings, picture=picture, by_class=getattr(settings, "classes", 0) > 0, slope=0.5)
    if hasattr(settings, "style"):
        game = replace(game, latent=settings.style, **_styled(picture.size, seen))
    least, most = EPOCHS[size]
    epochs = min(most, max(least, round(seen / max(1, survey.training))))
    train = TrainSettings(
        epochs=float(epochs),
        batch=min(BATCH, max(8, survey.training // 10)),
        optimizer="adamw",
        lr=2e-3 if hasattr(settings, "style") else 2e-4,
        momentum=0.0 if hasattr(settings, "style") else 0.5,
        schedule="constant",
        warmup=0.0,
        average=0.999,
        check_epochs=max(1.0, epochs / 10),
    )
    return RunSettings(task=replace(asked, settings=game), model=replace(chosen, settings=settings), train=train)


def _side(survey: Survey, size: Size, settings: Any) -> int:
    """The largest side that the pictures have and the network makes."""
    sides = POWERS[size] if hasattr(settings, "style") else SIDES[size]
    shorter = min(survey.width, survey.height)
    return next((one for one in reversed(sides) if one <= shorter), sides[0])


def _styled(side: int, seen: int) -> dict[str, float]:
    """Karras 2020: what the slope weighs grows with the picture, and few pictures are made more by changing them."""
    return {
        "slope": 0.0001 * side * side / BATCH,
        "path": 2.0,
        "mixing": 0.9,
        "adaptive": 0.6,
        "adaptive_over": max(1, min(500_000, seen // 4)),
    }


def _suits(survey: Survey) -> int:
    return 1 if survey.kind == "picture" else 0


CATALOGUE = {"generate": Recipe(("generate_images",), _suits, generate)}
