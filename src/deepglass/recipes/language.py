"""Texts to be continued or filled in: an LSTM over characters, over words, or from both sides of a blank."""

from dataclasses import replace

from deepglass.data.recognise import Survey
from deepglass.data.vocabulary import VocabularySettings
from deepglass.engine.settings import TrainSettings
from deepglass.foundation.settings import Choice, choose
from deepglass.foundation.sizes import Size
from deepglass.networks import choose_model
from deepglass.recipes.recipe import Recipe
from deepglass.run import RunSettings

LETTERS_SEEN: dict[Size, float] = {"tiny": 1e6, "small": 2e7, "paper": 4e8}
EPOCHS: dict[Size, tuple[float, float]] = {"tiny": (0.05, 20), "small": (1, 40), "paper": (5, 100)}
HIDDEN: dict[Size, int] = {"tiny": 128, "small": 512, "paper": 1024}
STEP = 16_000  # letters of a step: fewer make it noisy, and more leave too few steps
BATCH = 64
MODELS = {"generate_text": "char_lm", "cloze": "cloze_bilstm"}
WORDS = VocabularySettings(level="words", size=10_000, least=3, lines=True)  # of word_lm


def language(task: str, survey: Survey, size: Size, model: str) -> RunSettings:
    """As many epochs as it takes to see so many letters; a small text is seen more often, with more dropout."""
    letters = max(1, survey.examples * survey.width)
    least, most = EPOCHS[size]
    epochs = min(most, max(least, LETTERS_SEEN[size] / letters))
    batch = min(BATCH, max(4, STEP // max(1, survey.width)), max(8, survey.examples // 20))
    train = TrainSettings(
        epochs=round(epochs, 2),
        batch=batch,
        optimizer="adamw",
        lr=3e-3,
        weight_decay=0.01,
        schedule="cosine",
        warmup=0.05,
        clip=1.0,
        check_epochs=max(1.0, epochs / 20) if epochs > 1 else round(epochs / 4, 2),
    )
    chosen = _sized(choose_model(model or MODELS[task]), size, epochs)
    return RunSettings(task=_read(choose("tasks", task), chosen.name), model=chosen, train=train)


def _sized(model: Choice, size: Size, epochs: float) -> Choice:
    if model.name not in MODELS.values():
        return model
    if model.name == "cloze_bilstm":
        return replace(model, settings=replace(model.settings, hidden=HIDDEN[size] // 2))  # of each of two sides
    dropout = 0.2 if epochs > 5 else 0.0
    return replace(model, settings=replace(model.settings, hidden=HIDDEN[size], dropout=dropout))


def _read(task: Choice, model: str) -> Choice:
    """The task with texts cut into words, where the network is made for words."""
    if model != "word_lm" or task.name != "generate_text":
        return task
    text = replace(task.settings.text, vocabulary=WORDS)
    return replace(task, settings=replace(task.settings, text=text))


def _suits(survey: Survey) -> int:
    return 1 if survey.kind == "text" else 0


CATALOGUE = {"language": Recipe(tuple(MODELS), _suits, language)}
