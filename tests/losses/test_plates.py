"""Hills at the middles of plates, the focal loss over them, and corners in heights of the plate."""

import torch

from deepglass.losses.plates import centre_loss, corner_loss, hills


def plate(left, top, width, height):
    return [[left, top], [left + width, top], [left + width, top + height], [left, top + height]]


CORNERS = torch.tensor([[plate(8.0, 8, 96, 32), plate(100.0, 60, 24, 8)], [plate(0.0, 0, 1, 1), plate(0.0, 0, 1, 1)]])
THERE = torch.tensor([[True, True], [False, False]])


def test_a_hill_is_one_at_its_middle_and_wide_as_its_plate():
    found = hills(CORNERS, THERE, (12, 20), 8).view(2, 2, 12, 20)
    assert found[0, 0, 3, 7] == 1 and (found[0, 0] == 1).sum() == 1
    assert found[0, 1, 8, 14] == 1
    assert found[0, 0, 3, 9] > found[0, 0, 5, 7] and found[0, 0, 3, 9] > found[0, 1, 8, 16]
    assert found[1].max() == 0


def test_the_centre_loss_is_the_papers():
    logits = torch.randn(2, 3, 10, generator=torch.Generator().manual_seed(0))
    hill = torch.zeros(2, 3, 10)
    hill[0, 1, 4], hill[0, 1, 5], hill[1, 2, 0] = 1.0, 0.6, 1.0
    p = logits.sigmoid()
    expected = 0.0
    for b in range(2):
        for k in range(3):
            for i in range(10):
                if hill[b, k, i] == 1:
                    expected -= (1 - p[b, k, i]) ** 2 * p[b, k, i].log()
                else:
                    expected -= (1 - hill[b, k, i]) ** 4 * p[b, k, i] ** 2 * (1 - p[b, k, i]).log()
    torch.testing.assert_close(centre_loss(logits, hill, torch.ones(2, 10).bool()), expected)


def test_places_that_nobody_knows_of_teach_nothing():
    logits = torch.full((1, 1, 4), 3.0, requires_grad=True)
    known = torch.tensor([[True, False, True, True]])
    centre_loss(logits, torch.zeros(1, 1, 4), known).backward()
    assert logits.grad is not None
    assert logits.grad[0, 0, 1] == 0 and (logits.grad[0, 0, [0, 2, 3]] > 0).all()


def test_corners_cost_what_they_are_off_in_heights_of_their_plate():
    hill = hills(CORNERS, THERE, (12, 20), 8)
    right = CORNERS[:1, :1].expand(2, 240, 4, 2).clone()
    alone = torch.where(torch.tensor([True, False])[:, None], hill, 0)
    torch.testing.assert_close(corner_loss(right, CORNERS, alone), torch.tensor(0.0))
    torch.testing.assert_close(corner_loss(right + 16, CORNERS, alone), torch.tensor(0.5))
    far = hill[0, 0] < 1e-3
    right[0, far] += 100  # a place far from the plate does not answer for it
    torch.testing.assert_close(corner_loss(right, CORNERS, alone), torch.tensor(0.0))


def test_without_plates_nothing_is_asked_of_corners():
    found = torch.randn(1, 6, 4, 2, requires_grad=True)
    loss = corner_loss(found, torch.zeros(1, 0, 4, 2), torch.zeros(1, 0, 6))
    assert float(loss.detach()) == 0 and loss.requires_grad
