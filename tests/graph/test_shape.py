"""Shape rules against torch, for any size."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from deepglass.graph.shape import concatenate, each, expect_last, expect_map, flatten, slide, window

sizes = st.integers(1, 30)


@given(sizes, st.integers(1, 5), st.integers(1, 4), st.integers(0, 3), st.integers(1, 3))
def test_window_counts_as_torch_does(size, kernel, stride, padding, dilation):
    x, w = torch.empty(1, 1, size, device="meta"), torch.empty(1, 1, kernel, device="meta")
    if size + 2 * padding < dilation * (kernel - 1) + 1:
        with pytest.raises(ValueError, match="does not fit into a size of"):
            window(size, kernel, stride, padding, dilation)
    else:
        assert (
            window(size, kernel, stride, padding, dilation) == F.conv1d(x, w, None, stride, padding, dilation).shape[2]
        )


def test_slide_treats_each_axis_by_itself():
    assert slide((8, 9), (3, 2), (1, 2), (0, 1)) == (6, 5)


def test_flatten_and_concatenate():
    assert flatten((2, 3, 4, 5)) == (2, 60)
    assert concatenate([(2, 3, 4), (2, 5, 4)]) == (2, 8, 4)
    assert concatenate([(2, 3, 4), (2, 3, 1)], axis=2) == (2, 3, 5)
    with pytest.raises(ValueError, match="differ elsewhere than in axis 1"):
        concatenate([(2, 3, 4), (2, 5, 5)])


def test_each_gives_one_number_per_axis():
    assert each(3, 2) == (3, 3)
    assert each((1, 2), 2) == (1, 2)
    with pytest.raises(ValueError, match="one number or 3 of them"):
        each((1, 2), 3)


def test_expectations_name_both_sides():
    expect_map("Conv", (1, 3, 4, 4), 2, 3)
    expect_last("Dense", (1, 3), 3)
    with pytest.raises(ValueError, match=r"Pool with dims=3 expects \(batch, channels, D, H, W\); got shape \(1, 2\)"):
        expect_map("Pool", (1, 2), 3)
    with pytest.raises(ValueError, match="Dense expects 3 features"):
        expect_last("Dense", (), 3)
