"""Blocks of networks that paint by styles, against what their papers write: naively, slowly, picture by picture."""

import pytest
import torch
import torch.nn.functional as F

from deepglass.blocks.activation import LiftedLeakyReLU
from deepglass.blocks.blur import Blur, BlurUp
from deepglass.blocks.deviation import MinibatchDeviation
from deepglass.blocks.equalised import EqualConv, EqualDense
from deepglass.blocks.modulated import ModulatedConv

FILTER = torch.outer(torch.tensor([1.0, 3, 3, 1]), torch.tensor([1.0, 3, 3, 1])) / 64


def zeros_between(x):
    """(B, C, H, W) -> (B, C, 2 H, 2 W), each place followed by zeros."""
    wide = x.new_zeros(*x.shape[:2], 2 * x.shape[2], 2 * x.shape[3])
    wide[:, :, ::2, ::2] = x
    return wide


def filtered(x, kernel, before, after):
    """Each map by itself under a kernel, with so many zeros before and after it on both axes."""
    maps = F.pad(x, (before, after, before, after)).flatten(0, 1)[:, None]
    return F.conv2d(maps, kernel[None, None]).unflatten(0, x.shape[:2])[:, :, 0]


@pytest.mark.parametrize("up", [False, True])
def test_a_modulated_convolution_is_one_with_a_kernel_of_its_own_for_each_picture(up):
    torch.manual_seed(0)
    block = ModulatedConv(3, 5, kernel=3, up=up).double()
    images, styles = torch.randn(4, 3, 6, 7, dtype=torch.double), torch.randn(4, 3, dtype=torch.double)
    expected = []
    for image, style in zip(images, styles, strict=True):
        kernel = block.weight * style[None, :, None, None] / 27**0.5  # (K, C, 3, 3)
        kernel = kernel / (kernel.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
        if not up:
            expected.append(F.conv2d(image[None], kernel, padding=1))
            continue
        wide = F.pad(
            zeros_between(image[None]), (2, 1, 2, 1)
        )  # what is convolved is turned round, so it is turned back
        spread = F.conv2d(wide, kernel.flip(2, 3))  # (1, K, 2 H + 1, 2 W + 1)
        expected.append(filtered(spread, 4 * FILTER.double(), 1, 1))
    torch.testing.assert_close(block(images, styles), torch.cat(expected))


def test_without_demodulation_the_style_only_scales():
    torch.manual_seed(0)
    block = ModulatedConv(3, 2, kernel=1, demodulate=False)
    image, style = torch.randn(2, 3, 4, 4), torch.randn(2, 3)
    expected = torch.einsum("kc,bc,bcxy->bkxy", block.weight[:, :, 0, 0] / 3**0.5, style, image)
    torch.testing.assert_close(block(image, style), expected)


def test_what_is_demodulated_keeps_its_spread_whatever_the_style():
    torch.manual_seed(0)
    block = ModulatedConv(64, 64, kernel=3)
    image = torch.randn(2, 64, 16, 16)
    for size in (0.01, 1.0, 100.0):
        assert 0.9 < float(block(image, size * torch.rand(2, 64))[:, :, 1:-1, 1:-1].std().detach()) < 1.1


def test_blurs_are_the_filter_with_zeros_around_and_between():
    torch.manual_seed(0)
    x = torch.randn(2, 3, 6, 8)
    torch.testing.assert_close(Blur(padding=2, gain=3.0)(x), 3 * filtered(x, FILTER, 2, 2))
    torch.testing.assert_close(BlurUp()(x), 4 * filtered(zeros_between(x), FILTER, 2, 1))
    even = torch.ones(1, 1, 8, 8)
    torch.testing.assert_close(BlurUp()(even)[:, :, 2:-2, 2:-2], torch.ones(1, 1, 12, 12))  # as bright as before
    assert not Blur(padding=1).state_dict()  # the code has the filter


def test_equalised_layers_begin_even_and_a_slow_one_only_learns_slower():
    torch.manual_seed(0)
    x = torch.randn(4000, 400)
    for layer in (EqualDense(400, 50), EqualDense(400, 50, rate=0.01)):
        assert 0.97 < float(layer(x).std().detach()) < 1.03
    assert 0.95 < float(EqualConv(50, 40, kernel=3)(torch.randn(8, 50, 12, 12)).std().detach()) < 1.05
    torch.testing.assert_close(EqualDense(3, 2, bias=1.0, rate=0.1)(torch.zeros(1, 3)), torch.ones(1, 2))
    fast, slow = EqualDense(4, 1), EqualDense(4, 1, rate=0.01)
    given = torch.ones(1, 4)
    fast.weight.data.copy_(slow.weight.data * 0.01)
    moved = []
    for layer in (fast, slow):
        before = layer(given).item()
        layer.weight.data.add_(1e-3)  # as Adam moves every weight, whatever its layer
        moved.append(layer(given).item() - before)
    assert moved[1] == pytest.approx(0.01 * moved[0], rel=0.05)


def test_the_lifted_rectifier_keeps_the_mean_square():
    x = torch.randn(100_000, generator=torch.Generator().manual_seed(0))
    assert float(LiftedLeakyReLU()(x).square().mean()) == pytest.approx(1.04, abs=0.02)


def test_deviation_is_that_of_the_rows_of_a_group():
    torch.manual_seed(0)
    block, x = MinibatchDeviation(group=2).train(), torch.randn(4, 3, 5, 5)
    found = block(x)
    assert torch.equal(found[:, :3], x)
    for row, partner in ((0, 2), (1, 3)):
        expected = torch.stack([x[row], x[partner]]).var(0, correction=0).add(1e-8).sqrt().mean()
        for one in (row, partner):
            torch.testing.assert_close(found[one, 3], expected.expand(5, 5))
    assert float(block(x[:1].expand(4, -1, -1, -1))[:, 3].max()) < 1e-3  # all the same


@pytest.mark.parametrize(("rows", "size"), [(8, 4), (6, 3), (5, 5), (2, 2), (1, 1)])
def test_rows_that_groups_do_not_divide_are_grouped_otherwise(rows, size):
    x = torch.arange(rows, dtype=torch.float32)[:, None, None, None].expand(-1, 1, 2, 2)
    found = MinibatchDeviation().train()(x)[:, 1, 0, 0]
    expected = x[:, 0, 0, 0].unflatten(0, (size, -1)).var(0, correction=0).add(1e-8).sqrt().repeat(size)
    torch.testing.assert_close(found, expected)


def test_deviation_in_evaluation_is_the_running_one_of_training():
    block, x = MinibatchDeviation().train(), torch.tensor([[[[0.0]]], [[[2.0]]]])
    for _ in range(2000):
        block(x)
    found = block.eval()(x)[:, 1]
    torch.testing.assert_close(found, torch.ones(2, 1, 1), rtol=1e-3, atol=0)
    assert list(block.state_dict()) == ["running"]
