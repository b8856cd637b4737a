"""Sentences with a tag for every token: an LSTM that reads from both ends, chosen by its best check."""

from dataclasses import replace

from deepglass.data.recognise import Survey
from deepglass.engine.settings import TrainSettings
from deepglass.foundation.settings import choose
from deepglass.foundation.sizes import Size
from deepglass.networks import choose_model
from deepglass.recipes.recipe import Recipe
from deepglass.run import RunSettings

SENTENCES_SEEN: dict[Size, int] = {"tiny": 12_000, "small": 200_000, "paper": 1_000_000}
EPOCHS: dict[Size, tuple[int, int]] = {"tiny": (1, 30), "small": (3, 40), "paper": (10, 100)}
HIDDEN: dict[Size, int] = {"tiny": 64, "small": 128, "paper": 256}


def tag(task: str, survey: Survey, size: Size, model: str) -> RunSettings:
    """Epochs follow from how many sentences there are."""
    least, most = EPOCHS[size]
    epochs = min(most, max(least, round(SENTENCES_SEEN[size] / max(1, survey.examples))))
    chosen = choose_model(model or "tagger_lstm")
    if not model:
        chosen = replace(chosen, settings=replace(chosen.settings, hidden=HIDDEN[size]))
    train = TrainSettings(
        epochs=float(epochs),
        batch=min(32, max(4, survey.examples // 40)),
        optimizer="adamw",
        lr=5e-3,
        weight_decay=0.01,
        schedule="cosine",
        warmup=0.05,
        average=0.99,
        clip=1.0,
        check_epochs=max(1.0, epochs / 20),
    )
    return RunSettings(task=choose("tasks", task), model=chosen, train=train)


def _suits(survey: Survey) -> int:
    return 1 if survey.kind == "text" else 0


CATALOGUE = {"tag": Recipe(("tag",), _suits, tag)}
