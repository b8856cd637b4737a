"""Distances between surfaces are exact, in millimetres, and what is missing costs the whole volume."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import binary_erosion, distance_transform_edt

from deepglass.metrics.surface import SurfaceDistance, distances, hd95, surface

SPACING = (2.0, 0.7, 0.5)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.integers(1, 9), min_size=3, max_size=3))
def test_distances_and_surfaces_are_scipys(seed, shape):
    mask = np.random.default_rng(seed).random(shape) < 0.3
    assert np.array_equal(surface(mask), mask & ~binary_erosion(mask))
    if mask.any():
        assert distances(mask, SPACING) == pytest.approx(distance_transform_edt(~mask, sampling=SPACING))


def ball(middle, radius, shape=(16, 24, 24)):
    places = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1)
    return ((places - middle) ** 2).sum(-1) <= radius**2


def box():
    mask = np.zeros((16, 24, 24), bool)
    mask[4:10, 4:20, 4:20] = True
    return mask


def test_hd95_is_that_of_medpy_and_nnunet():
    said, true = ball((8, 12, 12), 5), ball((8, 12, 14), 6)
    first, second = surface(said), surface(true)
    there = distance_transform_edt(~second, sampling=SPACING)[first]
    back = distance_transform_edt(~first, sampling=SPACING)[second]
    assert hd95(said, true, SPACING) == pytest.approx(np.percentile(np.hstack([there, back]), 95))
    assert hd95(true, true, SPACING) == 0
    assert hd95(np.roll(box(), 1, 0), box(), (0.4, 1, 1)) == pytest.approx(0.4)


def test_far_surfaces_are_as_exact_as_near_ones():
    said, true = (np.zeros((4, 10, 90), bool) for _ in range(2))
    said[1, 3, 2], true[2, 7, 85] = True, True
    assert hd95(said, true, SPACING) == pytest.approx(math.hypot(2.0, 4 * 0.7, 83 * 0.5))
    near = distances(said, SPACING, 10.0)
    whole = distance_transform_edt(~said, sampling=SPACING)
    assert near[whole <= 10] == pytest.approx(whole[whole <= 10]) and (near[whole > 10] > 10).all()


def test_what_is_in_neither_mask_is_left_out_and_what_is_missed_costs_the_diagonal():
    nothing, something = np.zeros((3, 4, 5), bool), ball((1, 1, 1), 1, (3, 4, 5))
    assert math.isnan(hd95(nothing, nothing, (1, 1, 1)))
    assert hd95(nothing, something, (1, 1, 1)) == hd95(something, nothing, (1, 1, 1)) == pytest.approx(math.sqrt(50))


def test_the_figure_is_a_mean_over_volumes_and_classes_without_the_background():
    metric = SurfaceDistance(3)
    true = torch.from_numpy(box().astype(np.uint8))
    metric.add("a", true, true, (1, 1, 1))
    metric.add("b", true.roll(1, 0), true, (0.5, 1, 1))
    found = metric.compute()
    assert found.value == pytest.approx(0.25) and found.n == 2 and found.better == "down"
    unseen = torch.where(true > 0, true, 255).to(torch.uint8)
    metric = SurfaceDistance(2)
    metric.add("a", torch.ones_like(true), unseen, (1, 1, 1))
    assert metric.compute().value == 0  # said where nobody has looked
