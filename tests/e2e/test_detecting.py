"""Boxes at size tiny, from a COCO folder to answers, figures and a report: as a user takes them."""

import json
import re

import pytest

from deepglass import journey
from deepglass.foundation.settings import parse_assignments
from tests.data.scenes import bright_boxes

QUICK = ["data.cache=false", "train.plan=plain", "seed=3"]
SMALL = ["model.stem=8", "model.features=16", "model.depth=1", "task.scene.mosaic=0", "task.scene.zoom_out=1.2"]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("boxes")
    words = [*QUICK, *SMALL, "train.epochs=60", "train.lr=0.003"]
    proposal = journey.propose(str(bright_boxes(folder / "data", 90)), parse_assignments(words), "tiny")
    return journey.train(proposal, out=str(folder / "run"))


def test_boxes_are_found(found):
    assert found.figures["test"]["map50"].value > 0.5
    assert found.figures["test"]["map50"].by == "COCO"


def test_answers_are_in_pixels_of_the_file(found):
    place = found.run.folder.parent / "data" / "pictures"
    answers = {answer["id"].rpartition("/")[2]: answer for answer in found.predict([str(place)])}
    assert len(answers) == 90
    ends = [end for answer in answers.values() for box in answer["boxes"] for end in box["box"]]
    assert ends and min(ends) >= 0 and max(ends) <= 64


def test_copies_in_other_forms_give_the_same_figures(found):
    """The same pictures and boxes, written as COCO, VOC, YOLO and a table."""
    place = found.run.folder.parent
    figures = []
    for form in ("coco", "voc", "yolo", "csv"):
        written = journey.convert(str(place / "data"), form, place / form)
        assert (written.pictures, written.linked) == (90, 90)
        figures.append(journey.evaluate(found.run.folder, str(place / form)).figures["test"])
    for name in ("map", "map50"):
        values = [one[name].value for one in figures]
        assert max(values) - min(values) < 1e-6 and min(values) > 0.1


def test_the_doctor_names_what_is_planted(tmp_path):
    place = bright_boxes(tmp_path, 40)
    document = json.loads((place / "instances.json").read_text(encoding="utf-8"))
    document["images"][1] |= {"width": 640}
    document["annotations"][5]["bbox"] = [-3, 5, 20, 20]
    document["annotations"][8]["bbox"] = [70, 5, 20, 20]
    (place / "instances.json").write_text(json.dumps(document), encoding="utf-8")
    (place / "pictures" / "7.png").unlink()
    checked = journey.check(str(place), parse_assignments(["data.cache=false"]))
    assert (checked.layout, checked.task, sum(checked.counts.values())) == ("coco", "detect", 38)
    named = {finding["kind"]: finding for finding in checked.findings}
    left_out = {one["file"]: one["values"]["why"] for one in checked.findings if one["kind"] == "unreadable"}
    assert left_out == {"pictures/1.png": "annotated_size", "7.png": "missing_file"}
    assert named["box_cut"]["values"]["count"] == 1 and named["box_outside"]["level"] == "warning"


def test_the_report_shows_what_is_marked_beside_what_was_found(found):
    document = json.loads((found.run.folder / "report.json").read_text(encoding="utf-8"))
    assert [one["class"] for one in document["boxes"]["classes"]] == ["cat", "dog"]
    page = found.report.read_text(encoding="utf-8")
    assert "dashed what is marked, drawn through what was found" in page and "mAP at .5" in page
    assert 'class="show-true" id="boxes-true" name="boxes-shown" type="checkbox" checked' in page
    assert page.count('stroke-dasharray="6 4"') >= 1 and 'data-of="score"' in page
    scores = [
        (float(score), below) for score, below in re.findall(r'<g data-score="([0-9.]+)"( class="below")?>', page)
    ]
    assert scores and all(bool(below) == (score < 0.3) for score, below in scores)
