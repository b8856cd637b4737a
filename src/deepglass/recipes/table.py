"""Rows of numbers: a small multilayer perceptron, chosen by its best check."""

from dataclasses import replace

from deepglass.data.recognise import Survey
from deepglass.engine.settings import TrainSettings
from deepglass.foundation.settings import Choice, choose
from deepglass.foundation.sizes import Size
from deepglass.networks import choose_model
from deepglass.recipes.recipe import Recipe
from deepglass.run import RunSettings
from deepglass.tasks.classify import ClassifySettings

STEPS: dict[Size, int] = {"tiny": 300, "small": 1000, "paper": 10_000}


def table(task: str, survey: Survey, size: Size, model: str) -> RunSettings:
    """The perceptron learns as Rosenblatt's did: its own criterion, one example at a time, a rate that stays."""
    count = survey.examples
    if model == "perceptron" and task == "classify":
        return _rosenblatt(count, size)
    train = TrainSettings(
        steps=STEPS[size],
        batch=min(64, max(8, count // 20)),
        optimizer="adamw",
        lr=3e-3,
        weight_decay=0.5,  # of the rate: small tables are learned by heart otherwise
        average=0.99,
        check_epochs=max(1.0, STEPS[size] / 40 * min(64, max(8, count // 20)) / max(1, count)),
    )
    return RunSettings(task=choose("tasks", task), model=choose_model(model) if model else _smooth(), train=train)


def _smooth() -> Choice:
    """The multilayer perceptron with tanh: on four small tables it did better than ReLU in 29 of 32 comparisons."""
    mlp = choose_model("mlp")
    return replace(mlp, settings=replace(mlp.settings, activation="tanh"))


def _rosenblatt(count: int, size: Size) -> RunSettings:
    train = TrainSettings(
        steps=STEPS[size],
        batch=1,
        optimizer="sgd",
        momentum=0.0,
        lr=0.1,
        schedule="constant",
        warmup=0.0,
        check_epochs=max(1.0, STEPS[size] / 20 / max(1, count)),
    )
    task = Choice("tasks", "classify", ClassifySettings(loss="perceptron"))
    return RunSettings(task=task, model=choose_model("perceptron"), train=train)


def _suits(survey: Survey) -> int:
    return 1 if survey.kind == "vector" else 0


CATALOGUE = {"table": Recipe(("classify", "multilabel", "regress"), _suits, table)}
