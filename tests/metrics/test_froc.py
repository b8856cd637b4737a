"""FROC counts as LUNA16 does: within the radius, once, and by false alarms a volume."""

import math

import pytest
import torch

from deepglass.cli.outcome import _interval
from deepglass.data.example import Ragged
from deepglass.foundation.errors import RunFailed
from deepglass.foundation.words import speaking
from deepglass.metrics.figure import Figure, missing
from deepglass.metrics.froc import RATES, Froc, judged


def rows(*each, width):
    flat = [torch.tensor(one, dtype=torch.float32).view(-1, width) for one in each]
    return Ragged(torch.cat(flat), torch.tensor([len(one) for one in flat]))


def said(place, score, kind=0):
    return (*place, 5.0, score, kind)


def test_a_middle_within_the_radius_is_right_once():
    true = torch.tensor([(0, 0.0, 0, 0, 10), (0, 50.0, 0, 0, 4)])
    told = torch.tensor([said((4, 0, 0), 0.5), said((1, 0, 0), 0.9), said((53, 0, 0), 0.8), said((51, 0, 0), 0.7, 1)])
    scores, right = judged(told, true)
    assert scores.tolist() == pytest.approx([0.9, 0.8, 0.7]) and right.tolist() == [True, False, False]
    scores, right = judged(told[:0], true)
    assert len(scores) == len(right) == 0


def test_the_figure_is_the_mean_sensitivity_at_the_rates():
    metric = Froc()
    true = rows([(0, 0, 0, 0, 10), (0, 90, 0, 0, 10)], [(0, 0, 0, 0, 10)], [], [], width=5)
    told = rows(
        [said((0, 0, 0), 0.9), said((30, 0, 0), 0.8)], [said((1, 0, 0), 0.7)], [said((5, 5, 5), 0.6)], [], width=6
    )
    metric.update(["a", "b"], {"balls": told.rows(0, 2)}, true.rows(0, 2))
    metric.update(["c", "d"], {"balls": told.rows(2, 4)}, true.rows(2, 4))
    found = metric.compute()
    at = [1 / 3 if rate * 4 < 1 else 2 / 3 for rate in RATES]  # the alarm of 0.8 stands before the second find
    assert found.value == pytest.approx(sum(at) / 7) and found.better == "up" and found.n == 4
    assert math.isnan(found.low) and found.few
    assert metric.found_at() == pytest.approx(at)
    with pytest.raises(RunFailed):
        metric.update(["a"], {"balls": told.rows(0, 1)}, true.rows(0, 1))


def test_nothing_said_is_nothing_found_and_nothing_there_is_no_figure():
    metric = Froc()
    metric.update(["a"], {"balls": rows([], width=6)}, rows([(0, 0, 0, 0, 10)], width=5))
    assert metric.compute().value == 0
    metric = Froc()
    metric.update(["a"], {"balls": rows([said((0, 0, 0), 0.9)], width=6)}, rows([], width=5))
    assert math.isnan(metric.compute().value) and all(map(math.isnan, metric.found_at()))


@pytest.mark.parametrize(("count", "few"), [(3, True), (9, True), (10, False)])
def test_a_few_volumes_have_no_interval(count, few):
    metric = Froc()
    told, true = [said((0, 0, 0), 0.9)], [(0, 0, 0, 0, 10)]
    names = [str(number) for number in range(count)]
    metric.update(names, {"balls": rows(*[told] * count, width=6)}, rows(*[true] * count, width=5))
    found = metric.compute()
    assert found.value == 1 and found.few == few and math.isnan(found.low) == math.isnan(found.high) == few
    with speaking("en"):
        assert _interval(found) == (f"too few examples ({count})" if few else "1 to 1")


def test_what_has_no_interval_at_all_is_not_called_too_little():
    for figure in (missing("up"), Figure(0.5, math.nan, math.nan, 3, "up", by="COCO"), Figure(0.5, 0.2, 0.8, 3, "up")):
        assert not figure.few
    assert _interval(missing("up")) == "–"
