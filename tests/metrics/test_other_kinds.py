"""Metrics of several labels, of masks and of numbers, against scikit-learn and torchmetrics."""

import math
from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn

from deepglass.metrics.iou import MeanIou
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
