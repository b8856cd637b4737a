"""Series that go on: dense layers over the whole history; `--model series_lstm` reads it step by step."""

from dataclasses import replace

from deepglass.data.recognise import Survey
from deepglass.engine.settings import TrainSettings
from deepglass.foundation.settings import Choice, choose
from deepglass.foundation.sizes import Size
from deepglass.models.series_dense import SeriesDenseConfig
from deepglass.models.series_lstm import SeriesLSTMConfig
from deepglass.networks import choose_model
from deepglass.recipes.recipe import Recipe
from deepglass.run import RunSettings

STEPS: dict[Size, int] = {"tiny": 400, "small": 3000, "paper": 20_000}
HIDDEN: dict[Size, int] = {"tiny": 48, "small": 96, "paper": 256}


def forecast(task: str, survey: Survey, size: Size, model: str) -> RunSettings:
    """The network sees the whole history; an LSTM is asked where it ends, for what comes follows that."""
    steps = STEPS[size]
    train = TrainSettings(
        steps=steps,
        batch=64,
        optimizer="adamw",
        lr=5e-3,
        weight_decay=0.01,
        schedule="cosine",
        warmup=0.05,
        average=0.99,
        clip=1.0,
        check_epochs=max(1.0, steps * 64 / max(1, survey.training) / 20),
    )
    chosen = _sized(choose_model(model or "series_dense"), survey, size)
    return RunSettings(task=choose("tasks", task), model=chosen, train=train)


def _sized(model: Choice, survey: Survey, size: Size) -> Choice:
    if isinstance(model.settings, SeriesDenseConfig):
        return replace(model, settings=replace(model.settings, steps=survey.width, hidden=2 * HIDDEN[size]))
    if not isinstance(model.settings, SeriesLSTMConfig):
        return model
    own = replace(model.settings, hidden=HIDDEN[size], bidirectional=False, summary="end")
    return replace(model, settings=own)


def _suits(survey: Survey) -> int:
    return 1 if survey.kind == "series" else 0


CATALOGUE = {"forecast": Recipe(("forecast",), _suits, forecast)}
