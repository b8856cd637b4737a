"""Flat things seen at an angle: corners go where they should, degenerate ones stay finite, two lines become one."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deepglass.foundation.plane import MARGIN, boxes_around, homography, inside, upright

SQUARE = torch.tensor([[0.0, 0], [1, 0], [1, 1], [0, 1]])
shift = st.floats(-0.3, 0.3)


@settings(deadline=None)
@given(st.lists(shift, min_size=8, max_size=8), st.floats(1, 500), st.floats(-100, 100))
def test_corners_of_the_unit_square_go_to_the_corners(moves, scale, start):
    corners = start + scale * (SQUARE + torch.tensor(moves).view(4, 2))
    straight = torch.cat([SQUARE, torch.ones(4, 1)], 1)
    found = straight @ homography(corners[None])[0].mT
    torch.testing.assert_close(found[:, :2] / found[:, 2:], corners, rtol=1e-3, atol=1e-3 * scale + 1e-3)


def test_lines_stay_lines_and_the_middle_is_where_diagonals_cross():
    corners = torch.tensor([[[0.0, 0], [8, 2], [8, 6], [0, 12]]])
    (middle,) = inside(corners, torch.tensor([[[[0.5, 0.5]]]])).view(-1, 2)
    first, second, third, fourth = corners[0]
    for a, b in ((first, third), (second, fourth)):
        one, other = b - a, middle - a
        assert abs(one[0] * other[1] - one[1] * other[0]) < 1e-3
    assert middle[0] > 4  # the near side, which is the taller, takes more of the picture


@settings(deadline=None)
@given(st.lists(st.floats(-1e3, 1e3, width=32), min_size=8, max_size=8))
def test_any_four_points_give_finite_places(numbers):
    corners = torch.tensor(numbers).view(1, 4, 2)
    assert torch.isfinite(inside(corners, upright(4, 6)[None])).all()


def test_a_rim_is_seen_around():
    across, down = upright(64, 128).unbind(-1)
    assert -MARGIN[0] < across.min() < 0 and 1 < across.max() < 1 + MARGIN[0]
    assert -MARGIN[1] < down.min() < 0 and 1 < down.max() < 1 + MARGIN[1]


def test_of_two_lines_the_lower_lies_behind_the_upper():
    shares = upright(60, 10, 2, split=0.4)
    assert shares.shape == (60, 10, 2)
    assert 0.4 < shares[:, :5, 1].max() < 0.4 * (1 + MARGIN[1]) and 0.4 > shares[:, 5:, 1].min() > 0.4 - 0.6 * MARGIN[1]
    torch.testing.assert_close(shares[:, :5, 0], shares[:, 5:, 0])
    assert shares[..., 1].max() > 1 and shares[..., 1].min() < 0


def test_boxes_around_corners():
    corners = torch.tensor([[[3.0, 1], [9, 2], [8, 7], [2, 5]]])
    assert boxes_around(corners).tolist() == [[2, 1, 9, 7]]
