"""What the two players pay, written out; slopes are those of autograd."""

import pytest
import torch

from deepglass.losses.adversarial import (
    discriminator_loss,
    generator_loss,
    path_lengths,
    squared_slopes,
    uneven_slopes,
)

REAL, MADE = torch.tensor([[2.0], [-1.0]]), torch.tensor([[0.5], [-3.0]])


def sigmoid_log(values):
    return torch.sigmoid(values).log()


@pytest.mark.parametrize(
    ("game", "expected"),
    [
        ("non_saturating", -sigmoid_log(REAL).sum() - sigmoid_log(-MADE).sum()),
        ("hinge", torch.tensor(0.0 + 2.0 + 1.5 + 0.0)),
        ("least_squares", torch.tensor((1 + 4 + 0.25 + 9) / 2)),
        ("wasserstein", torch.tensor(-2.5 - 1.0)),
    ],
)
def test_the_discriminator_pays(game, expected):
    torch.testing.assert_close(discriminator_loss(REAL, MADE, game), expected)


@pytest.mark.parametrize(
    ("game", "expected"),
    [
        ("non_saturating", -sigmoid_log(MADE).sum()),
        ("hinge", torch.tensor(2.5)),
        ("least_squares", torch.tensor((0.25 + 16) / 2)),
        ("wasserstein", torch.tensor(2.5)),
    ],
)
def test_the_generator_pays(game, expected):
    torch.testing.assert_close(generator_loss(MADE, game), expected)


def test_slopes_are_those_of_the_verdicts_and_can_be_learned_from():
    weights = torch.tensor([3.0, 4.0], requires_grad=True)
    pictures = torch.ones(2, 1, 1, 2, requires_grad=True)

    def verdicts():
        return (pictures.flatten(1) @ weights)[:, None]

    torch.testing.assert_close(squared_slopes(verdicts(), pictures), torch.tensor(50.0))
    penalty = uneven_slopes(verdicts(), pictures)
    torch.testing.assert_close(penalty, torch.tensor(2 * 16.0))
    penalty.backward()
    torch.testing.assert_close(weights.grad, 2 * 2 * 4 * torch.tensor([3.0, 4.0]) / 5)


def test_path_lengths_are_those_of_the_jacobian_and_can_be_learned_from():
    torch.manual_seed(0)
    weights = torch.randn(12, 5, requires_grad=True)  # a picture of 3 x 2 x 2 from the sum of two layers' styles
    styles, noise = torch.randn(4, 2, 5, requires_grad=True), torch.randn(4, 3, 2, 2)
    lengths = path_lengths((styles.sum(1) @ weights.T).view(4, 3, 2, 2), styles, noise)
    expected = (noise.flatten(1) / 2) @ weights  # the same for both layers
    torch.testing.assert_close(lengths, expected.norm(dim=1))
    lengths.sum().backward()
    assert weights.grad.abs().max() > 0
