"""Volumes at size tiny, from folders of scans to answers: as a user takes them."""

import json

import numpy as np
import pytest

import deepglass as dg
from deepglass import journey
from deepglass.data.recognise import Survey, recognise
from deepglass.data.settings import DataSettings
from deepglass.data.split import parts_of
from deepglass.explain.answer import explain
from deepglass.foundation.settings import choose, parse_assignments
from deepglass.foundation.words import speaking
from deepglass.recipes.volumes import sized
from deepglass.views.slices import Slices
from tests.data.volumes import body, write_series

QUICK = ["data.cache=false", "train.plan=plain", "seed=3", "model.widths=[8,16]"]


def train(place, out, *words):
    return journey.train(journey.propose(str(place), parse_assignments([*QUICK, *words]), "tiny"), out=str(out))


def scans(root, patients=14):
    """Half of the scans have a ball of bone in them; each patient has one of both kinds."""
    rng = np.random.default_rng(5)
    for patient in range(patients):
        for name in ("clear", "lesion"):
            at = tuple(rng.integers(5, 11, 3)) if name == "lesion" else None
            values = body(16, 16, 16, seed=2 * patient + (at is not None), lesion=at)
            folder = root / name / f"p{patient}"
            if patient % 4 == 0:
                write_series(folder, values, patient=f"ID{patient}", name="Smith^John", spacing=(1.0, 1.0), step=1.0)
            else:
                folder.mkdir(parents=True)
                np.savez(folder / "scan.npz", values=values)
    return root


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scans")
    return scans(folder / "data"), train(folder / "data", folder / "run", "train.epochs=25")


@pytest.mark.parametrize(
    ("spacing", "longest", "sides"),
    [
        ((1.5, 0.96, 0.96), 64, (24, 24, 24)),  # as fine as the rows are
        ((), 64, (16, 24, 24)),
        ((1.5, 0.96, 0.96), 16, (16, 16, 16)),
        ((30.0, 1.0, 1.0), 64, (64, 16, 16)),
    ],
)
def test_a_network_has_the_proportions_of_the_body_and_not_of_the_slices(spacing, longest, sides):
    found = Survey("volume", 24, 24, True, (16,), {"a": 9, "b": 9}, 18, 18, 18, spacing)
    chosen = sized(choose("models", "cnn3d"), found, longest).settings
    assert (chosen.depth, chosen.height, chosen.width) == sides


def test_scans_with_a_lesion_are_told_from_clear_ones(learned):
    _, outcome = learned
    assert outcome.figures["train"]["auroc"].value > 0.9
    assert outcome.run.bundle.task.facts.inputs.kind == "volume"


def test_answers_are_those_of_the_evaluation(learned):
    place, outcome = learned
    material = outcome.run.material()
    _, predictions = outcome.run.evaluate("test", material)
    ids = [material.source.index.ids[row] for row in material.rows["test"]]
    answers = dg.load(outcome.run.folder).predict([str(place / id) for id in ids])
    shares = predictions["probability"].max(1).values.tolist()
    assert [answer["confidence"] for answer in answers] == pytest.approx(shares, abs=1e-5)
    assert answers[0]["id"] == str(place / ids[0]) and "error" not in answers[0]


def test_nobodys_name_goes_into_the_run(learned):
    _, outcome = learned
    for file in outcome.run.folder.rglob("*"):
        content = file.read_bytes() if file.is_file() else b""
        assert b"Smith" not in content and b"ID4" not in content, file


def test_the_report_screens_and_leafs_through_slices(learned, tmp_path):
    place, _ = learned
    words = ("recipe=screening", "train.steps=6", "task.specificity=0.75")
    outcome = train(place, tmp_path / "run", *words)
    assert outcome.run.settings.task.settings.screen == "lesion" and outcome.run.settings.data.val == 0.2
    network = outcome.run.settings.model.settings
    assert (network.pool, network.halvings) == ("max", 1)
    document = json.loads((outcome.run.folder / "report.json").read_text())
    found = document["screening"]
    assert found["chosen_on"] == "val" and found["wanted_specificity"] == 0.75
    assert found["found"] + found["missed"] == found["alarmed"] + found["spared"]
    page = outcome.report.read_text(encoding="utf-8")
    assert "This is not a medical device." in page and page.count('class="card viewer"') == len(
        document["slices"]["shown"]
    )
    with speaking("zh-CN"):
        assert "本软件不是医疗器械" in journey.report(outcome.run.folder).read_text(encoding="utf-8")


def test_heat_lies_over_the_slices_of_what_is_asked_about(learned):
    place, outcome = learned
    ((_, found, _),) = explain(outcome.run.bundle, [str(place / "lesion" / "p1" / "scan.npz")])
    (view,) = found.views.values()
    assert isinstance(view, Slices) and view.heat.shape == view.grey.shape == (16, 16, 16)
    assert "Grad-CAM" in found.words and "A volume of 16 slices" in found.words


def test_made_scans_are_the_same_everywhere_and_bodies_are_patients():
    source = recognise("made:scans", DataSettings())
    assert len(source.index) == 300 and len(set(source.index.groups)) == 60
    values = source.read(7).slices(0, 16)
    assert np.array_equal(values, source.read(7).slices(0, 16))
    shown = source.read(6).slices(0, 16)
    assert (values > 120).sum() != (shown > 120).sum()
    parts = parts_of(source.index, DataSettings())
    for body_of in set(source.index.groups):
        assert len({part for part, group in zip(parts, source.index.groups, strict=True) if group == body_of}) == 1
