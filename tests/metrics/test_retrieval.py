"""Recall and mean average precision of a search, against scikit-learn and a plain loop."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from deepglass.metrics.retrieval import RecallAt, RetrievalPrecision


def fed(metric, vectors, targets, batch: int = 7):
    for start in range(0, len(vectors), batch):
        rows = slice(start, start + batch)
        ids = [f"{row:03d}" for row in range(len(vectors))[rows]]
        metric.update(ids, {"vector": vectors[rows]}, targets[rows])
    return metric.compute()


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 40), st.integers(1, 6), st.integers(0, 99), st.sampled_from([1, 2, 5]))
def test_both_are_those_of_a_plain_loop(count, classes, seed, k):
    maker = torch.Generator().manual_seed(seed)
    vectors = F.normalize(torch.randn(count, 4, generator=maker), dim=1)
    targets = torch.randint(classes, (count,), generator=maker)
    scores = (vectors @ vectors.T).numpy()
    hits, precision = [], []
    for row in range(count):
        others = np.array([one for one in range(count) if one != row])
        right = (targets[others] == targets[row]).numpy()
        if not right.any():
            continue
        order = np.argsort(-scores[row, others], kind="stable")
        hits.append(right[order][:k].any())
        precision.append(average_precision_score(right, scores[row, others]))
    recall, mean = fed(RecallAt(k), vectors, targets), fed(RetrievalPrecision(), vectors, targets)
    if not hits:
        assert math.isnan(recall.value) and math.isnan(mean.value) and recall.n == 0
        return
    assert recall.value == pytest.approx(np.mean(hits)) and recall.n == mean.n == len(hits)
    assert mean.value == pytest.approx(np.mean(precision), abs=1e-6)
    assert recall.low <= recall.value <= recall.high and mean.low <= mean.value <= mean.high


def test_one_vector_for_all_finds_nothing():
    vectors, targets = F.normalize(torch.ones(12, 3), dim=1), torch.arange(12) % 2
    assert fed(RecallAt(5), vectors, targets).value == 0
    assert fed(RetrievalPrecision(), vectors, targets).value < 0.4


def test_numbers_that_are_none_find_nothing():
    vectors, targets = torch.full((6, 3), float("nan")), torch.arange(6) % 2
    assert fed(RecallAt(1), vectors, targets).value == 0


def test_the_order_of_batches_changes_nothing():
    maker = torch.Generator().manual_seed(1)
    vectors, targets = F.normalize(torch.randn(30, 4, generator=maker), dim=1), torch.arange(30) % 4
    assert fed(RetrievalPrecision(), vectors, targets, 7) == fed(RetrievalPrecision(), vectors, targets, 30)
