"""Texts: a weighted bag of words, chosen by its best check.

On the topics of news it comes close to logistic regression on TF-IDF or passes it, and is trained in minutes;
`--model text_lstm` or `text_cnn` reads in order.
"""

from dataclasses import replace

from deepglass.data.recognise import Survey
from deepglass.data.vocabulary import VocabularySettings
from deepglass.engine.settings import TrainSettings
from deepglass.foundation.settings import choose
from deepglass.foundation.sizes import Size
from deepglass.networks import choose_model
from deepglass.recipes.recipe import Recipe
from deepglass.run import RunSettings
from deepglass.tasks.kinds.text import TextSettings

EXAMPLES_SEEN: dict[Size, int] = {"tiny": 20_000, "small": 200_000, "paper": 2_000_000}
EPOCHS: dict[Size, tuple[int, int]] = {"tiny": (1, 20), "small": (3, 30), "paper": (5, 100)}
BAG = "text_bag"


def texts(task: str, survey: Survey, size: Size, model: str) -> RunSettings:
    """Epochs follow from how many texts there are.

    A bag is trained by plain gradient descent from 0: steps scaled for each number would learn rare words by heart.
    """
    name = model or BAG
    bag = name == BAG
    least, most = EPOCHS[size]
    epochs = min(most, max(least, round(EXAMPLES_SEEN[size] / max(1, survey.examples))))
    batch = min(64, max(8, survey.examples // 20))
    read = TextSettings(
        vocabulary=VocabularySettings(size=60_000 if bag else 30_000, least=2, lower=True),
        longest=1000 if bag else 400,
        drop=0.0 if bag else 0.1,
    )
    chosen = choose("tasks", task)
    train = TrainSettings(
        epochs=float(epochs),
        batch=batch,
        optimizer="sgd" if bag else "adamw",
        lr=10.0 if bag else 2e-3,  # each text is a vector of length 1, most of whose numbers are 0
        momentum=0.9,
        weight_decay=0.0 if bag else 0.01,
        schedule="linear" if bag else "cosine",
        warmup=0.0 if bag else 0.05,
        average=0.99,
        clip=0.0 if bag else 1.0,
    )
    task_chosen = replace(chosen, settings=replace(chosen.settings, text=read))
    return RunSettings(task=task_chosen, model=choose_model(name), train=train)


def _suits(survey: Survey) -> int:
    return 1 if survey.kind == "text" else 0


CATALOGUE = {"texts": Recipe(("classify", "multilabel", "regress"), _suits, texts)}
