"""Losses over pixels equal those of torch, or the sums written out; what nobody knows costs nothing."""

import pytest
import torch
import torch.nn.functional as F

from deepglass.losses.pixels import dice_loss, pixel_count, pixel_cross_entropy


@pytest.fixture
def case():
    torch.manual_seed(0)
    mask = torch.randint(0, 4, (3, 7, 9), dtype=torch.uint8)
    mask[mask == 3] = 255
    return torch.randn(3, 3, 7, 9), mask


WEIGHTS = torch.tensor([0.5, 2.0, 1.0])


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_cross_entropy_over_known_pixels_is_torchs(case, weights):
    logits, mask = case
    ours = pixel_cross_entropy(logits, mask, weights) / pixel_count(mask, 3, weights)
    torch.testing.assert_close(ours, F.cross_entropy(logits, mask.long(), weights, ignore_index=255))


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("gamma", [1e-9, 2.0])
def test_the_focal_loss_is_its_sum(case, weights, gamma):
    logits, mask = case
    expected = torch.zeros(())
    for row, down, across in torch.nonzero(mask != 255).tolist():
        number = int(mask[row, down, across])
        share = logits[row, :, down, across].softmax(0)[number]
        expected = expected - (1.0 if weights is None else weights[number]) * (1 - share) ** gamma * share.log()
    torch.testing.assert_close(pixel_cross_entropy(logits, mask, weights, gamma), expected, rtol=1e-4, atol=1e-4)


def test_without_gamma_the_focal_loss_is_the_cross_entropy(case):
    logits, mask = case
    torch.testing.assert_close(pixel_cross_entropy(logits, mask, gamma=1e-9), pixel_cross_entropy(logits, mask))


def test_dice_is_nothing_where_all_is_right_and_nearly_one_a_picture_where_nothing_is():
    mask = torch.randint(0, 2, (2, 40, 40), dtype=torch.uint8)
    sure = F.one_hot(mask.long(), 2).permute(0, 3, 1, 2) * 60.0
    assert dice_loss(sure, mask) < 1e-4
    assert 1.99 < dice_loss(-sure, mask) < 2.0


def test_unknown_pixels_and_other_pictures_change_nothing(case):
    logits, mask = case
    other = torch.where((mask == 255)[:, None], torch.randn_like(logits), logits)
    for loss in (pixel_cross_entropy, dice_loss, lambda *pair: pixel_cross_entropy(*pair, gamma=2.0)):
        torch.testing.assert_close(loss(logits, mask), loss(other, mask))
        alone = sum(loss(logits[row : row + 1], mask[row : row + 1]) for row in range(3))
        torch.testing.assert_close(loss(logits, mask), alone)


@pytest.mark.parametrize("loss", [pixel_cross_entropy, dice_loss])
def test_a_batch_of_which_nothing_is_known_costs_nothing(loss):
    logits = torch.randn(2, 3, 4, 4, requires_grad=True)
    cost = loss(logits, torch.full((2, 4, 4), 255, dtype=torch.uint8))
    cost.backward()
    assert cost.abs() < 1e-6 and not logits.grad.any()


def test_pixels_are_added_up_in_an_order_that_is_the_same_every_time_on_a_gpu():
    logits = torch.randn(2, 3, 4, 4, requires_grad=True)
    loss = pixel_cross_entropy(logits, torch.zeros(2, 4, 4, dtype=torch.uint8))
    assert "Sum" in loss.grad_fn.name()  # and not in the kernel of the loss
