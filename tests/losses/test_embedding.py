"""Losses of vectors, against their definitions written out row by row."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from deepglass.losses.embedding import anchored, arc_face, contrastive, partnered, proxy_anchor, triplet

CASES = given(st.integers(2, 9), st.integers(2, 4), st.integers(0, 99))
SOME = settings(max_examples=40, deadline=None)


def a_case(rows: int, classes: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """vectors (B, 5) of length 1, proxies (K, 5) of any, classes (B,)"""
    maker = torch.Generator().manual_seed(seed)
    vectors = F.normalize(torch.randn(rows, 5, generator=maker, dtype=torch.float64), dim=1)
    proxies = torch.randn(classes, 5, generator=maker, dtype=torch.float64)
    return vectors, proxies, torch.randint(classes, (rows,), generator=maker)


@SOME
@CASES
def test_arc_face_turns_the_own_class_away_by_its_margin(rows, classes, seed):
    vectors, proxies, targets = a_case(rows, classes, seed)
    cosine = (vectors @ F.normalize(proxies, dim=1).T).clamp(-1, 1)
    plain = F.cross_entropy(16 * cosine, targets, reduction="sum")
    torch.testing.assert_close(arc_face(vectors, proxies, targets, 16, 0.0), plain)
    expected = 0.0
    for row, own in zip(cosine, targets.tolist(), strict=True):
        angle = math.acos(float(row[own]))
        moved = row.clone()
        moved[own] = math.cos(angle + 0.3) if angle < math.pi - 0.3 else float(row[own]) - 0.3 * math.sin(0.3)
        expected += float(-(16 * moved).log_softmax(0)[own])
    assert float(arc_face(vectors, proxies, targets, 16, 0.3)) == pytest.approx(expected, rel=1e-6)
    assert expected >= float(plain) - 1e-9  # what is asked for is harder


@SOME
@CASES
def test_proxy_anchor_pulls_classes_that_are_there_and_pushes_from_all(rows, classes, seed):
    vectors, proxies, targets = a_case(rows, classes, seed)
    cosine = vectors @ F.normalize(proxies, dim=1).T
    near = far = 0.0
    for number in range(classes):
        own = targets == number
        if own.any():
            near += math.log1p(float((-32 * (cosine[own, number] - 0.1)).exp().sum()))
        far += math.log1p(float((32 * (cosine[~own, number] + 0.1)).exp().sum()))
    found = proxy_anchor(vectors, proxies, targets, 32, 0.1)
    assert [float(one) for one in found] == pytest.approx([near, far], rel=1e-6)


@SOME
@CASES
def test_contrastive_and_triplet_are_their_sums_over_rows(rows, classes, seed):
    vectors, _, targets = a_case(rows, classes, seed)
    together = hard = 0.0
    partners = anchors = 0
    for row in range(rows):
        others = [one for one in range(rows) if one != row]
        own = [one for one in others if targets[one] == targets[row]]
        strange = [one for one in others if targets[one] != targets[row]]
        scores = torch.stack([10 * vectors[row] @ vectors[one] for one in others])
        shares = dict(zip(others, scores.log_softmax(0).tolist(), strict=True))
        partners += bool(own)
        together -= sum(shares[one] for one in own) / max(1, len(own))
        if own and strange:
            anchors += 1
            far = max(float((vectors[row] - vectors[one]).norm()) for one in own)
            close = min(float((vectors[row] - vectors[one]).norm()) for one in strange)
            hard += max(0.0, 0.2 + far - close)
    assert float(contrastive(vectors, targets, 10)) == pytest.approx(together, abs=1e-9)
    assert float(triplet(vectors, targets, 0.2)) == pytest.approx(hard, abs=1e-6)
    assert (partnered(targets), anchored(targets)) == (partners, anchors)


@pytest.mark.parametrize("loss", ["arc_face", "proxy_anchor", "contrastive", "triplet"])
def test_slopes_are_finite_where_vectors_are_equal_or_opposite(loss):
    vectors = F.normalize(torch.tensor([[1.0, 0], [1, 0], [-1, 0], [-1, 0]]), dim=1).requires_grad_()
    proxies, targets = torch.tensor([[1.0, 0], [-1, 0]]), torch.tensor([0, 1, 0, 1])
    value = {
        "arc_face": lambda: arc_face(vectors, proxies, targets, 16, 0.2),
        "proxy_anchor": lambda: sum(proxy_anchor(vectors, proxies, targets, 32, 0.1)),
        "contrastive": lambda: contrastive(vectors, targets, 10),
        "triplet": lambda: triplet(vectors, targets, 0.2),
    }[loss]()
    assert value > 0
    value.backward()
    assert vectors.grad is not None and vectors.grad.isfinite().all() and vectors.grad.abs().sum() > 0
