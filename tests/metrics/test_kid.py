"""The distance between made and real pictures: its definition, what it is blind to, and its interval."""

import math

import numpy as np
import pytest
import torch

from deepglass.metrics.kid import KID, estimate, kernel, pixels


def drawn(count, level, seed):
    random = np.random.default_rng(seed)
    return torch.from_numpy(random.normal(level, 30, (count, 1, 16, 16)).clip(0, 255).astype(np.uint8))


def kid(made, real):
    metric = KID()
    ids = [str(row) for row in range(len(made))]
    half = len(made) // 2
    for rows in (slice(0, half), slice(half, None)):
        metric.update(ids[rows], {"picture": made[rows]}, real[rows])
    return metric.compute()


def test_the_estimate_is_the_unbiased_one_written_out():
    x, y = pixels(drawn(5, 100, 0)).double(), pixels(drawn(5, 140, 1)).double()

    def k(a, b):
        return (float(a @ b) / len(a) + 1) ** 3

    within = sum(k(one[i], one[j]) for one in (x, y) for i in range(5) for j in range(5) if i != j) / 20
    across = sum(k(a, b) for a in x for b in y) / 25
    found = estimate(kernel(x, x), kernel(y, y), kernel(x, y))
    assert float(found) == pytest.approx(within - 2 * across)


def test_alike_is_about_0_and_unlike_is_far_outside_its_interval():
    same, far = kid(drawn(200, 120, 0), drawn(200, 120, 1)), kid(drawn(200, 170, 0), drawn(200, 120, 1))
    assert same.low <= 0 <= same.high and abs(same.value) < 0.01
    assert far.low > 10 * abs(same.value) and far.better == "down" and far.n == 200 and far.beats(far) is False
    assert same.beats(far) and "8x8" in same.by


def test_one_picture_again_and_again_is_not_alike():
    real = drawn(100, 120, 1)
    assert kid(real[:1].expand(100, -1, -1, -1), real).value > 2 * abs(kid(drawn(100, 120, 2), real).value)


def test_order_does_not_matter_and_too_few_have_no_figure():
    made, real = drawn(60, 100, 0), drawn(60, 120, 1)
    whole = kid(made, real)
    metric = KID()
    for row in reversed(range(60)):
        metric.update([str(row)], {"picture": made[row : row + 1]}, real[row : row + 1])
    assert metric.compute() == whole
    assert math.isnan(kid(made[:3], real[:3]).value)
