"""Skewed classes: weights and sampling that make every class count the same, in the run itself."""

from collections import Counter

import numpy as np
import pytest
import torch

from deepglass import journey
from deepglass.foundation.settings import parse_assignments
from deepglass.run import Run

LINE = (
    "data.cache=false",
    "train.plan=plain",
    "model.hidden=[]",
    "train.steps=150",
    "train.lr=0.05",
    "train.average=0",
    "train.weight_decay=0",
    "data.val=0",  # the last weights, whichever check was the best
)


@pytest.fixture
def skewed(tmp_path):
    """Nine of one class to one of the other, on a line, overlapping."""
    random = np.random.default_rng(5)
    rare = random.random(400) < 0.1
    points = random.normal(size=400) + 1.5 * rare
    lines = [f"{x},{'rare' if odd else 'common'}" for x, odd in zip(points.tolist(), rare, strict=True)]
    (tmp_path / "skewed.csv").write_text("\n".join(["x,class", *lines]))
    return tmp_path / "skewed.csv"


def opened(place, folder, *words):
    proposal = journey.propose(str(place), parse_assignments([*LINE, *words]), "tiny")
    run = Run(folder, proposal.settings, proposal.origins, source=proposal.source)
    material = run.material()
    return run, material, material.loader(32, run.settings.seed, run.settings.data.sampling)


def said_rare(place, out, *words):
    outcome = journey.train(journey.propose(str(place), parse_assignments([*LINE, *words]), "tiny"), out=str(out))
    answers = outcome.predict([[x] for x in (-1.0, 0.0, 0.5, 1.0, 1.5, 2.0)])
    return sum(answer["prediction"] == "rare" for answer in answers)


def test_balanced_sampling_draws_every_class_equally_often(skewed, tmp_path):
    _, _, usual = opened(skewed, tmp_path / "a")
    _, material, balanced = opened(skewed, tmp_path / "b", "data.sampling=balanced")
    shares = [
        torch.cat([loader.batch(step)["target"] for step in range(40)]).float().mean() for loader in (usual, balanced)
    ]
    assert shares[0] < 0.15 and shares[1] == 0.5
    rare = [id for step in range(40) for id, target in zip(*ids_of(balanced.batch(step)), strict=True) if target == 1]
    seen = Counter(rare)
    assert len(seen) == int((material.targets["target"][material.rows["train"]] == 1).sum())
    assert max(seen.values()) - min(seen.values()) <= 1  # a row comes back only when its class is used up


def ids_of(batch):
    return batch.ids, batch["target"].tolist()


def test_both_move_the_border_towards_the_common_class(skewed, tmp_path):
    plain = said_rare(skewed, tmp_path / "plain")
    weighted = said_rare(skewed, tmp_path / "weighted", "task.class_weights=balanced")
    sampled = said_rare(skewed, tmp_path / "sampled", "data.sampling=balanced")
    assert plain < weighted == sampled == 3  # the fair border lies at 0.75


def test_class_weights_are_those_of_the_training_part(skewed, tmp_path):
    _, material, loader = opened(skewed, tmp_path / "run", "task.class_weights=balanced")
    batch = material.task.present(loader.batch(0))
    labels = material.targets["target"][material.rows["train"]]
    n = [int((labels == place).sum()) for place in range(2)]
    weights = torch.tensor([sum(n) / (2 * count) for count in n])
    model = torch.nn.Linear(1, 2)
    (turn,) = material.task.turns()
    ours = turn.loss(model, batch).sums["loss"] / turn.counts(batch)["loss"]
    theirs = torch.nn.functional.cross_entropy(model(batch["input"]), batch["target"], weight=weights)
    torch.testing.assert_close(ours, theirs)
