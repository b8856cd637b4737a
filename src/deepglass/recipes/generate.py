"""Pictures made after a folder of others: strided convolutions, told the class where there are classes.

Rates are those of Radford 2016 (Adam, 0.0002, momentum 0.5); R1 keeps the discriminator from running away, and what is
kept of the generator is its average. stylegan2 and biggan are sized, paid and moved as their own papers have it at size
paper; smaller ones are trained for thousands of steps instead of millions, and have to be steadier and faster for that.
"""

from dataclasses import dataclass, field, replace
from math import sqrt
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

SEEN: dict[Size, int] = {"tiny": 100_000, "small": 400_000, "paper": 10_000_000}  # pictures
EPOCHS: dict[Size, tuple[int, int]] = {"tiny": (1, 20), "small": (5, 200), "paper": (20, 1000)}
FEATURES: dict[Size, int] = {"tiny": 32, "small": 64, "paper": 64}
SIDES: dict[Size, tuple[int, ...]] = {"tiny": (28, 32), "small": (28, 32, 64), "paper": (28, 32, 64, 128)}
POWERS: dict[Size, tuple[int, ...]] = {"tiny": (32,), "small": (32, 64), "paper": (32, 64, 128, 256, 512, 1024)}
STYLES: dict[Size, dict[str, int]] = {
    "tiny": {"base": 1024, "most": 64, "style": 64, "depth": 2},
    "small": {"base": 8192, "most": 256, "style": 256, "depth": 4},
    "paper": {},
}
LEVELS: dict[Size, dict[str, int]] = {
    "tiny": {"features": 8, "shared": 32},
    "small": {"features": 32, "shared": 64},
    "paper": {"features": 96},
}
BATCH = 64
CHECKS = 12  # of a run: a film, curves and alarms need some ...
BETWEEN = 5000  # ... but so many pictures are learned from between two of them, or the whole part where it is smaller
SHORT = 1_000_000  # pictures seen, below which a run is a short one
STEADY = 5.0  # weight of R1 in short runs of stylegan2 (γ = 10, Mescheder 2018, arXiv:1801.04406)
PLAIN = 32  # pixels a side up to which Karras 2020 mixes no styles and evens no paths (his settings for CIFAR-10)


@dataclass(frozen=True)
class Game:
    """How a network is sized, paid and moved."""

    side: int
    model: dict[str, Any]
    task: dict[str, Any] = field(default_factory=lambda: {"slope": 0.5})
    lr: float = 2e-4
    momentum: float = 0.5


def generate(task: str, survey: Survey, size: Size, model: str) -> RunSettings:
    """Epochs follow from how many pictures there are; pictures become squares of a size that can be halved evenly."""
    chosen = choose_model(model or ("cgan" if 2 <= len(survey.counts) <= 1000 else "dcgan"))
    game = {"stylegan2": _styled, "biggan": _leveled}.get(chosen.name, _strided)(survey, size)
    known = {name: value for name, value in game.model.items() if hasattr(chosen.settings, name)}
    settings = replace(chosen.settings, **known)
    asked = choose("tasks", task)
    picture = PictureSettings(size=game.side, augment=PictureAugment(flip=survey.channels != (1,)))
    played = replace(asked.settings, picture=picture, by_class=getattr(settings, "classes", 0) > 0, **game.task)
    least, most = EPOCHS[size]
    epochs = min(most, max(least, round(SEEN[size] / max(1, survey.training))))
    train = TrainSettings(
        epochs=float(epochs),
        batch=min(BATCH, max(8, survey.training // 10)),
        optimizer="adamw",
        lr=game.lr,
        momentum=game.momentum,
        schedule="constant",
        warmup=0.0,
        average=0.999,
        check_epochs=round(max(epochs / CHECKS, min(1.0, BETWEEN / max(1, survey.training))), 3),
    )
    return RunSettings(task=replace(asked, settings=played), model=replace(chosen, settings=settings), train=train)


def _strided(survey: Survey, size: Size) -> Game:
    return Game(_side(survey, SIDES[size]), {"features": FEATURES[size]})


def _styled(survey: Survey, size: Size) -> Game:
    """The slope's weight grows with the picture (Karras 2020, arXiv:2006.06676); few pictures are made more of.

    That weight is a small one, 0.0016 at 32 pixels, for weeks of training; a short run swings with it.
    """
    side, short = _side(survey, POWERS[size]), SEEN[size] < SHORT
    slope = STEADY if short else 0.0001 * side * side / BATCH
    paid: dict[str, Any] = {"latent": STYLES[size].get("style", 512), "slope": slope}
    paid |= {"adaptive": 0.6, "adaptive_over": min(500_000, SEEN[size] // 4)}
    if side > PLAIN:
        paid |= {"path": 2.0, "mixing": 0.9}
    return Game(side, STYLES[size], paid, lr=2e-3, momentum=0.5 if short else 0.0)


def _leveled(survey: Survey, size: Size) -> Game:
    """The hinge, rates of 0.0001 and 0.0004 as in Zhang 2019 (arXiv:1805.08318), of whose network it is a larger one.

    Where kernels are divided by their norm, a step counts beside a kernel's numbers, which are larger the fewer maps
    there are: the rates, for 96 of them, grow with the root of how many fewer there are.
    """
    side = _side(survey, tuple(one for one in POWERS[size] if one <= 256))
    lr = 1e-4 * sqrt(LEVELS["paper"]["features"] / LEVELS[size]["features"])
    paid: dict[str, Any] = {"latent": 120, "game": "hinge", "discriminator_rate": 4.0}
    if SEEN[size] < SHORT:
        return Game(side, LEVELS[size], paid | {"slope": 0.5}, lr=round(lr, 5), momentum=0.5)
    return Game(side, LEVELS[size], paid, lr=lr, momentum=0.0)


def _side(survey: Survey, sides: tuple[int, ...]) -> int:
    """The largest of these that the pictures have, or the smallest."""
    shorter = min(survey.width, survey.height)
    return next((one for one in reversed(sides) if one <= shorter), sides[0])


def _suits(survey: Survey) -> int:
    return 1 if survey.kind == "picture" else 0


CATALOGUE = {"generate": Recipe(("generate_images",), _suits, generate)}
