"""Faces turned to other angles: class folders of people, several pictures of each, none of which says its angle.

People lie whole in one part, so what is measured are people that training never saw. A step sees two pictures of each
of its people, for pairs of one person are what is learned from.
"""

from dataclasses import replace

from deepglass.data.recognise import Survey
from deepglass.data.settings import DataSettings
from deepglass.engine.settings import TrainSettings
from deepglass.foundation.settings import choose
from deepglass.foundation.sizes import Size
from deepglass.networks import choose_model
from deepglass.recipes.recipe import Recipe
from deepglass.run import RunSettings
from deepglass.tasks.kinds.picture import PictureSettings

SIDES: dict[Size, int] = {"tiny": 32, "small": 64, "paper": 128}  # pixels of the longer side
FEATURES: dict[Size, int] = {"tiny": 8, "small": 12, "paper": 48}
STEPS: dict[Size, int] = {"tiny": 150, "small": 600, "paper": 20_000}
EIGHTS = 8  # sides divide by it
ENOUGH = 30  # people from which a tenth of them can say which weights are best; the last ones are taken else
BATCH, TOGETHER = 32, 2  # pictures of a step, and of one person in it: poses are evened over many people


def turn_faces(task: str, survey: Survey, size: Size, model: str) -> RunSettings:
    """The picture keeps its proportions, to the next eight pixels."""
    scale = min(1.0, SIDES[size] / max(1, survey.width, survey.height))
    height, width = (max(2 * EIGHTS, EIGHTS * round(scale * side / EIGHTS)) for side in (survey.height, survey.width))
    chosen = choose_model(model or "turn_gan")
    known = {"height": height, "width": width, "features": FEATURES[size]}
    known = {name: value for name, value in known.items() if hasattr(chosen.settings, name)}
    asked = choose("tasks", task)
    enough = len(survey.counts) >= ENOUGH
    picture = PictureSettings(fit="stretch" if survey.same_size else "crop")
    train = TrainSettings(
        steps=STEPS[size],
        batch=BATCH,
        optimizer="adamw",
        lr=2e-3,
        momentum=0.5,
        schedule="cosine",
        average=0.98,  # of not many steps: what a pose's numbers say still drifts
        clip=5.0,
        check_epochs=max(1.0, STEPS[size] * BATCH / max(1, survey.training) / 8),
    )
    return RunSettings(
        data=DataSettings(split="classes", sampling="balanced", together=TOGETHER, val=0.1 if enough else 0.0),
        task=replace(asked, settings=replace(asked.settings, picture=picture)),
        model=replace(chosen, settings=replace(chosen.settings, **known)),
        train=train,
    )


def _suits(survey: Survey) -> int:
    return 1 if survey.kind == "picture" else 0


CATALOGUE = {"turn_faces": Recipe(("turn_faces",), _suits, turn_faces)}
