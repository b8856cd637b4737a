"""Layers held to a steepness of one, attention over places, and a norm that is told."""

import pytest
import torch
import torch.nn.functional as F

from deepglass.blocks.conditional_norm import ConditionalNorm
from deepglass.blocks.conv import Conv
from deepglass.blocks.dense import Dense
from deepglass.blocks.norm import BatchNorm
from deepglass.blocks.self_attention import SelfAttention
from deepglass.blocks.spectral_norm import SpectralNorm


def largest(weight):
    return float(torch.linalg.matrix_norm(weight.detach().flatten(1), 2))


@pytest.mark.parametrize("make", [lambda: Dense(7, 5), lambda: Conv(3, 4, kernel=3, dims=2)])
def test_the_largest_singular_value_becomes_one(make):
    torch.manual_seed(0)
    block = SpectralNorm(make()).train()
    for _ in range(200):
        block.weight()
    assert largest(block.weight()) == pytest.approx(1, abs=1e-4)
    assert largest(block.eval().weight()) == pytest.approx(1, abs=1e-4)
    sigma = torch.linalg.matrix_norm(block.layer.weight.flatten(1), 2)
    torch.testing.assert_close(block.weight(), block.layer.weight / sigma, rtol=1e-4, atol=1e-5)


def test_one_step_of_the_power_method_a_call_in_training_and_none_in_evaluation():
    torch.manual_seed(0)
    block = SpectralNorm(Dense(6, 4))
    matrix, before = block.layer.weight.detach(), block.u.clone()
    x = torch.randn(2, 6)
    block.train()(x)
    expected = F.normalize(matrix @ F.normalize(matrix.T @ before, dim=0), dim=0)
    torch.testing.assert_close(block.u, expected)
    block.eval()
    kept, first = block.u.clone(), block(x)
    assert torch.equal(first, block(x)) and torch.equal(block.u, kept)
    assert list(block.state_dict()) == ["u", "layer.weight", "layer.bias"]
    other = SpectralNorm(Dense(6, 4)).eval()
    other.load_state_dict(block.state_dict())
    assert torch.equal(other(x), first)
    block.u.mul_(0.5)  # an average of directions is shorter, and points the same way
    torch.testing.assert_close(block(x), first)


def test_called_twice_before_backward_it_is_still_differentiated_and_as_torchs_own():
    torch.manual_seed(0)
    ours = SpectralNorm(Dense(6, 4)).train()
    theirs = torch.nn.Linear(6, 4)
    theirs.load_state_dict(ours.layer.state_dict())
    theirs = torch.nn.utils.parametrizations.spectral_norm(theirs).train()
    norm = theirs.parametrizations.weight[0]
    norm._u.copy_(ours.u)
    norm._v.copy_(F.normalize(ours.layer.weight.detach().T @ ours.u, dim=0))  # torch begins with the other half
    x = torch.randn(3, 6)
    for _ in range(50):
        (ours(x) + ours(-x) ** 2).sum().backward()
        theirs(x), theirs(-x)
    ours.zero_grad()
    ours(x).square().sum().backward()
    theirs(x).square().sum().backward()
    found = theirs.parametrizations.weight.original.grad
    torch.testing.assert_close(ours.layer.weight.grad, found, rtol=1e-3, atol=1e-4)
    direction = (ours.layer.weight.grad * ours.layer.weight).sum()
    torch.testing.assert_close(direction, torch.tensor(0.0), rtol=0, atol=1e-3)  # longer weights change nothing


def test_attention_begins_as_nothing_and_then_brings_far_places_together():
    torch.manual_seed(0)
    block, x = SelfAttention(16).eval(), torch.randn(2, 16, 6, 6)
    assert torch.equal(block(x), x)
    with torch.no_grad():
        block.gamma.fill_(1.0)
    far = x.clone()
    far[:, :, 0, 0] += 3
    moved = (block(far) - block(x)).detach().abs().amax((0, 1))
    assert float(moved[5, 5]) > 1e-3
    theta, phi, g = (F.conv2d(x, part.weight()) for part in (block.theta, block.phi, block.g))
    asked, known, told = theta[0].flatten(1), F.max_pool2d(phi, 2)[0].flatten(1), F.max_pool2d(g, 2)[0].flatten(1)
    weights = torch.softmax(asked.T @ known, dim=1)
    place = block.o.weight()[:, :, 0, 0] @ (told @ weights[7])
    torch.testing.assert_close(block(x)[0, :, 1, 1] - x[0, :, 1, 1], place)


def test_a_told_norm_is_a_plain_one_scaled_and_moved_row_by_row():
    torch.manual_seed(0)
    block, plain = ConditionalNorm(3, Dense(2, 3), Dense(2, 3)).train(), torch.nn.BatchNorm2d(3, affine=False)
    x, told = torch.randn(4, 3, 5, 5), torch.randn(4, 2)
    expected = plain(x) * (1 + block.gain(told))[:, :, None, None] + block.shift(told)[:, :, None, None]
    torch.testing.assert_close(block(x, told), expected)
    torch.testing.assert_close(
        block.eval()(x, told),
        plain.eval()(x) * (1 + block.gain(told))[:, :, None, None] + block.shift(told)[:, :, None, None],
    )
    assert not list(block.norm.parameters()) and isinstance(block.norm, BatchNorm)
    assert list(block.norm.state_dict()) == ["running_mean", "running_var", "num_batches_tracked"]
