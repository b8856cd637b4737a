"""Metrics of several labels, of masks and of numbers, against scikit-learn and torchmetrics."""

import math
from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn

from deepglass.metrics.boundary import BoundaryF1
from deepglass.metrics.iou import Dice, MeanIou, PixelAccuracy
from deepglass.metrics.multilabel import MultiLabel, Name
from deepglass.metrics.regression import Regression
from tests.metrics.metric_cases import CASES, Case
from tests.metrics.reference_metrics import theirs

MANY = settings(max_examples=60, deadline=None)


@MANY
@given(CASES)
def test_multilabel(case: Case):
    figures = {}
    for name in get_args(Name):
        metric = MultiLabel(name)
        case.feed(metric, case.labels)
        figures[name] = metric.compute()
    true, said = case.labels.numpy(), (case.logits > 0).numpy().astype(int)
    assert figures["exact_match"].value == pytest.approx((true == said).all(1).mean())
    occurs = np.flatnonzero((true + said).any(0))
    for average in ("micro", "macro"):
        value = figures[f"f1_{average}"].value
        if len(occurs) == 0:
            assert math.isnan(value)
            continue
        assert value == pytest.approx(
            sklearn.f1_score(true[:, occurs], said[:, occurs], average=average, zero_division=0)
            if len(occurs) > 1
            else sklearn.f1_score(true[:, occurs[0]], said[:, occurs[0]], zero_division=0)
        )
    has = np.flatnonzero(true.any(0))
    value = figures["mean_average_precision"].value
    if len(has) == 0:
        assert math.isnan(value)
    else:
        each = [sklearn.average_precision_score(true[:, label], case.logits[:, label]) for label in has]
        assert value == pytest.approx(np.mean(each))
        if len(has) == true.shape[1]:
            shares = case.logits.sigmoid()
            other = theirs.multilabel_average_precision(shares, case.labels, true.shape[1])
            assert value == pytest.approx(float(other), abs=1e-5)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(case.logits, case.labels.to(case.logits.dtype))
    assert figures["loss"].value == pytest.approx(float(loss), rel=1e-5)
    for figure in figures.values():
        assert math.isnan(figure.value) or figure.low <= figure.value <= figure.high


@MANY
@given(st.integers(1, 6), st.integers(1, 5), st.integers(2, 4), st.integers(0, 999))
def test_mean_iou(rows: int, size: int, classes: int, seed: int):
    maker = torch.Generator().manual_seed(seed)
    marked = torch.randint(classes, (rows, size, size), generator=maker)
    true = torch.randint(classes, (rows, size, size), generator=maker)
    ids = [str(row) for row in range(rows)]
    metric = MeanIou(classes)
    metric.update(ids, {"mask": marked}, true)
    labels = sorted(set(true.flatten().tolist()) | set(marked.flatten().tolist()))
    expected = sklearn.jaccard_score(true.flatten(), marked.flatten(), labels=labels, average=None)
    np.testing.assert_allclose(metric.per_class()[labels].numpy(), expected)
    assert metric.compute().value == pytest.approx(expected.mean())


def test_pixels_of_no_class_count_nowhere():
    metric = MeanIou(2)
    metric.update(["a"], {"mask": torch.tensor([[[0, 1], [1, 1]]])}, torch.tensor([[[0, 1], [255, 255]]]))
    assert metric.compute().value == 1
    assert math.isnan(MeanIou(2).compute().value)


@MANY
@given(st.integers(1, 30), st.integers(1, 3), st.integers(0, 999))
def test_regression(rows: int, columns: int, seed: int):
    maker = torch.Generator().manual_seed(seed)
    true = torch.randn(rows, columns, generator=maker, dtype=torch.float64) + 1000
    values = true + torch.randn(rows, columns, generator=maker, dtype=torch.float64)
    figures = regression([str(row) for row in range(rows)], values, true)
    assert figures["mae"].value == pytest.approx(sklearn.mean_absolute_error(true, values))
    assert figures["rmse"].value == pytest.approx(math.sqrt(sklearn.mean_squared_error(true, values)))
    if rows > 1:
        assert figures["r2"].value == pytest.approx(sklearn.r2_score(true, values))
    else:
        assert math.isnan(figures["r2"].value)


def test_regression_of_flat_rows_and_of_nothing():
    figures = regression(["a", "b"], torch.tensor([1.0, 2.0]), torch.tensor([3.0, 3.0]))
    assert figures["mae"].value == 1.5 and math.isnan(figures["r2"].value)
    assert [figures[name].better for name in ("mae", "rmse", "r2")] == ["down", "down", "up"]
    assert math.isnan(Regression("mae").compute().value)
    assert {math.isnan(MultiLabel(name).compute().value) for name in get_args(Name)} == {True}


def regression(ids, values, true):
    figures = {}
    for name in ("mae", "rmse", "r2"):
        metric = Regression(name)
        metric.update(ids, {"values": values}, true)
        figures[name] = metric.compute()
    return figures


@MANY
@given(st.integers(1, 4), st.integers(1, 6), st.integers(2, 4), st.integers(0, 1000))
def test_dice_and_the_share_of_right_pixels(rows: int, size: int, classes: int, seed: int):
    maker = torch.Generator().manual_seed(seed)
    true, said = (torch.randint(classes, (rows, size, size), generator=maker) for _ in range(2))
    dice, right = Dice(classes), PixelAccuracy(classes)
    for metric in (dice, right):
        metric.update([str(row) for row in range(rows)], {"mask": said.to(torch.uint8)}, true.to(torch.uint8))
    labels = sorted(set(true.unique().tolist()) | set(said.unique().tolist()))
    expected = sklearn.f1_score(true.ravel(), said.ravel(), average=None, labels=labels, zero_division=0)
    np.testing.assert_allclose(dice.per_class()[labels].numpy(), expected)
    assert dice.compute().value == pytest.approx(expected.mean())
    assert right.compute().value == pytest.approx(float((true == said).double().mean()))


def test_what_is_said_and_is_no_class_is_wrong():
    for metric in (MeanIou(2), Dice(2), PixelAccuracy(2)):
        metric.update(["a"], {"mask": torch.tensor([[[0, 255]]])}, torch.tensor([[[0, 1]]]))
        assert metric.compute().value == pytest.approx(0.5)


def boundary_by_hand(said: torch.Tensor, true: torch.Tensor, classes: int, reach: int) -> float:
    """Every pixel against every other. (B, H, W)"""

    def edge(mask: torch.Tensor, known: torch.Tensor, number: int) -> set[tuple[int, int]]:
        found = set()
        for down, across in torch.nonzero((mask == number) & known).tolist():
            for y, x in ((down - 1, across), (down + 1, across), (down, across - 1), (down, across + 1)):
                inside = 0 <= y < mask.shape[0] and 0 <= x < mask.shape[1]
                if inside and known[y, x] and mask[y, x] != number:
                    found.add((down, across))
        return found

    def near(places: set[tuple[int, int]], others: set[tuple[int, int]]) -> int:
        return sum(any((y - v) ** 2 + (x - u) ** 2 <= reach * reach for v, u in others) for y, x in places)

    scores, both = [], list(zip(said, true, strict=True))
    for number in range(classes):
        pairs = [(edge(one, two < classes, number), edge(two, two < classes, number)) for one, two in both]
        drawn, there = sum(len(pair[0]) for pair in pairs), sum(len(pair[1]) for pair in pairs)
        if drawn + there:
            precision = sum(near(*pair) for pair in pairs) / max(1, drawn)
            recall = sum(near(pair[1], pair[0]) for pair in pairs) / max(1, there)
            scores.append(2 * precision * recall / max(1e-12, precision + recall))
    return float(np.mean(scores)) if scores else math.nan


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("size", "reach"), [(12, 1), (190, 2)])
def test_boundary_f1(seed: int, size: int, reach: int):
    """Against all pairs of pixels; in the larger pictures the reach is two pixels."""
    maker = torch.Generator().manual_seed(seed)
    coarse = torch.randint(3, (2, 2, 4, 4), generator=maker)
    said, true = torch.nn.functional.interpolate(coarse.float(), size=(size, size)).long()
    true[0, : size // 3, : size // 4] = 255
    metric = BoundaryF1(3)
    metric.update(["a", "b"], {"mask": said}, true)
    assert metric.compute().value == pytest.approx(boundary_by_hand(said, true, 3, reach))


def test_a_boundary_one_pixel_off_is_found_and_two_off_is_not():
    true = torch.zeros(1, 30, 30, dtype=torch.long)
    true[:, :, 15:] = 1
    for moved, value in ((1, 1.0), (2, 0.0)):
        metric = BoundaryF1(2)
        metric.update(["a"], {"mask": true.roll(moved, 2).where(torch.arange(30) > 4, 0)}, true)
        assert metric.compute().value == pytest.approx(value)
    assert math.isnan(BoundaryF1(2).compute().value)
