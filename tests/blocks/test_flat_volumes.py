"""Volumes flatter than a kernel is deep: the slope of a weight is the same each time, in bf16 as well."""

import pytest
import torch
import torch.nn.functional as F

from deepglass.blocks.conv import Conv


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_it_is_the_convolution_it_was(depth: int):
    torch.manual_seed(0)
    conv, x = Conv(3, 4, kernel=3, padding=1, stride=(2, 1, 1), dims=3), torch.randn(2, 3, depth, 6, 5)
    expected = F.conv3d(x, conv.weight, conv.bias, (2, 1, 1), 1)
    torch.testing.assert_close(conv(x), expected)
    assert conv.out_shape(tuple(x.shape)) == tuple(expected.shape)


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("inputs", [1, 16])
def test_slopes_hold_nothing_that_lay_in_memory_before(depth: int, inputs: int):
    torch.manual_seed(0)
    conv, x = Conv(inputs, 8, kernel=3, padding=1, dims=3), torch.randn(2, inputs, depth, 8, 8)
    conv, x = conv.to(memory_format=torch.channels_last_3d), x.to(memory_format=torch.channels_last_3d)
    found = []
    for _ in range(8):
        left_behind = [torch.full((size,), float("nan")) for size in (1_000, 20_000, 400_000)]
        del left_behind
        with torch.autocast("cpu", torch.bfloat16):
            said = conv(x)
        (slope,) = torch.autograd.grad(said.float().square().sum(), conv.weight)
        found.append(slope)
    assert all(one.isfinite().all() and torch.equal(one, found[0]) for one in found)
