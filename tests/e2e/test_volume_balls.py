"""What is in volumes, from a table of middles and sizes to answers in millimetres of the body."""

import json

import nibabel
import numpy as np
import pytest

import deepglass as dg
from deepglass import journey
from deepglass.data.annotation import Ball
from deepglass.data.check import report, sentence
from deepglass.data.recognise import recognise, recognised
from deepglass.data.settings import DataSettings
from deepglass.data.source import Finding, Unreadable
from deepglass.foundation.errors import UsageError
from deepglass.foundation.settings import parse_assignments
from deepglass.metrics.froc import RATES
from deepglass.tasks.detect_volumes import DetectVolumes

QUICK = ["data.cache=false", "train.plan=plain", "seed=3", "model.widths=[8,16]"]
AFFINE = np.diag((-1.0, -1.0, 2.0, 1.0))  # a millimetre from column to column and row to row, two from slice to slice
AFFINE[:3, 3] = 10, 20, -30


def scans(root, counts=(("train", 10), ("val", 3), ("test", 4))):
    """Noise with up to two bright balls of 8 to 12 mm; every fourth volume has none."""
    lines = ["seriesuid,coordX,coordY,coordZ,diameter_mm"]
    for part, count in counts:
        (root / part).mkdir(parents=True)
        for number in range(count):
            rng = np.random.default_rng((number, count))
            values = rng.normal(0, 50, (16, 32, 36))
            for turn in range((2, 1, 1, 0)[number % 4]):
                middle = rng.uniform((4, 7, 7 + 15 * turn), (12, 25, 14 + 15 * turn))
                size = rng.uniform(8, 12)
                z, y, x = np.meshgrid(*map(np.arange, values.shape), indexing="ij")
                apart = (2 * (z - middle[0])) ** 2 + (y - middle[1]) ** 2 + (x - middle[2]) ** 2
                values[apart <= (size / 2) ** 2] += 300
                # NIfTI counts to the right and to the front, the table to the left and to the back
                body = -10 + middle[2], -20 + middle[1], -30 + 2 * middle[0]
                lines.append(f"{part}{number},{body[0]:.3f},{body[1]:.3f},{body[2]:.3f},{size:.2f}")
            file = root / part / f"{part}{number}.nii.gz"
            nibabel.Nifti1Image(values.astype(np.int16).transpose(2, 1, 0), AFFINE).to_filename(file)
    (root / "annotations.csv").write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("balls")
    proposal = journey.propose(str(scans(folder / "data")), parse_assignments([*QUICK, "train.steps=90"]), "tiny")
    return folder / "data", journey.train(proposal, out=str(folder / "run"))


def test_the_table_says_what_is_where_in_the_body(tmp_path):
    root = scans(tmp_path, (("train", 4),))
    with (root / "annotations.csv").open("a") as table:
        table.write("nobody,1,2,3,4\ntrain0,1,2,3,0\ntrain3,1,2,x,4\ntrain2,1,2\n")
    source = recognise(str(root), DataSettings())
    assert (source.layout, source.task, source.index.kind) == ("volume_balls", "detect", "volume")
    assert [len(balls) for balls in source.index.labels] == [2, 1, 1, 0] and source.index.parts == ["train"] * 4
    ball = source.index.labels[1][0]
    assert isinstance(ball, Ball) and ball.label == "object" and 8 <= ball.size <= 12
    scan = source.read(1)
    slice_, row, column, _ = np.linalg.inv(scan.affine) @ (ball.left, ball.back, ball.up, 1)
    assert scan.slices(0, 16)[round(slice_), round(row), round(column)] > 100
    told = report(source.findings)[0]
    assert told["reason"] == "Rows that name no volume of the folder are left out: 1 (line 6)."
    for row, line in ((0, 7), (3, 8), (2, 9)):  # without its row, train3 would count as a volume with nothing in it
        with pytest.raises(Unreadable) as caught:
            source.read(row)
        assert caught.value.values["annotation"] == f"annotations.csv:{line}"
    sentence = recognised(str(root), DataSettings()).sentence()
    assert sentence == "volumes with middles and sizes of what is in them in annotations.csv; task detect"


def test_what_would_lie_outside_of_its_volume_is_a_fault_of_the_table(tmp_path):
    root = scans(tmp_path, (("train", 4),))
    with (root / "annotations.csv").open("a") as table:
        table.write("train3,-10.5,-20,-30,4\ntrain2,9000,1,2,4\n")  # the first of them at the very border
    source = recognise(str(root), DataSettings())
    assert source.read(3).shape == (16, 32, 36)
    with pytest.raises(Unreadable) as caught:
        source.read(2)
    said = sentence(Finding("unreadable", "warning", "", {**caught.value.values, "why": caught.value.reason}), "en")
    assert "something at 9000, 1, 2, but the volume reaches over -10 .. 26, -20 .. 12, -31 .. 1 (" in said


def test_balls_are_found_where_they_are(learned):
    _, outcome = learned
    assert isinstance(outcome.run.bundle.task, DetectVolumes)
    assert outcome.figures["test"]["froc"].value > 0.6


def test_the_report_has_the_curve_and_the_volumes_with_most_errors(learned):
    _, outcome = learned
    told = json.loads((outcome.run.folder / "report.json").read_text())["balls"]
    assert told["right"] + told["missed"] == sum(len(balls) for balls in _test_balls(outcome))
    shares = [told["found_at"][name] for name in map(str, RATES)]
    assert shares == sorted(shares)
    assert np.mean(shares) == pytest.approx(outcome.figures["test"]["froc"].value)
    page = (outcome.run.folder / "report.html").read_text()
    assert "false alarms a volume" in page and page.count('class="card viewer"') >= 1
    assert "</i>marked, not found</li>" in page


def _test_balls(outcome):
    material = outcome.run.material()
    return [material.source.index.labels[row] for row in material.rows["test"]]


def test_answers_are_those_of_the_evaluation_in_millimetres(learned):
    place, outcome = learned
    material = outcome.run.material()
    _, predictions = outcome.run.evaluate("test", material)
    ids = [material.source.index.ids[row] for row in material.rows["test"]]
    answers = dg.load(outcome.run.folder).predict([str(place / id) for id in ids])
    wanted = outcome.run.bundle.task.answers(predictions)
    for answer, other in zip(answers, wanted, strict=True):
        assert [ball["middle"] for ball in answer["balls"]] == [ball["middle"] for ball in other["balls"]]
    json.dumps(answers)
    true = material.source.index.labels[material.rows["test"][1]]
    sure = answers[1]["balls"][0]
    apart = min(np.linalg.norm(np.subtract(sure["middle"], (ball.left, ball.back, ball.up))) for ball in true)
    assert apart < 4
    assert 7 < np.median([ball["size"] for answer in answers for ball in answer["balls"]]) < 14
    (view,) = outcome.run.bundle.task.show(material.source.read(material.rows["test"][1]), answers[1])
    assert (view.mask > 0).sum() > 20 and "A volume of 16 slices" in view.text()


def test_what_would_leave_middles_behind_is_refused(learned, tmp_path):
    proposal = journey.propose(str(learned[0]), parse_assignments([*QUICK, "task.volume.augment.turn=10"]), "tiny")
    with pytest.raises(UsageError, match="task.volume.augment.turn would move volumes and leave the middles"):
        journey.train(proposal, out=str(tmp_path / "run"))
