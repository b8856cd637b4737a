"""Pictures in colour or larger ones: a residual network trained with SGD, mirrored and cropped on every visit.

Rates and decay are those of He et al. 2015 (section 4.2) for small pictures and of the reference training for large.
"""

from deepglass.data.augment.pictures import PictureAugment
from deepglass.data.recognise import Survey
from deepglass.engine.settings import TrainSettings
from deepglass.networks import choose_model
from deepglass.recipes.recipe import Recipe, Size, seeing
from deepglass.run import RunSettings
from deepglass.tasks.kinds.picture import PictureSettings

SMALL_SIDE = 48  # pixels; below it the network of the CIFAR experiments, which never shrinks before its first stage
LARGE_SIDES: dict[Size, int] = {"tiny": 48, "small": 96, "paper": 224}
EXAMPLES_SEEN: dict[Size, int] = {"tiny": 6_000, "small": 60_000, "paper": 1_000_000}
EPOCHS: dict[Size, tuple[int, int]] = {"tiny": (2, 30), "small": (10, 60), "paper": (90, 160)}


def pictures(task: str, survey: Survey, size: Size, model: str) -> RunSettings:
    """Epochs follow from how many examples there are, so that a small folder is seen more often."""
    side = min(survey.width, survey.height)
    small = side <= SMALL_SIDE
    own = {
        "tiny": "resnet20",
        "small": "resnet20" if small else "resnet18",
        "paper": "resnet56" if small else "resnet50",
    }
    name = model or own[size]
    least, most = EPOCHS[size]
    epochs = min(most, max(least, round(EXAMPLES_SEEN[size] / max(1, survey.examples))))
    flip = task != "regress"  # a mirrored picture may have another number: an angle, a place
    cut = PictureAugment(flip=flip, crop_pad=4) if small else PictureAugment(flip=flip, resize_crop=0.35)
    sides = 0 if _sized(name) else (32 if small else LARGE_SIDES[size])
    seen = seeing(task, PictureSettings(size=sides, augment=cut), smoothing=0.0 if small else 0.1)
    usual, lr = (128, 0.1) if small else (32, 0.02)
    batch = min(usual, max(8, survey.examples // 20))
    train = TrainSettings(
        epochs=float(epochs),
        batch=batch,
        optimizer="sgd",
        lr=lr * batch / usual,  # a smaller batch, a smaller step (Goyal et al. 2017, arXiv:1706.02677)
        weight_decay=5e-4,
        schedule="cosine",
        warmup=0.1,
        average=0.995,
        clip=5.0,
    )
    return RunSettings(task=seen, model=choose_model(name), train=train)


def _sized(name: str) -> bool:
    """Networks that take pictures of one size only say it themselves."""
    return name.startswith(("lenet", "alexnet"))


def _suits(survey: Survey) -> int:
    return 1 if survey.kind == "picture" else 0


CATALOGUE = {"pictures": Recipe(("classify", "multilabel", "regress"), _suits, pictures)}
