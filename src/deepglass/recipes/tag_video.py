"""Videos in which is told what is there when: windows that begin elsewhere at every visit, answered frame by frame."""

from dataclasses import replace

from deepglass.data.augment.clips import ClipAugment
from deepglass.data.recognise import Survey
from deepglass.engine.settings import TrainSettings
from deepglass.foundation.settings import choose
from deepglass.foundation.sizes import Size
from deepglass.networks import choose_model
from deepglass.recipes.recipe import Recipe
from deepglass.run import RunSettings
from deepglass.tasks.kinds.clip import ClipSettings

WINDOWS_SEEN: dict[Size, int] = {"tiny": 2_400, "small": 10_000, "paper": 400_000}
EPOCHS: dict[Size, tuple[int, int]] = {"tiny": (4, 60), "small": (8, 200), "paper": (40, 1000)}
SEEN: dict[Size, tuple[int, int]] = {"tiny": (32, 16), "small": (64, 24), "paper": (112, 32)}  # pixels a side, frames


def tag_video(task: str, survey: Survey, size: Size, model: str) -> RunSettings:
    """Epochs follow from how many videos there are; each visit sees one window of a video."""
    least, most = EPOCHS[size]
    epochs = min(most, max(least, round(WINDOWS_SEEN[size] / max(1, survey.examples))))
    side, frames = SEEN[size]
    chosen = choose("tasks", task)
    augment = ClipAugment(flip=True, crop_pad=side // 16, brightness=0.2, contrast=0.2)
    looked = ClipSettings(size=side, frames=frames, fit="stretch", longest=120.0, augment=augment)
    train = TrainSettings(
        epochs=float(epochs),
        batch=min(8, max(4, survey.examples // 20)),
        optimizer="adamw",
        lr=2e-3,
        weight_decay=0.05,
        schedule="onecycle",
        average=0.99,
        clip=5.0,
        check_epochs=max(1.0, epochs / 12),
    )
    return RunSettings(
        task=replace(chosen, settings=replace(chosen.settings, clip=looked)),
        model=choose_model(model or "cnn_lstm"),
        train=train,
    )


def _suits(survey: Survey) -> int:
    return 1 if survey.kind == "clip" else 0


CATALOGUE = {"tag_video": Recipe(("tag_video",), _suits, tag_video)}
