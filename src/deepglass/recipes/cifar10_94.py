"""CIFAR-10 to 94 % in minutes on a processor: the published airbench94 method through our own loop.

Jordan 2024, arXiv:2404.00498, with Muon (2024): whitening, kernels moved by orthogonal steps, pictures mirrored on
every other visit and moved by up to two pixels, labels smoothed, every test picture seen six times. Rates are the
published ones, for a loss that is a mean over the batch and a head whose logits are not divided by the last width.

    deepglass train CIFAR recipe=cifar10-94      CIFAR/train/CLASS/*.png, CIFAR/test/CLASS/*.png
"""

from deepglass.data.augment.pictures import PictureAugment
from deepglass.data.recognise import Survey
from deepglass.data.settings import DataSettings
from deepglass.engine.settings import MuonSettings, TrainSettings
from deepglass.foundation.settings import Choice
from deepglass.networks import choose_model
from deepglass.recipes.recipe import Recipe, Size
from deepglass.run import RunSettings
from deepglass.tasks.classify import ClassifySettings
from deepglass.tasks.kinds.picture import PictureSettings

EPOCHS: dict[Size, float] = {"tiny": 1, "small": 9, "paper": 9}
BATCH = 2000
LAST_WIDTH = 256


def cifar10_94(task: str, survey: Survey, size: Size, model: str) -> RunSettings:
    """No validation part, as published: all training pictures are trained on and the last weights are kept."""
    name = model or "airbench94"
    batch = min(BATCH, max(8, survey.examples // 20))
    augment = PictureAugment(flip=True, alternate=True, crop_pad=2, fill="reflect")
    seen = ClassifySettings(
        smoothing=0.2, test_views="crops", picture=PictureSettings(size=32, channels="colour", augment=augment)
    )
    train = TrainSettings(
        epochs=EPOCHS[size],
        batch=batch,
        optimizer="muon",
        lr=0.24,
        momentum=0.6,
        muon=MuonSettings(
            iterations=3,
            unit=True,
            rest="sgd",
            rest_lr=0.053 * batch,
            rest_decay=2e-6 * batch,
            rest_momentum=0.85,
            head_lr=0.67 * batch / LAST_WIDTH**2,
        ),
        freeze_later=("whitening.bias",) if name == "airbench94" else (),  # below it nothing needs a gradient then
        freeze_from=3 / 8,
        schedule="linear",
        warmup=0.0,
        check_epochs=EPOCHS[size],
    )
    data = DataSettings(val=0.0)
    return RunSettings(data=data, task=Choice("tasks", "classify", seen), model=choose_model(name), train=train)


def _suits(survey: Survey) -> int:
    return 0  # only where it is asked for: without a validation part nothing is seen to go wrong on the way


CATALOGUE = {"cifar10-94": Recipe(("classify",), _suits, cifar10_94)}
