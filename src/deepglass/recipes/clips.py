"""Videos to be told apart: frames and what changes in them, by kernels that reach over time, begun anywhere."""

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

EXAMPLES_SEEN: dict[Size, int] = {"tiny": 2_400, "small": 12_000, "paper": 400_000}
EPOCHS: dict[Size, tuple[int, int]] = {"tiny": (2, 30), "small": (4, 60), "paper": (20, 200)}
SIDES: dict[Size, int] = {"tiny": 32, "small": 64, "paper": 112}


def clips(task: str, survey: Survey, size: Size, model: str) -> RunSettings:
    """Epochs follow from how many videos there are. Nothing is mirrored: the way that things go may be the answer."""
    least, most = EPOCHS[size]
    epochs = min(most, max(least, round(EXAMPLES_SEEN[size] / max(1, survey.examples))))
    pad = SIDES[size] // 16
    chosen = choose("tasks", task)
    light = ClipAugment(crop_pad=pad, brightness=0.2, contrast=0.2)
    looked = ClipSettings(size=SIDES[size], sees="both", augment=light)  # what moves counts as much as what it is
    train = TrainSettings(
        epochs=float(epochs),
        batch=min(16, max(4, survey.examples // 20)),
        optimizer="adamw",
        lr=2e-3,
        weight_decay=0.05,
        schedule="onecycle",
        average=0.99,
        clip=5.0,
        check_epochs=max(1.0, epochs / 20),
    )
    return RunSettings(
        task=replace(chosen, settings=replace(chosen.settings, clip=looked)),
        model=choose_model(model or "cnn3d"),
        train=train,
    )


def _suits(survey: Survey) -> int:
    return 1 if survey.kind == "clip" else 0


CATALOGUE = {"clips": Recipe(("classify", "multilabel", "regress"), _suits, clips)}
