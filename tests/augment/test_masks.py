"""A mask goes where its picture goes: the same draws, the same pixels, and never a number between two classes."""

import numpy as np
import pytest
import torch

from deepglass.data.augment.masks import augment_masks, unfit
from deepglass.data.augment.pictures import PictureAugment, augment_pictures
from deepglass.foundation.seeds import Draws, row_keys, visit_keys

WHOLE = {
    "flip": PictureAugment(flip=True),
    "crop_pad": PictureAugment(flip=True, crop_pad=5),
    "reflect": PictureAugment(crop_pad=5, fill="reflect"),
}
BETWEEN = {
    "resize_crop": PictureAugment(flip=True, resize_crop=0.3),
    "moved": PictureAugment(rotate=25, shift=0.1, scale=0.2, shear=10),
    "reflected": PictureAugment(flip=True, rotate=25, shift=0.2, fill="reflect"),
    "cut_and_moved": PictureAugment(flip=True, resize_crop=0.5, rotate=15, brightness=0.0),
}


def draws(rows=16):
    return Draws(row_keys(3, "train", 5, rows), "augment")


def blobs(rows=16, side=48):
    """Three classes in large areas. uint8 (B, H, W)"""
    torch.manual_seed(0)
    coarse = torch.randint(0, 3, (rows, side // 16, side // 16), dtype=torch.uint8)
    return coarse.repeat_interleave(16, 1).repeat_interleave(16, 2)


@pytest.mark.parametrize("name", WHOLE)
def test_whole_pixels_move_exactly_as_the_picture_does(name):
    masks = torch.randint(0, 200, (16, 20, 24), dtype=torch.uint8)
    pictures = augment_pictures(masks[:, None], draws(), WHOLE[name], (20, 24)) * 255
    changed = augment_masks(masks, draws(), WHOLE[name], (20, 24))
    inside = changed != 255
    assert torch.equal(changed[inside].float(), pictures[:, 0].round()[inside])
    assert inside.all() or name == "crop_pad"
    assert not torch.equal(changed, masks)


@pytest.mark.parametrize("name", BETWEEN)
def test_between_pixels_a_mask_lies_where_its_picture_lies(name):
    """Wherever the picture is of one class in all that is mixed, the mask says that class."""
    masks = blobs()
    channels = 255 * torch.nn.functional.one_hot(masks.long(), 3).permute(0, 3, 1, 2).to(torch.uint8)
    share, number = augment_pictures(channels, draws(), BETWEEN[name], (48, 48)).max(1)
    changed = augment_masks(masks, draws(), BETWEEN[name], (48, 48))
    assert set(changed.unique().tolist()) <= {0, 1, 2, 255}
    pure = (share > 0.999) & (changed != 255)
    assert pure.float().mean() > 0.5
    assert torch.equal(changed[pure].long(), number[pure])


def test_outside_the_picture_nobody_knows():
    changed = augment_masks(blobs(), draws(), PictureAugment(shift=0.5), (48, 48))
    assert (changed == 255).any() and (changed != 255).any()


def test_a_row_is_changed_alone_as_in_a_batch():
    settings = BETWEEN["cut_and_moved"]
    together, keys = augment_masks(blobs(), draws(), settings, (48, 48)), row_keys(3, "train", 5, 16)
    alone = augment_masks(blobs()[7:8], Draws(keys[7:8], "augment"), settings, (48, 48))
    assert torch.equal(alone, together[7:8])


def test_mirrored_on_every_other_visit_like_the_picture():

    visits = torch.from_numpy(visit_keys(0, np.arange(16), np.int64(0)))
    settings, masks = PictureAugment(flip=True, alternate=True), blobs()
    for step in (0, 1):
        told = Draws(row_keys(3, "train", step, 16), "augment", visits + step)
        pictures = augment_pictures(masks[:, None], told, settings, (48, 48))[:, 0] * 255
        assert torch.equal(augment_masks(masks, told, settings, (48, 48)).float(), pictures.round())


def test_what_masks_cannot_follow_is_named():
    assert unfit(PictureAugment(randaugment=2, mixup=0.2, cutmix=1.0)) == ["randaugment", "mixup", "cutmix"]
    assert not unfit(PictureAugment(flip=True, resize_crop=0.5, rotate=5, erase=0.2, hue=0.1))
