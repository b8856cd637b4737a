"""Sentences beside their translations: a recurrent reader and writer with attention, chosen by its best check."""

from dataclasses import replace
from typing import Any

from deepglass.data.recognise import Survey
from deepglass.data.vocabulary import VocabularySettings
from deepglass.engine.settings import TrainSettings
from deepglass.foundation.settings import Choice
from deepglass.foundation.sizes import Size
from deepglass.networks import choose_model
from deepglass.recipes.recipe import Recipe
from deepglass.run import RunSettings
from deepglass.tasks.kinds.text import TextSettings
from deepglass.tasks.translate import TranslateSettings

PAIRS_SEEN: dict[Size, int] = {"tiny": 40_000, "small": 600_000, "paper": 20_000_000}
EPOCHS: dict[Size, tuple[int, int]] = {"tiny": (1, 120), "small": (3, 80), "paper": (5, 200)}
PIECES: dict[Size, int] = {"tiny": 1_000, "small": 8_000, "paper": 32_000}
WIDTHS: dict[Size, dict[str, Any]] = {  # of the model that is meant where none is named
    "tiny": {"features": 128, "hidden": 128, "layers": 1, "dropout": 0.0},
    "small": {"features": 256, "hidden": 512, "layers": 2, "dropout": 0.2},
    "paper": {"features": 512, "hidden": 1024, "layers": 4, "dropout": 0.2},
}


def translate(task: str, survey: Survey, size: Size, model: str) -> RunSettings:
    """Epochs follow from how many pairs there are; a check a twentieth of the way is enough where epochs are short."""
    least, most = EPOCHS[size]
    epochs = min(most, max(least, round(PAIRS_SEEN[size] / max(1, survey.examples))))
    text = TextSettings(vocabulary=VocabularySettings(level="pieces", size=PIECES[size]), longest=100)
    train = TrainSettings(
        epochs=float(epochs),
        batch=min(128, max(8, survey.examples // 20)),
        optimizer="adamw",
        lr=4e-3 if size == "tiny" else 1e-3,
        weight_decay=0.01,
        schedule="cosine",
        warmup=0.05,
        average=0.99 if size == "tiny" else 0.999,
        clip=1.0,  # an LSTM's gradients now and then explode
        check_epochs=max(1.0, epochs / 20),
    )
    asked = Choice("tasks", "translate", TranslateSettings(text=text, beam=1 if size == "tiny" else 4))
    chosen = choose_model(model or "seq2seq")
    if not model:
        chosen = replace(chosen, settings=replace(chosen.settings, **WIDTHS[size]))
    return RunSettings(task=asked, model=chosen, train=train)


def _suits(survey: Survey) -> int:
    return 1 if survey.kind == "text" else 0


CATALOGUE = {"translate": Recipe(("translate",), _suits, translate)}
