"""Series at size tiny, from a place to answers: as a user takes them."""

import numpy as np
import pytest
import torch

import deepglass as dg
from deepglass import journey
from deepglass.data.recognise import Survey
from deepglass.foundation.errors import Stopped
from deepglass.foundation.settings import parse_assignments
from deepglass.recipes.recipe import choose_recipe
from tests.data.texts import ts_file

QUICK = ["data.cache=false", "train.plan=plain", "seed=3"]


def proposal(place, *words):
    return journey.propose(str(place), parse_assignments([*QUICK, *words]), "tiny")


def train(place, out, *words):
    return journey.train(proposal(place, *words), out=str(out))


def waves(folder):
    """Slow and fast waves of 20 to 26 steps: 40 to learn from, 20 to be asked about."""
    ts_file(folder / "waves_TEST.ts", 20, 1)
    return ts_file(folder / "waves_TRAIN.ts")


def as_table(ts, file):
    """The same series as a long table of one channel."""
    lines = [line for line in ts.read_text().splitlines() if line[0] != "@"]
    rows = ["series,time,x1,label"]
    for number, line in enumerate(lines):
        values, label = line.split(":")
        rows += [f"s{number},{step},{value},{label}" for step, value in enumerate(values.split(","))]
    file.write_text("\n".join(rows))
    return file


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("waves")
    return train(waves(folder), folder / "run", "train.steps=60")


def test_waves_of_two_speeds_are_told_apart(learned):
    assert learned.figures["test"]["accuracy"].value >= 0.95 and learned.figures["test"]["accuracy"].n == 20
    steps = np.arange(30)
    told = learned.predict([np.sin(0.3 * steps)[:, None], np.sin(0.9 * steps)])
    assert [answer["prediction"] for answer in told] == ["slow", "fast"]
    assert learned.report and "svg" in learned.report.read_text(encoding="utf-8")


def test_answers_are_those_of_the_evaluation_whatever_the_batch(learned):
    bundle = dg.load(learned.run.folder)
    material = learned.run.material()
    _, predictions = learned.run.evaluate("test", material)
    best = predictions["probability"].max(1).values
    series = [material.source.read(row) for row in material.rows["test"]]
    for batch in (1, 7, 64):
        again = [answer["confidence"] for answer in bundle.predict(series, batch=batch)]
        assert np.allclose(again, best, atol=1e-5)


def test_a_table_is_evaluated_and_answered_as_the_file_was(learned, tmp_path):
    place = learned.run.settings.data.place.replace("TRAIN", "TEST")
    table = as_table(type(tmp_path)(place), tmp_path / "again.csv")
    there = journey.evaluate(learned.run.folder, str(table)).figures["test"]["accuracy"]
    assert there.n == 20 and there.value == learned.figures["test"]["accuracy"].value
    assert len(learned.predict(table)) == 20


def test_a_wide_table_keeps_its_layout_when_another_is_evaluated(tmp_path):
    random = np.random.default_rng(0)
    for name in ("a", "b"):
        rows = [
            f"{row % 2}," + ",".join(f"{value:.3f}" for value in random.normal(3 * (row % 2), 1, 12))
            for row in range(40)
        ]
        (tmp_path / f"{name}.csv").write_text("label," + ",".join(f"t{step}" for step in range(12)) + "\n")
        with (tmp_path / f"{name}.csv").open("a") as stream:
            stream.write("\n".join(rows))
    outcome = train(tmp_path / "a.csv", tmp_path / "run", "data.layout=series_wide", "train.steps=30")
    assert outcome.figures["test"]["accuracy"].value == 1
    assert journey.evaluate(tmp_path / "run", str(tmp_path / "b.csv")).figures["test"]["accuracy"].n == 40
    (tmp_path / "c.csv").write_text(",".join(f"t{step}" for step in range(12)) + "\n" + ",".join(["3.1"] * 12))
    assert [answer["prediction"] for answer in outcome.predict(tmp_path / "c.csv")] == ["1"]


def test_the_lstm_learns_them_too(tmp_path):
    words = ("model.name=series_lstm", "train.steps=150", "train.lr=0.01")
    outcome = train(waves(tmp_path), tmp_path / "run", *words)
    assert outcome.figures["test"]["accuracy"].value >= 0.9


def test_stopped_and_resumed_it_ends_with_the_same_bits(tmp_path):
    place = waves(tmp_path)
    whole = train(place, tmp_path / "whole", "train.steps=10")
    asked = iter([False] * 6 + [True] * 100)
    with pytest.raises(Stopped):
        journey.train(proposal(place, "train.steps=10"), out=str(tmp_path / "cut"), asked_to_stop=lambda: next(asked))
    journey.resume(tmp_path / "cut")
    first, second = (dg.load(tmp_path / name).model.state_dict() for name in ("whole", "cut"))
    assert all(torch.equal(first[name], second[name]) for name in first) and whole.figures


def survey(count, length=100):
    return Survey("series", length, 1, True, (1,), {"a": count}, count, count, count)


@pytest.mark.parametrize("size", ["tiny", "small", "paper"])
def test_what_the_recipe_asks_grows_with_size_and_data(size):
    name, recipe = choose_recipe("classify", survey(30))
    assert name == "series"
    made = {count: recipe.make("classify", survey(count), size, "") for count in (30, 300, 10_000)}
    steps = [one.train.steps for one in made.values()]
    assert steps == sorted(steps) and steps[0] < steps[2]
    assert [one.data.val for one in made.values()] == [0.0, 0.1, 0.1]
    assert [one.train.batch for one in made.values()] == [16, 16, 64]
    few = made[30]  # one check at the end: nothing is held back by which one could choose
    assert few.train.check_epochs * 30 / few.train.batch == pytest.approx(few.train.steps, abs=1)


def test_long_series_are_stepped_over():
    _, recipe = choose_recipe("classify", survey(30))
    strides = [
        recipe.make("classify", survey(50, length), "small", "").model.settings.stride
        for length in (24, 427, 1460, 100_000)
    ]
    assert strides == [1, 2, 6, 8]
    assert recipe.make("classify", survey(50), "small", "series_lstm").model.name == "series_lstm"
