"""Boxes follow their pictures: what is drawn in a box is in the box that comes out."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deepglass.data.augment.scenes import GREY, NOTHING, SceneAugment, letterboxed, rearrange
from deepglass.data.readers.picture import fit_picture
from deepglass.foundation.seeds import Draws, row_keys

SIDE = 64
ALL = SceneAugment(flip=True, zoom_in=0.6, zoom_out=1.6, stretch=1.4, mosaic=0.5)


def scenes(count, seed):
    """One bright box in each dark picture."""
    pictures = torch.full((count, 3, SIDE, SIDE), 20, dtype=torch.uint8)
    boxes = torch.zeros(count, 1, 6)
    ends = torch.randint(12, 28, (count, 2), generator=torch.Generator().manual_seed(seed))
    for row, (wide, tall) in enumerate(ends.tolist()):
        left, top = (row * 7) % (SIDE - wide), (row * 11) % (SIDE - tall)
        pictures[row, :, top : top + tall, left : left + wide] = 250
        boxes[row, 0] = torch.tensor([row % 2, left, top, left + wide, top + tall, 0])
    return pictures, boxes


@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_what_is_bright_lies_in_the_boxes(seed):
    pictures, boxes = scenes(6, seed)
    shown, moved = rearrange(pictures, boxes, Draws(row_keys(seed, "train", 0, 6)), ALL)
    for picture, found in zip(shown, moved, strict=True):
        bright = (picture.float().mean(0) > 190).nonzero() + 0.5  # y, x
        alive = found[found[:, 0] >= 0]
        for left, top, right, bottom in alive[:, 1:5].tolist():
            down, across = (
                slice(int(top) + 1, max(int(top) + 2, int(bottom))),
                slice(int(left) + 1, max(int(left) + 2, int(right))),
            )
            inner = picture[:, down, across]
            assert inner.float().mean() > 150  # a box of the picture is bright all over but for its soft rim
        if len(alive) == len(found[found[:, 0] != NOTHING]) and len(alive) == 1 and len(found) == 1:
            left, top, right, bottom = alive[0, 1:5].tolist()
            assert (bright[:, 1] > left - 1.5).all() and (bright[:, 1] < right + 1.5).all()
            assert (bright[:, 0] > top - 1.5).all() and (bright[:, 0] < bottom + 1.5).all()


def test_off_is_unchanged_and_a_row_is_the_same_in_any_batch_without_mosaics():
    pictures, boxes = scenes(4, 0)
    draws = row_keys(3, "train", 5, 4)
    assert rearrange(pictures, boxes, Draws(draws), SceneAugment())[0] is pictures
    alone = SceneAugment(flip=True, zoom_in=0.5, zoom_out=1.5)
    together = rearrange(pictures, boxes, Draws(draws), alone)
    for row in range(4):
        one = rearrange(pictures[row : row + 1], boxes[row : row + 1], Draws(draws[row : row + 1]), alone)
        assert one[0].equal(together[0][row : row + 1]) and one[1].equal(together[1][row : row + 1])


def test_mirroring_twice_is_the_same_box():
    pictures, boxes = scenes(8, 1)
    shown, moved = rearrange(pictures, boxes, Draws(row_keys(0, "train", 0, 8)), SceneAugment(flip=True))
    mirrored = (moved != boxes).any(-1)[:, 0]
    assert 0 < mirrored.sum() < 8
    assert shown[mirrored].flip(-1).equal(pictures[mirrored])
    assert torch.equal(SIDE - moved[mirrored][..., 3], boxes[mirrored][..., 1])


def test_outside_is_grey_and_a_box_that_is_mostly_cut_off_is_none():
    pictures, boxes = scenes(40, 2)
    shown, _ = rearrange(pictures, boxes, Draws(row_keys(1, "train", 0, 40)), SceneAugment(zoom_out=3.0))
    assert (shown == int(GREY)).any()
    _, moved = rearrange(pictures, boxes, Draws(row_keys(1, "train", 0, 40)), SceneAugment(zoom_in=0.3))
    assert (moved[..., 0] == NOTHING).any() and (moved[..., 0] >= 0).any()


@pytest.mark.parametrize("fit", ["pad", "stretch"])
def test_letterbox_is_where_pictures_are_laid(fit):
    pixels = np.zeros((30, 70, 3), dtype=np.uint8)
    pixels[10:20, 35:70] = 255
    framed = fit_picture(pixels, 3, 64, 48, fit)[0] > 127
    scale, offset = letterboxed(torch.tensor([[70.0, 30.0]]), 64, 48, fit)
    corners = torch.tensor([35.0, 10, 70, 20]) * scale.repeat(1, 2)[0] + offset.repeat(1, 2)[0]
    rows, columns = framed.any(1).nonzero()[0], framed.any(0).nonzero()[0]
    seen = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
    assert all(abs(a - b) <= 1 for a, b in zip(seen, corners.tolist(), strict=True))
