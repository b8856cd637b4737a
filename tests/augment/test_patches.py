"""Windows cover every axis, overlap as asked, and parts are drawn by a row's own draws."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deepglass.data.augment.patches import MARKS, PIECE, UNKNOWN, Whole, cut, drawn, marked, starts, weights
from deepglass.foundation.seeds import Draws, row_keys


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 60), st.integers(1, 20), st.sampled_from((0.0, 0.25, 0.5, 0.75)))
def test_windows_cover_an_axis_and_none_lies_outside(own, side, overlap):
    found = starts(own, side, overlap)
    assert all(0 <= at and (at + side <= own or at == 0) for at in found)
    assert len(np.unique([at + step for at in found for step in range(side) if at + step < own])) == own
    steps = zip(found, found[1:], strict=False)
    assert all(second - first <= max(1, side * (1 - overlap)) + 1 for first, second in steps)


def test_the_middle_of_a_window_counts_most_and_its_border_still_counts():
    bell = weights((8, 8, 16))
    assert bell.shape == (8, 8, 16) and bell.argmax() in (bell.flatten() == bell.max()).nonzero()
    assert bell[4, 4, 8] > 0.5 and bell.min() > 0 and torch.equal(bell, bell.flip(0, 1, 2))


def whole(values, mask):
    return Whole(values, mask, float(values.min()), marked(mask))


def wholes():
    rng = np.random.default_rng(0)
    found = []
    for shape in [(5, 9, 9), (9, 5, 20), (12, 12, 12), (3, 3, 3)]:
        mask = np.zeros(shape, np.uint8)
        mask[2, 2, 2] = 1
        found.append(whole(rng.normal(size=shape).astype(np.float16), mask))
    return found


def test_parts_are_drawn_alone_as_in_a_batch_and_focus_on_what_is_there():
    rows, keys = wholes(), row_keys(3, "train", 5, 4)
    parts, classes = drawn(rows, Draws(keys, "cut"), (4, 4, 4), 1.0)
    assert parts.shape == (4, 4, 4, 4) and parts.dtype == torch.float32 and classes.dtype == torch.uint8
    assert (classes == 1).flatten(1).any(1).all()
    for row in range(4):
        alone = drawn(rows[row : row + 1], Draws(keys[row : row + 1], "cut"), (4, 4, 4), 1.0)
        assert torch.equal(alone[0][0], parts[row]) and torch.equal(alone[1][0], classes[row])
    assert (classes[3] == UNKNOWN).sum() == 64 - 27 and parts[3].min() == rows[3].low


def test_without_focus_parts_come_from_everywhere():
    along = np.broadcast_to(np.arange(40, dtype=np.float32), (8, 8, 40))
    one = whole(along, np.zeros((8, 8, 40), np.uint8))
    parts, _ = drawn([one] * 300, Draws(row_keys(1, "train", 0, 300), "cut"), (4, 4, 8), 0.5)
    begins = parts[:, 0, 0, 0]
    assert begins.min() == 0 and begins.max() == 32 and 14 < begins.mean() < 18
    beyond = cut(torch.from_numpy(along.copy()), (0, 0, 36), (4, 4, 8), -1)
    assert beyond[0, 0].tolist() == [36, 37, 38, 39, -1, -1, -1, -1]


def test_of_a_mapped_volume_only_the_part_is_read(tmp_path):
    read = []

    class Watched(np.memmap):
        def __getitem__(self, place):
            read.append(super().__getitem__(place).size)
            return super().__getitem__(place)

    values = np.memmap(tmp_path / "v", np.float16, "w+", shape=(40, 50, 60)).view(Watched)
    mask = np.memmap(tmp_path / "m", np.uint8, "w+", shape=(40, 50, 60)).view(Watched)
    one = Whole(values, mask, 0.0, np.array([39 * 3000 + 7]))
    parts, _ = drawn([one], Draws(row_keys(1, "train", 0, 1), "cut"), (8, 8, 8), 1.0)
    assert parts.shape == (1, 8, 8, 8) and sum(read) == 2 * 512


def test_marked_places_lie_all_over_what_is_there_and_are_none_where_nothing_is():
    mask = np.zeros((3, 1024, 1024), np.uint8)
    assert mask.size < PIECE and (marked(mask) == -1).all()
    mask = np.zeros((6, 1024, 1024), np.uint8)  # of several pieces
    mask[1, 5, 7], mask[5, 1000], mask[2] = 1, 3, UNKNOWN
    found = marked(mask)
    assert len(found) == MARKS and found[0] == 1024 * 1024 + 5 * 1024 + 7
    assert set(np.unravel_index(found[10:], mask.shape)[0].tolist()) == {5}
    assert len(set(found.tolist())) == 1025
