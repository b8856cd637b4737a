"""Speech with transcripts: a small Deep Speech 2, its speed, loudness and spectrum varied on every visit."""

from dataclasses import replace

from deepglass.data.augment.sound import speech as varied
from deepglass.data.features import SoundFeatures
from deepglass.data.recognise import Survey
from deepglass.engine.settings import TrainSettings
from deepglass.foundation.settings import Choice, choose
from deepglass.foundation.sizes import Size
from deepglass.networks import choose_model
from deepglass.recipes.recipe import Recipe
from deepglass.run import RunSettings

EXAMPLES_SEEN: dict[Size, int] = {"tiny": 4_000, "small": 40_000, "paper": 2_000_000}
EPOCHS: dict[Size, tuple[int, int]] = {"tiny": (2, 30), "small": (5, 120), "paper": (10, 200)}
TELEPHONE = SoundFeatures(rate=8000, bands=40)  # a person understands it, and a processor has half the work
HEARD: dict[Size, SoundFeatures] = {"tiny": TELEPHONE, "small": TELEPHONE, "paper": SoundFeatures()}
HIDDEN: dict[Size, int] = {"tiny": 96, "small": 256, "paper": 512}
FEW = 5000  # recordings below which a network soon knows them by heart, and is silenced more


def speech(task: str, survey: Survey, size: Size, model: str) -> RunSettings:
    """Epochs follow from how many recordings there are; batches are small, for each letter is an answer of its own."""
    least, most = EPOCHS[size]
    epochs = min(most, max(least, round(EXAMPLES_SEEN[size] / max(1, survey.examples))))
    train = TrainSettings(
        epochs=float(epochs),
        batch=min(16, max(4, survey.examples // 40)),
        optimizer="adamw",
        lr=2e-3,
        weight_decay=0.02,
        schedule="onecycle",
        clip=5.0,
        average=0.99,
        check_epochs=max(1.0, epochs / 20),
    )
    chosen = choose("tasks", task)
    heard = replace(chosen.settings.sound, features=HEARD[size], augment=varied())
    return RunSettings(
        task=replace(chosen, settings=replace(chosen.settings, sound=heard)),
        model=choose_model(model) if model else _sized(size, survey.examples),
        train=train,
    )


def _sized(size: Size, examples: int) -> Choice:
    chosen = choose_model("ctc_speech")
    dropout = 0.3 if examples < FEW and size != "tiny" else chosen.settings.dropout
    return replace(chosen, settings=replace(chosen.settings, hidden=HIDDEN[size], dropout=dropout))


def _suits(survey: Survey) -> int:
    return 1 if survey.kind == "sound" else 0


CATALOGUE = {"speech": Recipe(("transcribe",), _suits, speech)}
