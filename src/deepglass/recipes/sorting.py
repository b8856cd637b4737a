"""Sorting photos from a small, skewed folder, garbage and its kind: every class counts alike, and a person is asked.

    deepglass train DIR recipe=sorting
    deepglass train DIR recipe=sorting weights.name=resnet18.a1_in1k weights.fetch=true     a network that saw ImageNet
    deepglass train DIR recipe=sorting task.decision.costs=costs.csv task.decision.price=0.5

Beside the recipe for pictures (benchmarks/sorting.py, judged on pictures that no choice has seen): logits that learn
beside the classes' shares (Menon 2020), small pictures through the network that learns quickest, answers as a mean over
the picture and its mirror image, and a tenth of the validation part left to a person.
"""

from dataclasses import replace

from deepglass.data.augment.pictures import PictureAugment
from deepglass.data.recognise import Survey
from deepglass.engine.settings import MuonSettings, TrainSettings
from deepglass.networks import choose_model
from deepglass.recipes.pictures import SMALL_SIDE, pictures
from deepglass.recipes.recipe import Recipe, Size
from deepglass.run import RunSettings
from deepglass.tasks.decision import DecisionSettings
from deepglass.tasks.kinds.picture import PictureSettings

QUICK = "airbench94"
LAST_WIDTH = 256  # of that network: its head's rate is over the width's square, as published
EXAMPLES_SEEN: dict[Size, int] = {"tiny": 30_000, "small": 120_000, "paper": 600_000}
EPOCHS = (10, 200)
ASKED = 0.1


def sorting(task: str, survey: Survey, size: Size, model: str) -> RunSettings:
    """The recipe for pictures with another judge, other weights of classes, and for small pictures another network."""
    small = min(survey.width, survey.height) <= SMALL_SIDE
    name = model or (QUICK if small else "")
    base = pictures(task, survey, size, name)
    seen = replace(
        base.task.settings,
        smoothing=0.1,
        test_views="mirror",
        adjustment=1.0,
        best="f1",
        decision=DecisionSettings(abstain=ASKED),
    )
    if name != QUICK:
        return replace(base, task=replace(base.task, settings=seen))
    seen = replace(seen, picture=PictureSettings(size=32, channels="colour", augment=_moved()))
    train = _quick(survey.training or survey.examples, size)
    return replace(base, task=replace(base.task, settings=seen), model=choose_model(name), train=train)


def _moved() -> PictureAugment:
    """Changes of the light kind: with so few visits stronger ones cost more than they gave."""
    return PictureAugment(flip=True, alternate=True, crop_pad=4, fill="reflect")


def _quick(examples: int, size: Size) -> TrainSettings:
    """As in the recipe cifar10-94, with averaged weights and batches that suit a small folder."""
    batch = min(128, max(8, examples // 10))
    least, most = EPOCHS
    return TrainSettings(
        epochs=float(min(most, max(least, round(EXAMPLES_SEEN[size] / max(1, examples))))),
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
        schedule="linear",
        warmup=0.05,
        average=0.99,
        check_epochs=5.0,
    )


def _suits(survey: Survey) -> int:
    return 0  # only where it is asked for: nobody expects a classifier to leave a tenth of the answers to a person


CATALOGUE = {"sorting": Recipe(("classify",), _suits, sorting)}
