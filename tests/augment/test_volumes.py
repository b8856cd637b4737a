"""Volumes are varied by their own draws alone, and nothing changes where nothing is asked."""

import pytest
import torch

from deepglass.data.augment.volumes import VolumeAugment, augment_volumes, placed
from deepglass.foundation.seeds import Draws, row_keys

ALL = VolumeAugment(flip="all", turn=20, zoom=0.2, move=0.1, scale=0.1, level=0.2, noise=0.1)


def draws(rows=6):
    return Draws(row_keys(3, "train", 5, rows), "augment")


def volumes(rows=6):
    return torch.randn(rows, 1, 6, 8, 10, generator=torch.Generator().manual_seed(0))


def test_a_row_is_varied_alone_as_in_a_batch():
    together = augment_volumes(volumes(), draws(), ALL)
    keys = row_keys(3, "train", 5, 6)
    for row in range(6):
        alone = augment_volumes(volumes()[row : row + 1], Draws(keys[row : row + 1], "augment"), ALL)
        torch.testing.assert_close(alone[0], together[row])
    assert not torch.equal(together, volumes())
    assert torch.equal(together, augment_volumes(volumes(), draws(), ALL))


def test_nothing_is_asked_and_nothing_is_changed():
    assert torch.equal(augment_volumes(volumes(), draws(), VolumeAugment()), volumes())


@pytest.mark.parametrize(("flip", "axes"), [("sides", (4,)), ("all", (2, 3, 4))])
def test_mirrored_volumes_are_the_volume_or_its_mirror_image(flip, axes):
    found = augment_volumes(volumes(40), draws(40), VolumeAugment(flip=flip))
    for axis in axes:
        mirrored = [
            torch.equal(one.sort().values, two.sort().values) for one, two in zip(found, volumes(40), strict=True)
        ]
        assert all(mirrored) or flip == "all"
        assert any(torch.equal(one, two.flip(axis - 1)) for one, two in zip(found, volumes(40), strict=True))


def test_a_quarter_turn_goes_about_the_long_axis():
    marked = torch.zeros(1, 1, 4, 9, 9)
    marked[..., 4, 7] = 1
    turned = VolumeAugment(turn=90)

    class Quarter(Draws):
        def between(self, name, low, high, *shape):
            return torch.ones(1, *shape) * (1.0 if name == "turn" else 0.0)

    found = placed(marked, Quarter(row_keys(0, "x", 0, 1)), turned)
    assert found[0, 0, :, :, 4].argmax(1).tolist() in ([7] * 4, [1] * 4) and found.sum() == pytest.approx(4, abs=1e-3)


def test_a_mask_goes_where_its_volume_goes_and_stays_classes():
    torch.manual_seed(0)
    classes = torch.randint(0, 3, (6, 1, 2, 2, 2)).float().repeat_interleave(4, 2).repeat_interleave(4, 3)
    classes = classes.repeat_interleave(5, 4)
    asked = VolumeAugment(flip="all", turn=20, zoom=0.2, move=0.1)
    moved = placed(classes, draws(), asked, mask=True)
    assert set(moved.unique().tolist()) <= {0.0, 1.0, 2.0}
    smooth = placed(classes, draws(), asked)
    assert ((smooth - moved).abs() > 0.5 + 1e-4).float().mean() < 0.2
