"""Street pictures with number plates: a small finder and a reader, their plates zoomed, turned and cut out nearly."""

from dataclasses import replace

from deepglass.data.augment.pictures import PictureAugment
from deepglass.data.augment.street import StreetAugment
from deepglass.data.recognise import Survey
from deepglass.engine.settings import TrainSettings
from deepglass.foundation.settings import choose
from deepglass.foundation.sizes import Size
from deepglass.networks import choose_model
from deepglass.recipes.recipe import Recipe
from deepglass.run import RunSettings
from deepglass.tasks.kinds.picture import PictureSettings
from deepglass.tasks.read_plates import ReadPlatesSettings

LONGEST: dict[Size, int] = {"tiny": 320, "small": 320, "paper": 640}  # pixels of the longer side of a window
EXAMPLES_SEEN: dict[Size, int] = {"tiny": 20_000, "small": 90_000, "paper": 1_000_000}
EPOCHS: dict[Size, tuple[int, int]] = {"tiny": (2, 60), "small": (6, 120), "paper": (10, 200)}
ROOM = 3e9  # bytes that all pictures may take as they are kept
BATCH = 16


def plates(task: str, survey: Survey, size: Size, model: str) -> RunSettings:
    """Windows have the pictures' own proportions; pictures are kept as large as memory lets all of them be."""
    longer = max(survey.width, survey.height, 1)
    scale = min(1.0, LONGEST[size] / longer)
    height, width = (max(64, 32 * round(scale * side / 32)) for side in (survey.height, survey.width))
    chosen = choose_model(model or "plate_net")
    if hasattr(chosen.settings, "width"):
        chosen = replace(chosen, settings=replace(chosen.settings, height=height, width=width))
    bytes_each = 3 * survey.width * survey.height * max(1, survey.examples)
    kept = min(1280, max(320, int(longer * min(1.0, ROOM / max(1, bytes_each)) ** 0.5)))
    colours = PictureAugment(brightness=0.3, contrast=0.3, saturation=0.3, hue=0.02)
    seen = ReadPlatesSettings(
        kept=max(kept, LONGEST[size]),
        street=StreetAugment(zoom_in=1.2, zoom_out=1.6, turn=5, jitter=0.1),
        picture=PictureSettings(fit="pad", augment=colours),
    )
    least, most = EPOCHS[size]
    train = TrainSettings(
        epochs=float(min(most, max(least, round(EXAMPLES_SEEN[size] / max(1, survey.training))))),
        batch=min(BATCH, max(4, survey.training // 20)),
        optimizer="adamw",
        lr=2e-3,
        weight_decay=0.02,
        schedule="onecycle",
        warmup=0.1,
        clip=10.0,
        average=0.998,
        check_epochs=2.0,
    )
    return RunSettings(task=replace(choose("tasks", task), settings=seen), model=chosen, train=train)


def _suits(survey: Survey) -> int:
    return 1 if survey.kind == "picture" else 0


CATALOGUE = {"plates": Recipe(("read_plates",), _suits, plates)}
