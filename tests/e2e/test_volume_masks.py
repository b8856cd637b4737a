"""Every place of a volume named, from folders of scans and masks to NIfTI masks: as a user takes it."""

import json

import nibabel
import numpy as np
import pytest
import torch

import deepglass as dg
from deepglass import journey
from deepglass.cli.main import main
from deepglass.data.example import Ragged
from deepglass.data.readers.volume_file import read_volume
from deepglass.foundation.settings import parse_assignments
from deepglass.tasks.segment_volumes import SegmentVolumes
from deepglass.views.mask import unrolled
from tests.data.test_volume_masks import write
from tests.data.volumes import body

QUICK = ["data.cache=false", "train.plan=plain", "seed=3", "model.widths=[4,8]"]


def bodies(root):
    """Bodies of unequal size under noise in which one voxel says little."""
    for part, count in (("train", 6), ("val", 2), ("test", 2)):
        for number in range(count):
            rng = np.random.default_rng((number, count))
            values = body(12, 26 + number, 24, seed=number)
            noisy = (values + rng.normal(0, 250, values.shape)).astype(np.int16)
            write(root / part / "images" / f"b{number}.nii.gz", noisy)
            write(root / part / "labels" / f"b{number}.nii.gz", (values > -500).astype(np.uint8))
    return root


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bodies")
    proposal = journey.propose(str(bodies(folder / "data")), parse_assignments([*QUICK, "train.steps=40"]), "tiny")
    return folder / "data", journey.train(proposal, out=str(folder / "run"))


def test_bodies_are_found_in_noise(learned):
    _, outcome = learned
    figures = outcome.figures["test"]
    assert figures["dice"].value > 0.85 and figures["hd95"].value < 6 and figures["dice"].n == 2
    assert isinstance(outcome.run.bundle.task, SegmentVolumes)
    assert outcome.run.bundle.task.facts.classes == ("background", "object")


def test_answers_are_those_of_the_evaluation_at_the_size_of_the_scan(learned):
    place, outcome = learned
    material = outcome.run.material()
    _, predictions = outcome.run.evaluate("test", material)
    assert isinstance(predictions["mask"], Ragged)
    answers = dg.load(outcome.run.folder).predict(
        [str(place / "test" / "images" / f"b{number}.nii.gz") for number in (0, 1)]
    )
    for answer, mask in zip(answers, predictions["mask"].each(), strict=True):
        assert np.array_equal(unrolled(answer["mask"]).ravel(), mask.numpy())
        assert answer["prediction"] == ["background", "object"] and sum(answer["shares"].values()) == pytest.approx(1)
        assert answer["millilitres"]["object"] == pytest.approx((mask == 1).sum().item() * 2 / 1000)
    assert answers[1]["mask"]["size"] == [12, 27, 24]


def test_masks_are_written_where_their_scans_lie(learned, tmp_path):
    place, outcome = learned
    files = place / "test" / "images"
    main(["predict", str(outcome.run.folder), str(files), "--out", str(tmp_path / "masks")])
    assert (tmp_path / "masks" / "classes.txt").read_text() == "background\nobject\n"
    written, scan = read_volume([tmp_path / "masks" / "b1.nii.gz"]), read_volume([files / "b1.nii.gz"])
    assert written.shape == scan.shape and written.affine == pytest.approx(scan.affine)
    assert nibabel.load(tmp_path / "masks" / "b1.nii.gz").get_data_dtype() == np.uint8


def test_the_report_leafs_through_what_was_found(learned):
    _, outcome = learned
    document = json.loads((outcome.run.folder / "report.json").read_text())
    shown = document["slices"]["shown"]
    assert [one["dice"] for one in shown] == sorted(one["dice"] for one in shown) and len(shown) == 2
    assert outcome.report.read_text(encoding="utf-8").count('class="card viewer"') == 2


def test_windows_and_whole_volumes_agree_where_a_window_is_the_whole(learned):
    _, outcome = learned
    bundle = outcome.run.bundle
    volume = torch.randn(12, 24, 24) * 300 - 400
    with torch.no_grad():
        told, _ = bundle.task._told(bundle.model.eval(), volume, torch.tensor([0.0, 1.0, float(volume.min())]))
    from_network = bundle.model(
        (volume[None, None].clamp(*bundle.task.facts.inputs.window) - bundle.task.facts.inputs.mean[0])
        / bundle.task.facts.inputs.std[0]
    )
    assert torch.equal(told, from_network.argmax(1)[0].to(torch.uint8))
