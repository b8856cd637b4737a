"""Losses are sums, equal to torch where torch has them, and split over shards without a rest."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from deepglass.losses.binary import binary_cross_entropy
from deepglass.losses.cross_entropy import cross_entropy, cross_entropy_count
from deepglass.losses.hinge import hinge
from deepglass.losses.perceptron import perceptron
from deepglass.losses.squared import squared_error

SIZES = (st.integers(1, 9), st.integers(2, 6), st.integers(0, 99))


def a_case(rows: int, classes: int, seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """logits (B, K), classes (B,), soft targets (B, K), weights (K,)"""
    maker = torch.Generator().manual_seed(seed)
    logits = torch.randn(rows, classes, generator=maker, dtype=torch.float64)
    targets = torch.randint(classes, (rows,), generator=maker)
    soft = torch.rand(rows, classes, generator=maker, dtype=torch.float64).softmax(1)
    return logits, targets, soft, torch.rand(classes, generator=maker, dtype=torch.float64) + 0.1


@settings(max_examples=50, deadline=None)
@given(*SIZES, st.sampled_from([0.0, 0.1]), st.booleans())
def test_cross_entropy_over_its_count_is_torchs_mean(rows, classes, seed, smoothing, weighted):
    logits, targets, soft, weights = a_case(rows, classes, seed)
    chosen = weights if weighted else None
    mean = cross_entropy(logits, targets, smoothing, chosen) / cross_entropy_count(targets, chosen)
    torch.testing.assert_close(mean, F.cross_entropy(logits, targets, chosen, label_smoothing=smoothing))
    total = cross_entropy(logits, soft, smoothing, chosen)
    torch.testing.assert_close(total, F.cross_entropy(logits, soft, chosen, label_smoothing=smoothing, reduction="sum"))
    hard = F.one_hot(targets, classes).double()
    torch.testing.assert_close(cross_entropy(logits, hard, smoothing, chosen), mean * cross_entropy_count(hard, chosen))


@settings(max_examples=30, deadline=None)
@given(*SIZES)
def test_binary_equals_torch_and_smoothing_pulls_to_a_half(rows, classes, seed):
    logits, _, soft, weights = a_case(rows, classes, seed)
    expected = F.binary_cross_entropy_with_logits(logits, soft, pos_weight=weights, reduction="sum")
    torch.testing.assert_close(binary_cross_entropy(logits, soft, positive_weights=weights), expected)
    smoothed = F.binary_cross_entropy_with_logits(logits, soft * 0.8 + 0.1, reduction="sum")
    torch.testing.assert_close(binary_cross_entropy(logits, soft, smoothing=0.2), smoothed)


@settings(max_examples=30, deadline=None)
@given(*SIZES)
def test_multiclass_hinge_and_squared_equal_torch(rows, classes, seed):
    logits, targets, soft, _ = a_case(rows, classes, seed)
    others = torch.stack([row[torch.arange(classes) != own].max() for row, own in zip(logits, targets, strict=True)])
    own = logits.gather(1, targets[:, None])[:, 0]
    torch.testing.assert_close(hinge(logits, targets), F.relu(1 + others - own).sum())
    torch.testing.assert_close(perceptron(logits, targets), F.relu(others - own).sum())
    torch.testing.assert_close(
        squared_error(logits, targets), F.mse_loss(logits, F.one_hot(targets, classes).double(), reduction="sum")
    )
    torch.testing.assert_close(squared_error(logits, soft), F.mse_loss(logits, soft, reduction="sum"))


def test_binary_hinge_and_perceptron_by_hand():
    scores, targets = torch.tensor([2.0, -0.5, 0.25, 0.0]), torch.tensor([1, 1, 0, 1])
    assert perceptron(scores, targets) == 0.5 + 0.25
    assert perceptron(scores[:, None], targets) == perceptron(scores, targets)
    assert hinge(scores, targets) == 0 + 1.5 + 1.25 + 1
    assert squared_error(torch.tensor([1.0, 3.0]), torch.tensor([0.0, 1.0])) == 5


def test_the_perceptrons_gradient_is_rosenblatts_rule():
    weights = torch.zeros(3, requires_grad=True)
    rows = torch.randn(20, 3, generator=torch.Generator().manual_seed(1))
    targets = (rows[:, 0] - rows[:, 1] > 0).long()
    by_hand = torch.zeros(3)
    for x, target in zip(rows, targets, strict=True):
        sign = 2.0 * target - 1
        if sign * (by_hand @ x) <= 0:
            by_hand = by_hand + sign * x
        (slope,) = torch.autograd.grad(perceptron((weights @ x)[None], target[None]), weights)
        weights = (weights - slope).detach().requires_grad_()
        torch.testing.assert_close(weights.detach(), by_hand)


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cross_entropy": lambda z, t: cross_entropy(z, t, 0.1),
    "binary": lambda z, t: binary_cross_entropy(z, F.one_hot(t, z.shape[1])),
    "perceptron": perceptron,
    "hinge": hinge,
    "squared": squared_error,
}


@pytest.mark.parametrize("name", LOSSES)
def test_the_sum_over_shards_is_the_sum_and_gradients_flow(name: str):
    logits, targets, _, _ = a_case(7, 4, 5)
    logits.requires_grad_()
    whole = LOSSES[name](logits, targets)
    parts = LOSSES[name](logits[:3], targets[:3]) + LOSSES[name](logits[3:], targets[3:])
    torch.testing.assert_close(whole, parts)
    assert whole.ndim == 0
    whole.backward()
    assert logits.grad is not None and logits.grad.abs().sum() > 0


@pytest.mark.parametrize("name", ["perceptron", "hinge"])
def test_soft_targets_mean_their_largest_class(name: str):
    logits, _, soft, _ = a_case(5, 4, 2)
    assert LOSSES[name](logits, soft) == LOSSES[name](logits, soft.argmax(1))
