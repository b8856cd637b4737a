"""Volumes as inputs of a task: one size, one window for Hounsfield units, each scan's own spread for other values."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from deepglass.data.augment.volumes import VolumeAugment
from deepglass.data.example import Batch
from deepglass.data.readers.volume import Scan
from deepglass.data.source import Index
from deepglass.foundation import catalogue
from deepglass.foundation.ports import Volume
from deepglass.foundation.seeds import row_keys
from deepglass.foundation.settings import from_json, to_json
from deepglass.tasks.kinds.volume import VolumeSettings
from tests.data.volumes import body

SIZE = (6, 10, 12)


def scan(values, hounsfield=False):
    return Scan(np.asarray(values), (1.0, 1.0, 1.0), np.eye(4), hounsfield=hounsfield)


def learned(values, name="classify", **volume):
    index = Index([str(n) for n in range(len(values))], ["ab"[n % 2] for n in range(len(values))], kind="volume")
    settings = replace(catalogue.find("tasks", name), volume=VolumeSettings(**volume))
    task = settings.build(settings.learn(index, SIZE, 1))
    rows = torch.stack([task.prepare(scan(one)).inputs["input"] for one in values])
    task = settings.build(task.settle({"input": rows.numpy()}))
    return task, Batch(
        tuple(index.ids), {"input": rows, **task.code(index.labels)}, 0, row_keys(7, "t", 0, len(values))
    )


def bodies(count=6):
    return [body(12, 20, 24, seed=seed, lesion=(6, 10, 12)) for seed in range(count)]


def test_hounsfield_units_share_one_window_and_one_spread():
    task, batch = learned(bodies())
    facts = task.facts.inputs
    assert facts.hounsfield and facts.window[0] < -990 and facts.window[1] > 70
    assert task.takes() == Volume(1, *SIZE) and batch["input"].dtype == torch.float16
    shown = task.present(batch)["input"]
    assert shown.dtype == torch.float32 and shown.mean().abs() < 0.05 and shown.std() == pytest.approx(1, abs=0.05)
    brighter, _ = learned([one + 100 for one in bodies()])
    assert brighter.facts.inputs.mean[0] == pytest.approx(facts.mean[0] + 100, abs=2)


def test_a_window_is_what_a_radiologist_sets():
    task, batch = learned(bodies(), window="soft")
    assert task.facts.inputs.window == (-160, 240)
    shown = task.present(batch)["input"]
    assert len(shown[shown == shown.max()]) > 3  # the lesion, whatever it measures
    own, _ = learned(bodies(), center=10, width=100)
    assert own.facts.inputs.window == (-40, 60)
    assert learned(bodies(), window="lung")[0].facts.inputs.window == (-1350, 150)


def test_other_values_are_taken_by_each_scans_own_spread():
    dark, bright = (
        np.abs(np.random.default_rng(seed).normal(times, times, (6, 10, 12))) for seed, times in ((0, 1), (1, 90))
    )
    task, batch = learned([dark, bright])
    assert not task.facts.inputs.hounsfield
    shown = task.present(batch)["input"]
    assert shown.mean((1, 2, 3, 4)).abs().max() < 1e-3 and shown.std((1, 2, 3, 4)).tolist() == pytest.approx(
        [1, 1], abs=0.01
    )
    flat, batch = learned([np.full(SIZE, 3.0), np.full(SIZE, 3.0)])
    assert torch.isfinite(flat.present(batch)["input"]).all()


def test_training_varies_and_evaluation_does_not():
    task, batch = learned(bodies(), augment=VolumeAugment(flip="all", noise=0.1))
    assert torch.equal(task.present(batch)["input"], task.present(batch)["input"])
    assert not torch.equal(task.present(batch, batch.draws("augment"))["input"], task.present(batch)["input"])


def test_facts_come_back_from_a_bundle_and_what_a_row_depends_on_is_told():
    task, _ = learned(bodies(), spacing=2.0, fit="crop")
    back = from_json(type(task.facts), to_json(task.facts), "bundle.json")
    assert back == task.facts and task.preparation() == ["volume", *SIZE, 2.0, "crop"]


def test_what_was_asked_about_is_shown_as_slices_through_the_window():
    task, _ = learned(bodies(), window="soft")
    (view, _) = task.show(
        scan(bodies()[0]), {"prediction": "a", "confidence": 0.9, "top": [{"label": "a", "confidence": 0.9}]}
    )
    assert view.grey.shape == SIZE and view.grey.max() == 255 and view.grey.min() == 0
    assert "slice 4 of 6" in view.svg() and view.text().startswith("A volume of 6 slices of 10 x 12: a (90.0 %)")
