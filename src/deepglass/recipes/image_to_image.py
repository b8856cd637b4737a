"""Pictures of one side translated into those of another: CycleGAN, or pix2pix of pairs; small sizes, narrow networks.

Rates and their course are those of Zhu 2017 (Adam, 0.0002, momentum 0.5, falling in the second half). A batch of a few
pictures instead of one makes better use of a processor; the average of the weights is kept, which the paper does not.
"""

from dataclasses import replace

from deepglass.data.augment.pictures import PictureAugment
from deepglass.data.recognise import Survey
from deepglass.engine.settings import TrainSettings
from deepglass.foundation.settings import choose
from deepglass.foundation.sizes import Size
from deepglass.networks import choose_model
from deepglass.recipes.recipe import Recipe
from deepglass.run import RunSettings
from deepglass.tasks.kinds.picture import PictureSettings

SIDES: dict[Size, tuple[int, ...]] = {"tiny": (28, 32, 48), "small": (28, 32, 64), "paper": (64, 128, 256)}
SEEN: dict[Size, int] = {"tiny": 4_000, "small": 60_000, "paper": 400_000}  # pictures of both sides
EPOCHS: dict[Size, tuple[int, int]] = {"tiny": (1, 20), "small": (5, 100), "paper": (20, 200)}
HALVED = 32  # sides of pairs divide by it: a U-Net halves them down to a place
BATCH: dict[Size, int] = {"tiny": 4, "small": 4, "paper": 1}


def image_to_image(task: str, survey: Survey, size: Size, model: str) -> RunSettings:
    """Epochs follow from how many pictures there are; an epoch sees each picture of the first side once."""
    shorter, paired = min(survey.width, survey.height), len(survey.counts) < 2  # partners are no classes
    sides = [one for one in SIDES[size] if not paired or one % HALVED == 0]
    side = next((one for one in reversed(sides) if one <= shorter), sides[0])
    asked = choose("tasks", task)
    own = "pix2pix" if paired else "cyclegan"
    chosen = choose_model(model or (own if size == "paper" else f"{own}_small"))
    cut = PictureAugment(flip=survey.channels != (1,), crop_pad=max(1, side // 16), fill="reflect")
    least, most = EPOCHS[size]
    epochs = min(most, max(least, round(SEEN[size] / max(1, survey.training))))
    train = TrainSettings(
        epochs=float(epochs),
        batch=BATCH[size],
        optimizer="adamw",
        lr=2e-4,
        momentum=0.5,
        schedule="constant",
        warmup=0.0,
        average=0.998,
        check_epochs=max(1.0, epochs / 5),
    )
    seen = replace(asked.settings, picture=PictureSettings(size=side, augment=cut))
    return RunSettings(task=replace(asked, settings=seen), model=chosen, train=train)


def _suits(survey: Survey) -> int:
    return 1 if survey.kind == "picture" else 0


CATALOGUE = {"image_to_image": Recipe(("image_to_image",), _suits, image_to_image)}
