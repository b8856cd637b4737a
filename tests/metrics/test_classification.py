"""Metrics of one class a row, against scikit-learn and torchmetrics."""

import math
import time
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from sklearn import metrics as sklearn

from deepglass.metrics.accuracy import Accuracy, hits
from deepglass.metrics.auroc import AUROC, areas, mean_area
from deepglass.metrics.calibration import (
    Brier,
    CalibrationError,
    NegativeLogLikelihood,
    calibration_error,
    fit_temperature,
    reliability,
)
from deepglass.metrics.confusion import Confusion
from deepglass.metrics.f1 import F1
from tests.metrics.metric_cases import CASES, Case, make
from tests.metrics.reference_metrics import theirs

MANY = settings(max_examples=50, deadline=None)


@MANY
@given(CASES)
def test_accuracy(case: Case):
    for k in (1, 2):
        metric = Accuracy(k)
        case.feed(metric)
        order = np.argsort(-case.logits.numpy(), axis=1, kind="stable")[:, :k]
        assert metric.compute().value == pytest.approx((order == case.targets.numpy()[:, None]).any(1).mean())
    first = Accuracy()
    case.feed(first)
    assert first.compute().value == pytest.approx(sklearn.accuracy_score(case.targets, case.logits.argmax(1)))


def test_top_k_of_more_classes_than_there_are_is_everything_and_nan_never_hits():
    assert hits(torch.randn(3, 2), torch.tensor([0, 1, 1]), k=5).all()
    assert not hits(torch.full((2, 3), math.nan), torch.tensor([0, 2])).any()


@MANY
@given(CASES)
def test_confusion_and_f1(case: Case):
    classes, predicted = case.logits.shape[1], case.logits.argmax(1)
    confusion = Confusion()
    case.feed(confusion)
    expected = sklearn.confusion_matrix(case.targets, predicted, labels=range(classes))
    assert (confusion.compute().numpy() == expected).all()
    for average in ("macro", "micro"):
        metric = F1(average)
        case.feed(metric)
        figure = metric.compute()
        assert figure.value == pytest.approx(
            sklearn.f1_score(case.targets, predicted, average=average, zero_division=0)
        )
        assert figure.value == pytest.approx(
            float(theirs.multiclass_f1_score(predicted, case.targets, classes, average)), abs=1e-6
        )
        assert figure.low <= figure.value <= figure.high
    scores = metric.per_class()
    their = sklearn.precision_recall_fscore_support(case.targets, predicted, labels=range(classes), zero_division=0)
    for mine, other in zip(scores, their, strict=True):
        np.testing.assert_allclose(mine.numpy(), other)


@MANY
@given(CASES)
def test_auroc(case: Case):
    classes = case.logits.shape[1]
    shares = case.logits.softmax(1)
    metric = AUROC()
    case.feed(metric)
    mine = metric.per_class().numpy()
    found = areas(shares, case.targets[:, None] == torch.arange(classes)).per_class.numpy()
    for number in range(classes):
        own = (case.targets == number).numpy()
        if own.all() or not own.any():
            assert math.isnan(mine[number]) and math.isnan(found[number])
        else:
            assert found[number] == pytest.approx(sklearn.roc_auc_score(own, shares[:, number]))
            assert mine[number] == pytest.approx(found[number], abs=0.51 / own.sum())  # rounding may break ties
    figure = mean_area(areas(shares, case.targets[:, None] == torch.arange(classes)), len(own))
    if not np.isnan(found).all():
        assert figure.value == pytest.approx(np.nanmean(found))
    if not np.isnan(found).any() and classes > 2:
        assert figure.value == pytest.approx(sklearn.roc_auc_score(case.targets, shares, multi_class="ovr"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            other = theirs.multiclass_auroc(shares, case.targets, classes)
        assert figure.value == pytest.approx(float(other), abs=1e-6)


def test_tied_scores_count_half():
    areas_found = areas(torch.tensor([[1.0], [1.0], [0.0], [2.0]]), torch.tensor([[True], [False], [False], [True]]))
    assert float(areas_found.per_class) == (0.5 + 1 + 1 + 1) / 4


def test_the_interval_of_auroc_is_delongs():
    case = make(60, 2, 3, "ties")
    own, scores = case.targets.numpy() == 1, case.logits[:, 1].numpy()
    beats = (scores[own][:, None] > scores[~own]) + 0.5 * (scores[own][:, None] == scores[~own])
    variance = beats.mean(1).var(ddof=1) / own.sum() + beats.mean(0).var(ddof=1) / (~own).sum()
    found = areas(case.logits[:, 1:], case.targets[:, None] == 1)
    assert float(found.influence.square().sum()) == pytest.approx(variance)
    figure = mean_area(found, 60)
    assert figure.high - figure.value == pytest.approx(1.959964 * math.sqrt(variance))


@MANY
@given(CASES)
def test_calibration(case: Case):
    shares, targets = case.logits.softmax(1), case.targets
    metric = CalibrationError()
    metrics = {"ece": metric, "nll": NegativeLogLikelihood(), "brier": Brier()}
    for each in metrics.values():
        case.feed(each)
    figures = {name: each.compute() for name, each in metrics.items()}
    assert figures["nll"].value == pytest.approx(
        sklearn.log_loss(targets, shares, labels=range(shares.shape[1])), abs=1e-9
    )
    one_hot = torch.nn.functional.one_hot(targets, shares.shape[1])
    assert figures["brier"].value == pytest.approx(float((shares - one_hot).square().sum(1).mean()))
    other = theirs.multiclass_calibration_error(shares, targets, shares.shape[1], n_bins=15, norm="l1")
    assert figures["ece"].value == pytest.approx(float(other), abs=1e-6)
    table = metric.reliability()
    assert table.counts.sum() == len(targets)
    gaps = (table.counts * (table.accuracy - table.confidence)).nan_to_num().abs().sum() / len(targets)
    assert figures["ece"].value == pytest.approx(float(gaps))


def test_confidence_at_the_edges_has_a_bin():
    table = reliability(torch.tensor([0.0, 1.0, 1 / 15]), torch.tensor([0.0, 1.0, 1.0]))
    assert table.counts[0] == 1 and table.counts[-1] == 1 and table.counts[1] == 1
    once = torch.ones(1, 2, dtype=torch.float64)
    assert float(calibration_error(torch.tensor([1.0, 1.0]), torch.tensor([1.0, 0.0]), once)) == 0.5


@pytest.mark.parametrize("true", [0.4, 1.0, 3.0])
def test_the_temperature_is_found_again_and_is_the_best(true: float):
    maker = torch.Generator().manual_seed(2)
    calm = torch.randn(4000, 6, generator=maker) * 2
    labels = torch.multinomial(calm.softmax(1), 1, generator=maker)[:, 0]
    found = fit_temperature(calm * true, labels)
    assert found == pytest.approx(true, rel=0.08)
    loss = [
        float(torch.nn.functional.cross_entropy(calm * true / t, labels)) for t in (found * 0.98, found, found * 1.02)
    ]
    assert loss[1] == min(loss)


def test_the_temperature_of_extreme_answers_stays_in_its_range():
    logits = torch.tensor([[3.0, 0.0], [0.0, 3.0]])
    assert 0.05 <= fit_temperature(logits, torch.tensor([0, 1])) < 0.06
    assert 19 < fit_temperature(logits, torch.tensor([1, 0])) <= 20
    assert fit_temperature(torch.zeros(0, 3), torch.zeros(0, dtype=torch.long)) == 1.0
    assert 0.05 <= fit_temperature(torch.zeros(4, 3), torch.tensor([0, 1, 2, 0])) <= 20


def test_a_row_of_a_class_that_the_network_does_not_have_is_wrong_and_has_no_likelihood():
    case = Case(torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.tensor([0, -1]), torch.zeros(2, 2))
    metrics = Accuracy(), F1(), CalibrationError(), NegativeLogLikelihood(), Brier(), AUROC()
    for metric in metrics:
        case.feed(metric)
    accuracy, f1, error, loss, brier, area = (metric.compute() for metric in metrics)
    assert accuracy.value == 0.5 and f1.value == 0.5  # class 0 is perfect, class 1 only a false positive
    own = 1 / (1 + math.exp(-2))
    assert loss.value == pytest.approx(-math.log(own)) and loss.n == 1
    assert error.value > 0.3 and brier.value > 0.3 and area.value == 1.0
    confusion = Confusion()
    case.feed(confusion)
    assert confusion.compute().tolist() == [[1, 0], [0, 0]]


def test_nothing_seen_is_nan_everywhere():
    assert math.isnan(Accuracy().compute().value) and math.isnan(F1().compute().value)
    assert math.isnan(AUROC().compute().value) and math.isnan(CalibrationError().compute().value)
    assert math.isnan(Brier().compute().value) and math.isnan(NegativeLogLikelihood().compute().value)
    assert Confusion().compute().sum() == 0


def test_ten_thousand_rows_of_a_thousand_classes_take_seconds():
    case = make(10_000, 1000, 0, "plain")
    case = case._replace(logits=case.logits.float())
    for metric, limit in (
        (Accuracy(5), 3),
        (F1(), 5),
        (CalibrationError(), 5),
        (NegativeLogLikelihood(), 5),
        (AUROC(), 20),
    ):
        started = time.perf_counter()
        case.feed(metric)
        metric.compute()
        assert time.perf_counter() - started < limit
