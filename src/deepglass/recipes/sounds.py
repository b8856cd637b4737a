"""Sounds to be told apart: convolutions over the spectrum, loudness, place and bands varied on every visit."""

from dataclasses import replace

from deepglass.data.augment.sound import SoundAugment
from deepglass.data.features import SoundFeatures
from deepglass.data.recognise import Survey
from deepglass.engine.settings import TrainSettings
from deepglass.foundation.settings import choose
from deepglass.foundation.sizes import Size
from deepglass.networks import choose_model
from deepglass.recipes.recipe import Recipe
from deepglass.run import RunSettings
from deepglass.tasks.kinds.sound import SoundSettings

EXAMPLES_SEEN: dict[Size, int] = {"tiny": 4_000, "small": 40_000, "paper": 1_000_000}
EPOCHS: dict[Size, tuple[int, int]] = {"tiny": (2, 30), "small": (5, 60), "paper": (20, 200)}
LONGEST: dict[Size, float] = {"tiny": 5.0, "small": 10.0, "paper": 30.0}  # seconds that are heard


def sounds(task: str, survey: Survey, size: Size, model: str) -> RunSettings:
    """Epochs follow from how many sounds there are, so that a small folder is heard more often."""
    least, most = EPOCHS[size]
    epochs = min(most, max(least, round(EXAMPLES_SEEN[size] / max(1, survey.examples))))
    augment = SoundAugment(speed=0.1, shift=0.1, gain=6, time_masks=1, band_masks=1)
    features = SoundFeatures(rate=8000, bands=40) if size == "tiny" else SoundFeatures()
    chosen = choose("tasks", task)
    heard = SoundSettings(features=features, augment=augment, longest=LONGEST[size])
    train = TrainSettings(
        epochs=float(epochs),
        batch=min(32, max(8, survey.examples // 20)),
        optimizer="adamw",
        lr=2e-3,
        weight_decay=0.05,
        schedule="onecycle",
        average=0.99,
        check_epochs=max(1.0, epochs / 20),
    )
    return RunSettings(
        task=replace(chosen, settings=replace(chosen.settings, sound=heard)),
        model=choose_model(model or "audio_cnn"),
        train=train,
    )


def _suits(survey: Survey) -> int:
    return 1 if survey.kind == "sound" else 0


CATALOGUE = {"sounds": Recipe(("classify", "multilabel", "regress"), _suits, sounds)}
