"""How a game stands: variety by its definition, within classes; what is taken for real."""

import math

import pytest
import torch

from deepglass.metrics.kid import pixels
from deepglass.metrics.players import Taken, Variety


def pictures(count, seed, spread):
    generator = torch.Generator().manual_seed(seed)
    return (128 + spread * torch.randn(count, 1, 8, 8, generator=generator)).clamp(0, 255).to(torch.uint8)


def variety(made, real, label=None):
    metric = Variety()
    told = {"picture": made} | ({} if label is None else {"label": label})
    metric.update([str(row) for row in range(len(made))], told, real)
    return metric.compute()


def test_variety_is_the_ratio_of_variances():
    made, real = pictures(40, 0, 10), pictures(40, 1, 30)
    expected = float(pixels(made).double().var(0).sum() / pixels(real).double().var(0).sum())
    found = variety(made, real)
    assert found.value == pytest.approx(expected) and found.low < found.value < found.high and found.better == "up"


def test_one_picture_for_each_class_is_no_variety():
    label = torch.arange(40) % 2
    two = pictures(2, 3, 60)
    assert variety(two[label], pictures(40, 1, 30)).value > 0.5
    assert variety(two[label], pictures(40, 1, 30), label).value == pytest.approx(0, abs=1e-9)
    assert math.isnan(variety(two[:1], two[:1]).value)
    assert math.isnan(variety(two[label], two[:1].expand(40, -1, -1, -1)).value)  # real ones that are all the same


def test_taken_is_the_mean_of_its_column():
    metric = Taken("made")
    metric.update(["a", "b"], {"made": torch.tensor([0.25, 0.5])})
    assert metric.compute().value == pytest.approx(0.375) and metric.compute().n == 2
    assert math.isnan(Taken("made").compute().value)
