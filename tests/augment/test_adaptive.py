"""Changes that a discriminator's pictures go through: none at chance 0, differentiable twice, each row by its draws."""

import pytest
import torch

from deepglass.data.augment.adaptive import _resampled, _ways_back, adapted
from deepglass.foundation.seeds import Draws, row_keys


def draws(rows, step=0):
    return Draws(row_keys(3, "train", step, rows), "adapt")


@pytest.mark.parametrize("channels", [1, 3])
def test_nothing_changes_at_chance_zero_and_most_does_at_one(channels):
    torch.manual_seed(0)
    pictures = torch.rand(16, channels, 8, 10) * 2 - 1
    torch.testing.assert_close(adapted(pictures, draws(16), torch.tensor(0.0)), pictures, rtol=0, atol=1e-5)
    changed = adapted(pictures, draws(16), torch.tensor(1.0))
    assert changed.shape == pictures.shape and torch.isfinite(changed).all()
    assert ((changed - pictures).abs().amax((1, 2, 3)) > 0.1).all()


def test_rows_are_changed_as_they_would_be_alone_and_again_the_same():
    pictures = torch.randn(5, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    chance = torch.tensor(0.6)
    keys = row_keys(3, "train", 0, 5)
    together = adapted(pictures, Draws(keys), chance)
    assert torch.equal(together, adapted(pictures, Draws(keys), chance))
    for row in range(5):
        alone = adapted(pictures[row : row + 1], Draws(keys[row : row + 1]), chance)
        torch.testing.assert_close(alone, together[row : row + 1], rtol=1e-4, atol=1e-5)
    assert not torch.equal(together, adapted(pictures, draws(5, step=1), chance))


def test_gradients_go_through_twice():
    pictures = torch.randn(2, 3, 5, 6, dtype=torch.double, requires_grad=True)
    chance = torch.tensor(0.7)

    def changed(x):
        return adapted(x, draws(2), chance)

    assert torch.autograd.gradcheck(changed, (pictures,))
    assert torch.autograd.gradgradcheck(changed, (pictures,))


def test_how_often_pictures_are_changed_follows_the_chance():
    pictures = torch.rand(4000, 1, 2, 2)
    moved = [adapted(pictures, draws(4000), torch.tensor(chance)) - pictures for chance in (0.02, 0.1, 0.3)]
    shares = [float(one.abs().amax((1, 2, 3)).gt(1e-4).float().mean()) for one in moved]
    assert 0.05 < shares[0] < shares[1] < shares[2] <= 1


def test_a_shift_by_whole_pixels_is_exact_and_the_edge_is_mirrored():
    pictures = torch.arange(12.0).view(1, 1, 3, 4)
    right = torch.tensor([[[1.0, 0.0, -1.0], [0.0, 1.0, 0.0]]])  # each pixel is the one left of it
    moved = _resampled(pictures, right)
    assert torch.equal(moved[0, 0], pictures[0, 0][:, [1, 0, 1, 2]])
    quarter = torch.tensor([[[0.0, -1.0, 0.0], [1.0, 0.0, 0.0]]])
    square = torch.arange(9.0).view(1, 1, 3, 3)
    torch.testing.assert_close(_resampled(square, quarter)[0, 0], square[0, 0].rot90(1))


def test_moves_are_about_the_middle_and_turns_keep_areas():
    ways = _ways_back(draws(2000), torch.tensor(1.0), torch.Size((32, 32)))
    areas = torch.linalg.det(ways[:, :, :2]).abs()
    assert float(areas.log().mean().abs()) < 0.02  # zooms are as often in as out
    assert 0.2 < float(areas.log().std()) < 0.35  # twice 0.2 octaves
    assert float(ways[:, :, 2].mean(0).abs().max()) < 0.5


def test_colours_turn_about_grey_and_grey_stays_grey():
    grey = torch.linspace(-1, 1, 64).view(1, 1, 8, 8).expand(6, 3, 8, 8)
    changed = adapted(grey, draws(6), torch.tensor(1.0))
    torch.testing.assert_close(changed[:, 0], changed[:, 1], rtol=0, atol=1e-4)
    torch.testing.assert_close(changed[:, 0], changed[:, 2], rtol=0, atol=1e-4)
