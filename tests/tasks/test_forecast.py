"""Forecasts: how a window is seen, what the naive forecast says, what is counted and answered."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from deepglass.data.example import Batch
from deepglass.data.source import Index, Unreadable, Window
from deepglass.foundation import catalogue
from deepglass.foundation.errors import DataError
from deepglass.foundation.settings import from_json, to_json
from deepglass.losses.quantile import pinball
from deepglass.metrics.forecast import Coverage, Scaled
from deepglass.tasks.forecast import ForecastSettings
from deepglass.tasks.task import said, total

HISTORY, HORIZON, SEASON = 8, 5, 3


def windows(count=40):
    """Two channels: a season of three on a slope, and its negative in larger units."""
    steps = np.arange(count)[:, None] + np.arange(HISTORY + HORIZON)
    one = steps + 10.0 * (steps % SEASON)
    return np.stack([one, -100 * one], axis=2).astype(np.float32)


def learned(targets=("a", "b"), **changes):
    settings = replace(catalogue.find("tasks", "forecast"), **changes)
    window = Window(HISTORY, HORIZON, SEASON, targets)
    index = Index(["w"] * 40, [""] * 40, kind="series", columns=("a", "b"), window=window)
    task = settings.build(settings.learn(index, (0, 0), 0))
    return settings.build(task.settle({"input": windows()}))


def batch(count=6):
    return Batch(tuple(map(str, range(count))), {"input": torch.from_numpy(windows(count))})


class Silent(torch.nn.Module):
    """Says the same of every window."""

    def __init__(self, values):
        super().__init__()
        self.values = torch.nn.Parameter(torch.as_tensor(values, dtype=torch.float32))

    def forward(self, series):
        return self.values.expand(len(series.values), -1)


def test_what_was_learned_survives_as_json_and_is_sized_for_the_network():
    task = learned()
    assert task.facts.scale == pytest.approx((3.0, 300.0))  # a season later it is three steps higher
    assert task.asks().takes.channels == 2 and task.asks().gives.size == HORIZON * 2 * 3
    assert from_json(ForecastSettings.facts_type, json.loads(json.dumps(to_json(task.facts)))) == task.facts
    assert learned(("b",)).asks().gives.size == HORIZON * 3 and learned(("b",)).places == [1]


def test_a_window_is_seen_from_where_it_ends_and_a_season_ago():
    task = learned(("a",))
    raw = batch()
    shown = task.present(raw)
    std = task.facts.inputs.std
    assert shown["input"].values.shape == (6, HISTORY, 2) and not shown["input"].values[:, -1].any()
    assert shown["input"].values[0, 0].tolist() == pytest.approx([(0 - 17) / std[0], (0 + 1700) / std[1]])
    assert shown["naive"][0].tolist() == [25, 6, 17, 25, 6]  # steps 5, 6, 7 once more, and again
    assert task.truth(raw)[0].tolist() == [28, 9, 20, 31, 12]
    assert shown["target"][0].tolist() == pytest.approx([value / std[0] for value in (3, 3, 3, 6, 6)])


def test_a_network_that_says_nothing_says_the_naive_forecast():
    task = learned()
    raw = batch()
    predictions = task.predict(Silent(np.zeros(HORIZON * 2 * 3)), task.present(raw))
    for name in ("values", "low", "high"):
        assert torch.equal(predictions[name], predictions["naive"])
    figures = task.metrics()
    for metric in figures.values():
        metric.update(raw.ids, predictions, task.truth(raw))
    assert figures["mase"].compute().value == figures["mase_naive"].compute().value == pytest.approx(21 / 15)
    assert figures["coverage"].compute().value == 0 and list(figures)[0] == "mase"


def test_quantiles_are_put_in_order_and_back_into_their_units():
    task = learned(("a",))
    shown = task.present(batch(1))
    predictions = task.predict(Silent(np.tile([1.0, 0.0, -1.0], HORIZON)), shown)  # the wrong way round
    std = task.facts.inputs.std[0]
    assert predictions["low"][0].tolist() == pytest.approx([value - std for value in (25, 6, 17, 25, 6)], rel=1e-5)
    assert torch.equal(predictions["values"], predictions["naive"])
    assert (predictions["low"] < predictions["high"]).all()


def test_losses_of_shards_sum_to_the_batch():
    task = learned()
    model = Silent(np.linspace(-1, 1, HORIZON * 2 * 3))
    raw = batch()
    whole = task.counts(task.present(raw))
    parts = [task.present(raw.shard(place, 3)) for place in range(3)]
    together = sum(total(task.loss(model, part), whole) for part in parts)
    torch.testing.assert_close(together, total(task.loss(model, task.present(raw)), whole))


def test_the_last_steps_of_any_series_are_asked_about():
    task = learned()
    long = np.arange(60, dtype=np.float32).reshape(30, 2)
    assert task.prepare(long).inputs["input"].tolist() == long[-HISTORY:].tolist()
    with pytest.raises(Unreadable) as caught:
        task.prepare(long[:7])
    assert (caught.value.reason, caught.value.values) == ("history_short", {"found": 7, "wanted": HISTORY})
    shown = task.present(Batch(("0",), {"input": task.prepare(long).inputs["input"][None]}))
    assert "target" not in shown


def test_answers_name_channels_and_are_shown_behind_their_history():
    task = learned()
    raw = windows(1)[0, :HISTORY]
    shown = task.present(Batch(("0",), {"input": torch.from_numpy(raw)[None]}))
    (answer,) = task.answers(task.predict(Silent(np.tile([-1.0, 0.0, 1.0], HORIZON * 2)), shown))
    assert answer["prediction"] == {"a": [25, 6, 17, 25, 6], "b": [-2500, -600, -1700, -2500, -600]}
    assert all(low < high for low, high in zip(answer["low"]["b"], answer["high"]["b"], strict=True))
    assert said(answer) == "a 25, 6, 17, 25, 6; b -2,500, -600, -1,700, -2,500, -600" and json.dumps(answer)
    first, second = task.show(raw, answer)
    history, forecast = first.json()["lines"]
    assert history["x"] == list(range(-7, 1)) and history["y"] == raw[:, 0].tolist()
    assert forecast["x"] == [1, 2, 3, 4, 5] and forecast["y"] == answer["prediction"]["a"] and forecast["low"]
    assert second.title == "b" and first.terminal() and "<svg" in second.svg()


def test_pinball_is_least_at_the_quantile():
    random = torch.Generator().manual_seed(0)
    came = torch.randn(4000, 1, generator=random)
    for quantile, best in ((0.1, -1.2816), (0.5, 0.0), (0.9, 1.2816)):
        losses = {
            value: float(pinball(torch.full((4000, 1, 1), value), came, [quantile]))
            for value in np.linspace(best - 0.5, best + 0.5, 21)
        }
        assert min(losses, key=lambda value: losses[value]) == pytest.approx(best, abs=0.11)
    assert float(pinball(torch.tensor([[[1.0, 2.0]]]), torch.tensor([[3.0]]), [0.5, 0.9])) == pytest.approx(1.0 + 0.9)


def test_figures_by_hand():
    scaled, coverage = Scaled((2.0, 10.0)), Coverage()
    said_, came = torch.tensor([[1.0, 10.0, 3.0, 0.0]]), torch.tensor([[3.0, 10.0, 3.0, 20.0]])
    scaled.update(["a"], {"values": said_}, came)  # two steps of two channels
    assert scaled.compute().value == pytest.approx((1 + 0 + 0 + 2) / 4) and scaled.compute().better == "down"
    coverage.update(["a"], {"low": said_ - 1, "high": said_ + 2}, came)
    assert coverage.compute().value == 0.75
    assert Scaled((1.0,)).compute().n == 0


def test_data_that_are_no_windows_are_refused():
    with pytest.raises(DataError, match=r"learns from series that go on.*\(text\).*data\.layout=series_forecast"):
        catalogue.find("tasks", "forecast").learn(Index(["a"], [""], kind="text"), (0, 0), 0)
