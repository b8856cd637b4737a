"""The recipe cifar10-94 from a place to a bundle, small: all training pictures, the last weights, a start from data."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from deepglass import journey
from deepglass.engine.journal import Journal
from deepglass.foundation.errors import Stopped
from deepglass.foundation.settings import parse_assignments
from deepglass.material import start_from
from deepglass.run import Run

WORDS = ("recipe=cifar10-94", "data.cache=false", "train.plan=plain", "train.batch=16", "model.widths=[8,16,16]")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Two classes of smooth noise, one of them brighter above: train and test folders."""
    root, random = tmp_path_factory.mktemp("cifar"), np.random.default_rng(0)
    for part, count in (("train", 48), ("test", 16)):
        for name in ("above", "below"):
            folder = root / part / name
            folder.mkdir(parents=True)
            for number in range(count):
                coarse = random.integers(40, 160, (8, 8, 3)).repeat(4, 0).repeat(4, 1)
                half = slice(0, 16) if name == "above" else slice(16, 32)
                coarse[half] += 80
                Image.fromarray(coarse.astype("uint8")).save(folder / f"{number:02d}.png")
    return root


def go(place, out, *words, stop_at=None):
    proposal = journey.propose(str(place), parse_assignments([*WORDS, *words]), "tiny")
    seen = []
    asked = (lambda: bool(seen) and max(seen) >= stop_at) if stop_at else (lambda: False)
    return journey.train(
        proposal, out=str(out), watchers=[lambda event: seen.append(event["step"])], asked_to_stop=asked
    )


@pytest.fixture(scope="module")
def outcome(place, tmp_path_factory):
    return go(place, tmp_path_factory.mktemp("whole") / "run", "train.epochs=6", "train.check_epochs=1.5")


def events(folder, kind):
    found = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    return [event for event in found if event["kind"] == kind]


def test_it_learns_on_all_training_pictures_and_keeps_the_last_weights(outcome):
    folder = outcome.run.folder
    assert json.loads((folder / "data.json").read_text())["rows"] == {"train": 96, "val": 0, "test": 32}
    assert outcome.figures["test"]["accuracy"].value >= 0.9
    assert outcome.run.bundle.document["about"]["step"] == 36
    checks = events(folder, "check")
    assert [check["step"] for check in checks] == [9, 18, 27, 36] and {check["part"] for check in checks} == {"train"}


def test_its_rates_are_the_published_ones_for_a_mean_over_the_batch(place):
    proposal = journey.propose(str(place), parse_assignments(["recipe=cifar10-94"]))
    train = proposal.settings.train
    assert train.lr == 0.24 and train.muon.rest_lr == pytest.approx(0.053 * train.batch)
    assert proposal.settings.data.val == 0 and proposal.settings.task.settings.test_views == "crops"
    assert proposal.settings.recipe == "cifar10-94 small"


def test_the_first_layer_whitens_the_training_pictures(outcome, place):
    material = outcome.run.material()
    fresh = outcome.run.build_model(material.task)
    start_from(fresh, material, torch.device("cpu"))
    kept = outcome.run.bundle.model.whitening.weight
    assert torch.equal(kept, fresh.whitening.weight)
    assert not torch.equal(kept, outcome.run.build_model(material.task).whitening.weight)


def test_stopped_and_resumed_it_ends_with_the_same_bits(outcome, place, tmp_path, monkeypatch):
    with pytest.raises(Stopped):
        go(place, tmp_path / "run", "train.epochs=6", "train.check_epochs=1.5", stop_at=10)
    monkeypatch.setattr(type(outcome.run.bundle.model), "start_from", lambda *_: pytest.fail("started twice"))
    resumed = journey.resume(tmp_path / "run")
    whole, again = outcome.run.bundle.model.state_dict(), resumed.run.bundle.model.state_dict()
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_weights_of_another_run_keep_their_first_layer(outcome, place, tmp_path):
    proposal = journey.propose(
        str(place), parse_assignments([*WORDS, f"weights.parent={outcome.run.folder}", "train.steps=1"]), "tiny"
    )
    run = Run(tmp_path / "run", proposal.settings, proposal.origins, source=proposal.source)
    material = run.material()
    other_pictures = replace(material, rows={**material.rows, "train": material.rows["train"][:20]})
    _, state = run.training(other_pictures, Journal(run.folder))
    assert torch.equal(state.model.whitening.weight, outcome.run.bundle.model.whitening.weight)


def test_a_check_without_a_validation_part_looks_at_some_training_rows_only(place, tmp_path, monkeypatch):
    monkeypatch.setattr("deepglass.material.GLANCE", 10)
    monkeypatch.setattr("deepglass.material.MOST_TRAINED", 20)
    outcome = go(place, tmp_path / "run", "train.steps=2")
    assert [check["figures"]["accuracy"]["n"] for check in events(outcome.run.folder, "check")] == [10]
    assert outcome.figures["train"]["accuracy"].n == 20 and outcome.figures["test"]["accuracy"].n == 32
    assert outcome.report.is_file()
