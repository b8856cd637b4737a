"""Mixing and boxes: shares add up, partners are the next rows, and what is off is the very same tensor."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from deepglass.data.augment.boxes import erase
from deepglass.data.augment.pictures import PictureAugment, mix
from deepglass.foundation.seeds import Draws, row_keys


def a_batch(count: int, classes: int = 5) -> tuple[Tensor, Tensor, Draws]:
    """Row b is a flat picture of value b, of class b."""
    pictures = torch.arange(count).float()[:, None, None, None].expand(-1, 3, 8, 8).contiguous()
    targets = torch.nn.functional.one_hot(torch.arange(count) % classes, classes).float()
    return pictures, targets, Draws(row_keys(5, "mix", 0, count))


def test_off_returns_the_tensors_themselves():
    pictures, targets, draws = a_batch(4)
    mixed = mix(pictures, targets, draws, PictureAugment())
    assert mixed[0] is pictures and mixed[1] is targets


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 9), st.sampled_from([(0.3, 0.0), (0.0, 1.0), (0.2, 0.5)]))
def test_a_rows_pixels_and_targets_have_the_same_shares(count: int, alphas: tuple[float, float]):
    pictures, targets, draws = a_batch(count, classes=9)
    mixed, shares = mix(pictures, targets, draws, PictureAugment(mixup=alphas[0], cutmix=alphas[1]))
    torch.testing.assert_close(shares.sum(1), torch.ones(count))
    expected = (shares * torch.arange(9.0)).sum(1)  # a picture's mean value is what its targets say
    torch.testing.assert_close(mixed.mean((1, 2, 3)), expected, atol=1e-4, rtol=1e-4)


def test_the_share_of_a_row_is_its_own_draw():
    pictures, targets, draws = a_batch(6)
    whole = mix(pictures, targets, draws, PictureAugment(mixup=1.0))[1]
    pair = mix(pictures[2:4], targets[2:4], Draws(draws.rows[2:4]), PictureAugment(mixup=1.0))[1]
    torch.testing.assert_close(whole[2], pair[0])
    assert len({round(share, 3) for share in whole.amax(1).tolist()}) > 1


def test_cutmix_puts_a_box_of_the_next_row():
    pictures, targets, draws = a_batch(5)
    mixed, _ = mix(pictures, targets, draws, PictureAugment(cutmix=1.0))
    for row in range(5):
        assert set(mixed[row].flatten().tolist()) <= {float(row), float((row + 1) % 5)}


def test_erased_boxes_are_one_colour_and_as_frequent_as_asked():
    pictures = torch.rand(400, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 0.5
    erased = erase(pictures, Draws(row_keys(1, "erase", 0, 400)), 0.3)
    changed = (erased != pictures).any(1)  # (B, H, W)
    assert 0.22 < changed.any(2).any(1).float().mean() < 0.38
    shares = changed.float().mean((1, 2))[changed.any(2).any(1)]
    assert shares.min() > 0.005 and shares.max() < 0.4
    row = int(changed.any(2).any(1).nonzero()[0])
    assert len(erased[row][:, changed[row]].unique(dim=1).T) == 1
