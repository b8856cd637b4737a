"""Windows cover every place, overlap as asked, and parts are drawn by a row's own draws."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deepglass.data.augment.patches import UNKNOWN, cut, drawn, starts, weights, windows
from deepglass.foundation.seeds import Draws, row_keys

SIDES = st.lists(st.integers(1, 20), min_size=3, max_size=3)


@settings(max_examples=80, deadline=None)
@given(SIDES, SIDES, st.sampled_from((0.0, 0.25, 0.5, 0.75)))
def test_windows_cover_every_place_and_none_lies_outside(shape, size, overlap):
    seen = torch.zeros(shape)
    for place in starts(shape, tuple(size), overlap):
        assert all(0 <= at and (at + side <= own or at == 0) for at, side, own in zip(place, size, shape, strict=True))
        seen[tuple(slice(at, at + side) for at, side in zip(place, size, strict=True))] += 1
    assert (seen > 0).all()
    along = sorted({place[0] for place in starts(shape, tuple(size), overlap)})
    assert all(
        second - first <= max(1, size[0] * (1 - overlap)) + 1 for first, second in zip(along, along[1:], strict=False)
    )


def test_windows_are_parts_of_the_volume_and_what_is_beyond_is_its_lowest_value():
    volume = torch.arange(5 * 6 * 7).view(5, 6, 7).float() - 3
    found = [
        (place, part)
        for places, parts in windows(volume, (4, 8, 4), 0.5, 2)
        for place, part in zip(places, parts, strict=True)
    ]
    for place, part in found:
        assert part.shape == (1, 4, 8, 4) and (part[0, :, 6:] == -3).all()
        z, _, x = place
        assert torch.equal(part[0, :, :6], volume[z : z + 4, :, x : x + 4])


def test_the_middle_of_a_window_counts_most_and_its_border_still_counts():
    bell = weights((8, 8, 16))
    assert bell.shape == (8, 8, 16) and bell.argmax() in (bell.flatten() == bell.max()).nonzero()
    assert bell[4, 4, 8] > 0.5 and bell.min() > 0 and torch.equal(bell, bell.flip(0, 1, 2))


def volumes():
    torch.manual_seed(0)
    shapes = [(5, 9, 9), (9, 5, 20), (12, 12, 12), (3, 3, 3)]
    values = [torch.randn(shape).half() for shape in shapes]
    masks = [torch.zeros(shape, dtype=torch.uint8) for shape in shapes]
    for mask in masks:
        mask[2, 2, 2] = 1
    return values, masks


def test_parts_are_drawn_alone_as_in_a_batch_and_focus_on_what_is_there():
    values, masks = volumes()
    keys = row_keys(3, "train", 5, 4)
    parts, classes = drawn(values, masks, Draws(keys, "augment"), (4, 4, 4), 1.0)
    assert parts.shape == (4, 1, 4, 4, 4) and parts.dtype == torch.float32 and classes.dtype == torch.uint8
    assert (classes == 1).flatten(1).any(1).all()
    for row in range(4):
        alone = drawn(
            values[row : row + 1], masks[row : row + 1], Draws(keys[row : row + 1], "augment"), (4, 4, 4), 1.0
        )
        assert torch.equal(alone[0][0], parts[row]) and torch.equal(alone[1][0], classes[row])
    assert (classes[3] == UNKNOWN).sum() == 64 - 27 and parts[3].min() == values[3].min()


def test_without_focus_parts_come_from_everywhere():
    values, masks = [torch.zeros(8, 8, 40)] * 300, [torch.zeros(8, 8, 40, dtype=torch.uint8)] * 300
    marked = [torch.arange(40.0).expand(8, 8, 40)] * 300
    parts, _ = drawn(marked, masks, Draws(row_keys(1, "train", 0, 300), "augment"), (4, 4, 8), 0.5)
    begins = parts[:, 0, 0, 0, 0]
    assert begins.min() == 0 and begins.max() == 32 and 14 < begins.mean() < 18
    assert len(values) == 300 and cut(marked[0], (0, 0, 36), (4, 4, 8), -1)[0, 0].tolist() == [
        36,
        37,
        38,
        39,
        -1,
        -1,
        -1,
        -1,
    ]
