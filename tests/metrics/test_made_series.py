"""Made series beside real ones: near where they are the same, far where they are not; how varied and how rough."""

import math

import pytest
import torch

from deepglass.data.example import ragged
from deepglass.foundation.padded import Padded
from deepglass.metrics.made_series import PLACES, Roughness, SeriesKID, SeriesVariety, courses


def waves(count, seed=0, rough=0.0, height=1.0):
    """Sines of unequal length and random phase. (T, 2) each"""
    random = torch.Generator().manual_seed(seed)
    rows = []
    for row in range(count):
        steps = torch.arange(20.0 + row % 9)[:, None]
        phase = 6.28 * torch.rand(1, 2, generator=random)
        noise = torch.randn(len(steps), 2, generator=random)
        rows.append(height * torch.sin(0.4 * steps + phase) + rough * noise)
    return rows


def padded(rows):
    return Padded(torch.nn.utils.rnn.pad_sequence(rows, batch_first=True), torch.tensor([len(row) for row in rows]))


def figure(metric, made, real, label=None):
    """In two batches, the second first by name."""
    for start, stop in ((0, 10), (10, len(made))):
        ids = [f"{row:03d}" for row in range(start, stop)]
        predictions = {"series": ragged(made[start:stop])}
        if label is not None:
            predictions["label"] = label[start:stop]
        metric.update(ids, predictions, padded(real[start:stop]))
    return metric.compute()


def test_a_course_is_the_same_however_long_the_row_is_drawn():
    long = torch.arange(64.0).repeat_interleave(3)[:, None]
    short = torch.arange(64.0)[:, None]
    assert courses([long, short]).shape == (2, PLACES)
    torch.testing.assert_close(*courses([long, short]))
    assert courses([torch.tensor([[1.0, 2.0]])]).tolist() == [[1.0] * PLACES + [2.0] * PLACES]


def test_what_is_like_the_real_ones_is_nearer_than_what_is_not():
    real = waves(60)
    same, higher = figure(SeriesKID(), waves(60, 1), real), figure(SeriesKID(), waves(60, 1, height=3.0), real)
    assert same.better == "down" and abs(same.value) < 0.2 < higher.value and same.low < same.value < same.high
    assert same.by == "KID of series averaged to 32 places"


def test_variety_and_roughness_are_one_where_both_are_alike():
    real = waves(60)
    assert figure(SeriesVariety(), waves(60, 1), real).value == pytest.approx(1, abs=0.25)
    assert figure(SeriesVariety(), [real[0]] * 60, real).value == pytest.approx(0, abs=1e-9)
    assert figure(Roughness(), waves(60, 1), real).value == pytest.approx(1, abs=0.05)
    rough = figure(Roughness(), waves(60, 1, rough=1.0), real)
    assert rough.value > 3 and rough.low < rough.value < rough.high
    apart = [row * 0 + place % 2 for place, row in enumerate(real)]  # each class is one series
    assert figure(SeriesVariety(), apart, real, torch.arange(60) % 2).value == pytest.approx(0, abs=1e-9)
    assert figure(SeriesVariety(), apart, real).value > 0.1


def test_of_next_to_nothing_there_is_no_figure():
    for metric in (SeriesKID(), SeriesVariety(), Roughness()):
        metric.update(["a"], {"series": ragged([torch.zeros(1, 1)])}, padded([torch.zeros(1, 1)]))
        assert math.isnan(metric.compute().value)
