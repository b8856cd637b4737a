"""Series that go on at size tiny, from a table to the next steps: as a user takes them."""

import contextlib
import csv

import numpy as np
import pytest
import torch

import deepglass as dg
from deepglass import journey
from deepglass.cli.main import main
from deepglass.data.sources.made_series import demand
from deepglass.foundation.errors import Stopped
from deepglass.foundation.settings import parse_assignments

QUICK = ["data.cache=false", "train.plan=plain", "seed=3"]


def propose(place, *words):
    return journey.propose(str(place), parse_assignments([*QUICK, *words]), "tiny")


def train(place, out, *words):
    return journey.train(propose(place, *words), out=str(out))


def table(file, rows=slice(None), columns=("demand", "temperature")):
    """The made series as a table of hours."""
    names, values = demand()
    kept = [names.index(name) for name in columns]
    hours = np.datetime64("2024-01-01T00:00") + np.arange(len(values))[rows] * np.timedelta64(1, "h")
    numbers = [",".join(f"{value:.4f}" for value in row) for row in values[rows]]
    lines = [f"{hour},{row}" for hour, row in zip(hours, numbers, strict=True)]
    file.write_text("\n".join([",".join(["time", *(names[place] for place in kept)]), *lines]), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def forecast(tmp_path_factory):
    folder = tmp_path_factory.mktemp("forecast")
    return train(table(folder / "load.csv"), folder / "run")


def test_it_is_nearer_than_a_season_ago(forecast):
    figures = forecast.figures["test"]
    assert figures["mase"].value < 0.95 < 1.0 < figures["mase_naive"].value
    assert 0.6 < figures["coverage"].value < 0.9 and figures["mase"].n == figures["coverage"].n
    settings = forecast.run.settings
    assert (settings.data.history, settings.data.horizon, settings.data.season) == (48, 24, 24)
    assert forecast.run.origins["data.horizon"] == "data"
    assert settings.task.name == "forecast" and settings.model.name == "series_dense"
    assert settings.model.settings.steps == 48


def test_the_next_steps_are_those_of_the_evaluation(forecast, tmp_path):
    material = forecast.run.material()
    _, predictions = forecast.run.evaluate("test", material)
    rows = material.rows["test"]
    bundle = dg.load(forecast.run.folder)
    asked = [material.source.read(row)[:48] for row in rows[:9]]
    for batch in (1, 7):
        answers = bundle.predict(asked, batch=batch)
        told = np.array([np.stack(list(one["prediction"].values()), axis=1).ravel() for one in answers])
        assert np.allclose(told, predictions["values"][:9], atol=1e-3)
    place = table(tmp_path / "until.csv", slice(0, 1476))
    (answer,) = bundle.predict(str(place))
    assert np.allclose(answer["prediction"]["demand"], predictions["values"][-1].view(24, 2)[:, 0], atol=1e-2)
    (error,) = bundle.predict(str(table(tmp_path / "few.csv", slice(0, 20))))
    assert error["error"] == "The series has 20 steps, and the network looks back on 48. Give at least so many."


def test_other_data_are_one_test_part(forecast, tmp_path):
    found = journey.evaluate(forecast.run.folder, str(table(tmp_path / "later.csv", slice(1000, 1400))))
    assert found.figures["test"]["mase"].n == 400 - 48 - 24 + 1


def test_one_channel_of_several_is_told_where_it_is_named(tmp_path):
    words = ("data.target=demand", "task.name=forecast", "data.horizon=6", "train.steps=60")
    outcome = train(table(tmp_path / "a.csv"), tmp_path / "run", *words)
    facts = outcome.run.bundle.task.facts
    assert facts.targets == ("demand",) and facts.inputs.columns == ("demand", "temperature")
    (answer,) = outcome.predict([demand()[1][-60:]])
    assert list(answer["prediction"]) == ["demand"] and len(answer["prediction"]["demand"]) == 6


@pytest.mark.parametrize("model", ["series_lstm", "series_cnn"])
def test_other_networks_of_series_fit(tmp_path, model):
    outcome = train("made:demand", tmp_path / "run", f"model.name={model}", "train.steps=5", "data.horizon=4")
    assert np.isfinite(outcome.figures["test"]["mase"].value)
    if model == "series_lstm":
        assert outcome.run.settings.model.settings.summary == "end"


def test_stopped_and_resumed_it_ends_with_the_same_bits(tmp_path):
    words = ("train.steps=12", "train.batch=16")
    train("made:demand", tmp_path / "whole", *words)
    asked = iter([False] * 7 + [True] * 100)
    with pytest.raises(Stopped):
        journey.train(propose("made:demand", *words), out=str(tmp_path / "cut"), asked_to_stop=lambda: next(asked))
    journey.resume(tmp_path / "cut")
    first, second = (dg.load(tmp_path / name).model.state_dict() for name in ("whole", "cut"))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_report_draws_errors_by_step_and_a_window(forecast):
    page = forecast.report.read_text(encoding="utf-8")
    assert "Error by how far ahead" in page and "MASE of the naive forecast" in page and "what came" in page


def test_a_table_of_answers_has_a_line_for_each_step_with_its_time_and_band(forecast, tmp_path, capsys):
    place = table(tmp_path / "until.csv", slice(0, 400))
    few = table(tmp_path / "few.csv", slice(0, 9))
    with contextlib.suppress(SystemExit):
        main(["predict", str(forecast.run.folder), str(place), str(few), "--out", str(tmp_path / "told.csv")])
    assert "told.csv. Answers: 1; inputs without one: 1." in capsys.readouterr().out
    rows = list(csv.DictReader((tmp_path / "told.csv").open(encoding="utf-8")))
    assert list(rows[0]) == ["id", "step", "time", "channel", "value", "low", "high", "error"]
    (answer,) = dg.load(forecast.run.folder).predict(str(place))
    hours = [str(np.datetime64("2024-01-17T16:00") + hour * np.timedelta64(1, "h")) for hour in range(24)]
    assert answer["times"] == hours and len(rows) == 2 * 24 + 1
    for place, name in enumerate(("demand", "temperature")):
        own = rows[24 * place : 24 * place + 24]
        assert {row["id"] for row in own} == {"until.csv"} and {row["channel"] for row in own} == {name}
        assert [row["time"] for row in own] == hours and [row["step"] for row in own] == [str(n) for n in range(1, 25)]
        for column, values in (("value", "prediction"), ("low", "low"), ("high", "high")):
            assert np.allclose([float(row[column]) for row in own], answer[values][name])
    assert rows[-1]["id"] == "few.csv" and "The series has 9 steps" in rows[-1]["error"] and not rows[-1]["value"]
    (untimed,) = dg.load(forecast.run.folder).predict([demand()[1][-60:]])
    assert "times" not in untimed


def test_several_series_of_one_table_are_learned_and_told_by_their_names(tmp_path):
    days = np.datetime64("2024-01-01") + np.arange(120)
    lines = [f"{day},{shop},{item},{place % 7 + 10 * shop + item}"
             for shop in (1, 2) for item in (1, 2) for place, day in enumerate(days)]  # fmt: skip
    (tmp_path / "sold.csv").write_text("\n".join(["date,shop,item,sold", *lines]))
    outcome = train(tmp_path / "sold.csv", tmp_path / "run", "data.target=sold", "train.steps=300")
    assert outcome.run.settings.task.name == "forecast"
    answers = outcome.predict(str(tmp_path / "sold.csv"))
    assert [answer["id"] for answer in answers] == ["sold.csv:1/1", "sold.csv:1/2", "sold.csv:2/1", "sold.csv:2/2"]
    for answer, level in zip(answers, (11, 12, 21, 22), strict=True):
        assert answer["times"][0] == "2024-04-30"
        assert abs(answer["prediction"]["sold"][0] - (120 % 7 + level)) < 1
