"""The section for an operator: shares, error and costs add up, and what a person is asked about is shown."""

import json

import numpy as np
import pytest
from PIL import Image

from deepglass.foundation.words import speaking
from tests.report.conftest import trained
from tests.report.test_report import section, written


@pytest.fixture(scope="module")
def belt(tmp_path_factory):
    """Three colours, one of them hard to tell; grey is none of them; red is dear."""
    root = tmp_path_factory.mktemp("belt")
    generator = np.random.default_rng(0)
    for number, name in enumerate(("red", "green", "blue", "none")):
        (root / "data" / name).mkdir(parents=True)
        for place in range(60 if number < 2 else 30):
            pixels = generator.integers(0, 60, (12, 12, 3), dtype=np.uint8)
            if number < 3:
                pixels[:, :, number] += 150 if place % 3 else 4
            Image.fromarray(pixels).save(root / "data" / name / f"{place:02d}.png")
    (root / "costs.toml").write_text("[red]\ngreen = 10\nblue = 10\n")
    words = ("model.name=mlp", "train.steps=60", "data.cache=false", "task.picture.size=12", "data.val=0.3")
    decision = ("task.decision.abstain=0.2", f"task.decision.costs={root / 'costs.toml'}")
    return trained(root / "data", root / "run", *words, "data.test=0.3", *decision)


def test_the_section_adds_up(belt):
    page, document = written(belt, "en")
    told, figures = document["decisions"], belt.results["test"][0]
    assert told["sorted"] + told["asked"] + told["aside"] == pytest.approx(1)
    assert told["sorted"] == pytest.approx(figures["sorted"].value) and told["aside"] > 0
    assert told["error"] == pytest.approx(figures["sorted_error"].value)
    assert told["costs"]["decided"] == pytest.approx(figures["cost"].value)
    for row in told["classes"]:
        assert row["right"] + row["wrong"] + row["asked"] + row["aside"] == row["n"]
    own = section(page, "decisions")
    assert "set aside as none of the classes" in own and "An example costs" in own
    assert own.count("<img") == min(24, round(told["asked"] * sum(row["n"] for row in told["classes"])))


def test_it_is_said_in_chinese_as_well(belt):
    page, _ = written(belt, "zh-CN")
    assert "交由人工" in section(page, "decisions") and "person" not in section(page, "decisions")


def test_rows_of_numbers_are_a_table_and_no_decision_is_no_section(tmp_path, perceptron):
    assert "decisions" not in written(perceptron, "en")[1]
    run = trained("made:blobs", tmp_path / "run", "train.steps=15", "task.decision.abstain=0.2", "data.val=0.3")
    page, document = written(run, "en")
    told = document["decisions"]
    assert told["asked"] > 0 and told["costs"] == {} and "below a confidence of" in section(page, "decisions")
    assert "<img" not in section(page, "decisions") and "<table" in section(page, "decisions")
    with speaking("en"):
        assert json.loads((tmp_path / "run" / "report.json").read_text())["decisions"]["limit"] is not None
