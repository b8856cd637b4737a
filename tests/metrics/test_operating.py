"""A threshold leaves the negatives in peace that it was chosen to, and what comes of it is counted exactly."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score, roc_curve

from deepglass.metrics.operating import operating, roc, threshold_at

ROWS = st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=2, max_size=40)


def columns(rows):
    return torch.tensor([score / 20 for score, _ in rows]), torch.tensor([own for _, own in rows])


@settings(max_examples=200, deadline=None)
@given(ROWS, st.floats(0.05, 0.95))
def test_at_the_threshold_so_many_negatives_are_left_in_peace_and_no_lower_one_would_do(rows, wanted):
    scores, positive = columns(rows)
    threshold = threshold_at(scores, positive, wanted)
    if positive.all():
        assert math.isnan(threshold)
        return
    found = operating(scores, positive, threshold)
    assert found.specificity.value >= wanted - 1e-9
    lower = sorted({float(score) for score in scores if score < threshold})
    if lower and found.specificity.value > 0:
        assert operating(scores, positive, lower[-1]).specificity.value < wanted + 1e-9 or not any(
            float(score) == lower[-1] for score in scores[~positive]
        )


@settings(max_examples=100, deadline=None)
@given(ROWS)
def test_the_curve_is_scikit_learns(rows):
    scores, positive = columns(rows)
    if positive.all() or not positive.any():
        return
    across, up = roc(scores, positive)
    theirs = roc_curve(positive.numpy(), scores.numpy(), drop_intermediate=False)
    assert across == pytest.approx(theirs[0].tolist()) and up == pytest.approx(theirs[1].tolist())
    assert np.trapezoid(up, across) == pytest.approx(roc_auc_score(positive.numpy(), scores.numpy()))


def test_who_is_found_missed_alarmed_and_spared():
    scores = torch.tensor([0.9, 0.8, 0.3, 0.6, 0.2, 0.1])
    positive = torch.tensor([1, 1, 1, 0, 0, 0]).bool()
    found = operating(scores, positive, 0.5)
    assert (found.found, found.missed, found.alarmed, found.spared) == (2, 1, 1, 2)
    assert found.sensitivity.value == found.specificity.value == found.precision.value == pytest.approx(2 / 3)
    assert found.sensitivity.low < 2 / 3 < found.sensitivity.high and found.sensitivity.n == 3
    assert threshold_at(scores, positive, 0.99) == pytest.approx(0.7)  # halfway between 0.6 and 0.8
