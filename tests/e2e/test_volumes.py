"""Volumes at size tiny, from folders of scans to answers: as a user takes them."""

import numpy as np
import pytest

import deepglass as dg
from deepglass import journey
from deepglass.foundation.settings import parse_assignments
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
