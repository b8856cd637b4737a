"""Screening: volumes in which one class is looked for, patient by patient, with a threshold that validation chooses.

Asked for by name: `recipe=screening`. As the recipe for volumes, but the class that is sought is named
(`task.screen`; the one whose name says it, else the rarest), validation is twice as large, since a threshold has to be
read off it, and the report says what the threshold does to the test part. What is looked for may be small: the network
is told the largest value of each of its last maps instead of the mean, in which a lesion is lost among all that is
healthy, and these maps stay fine enough to say where it is. It is not a medical device.
"""

import math
from dataclasses import replace

from deepglass.data.recognise import Survey
from deepglass.data.settings import DataSettings
from deepglass.foundation.errors import UsageError
from deepglass.foundation.settings import Choice
from deepglass.foundation.sizes import Size
from deepglass.recipes.recipe import Recipe
from deepglass.recipes.volumes import volumes
from deepglass.run import RunSettings

SOUGHT = frozenset(
    "lesion tumor tumour cancer malignant nodule positive abnormal disease sick covid pneumonia bleeding haemorrhage"
    " hemorrhage stroke fracture yes 1 病变 阳性 肿瘤 结节 恶性 异常 出血 骨折".split()
)
VALIDATION = 0.2
FINEST = 16  # places of the last maps' longest axis, at least, where the volume has as many


def screening(task: str, survey: Survey, size: Size, model: str) -> RunSettings:
    """The recipe for volumes with a class that is sought."""
    made = volumes(task, survey, size, model)
    chosen = replace(made.task, settings=replace(made.task.settings, screen=sought_of(survey)))
    return replace(made, task=chosen, model=searching(made.model), data=DataSettings(val=VALIDATION))


def searching(model: Choice) -> Choice:
    """A network that finds what is small, where it can be asked to."""
    settings = model.settings
    if hasattr(settings, "pool"):
        settings = replace(settings, pool="max")
    if hasattr(settings, "halvings"):
        longest = max(settings.depth, settings.height, settings.width)
        settings = replace(settings, halvings=max(1, int(math.log2(longest / FINEST))))
    return replace(model, settings=settings)


def sought_of(survey: Survey) -> str:
    """The class that is meant, by its name or for being rare; refused where there is none to be sought."""
    names = list(survey.counts)
    if len(names) < 2:
        raise UsageError("run.nothing_to_screen", count=len(names))
    named = [name for name in names if name.lower() in SOUGHT]
    return named[0] if len(named) == 1 else names[-1]  # the largest come first


def _suits(survey: Survey) -> int:
    return 0  # only by its name


CATALOGUE = {"screening": Recipe(("classify",), _suits, screening)}
