"""What a recipe is: a typed run worked out from a glance at the data and the size dial."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from deepglass.data.recognise import Survey
from deepglass.foundation import catalogue
from deepglass.foundation.errors import UsageError
from deepglass.foundation.settings import Choice, choose
from deepglass.foundation.sizes import Size
from deepglass.run import RunSettings
from deepglass.tasks.kinds.picture import PictureSettings


@dataclass(frozen=True, slots=True)
class Recipe:
    """A catalogue entry of recipes/: for which tasks and data it is meant, and the run it makes."""

    tasks: tuple[str, ...]
    suits: Callable[[Survey], int]  # 0: not at all; the highest wins
    make: Callable[[str, Survey, Size, str], RunSettings]  # task, survey, size, and the model asked for ("": its own)


def choose_recipe(task: str, survey: Survey, name: str = "") -> tuple[str, Recipe]:
    """The recipe asked for, or the one that suits the data best."""
    if name:
        return name, catalogue.find("recipes", name)
    offered = {found: catalogue.find("recipes", found) for found in catalogue.entries("recipes")}
    suited = {found: recipe.suits(survey) for found, recipe in offered.items() if task in recipe.tasks}
    best = max(suited, key=lambda found: suited[found], default="")
    if not best or not suited[best]:
        raise UsageError("run.no_recipe", task=task, kind=survey.kind)
    return best, offered[best]


def seeing(task: str, picture: PictureSettings, smoothing: float = 0.0) -> Choice:
    """The task of that name, looking at pictures made so; labels are smoothed where one class is named."""
    chosen = choose("tasks", task)
    settings = replace(chosen.settings, picture=picture)
    return replace(chosen, settings=replace(settings, smoothing=smoothing) if task == "classify" else settings)
