"""Series: an Inception network over time, each series a little larger or smaller on every visit.

Chosen by cross-validation on the training parts of sets of 36 to 200 series: half the paper's filters at `small`, a
first step over long series that leaves about 250 places, and no bending of time: series read between their steps are
smoother than those that are asked about, which halved the accuracy on recordings full of short bursts.
"""

from dataclasses import replace

from deepglass.data.augment.series import SeriesAugment
from deepglass.data.recognise import Survey
from deepglass.data.settings import DataSettings
from deepglass.engine.settings import TrainSettings
from deepglass.foundation.settings import Choice, choose
from deepglass.foundation.sizes import Size
from deepglass.models.series_cnn import SeriesCNNConfig
from deepglass.networks import choose_model
from deepglass.recipes.recipe import Recipe
from deepglass.run import RunSettings
from deepglass.tasks.kinds.series import SeriesSettings

STEPS: dict[Size, int] = {"tiny": 150, "small": 300, "paper": 2500}  # at least, however few series there are
EPOCHS: dict[Size, int] = {"tiny": 2, "small": 10, "paper": 60}  # at least, however many
WIDTHS: dict[Size, tuple[int, int]] = {"tiny": (8, 3), "small": (16, 6), "paper": (32, 6)}  # filters and depth
PLACES = 256  # of a series, from which the first module steps further
WIDEST = 8  # its longest step: the shortest kernel still sees everything
HOLD_NOTHING_BACK = 300  # series, below which a tenth would say little and be missed
CHECKS = 20


def series(task: str, survey: Survey, size: Size, model: str) -> RunSettings:
    """A small set is learned whole and its last, averaged weights are kept; of a larger one a tenth chooses them."""
    count = max(1, survey.training)
    batch = min(64, max(16, count // 40))
    steps = max(STEPS[size], EPOCHS[size] * count // batch)
    whole = survey.training < HOLD_NOTHING_BACK
    train = TrainSettings(
        steps=steps,
        batch=batch,
        optimizer="adamw",
        lr=2e-3,
        weight_decay=0.05,
        average=0.99,
        clip=1.0,
        check_epochs=max(1.0, steps * batch / count / (1 if whole else CHECKS)),
    )
    chosen = choose("tasks", task)
    seen = SeriesSettings(augment=SeriesAugment(scale=0.1, shift=0.05))
    return RunSettings(
        data=DataSettings(val=0.0) if whole else DataSettings(),
        task=replace(chosen, settings=replace(chosen.settings, series=seen)),
        model=_sized(choose_model(model or "series_cnn"), survey.width, size),
        train=train,
    )


def _sized(model: Choice, length: int, size: Size) -> Choice:
    """The Inception network as wide as the size asks, its first step as long as the series do."""
    if not isinstance(model.settings, SeriesCNNConfig):
        return model
    filters, depth = WIDTHS[size]
    stride = min(WIDEST, max(1, round(length / PLACES)))
    return replace(model, settings=replace(model.settings, filters=filters, depth=depth, stride=stride))


def _suits(survey: Survey) -> int:
    return 1 if survey.kind == "series" else 0


CATALOGUE = {"series": Recipe(("classify", "multilabel", "regress"), _suits, series)}
