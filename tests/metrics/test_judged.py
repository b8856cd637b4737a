"""Figures of features: closed forms of Gaussians, sets small enough to count by hand, and what each is blind to."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deepglass.metrics.fid import between, fid, frechet, root
from deepglass.metrics.kid import distance
from deepglass.metrics.manifold import manifold


def normal(n, features, seed, *, mean=0.0, spread=1.0):
    generator = torch.Generator().manual_seed(seed)
    return mean + spread * torch.randn(n, features, generator=generator, dtype=torch.float64)


def turned(values, seed):
    """A symmetric matrix of these eigenvalues, and of which another of the same seed shares the directions."""
    basis = torch.linalg.qr(normal(len(values), len(values), seed)).Q
    return basis @ torch.diag(torch.as_tensor(values, dtype=torch.float64)) @ basis.T


@given(st.lists(st.tuples(st.floats(0, 9), st.floats(0, 9)), min_size=1, max_size=6), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_gaussians_that_share_their_axes_differ_by_their_spreads(pairs, seed):
    own, other = (torch.tensor([pair[side] for pair in pairs], dtype=torch.float64) for side in (0, 1))
    mean, other_mean = normal(2, len(pairs), seed)
    found = between(mean, turned(own, seed), other_mean, turned(other, seed))
    known = (mean - other_mean).square().sum() + (own.sqrt() - other.sqrt()).square().sum()
    assert float(found) == pytest.approx(float(known), abs=1e-5)


def test_gaussians_in_general_agree_with_the_eigenvalues_of_the_product():
    one, other = turned([1.0, 2.0, 5.0], 0), turned([0.5, 4.0, 3.0], 1)
    common = torch.linalg.eigvals(one @ other).real.sqrt().sum()
    zero = torch.zeros(3, dtype=torch.float64)
    assert float(between(zero, one, zero, other)) == pytest.approx(float(one.trace() + other.trace() - 2 * common))
    torch.testing.assert_close(root(one) @ root(one), one)


def test_two_numbers_each_are_worked_out_by_hand():
    """Of 0, 2 and 5, 9: means 1 and 7, variances 2 and 8: 36 + (√2 - √8)² = 38."""
    real, made = (torch.tensor(rows, dtype=torch.float64)[:, None] for rows in ([0.0, 2.0], [5.0, 9.0]))
    assert float(frechet(real, made)) == pytest.approx(38.0)


def test_many_draws_come_near_the_closed_form_and_the_interval_holds_it():
    real, made = normal(3000, 4, 0), normal(3000, 4, 1, mean=0.5, spread=2.0)
    found = fid(real, made, "here")
    assert found.value == pytest.approx(4 * 0.25 + 4 * 1.0, rel=0.05) and found.low < 5.0 < found.high
    assert (found.n, found.better, found.by) == (3000, "down", "here")
    assert float(frechet(real, real)) == pytest.approx(0, abs=1e-9)


def test_few_pictures_make_the_distance_large_and_not_the_kernels():
    real, made = normal(40, 64, 0), normal(40, 64, 1)  # alike
    assert fid(real, made).value > 20 * 0.9
    alike = distance(real, made)
    assert alike.low < 0 < alike.high
    assert math.isnan(fid(real[:3], made).value) and math.isnan(distance(real[:3], made).value)


def on_a_line(*places):
    return torch.tensor(places, dtype=torch.float32)[:, None]


REAL = on_a_line(0, 1, 2, 3, 4, 5, 6)  # reach to the third: 3 2 2 2 2 2 3, to the fifth: 5 4 3 3 3 4 5


def test_made_pictures_are_counted_within_real_neighbourhoods():
    found = manifold(REAL, on_a_line(-2, 8.5, 3, 3, 3, 3, 20), "k")
    assert found["precision"].value == pytest.approx(6 / 7)  # all but the one at 20
    assert found["density"].value == pytest.approx((2 + 2 + 4 * 7) / (5 * 7))
    assert found["coverage"].value == 1 and found["precision"].by == "k"


def test_real_pictures_are_counted_within_made_neighbourhoods():
    found = manifold(REAL, on_a_line(3, 3, 3, 3, 40, 41, 42, 43))
    assert found["recall"].value == pytest.approx(1 / 7) and found["recall"].n == 7
    assert found["precision"].value == 0.5 and found["precision"].n == 8
    assert found["density"].value == pytest.approx(4 * 7 / (5 * 8))
    assert found["coverage"].low < 1 <= found["coverage"].high


def test_a_missing_kind_costs_coverage_and_a_wrong_one_precision():
    left, right = normal(150, 3, 0), normal(150, 3, 1, mean=30.0)
    real = torch.cat([left, right])
    missing = manifold(real, normal(300, 3, 2))
    assert missing["coverage"].value < 0.55 and missing["precision"].value > 0.9
    wrong = manifold(left, torch.cat([normal(150, 3, 3), normal(150, 3, 4, mean=90.0)]))
    assert wrong["precision"].value < 0.55 and wrong["coverage"].value > 0.7
    both = manifold(real, torch.cat([normal(150, 3, 5), normal(150, 3, 6, mean=30.0)]))
    assert both["coverage"].value > 0.9 and 0.7 < both["density"].value < 1.3


def test_too_few_have_no_neighbourhoods():
    found = manifold(REAL[:5], REAL)
    assert all(math.isnan(figure.value) and figure.n == 5 for figure in found.values())
