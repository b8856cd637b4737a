"""Series made after a set of others: an LSTM that writes and one that judges, told the class where there are classes.

Few series are learned whole and the last, averaged weights are kept; of more a tenth is held back to choose by. All are
seen many times: a step of a recurrent network says little, and there is nothing to be learned by heart but numbers.
"""

from dataclasses import replace

from deepglass.data.recognise import Survey
from deepglass.data.settings import DataSettings
from deepglass.engine.settings import TrainSettings
from deepglass.foundation.settings import choose
from deepglass.foundation.sizes import Size
from deepglass.models.series_gan import SeriesGANConfig
from deepglass.networks import choose_model
from deepglass.recipes.recipe import Recipe
from deepglass.run import RunSettings

STEPS: dict[Size, int] = {"tiny": 600, "small": 5000, "paper": 40_000}
HIDDEN: dict[Size, int] = {"tiny": 32, "small": 64, "paper": 128}
BATCH = 32
HOLD_NOTHING_BACK = 300  # series, below which a tenth would say little and be missed
CHECKS = 10


def generate_series(task: str, survey: Survey, size: Size, model: str) -> RunSettings:
    """So many steps, whatever the number of series; classes may be asked for where there are any."""
    count = max(1, survey.training)
    batch, whole = min(BATCH, max(8, count // 2)), count < HOLD_NOTHING_BACK
    asked, chosen = choose("tasks", task), choose_model(model or "series_gan")
    if isinstance(chosen.settings, SeriesGANConfig):
        sized = replace(chosen.settings, hidden=HIDDEN[size], judged=HIDDEN[size])
        chosen = replace(chosen, settings=sized)
    train = TrainSettings(
        steps=STEPS[size],
        batch=batch,
        optimizer="adamw",
        lr=1e-3,
        momentum=0.5,
        schedule="constant",
        warmup=0.0,
        average=0.998,
        clip=1.0,
        check_epochs=max(1.0, STEPS[size] * batch / count / CHECKS),
    )
    told = replace(asked.settings, by_class=2 <= len(survey.counts) <= 100)
    return RunSettings(
        data=DataSettings(val=0.0) if whole else DataSettings(),
        task=replace(asked, settings=told),
        model=chosen,
        train=train,
    )


def _suits(survey: Survey) -> int:
    return 1 if survey.kind == "series" else 0


CATALOGUE = {"generate_series": Recipe(("generate_series",), _suits, generate_series)}
