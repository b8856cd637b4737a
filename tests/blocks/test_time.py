"""Convolution, normalisation and pooling along steps: torch's where rows are equally long, each row's own where not."""

import pytest
import torch

from deepglass.blocks.time_conv import BandConv, TimeConv, TimeNorm
from deepglass.blocks.time_pool import TimeMaxPool, TimePool
from deepglass.foundation.padded import Padded


def rows(lengths, *features):
    padded = Padded(torch.randn(len(lengths), max(lengths), *features), torch.tensor(lengths))
    return padded.with_values(padded.values)


def test_time_conv_is_torchs_with_its_own_padding():
    theirs = torch.nn.Conv1d(4, 6, 5, padding=4, dilation=2, groups=2)
    ours = TimeConv(4, 6, kernel=5, dilation=2, groups=2)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    x = rows([9, 9], 4)
    torch.testing.assert_close(ours(x).values, theirs(x.values.transpose(1, 2)).transpose(1, 2))


def test_a_causal_convolution_sees_nothing_of_what_comes():
    conv = TimeConv(3, 4, kernel=3, dilation=2, causal=True)
    x = rows([9], 3)
    later = Padded(torch.cat((x.values[:, :5], torch.randn(1, 4, 3)), dim=1), x.lengths)
    torch.testing.assert_close(conv(x).values[:, :5], conv(later).values[:, :5], rtol=0, atol=0)
    assert not torch.equal(conv(x).values[:, 5], conv(later).values[:, 5])
    expected = conv.bias + sum(x.values[0, 8 - 2 * (2 - j)] @ conv.weight[:, :, j].T for j in range(3))
    torch.testing.assert_close(conv(x).values[0, 8], expected)


def test_a_stride_makes_rows_shorter_each_by_itself():
    x = rows([7, 4, 1], 3)
    assert TimeConv(3, 2, kernel=3, stride=2)(x).lengths.tolist() == [4, 2, 1]
    assert TimeMaxPool(3, stride=3)(x).lengths.tolist() == [3, 2, 1]
    found = BandConv(2, 5, kernel=(11, 5), stride=(3, 2))(rows([7, 4, 1], 8, 2))
    assert found.lengths.tolist() == [3, 2, 1] and found.values.shape == (3, 3, 4, 5)


def test_band_conv_is_torchs_over_time_and_bands():
    theirs = torch.nn.Conv2d(2, 5, (5, 3), stride=(2, 1), padding=(2, 1))
    ours = BandConv(2, 5, kernel=(5, 3), stride=(2, 1))
    ours.load_state_dict(theirs.state_dict(), strict=True)
    x = rows([9, 9], 8, 2)
    torch.testing.assert_close(ours(x).values, theirs(x.values.permute(0, 3, 1, 2)).permute(0, 2, 3, 1))


@pytest.mark.parametrize("bands", [1, 2, 3])
def test_the_one_band_that_comes_out_is_computed_at_every_step(bands):
    conv, x = BandConv(1, 2, kernel=(3, 3), stride=(1, 3)), rows([4, 4], bands, 1)
    around = torch.nn.functional.pad(x.values.double().permute(0, 3, 1, 2), (1, 1, 1, 1))
    parts = torch.stack([around[:, :, step : step + 3, :3] for step in range(4)], 1)  # (2, 4, 1, 3, 3)
    first = (parts * conv.weight[0].double()).sum((2, 3, 4)) + conv.bias[0].double()
    torch.testing.assert_close(conv(x).values[:, :, 0, 0].double(), first, rtol=1e-5, atol=1e-5)


def test_time_norm_is_batch_norm_over_the_rows_own_steps():
    for inner in ((), (6,)):
        theirs, ours = torch.nn.BatchNorm1d(4), TimeNorm(4)
        ours.load_state_dict(theirs.state_dict(), strict=True)
        x = rows([9, 4, 0], *inner, 4)
        own, values = x.values[x.mask].requires_grad_(), x.values.clone().requires_grad_()
        found, expected = ours(Padded(values, x.lengths)), theirs(own.view(-1, 4)).view(own.shape)
        torch.testing.assert_close(found.values[x.mask], expected)
        assert not found.values[~x.mask].any()
        torch.testing.assert_close(ours.running_mean, theirs.running_mean)
        torch.testing.assert_close(ours.running_var, theirs.running_var)
        assert ours.num_batches_tracked == 1
        found.values.pow(3).sum().backward()
        expected.pow(3).sum().backward()
        torch.testing.assert_close(values.grad[x.mask], own.grad, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(
            ours.eval()(x).values[x.mask], theirs.eval()(x.values[x.mask].view(-1, 4)).view(own.shape)
        )


def test_pools_look_at_a_rows_own_steps():
    x = rows([5, 2, 0], 3)
    low = x.with_values(x.values - 9)  # the zeros behind an end would be the largest
    assert torch.equal(TimePool("max")(low)[1], low.values[1, :2].amax(0))
    torch.testing.assert_close(TimePool("mean")(x)[1], x.values[1, :2].mean(0))
    assert torch.equal(TimePool("last")(x)[:2], torch.stack((x.values[0, 4], x.values[1, 1])))
    assert not any(TimePool(how)(low)[2].any() for how in ("mean", "max", "last"))
    near = TimeMaxPool(3)(low)
    assert torch.equal(near.values[0, 2], low.values[0, 1:4].amax(0))
    assert torch.equal(near.values[1, 1], low.values[1, :2].amax(0))
