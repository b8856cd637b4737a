"""Every setting of pictures can be set by its path, and the mixing ones work from the place to the bundle."""

import dataclasses

import pytest
import torch

from deepglass import journey
from deepglass.data.augment.pictures import PictureAugment
from deepglass.data.example import Batch
from deepglass.foundation.settings import flatten, parse_assignments
from deepglass.tasks.kinds.picture import PictureFacts

QUICK = ("data.cache=false", "train.plan=plain", "train.steps=3", "train.batch=8", "model.name=mlp")
VALUES = {
    "flip": "true",
    "alternate": "true",
    "crop_pad": "2",
    "resize_crop": "0.5",
    "fill": "reflect",
    "rotate": "12.5",
    "shift": "0.1",
    "scale": "0.2",
    "shear": "4",
    "brightness": "0.3",
    "contrast": "0.3",
    "saturation": "0.3",
    "hue": "0.1",
    "grey": "0.2",
    "randaugment": "2",
    "invert": "0.5",
    "magnitude": "7",
    "erase": "0.25",
    "mixup": "0.4",
    "cutmix": "1.0",
}


def proposed(place, *words):
    return journey.propose(str(place), parse_assignments([*QUICK, *words]), "tiny")


def train(place, out, *words):
    return journey.train(proposed(place, *words), out=str(out))


def test_every_field_of_augmentation_is_a_path(folders):
    assert set(VALUES) == {field.name for field in dataclasses.fields(PictureAugment)}
    place = folders({"red": 6, "blue": 6})
    words = [f"task.picture.augment.{name}={value}" for name, value in VALUES.items()]
    proposal = proposed(place, *words)
    flat = flatten(proposal.settings)
    for name, value in VALUES.items():
        found = flat[f"task.picture.augment.{name}"]
        assert str(found).lower() == value or found == pytest.approx(float(value)), name
        assert proposal.origins[f"task.picture.augment.{name}"] == "command line"


@pytest.mark.parametrize("name", [name for name in VALUES if name not in ("fill", "magnitude", "alternate")])
def test_each_changes_the_pictures_that_training_sees(folders, name):
    off = [
        f"task.picture.augment.{field}={value}"
        for field, value in (("flip", "false"), ("crop_pad", 0), ("resize_crop", 1))
    ]
    place = folders({"red": 6, "blue": 6})
    settings = proposed(place, *off, f"task.picture.augment.{name}={VALUES[name]}").settings
    random = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 255, (8, 3, 16, 16), generator=random, dtype=torch.uint8)
    task = _task(settings.task.settings)
    batch = Batch(tuple("abcdefgh"), {"input": pixels, "target": torch.arange(8) % 2}, keys=torch.arange(8) * 7919)
    assert not torch.allclose(task.present(batch, batch.draws("augment"))["input"], task.present(batch)["input"])


def _task(settings):
    inputs = {"kind": "picture", "channels": 3, "height": 16, "width": 16, "mean": (0.5,) * 3, "std": (0.2,) * 3}
    facts = settings.facts_type(labels=("a", "b"), counts=(1, 1), inputs=PictureFacts(**inputs))
    return settings.build(facts)


@pytest.mark.parametrize(
    "words",
    [
        ("task.picture.augment.mixup=0.4",),
        ("task.picture.augment.cutmix=1.0",),
        ("task.picture.augment.mixup=0.4", "task.picture.augment.cutmix=1.0", "task.class_weights=balanced"),
        ("task.smoothing=0.2",),
        ("task.loss=hinge", "task.picture.augment.mixup=0.4"),
        ("task.picture.augment.randaugment=2", "task.picture.augment.erase=0.5", "train.shards=2"),
    ],
    ids=lambda words: " ".join(word.rsplit(".", 1)[-1] for word in words),
)
def test_mixing_and_smoothing_train(folders, tmp_path, words):
    outcome = train(folders({"red": 10, "blue": 10}), tmp_path / "run", "train.steps=20", *words)
    assert outcome.figures["test"]["accuracy"].value >= 0.75


def test_views_answer_with_their_mean(folders, tmp_path):
    place = folders({"red": 8, "blue": 8})
    names = ("plain", "mirror", "crops")
    bundles = {name: train(place, tmp_path / name, f"task.test_views={name}").run.bundle for name in names}
    for name in names[1:]:
        bundles[name].model.load_state_dict(bundles["plain"].model.state_dict())

    def scores(name, pixels):
        return bundles[name].scores(Batch(tuple("abcd"), {"input": pixels}))["logits"]

    pixels = torch.randint(0, 255, (4, 3, 32, 32), dtype=torch.uint8)
    wide = torch.nn.functional.pad(pixels.float(), (1, 1, 1, 1), "reflect").to(torch.uint8)
    mirror = (scores("plain", pixels) + scores("plain", pixels.flip(-1))) / 2
    assert not torch.allclose(mirror, scores("plain", pixels))
    torch.testing.assert_close(scores("mirror", pixels), mirror)
    moved = [scores("mirror", wide[:, :, :-2, :-2]), scores("mirror", wide[:, :, 2:, 2:])]
    torch.testing.assert_close(scores("crops", pixels), mirror / 2 + sum(moved) / 4)
