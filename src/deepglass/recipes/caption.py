"""Pictures beside what people tell of them: a small ResNet and a writer that looks at it, learned from nothing.

Nothing is mirrored: what stands left of what is a part of the answer. Colours are hardly changed, for they are named.
"""

from dataclasses import replace
from typing import Any

from deepglass.data.augment.pictures import PictureAugment
from deepglass.data.recognise import Survey
from deepglass.data.vocabulary import VocabularySettings
from deepglass.engine.settings import TrainSettings
from deepglass.foundation.settings import Choice
from deepglass.foundation.sizes import Size
from deepglass.networks import choose_model
from deepglass.recipes.recipe import Recipe
from deepglass.run import RunSettings
from deepglass.tasks.caption import CaptionSettings
from deepglass.tasks.kinds.picture import PictureSettings

LONGEST: dict[Size, int] = {"tiny": 64, "small": 160, "paper": 224}  # pixels of the longer side
STRIDE = 32  # of the coarsest map: sides are whole numbers of it
EXAMPLES_SEEN: dict[Size, int] = {"tiny": 24_000, "small": 150_000, "paper": 6_000_000}
EPOCHS: dict[Size, tuple[int, int]] = {"tiny": (2, 120), "small": (8, 200), "paper": (20, 300)}
RATE: dict[Size, float] = {"tiny": 3e-3, "small": 2e-3, "paper": 5e-4}
WIDTHS: dict[Size, dict[str, Any]] = {  # of the model that is meant where none is named
    "tiny": {"stem": 16, "stride": 8, "memory": 128, "features": 64, "hidden": 128, "dropout": 0.1},
    "small": {"stem": 32, "memory": 256, "features": 128, "hidden": 256, "dropout": 0.3},
    "paper": {"backbone": "resnet50"},
}


def caption(task: str, survey: Survey, size: Size, model: str) -> RunSettings:
    """Epochs follow from how many pictures there are; the longer side is as large as the dial allows."""
    chosen = choose_model(model or "caption_lstm")
    if not model:
        chosen = replace(chosen, settings=replace(chosen.settings, **WIDTHS[size]))
    scale = min(1.0, LONGEST[size] / max(1, survey.width, survey.height))
    sides = [max(STRIDE, round(scale * side / STRIDE) * STRIDE) for side in (survey.height, survey.width)]
    if hasattr(chosen.settings, "height"):
        chosen = replace(chosen, settings=replace(chosen.settings, height=sides[0], width=sides[1]))
    least, most = EPOCHS[size]
    epochs = min(most, max(least, round(EXAMPLES_SEEN[size] / max(1, survey.training))))
    moved = PictureAugment(crop_pad=LONGEST[size] // 16, fill="reflect", brightness=0.15, contrast=0.15)
    asked = CaptionSettings(
        picture=PictureSettings(fit="stretch" if survey.same_size else "pad", augment=moved),
        vocabulary=VocabularySettings(level="words", size=10_000),
        beam=3,
    )
    train = TrainSettings(
        epochs=float(epochs),
        batch=min(64 if size == "paper" else 32, max(4, survey.training // 20)),
        optimizer="adamw",
        lr=RATE[size],
        weight_decay=0.01,
        schedule="cosine",
        warmup=0.05,
        average=0.99 if size == "tiny" else 0.998,
        clip=1.0,
        check_epochs=max(1.0, epochs / 20),
    )
    return RunSettings(task=Choice("tasks", "caption", asked), model=chosen, train=train)


def _suits(survey: Survey) -> int:
    return 1 if survey.kind == "picture" else 0


CATALOGUE = {"caption": Recipe(("caption",), _suits, caption)}
