"""Videos in which is told what is there when: windows that begin elsewhere at every visit, answered frame by frame.

What is small and anywhere is found by the largest value of each map, beside the frames is seen what changes in them,
and kernels move by orthogonal steps (Muon): measured in records/2026-11-27-video.md.
"""

from dataclasses import replace

from deepglass.data.augment.clips import ClipAugment
from deepglass.data.recognise import Survey
from deepglass.engine.settings import MuonSettings, TrainSettings
from deepglass.foundation.settings import Choice, choose
from deepglass.foundation.sizes import Size
from deepglass.networks import choose_model
from deepglass.recipes.recipe import Recipe
from deepglass.run import RunSettings
from deepglass.tasks.kinds.clip import ClipSettings

WINDOWS_SEEN: dict[Size, int] = {"tiny": 2_400, "small": 16_000, "paper": 400_000}
EPOCHS: dict[Size, tuple[int, int]] = {"tiny": (4, 60), "small": (2, 200), "paper": (40, 1000)}
SEEN: dict[Size, tuple[int, int]] = {"tiny": (32, 16), "small": (64, 32), "paper": (112, 32)}  # pixels a side, frames
RATES: dict[Size, float] = {"tiny": 8.0, "small": 4.0, "paper": 4.0}  # frames a second
WIDTHS: dict[Size, tuple[int, ...]] = {  # of the network for frames
    "tiny": (16, 32, 64, 64),
    "small": (24, 48, 96, 128, 128),
    "paper": (32, 64, 128, 256, 256),
}


def tag_video(task: str, survey: Survey, size: Size, model: str) -> RunSettings:
    """Epochs follow from how many videos there are; each visit sees one window of a video."""
    least, most = EPOCHS[size]
    epochs = min(most, max(least, round(WINDOWS_SEEN[size] / max(1, survey.examples))))
    side, frames = SEEN[size]
    chosen = choose("tasks", task)
    augment = ClipAugment(flip=True, crop_pad=side // 16, brightness=0.2, contrast=0.2)
    looked = ClipSettings(
        size=side, rate=RATES[size], frames=frames, fit="stretch", longest=120.0, sees="both", augment=augment
    )
    train = TrainSettings(
        epochs=float(epochs),
        batch=min(8, max(4, survey.examples // 20)),
        optimizer="muon",
        lr=0.02,
        momentum=0.95,
        muon=MuonSettings(iterations=4, rest_lr=2e-3, head_lr=2e-3),
        weight_decay=0.05,
        schedule="onecycle",
        warmup=0.1,
        average=0.99,
        clip=5.0,
        check_epochs=max(1.0, epochs / 12),
    )
    return RunSettings(
        task=replace(chosen, settings=replace(chosen.settings, clip=looked, class_weights="balanced")),
        model=_sized(choose_model(model or "cnn_lstm"), size),
        train=train,
    )


def _sized(chosen: Choice, size: Size) -> Choice:
    if chosen.name != "cnn_lstm":
        return chosen
    looks = replace(chosen.settings, widths=WIDTHS[size], halvings=3, stride=1 if size == "tiny" else 2, pool="max")
    return replace(chosen, settings=looks)


def _suits(survey: Survey) -> int:
    return 1 if survey.kind == "clip" else 0


CATALOGUE = {"tag_video": Recipe(("tag_video",), _suits, tag_video)}
