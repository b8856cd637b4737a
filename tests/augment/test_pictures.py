"""Augmented pictures: a function of each row's pixels and draws, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from deepglass.data.augment.geometry import affine, affine_matrices
from deepglass.data.augment.pictures import PRESETS, PictureAugment, augment_pictures, fit_pictures
from deepglass.foundation.seeds import Draws, row_keys, visit_keys


def some_pictures(count: int, channels: int = 3, height: int = 16, width: int = 16) -> Tensor:
    maker = torch.Generator().manual_seed(count + 7 * channels)
    return torch.randint(0, 256, (count, channels, height, width), dtype=torch.uint8, generator=maker)


def some_draws(count: int, step: int = 0) -> Draws:
    return Draws(row_keys(3, "test", step, count))


EACH = {
    "flip": PictureAugment(flip=True),
    "flip alternate": PictureAugment(flip=True, alternate=True),
    "crop_pad zero": PictureAugment(crop_pad=3),
    "crop_pad reflect": PictureAugment(crop_pad=3, fill="reflect"),
    "resize_crop": PictureAugment(resize_crop=0.35, flip=True),
    "affine": PictureAugment(rotate=20, shift=0.1, scale=0.2, shear=10),
    "colour": PictureAugment(brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1),
    "grey": PictureAugment(grey=0.5, saturation=0.1),
    "randaugment": PictureAugment(randaugment=3, magnitude=9),
    "erase": PictureAugment(erase=0.6),
    "affine reflect": PictureAugment(rotate=20, shift=0.1, fill="reflect"),
} | {name: make() for name, make in PRESETS.items()}


@pytest.mark.parametrize("name", EACH)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_row_alone_equals_the_row_in_a_batch(name: str, channels: int):
    pictures, draws = some_pictures(9, channels), some_draws(9)
    together = augment_pictures(pictures, draws, EACH[name], (16, 16))
    for row in range(9):
        alone = augment_pictures(pictures[row : row + 1], Draws(draws.rows[row : row + 1]), EACH[name], (16, 16))
        torch.testing.assert_close(alone[0], together[row], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", EACH)
def test_the_global_generator_is_neither_read_nor_moved(name: str):
    torch.manual_seed(1)
    first = augment_pictures(some_pictures(4), some_draws(4), EACH[name], (16, 16))
    state = torch.get_rng_state()
    second = augment_pictures(some_pictures(4), some_draws(4), EACH[name], (16, 16))
    assert torch.equal(first, second) and torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("name", [name for name in EACH if name != "none"])
def test_steps_differ_and_values_stay_in_range(name: str):
    first = augment_pictures(some_pictures(8), some_draws(8, 0), EACH[name], (16, 16))
    second = augment_pictures(some_pictures(8), some_draws(8, 1), EACH[name], (16, 16))
    assert not torch.equal(first, second)
    assert first.min() >= 0 and first.max() <= 1 + 1e-6 and first.dtype == torch.float32


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 5), st.integers(1, 20), st.integers(1, 20), st.integers(1, 20), st.integers(1, 20), st.booleans())
def test_any_size_goes_in_and_the_asked_size_comes_out(count, height, width, tall, wide, crop):
    options = PictureAugment(flip=True, crop_pad=0 if crop else 2, fill="reflect", resize_crop=0.4 if crop else 1.0)
    made = augment_pictures(some_pictures(count, 3, height, width), some_draws(count), options, (tall, wide))
    assert made.shape == (count, 3, tall, wide) and made.isfinite().all()


def test_nothing_switched_on_is_what_evaluation_sees():
    for size in [(16, 16), (9, 20)]:
        plain = augment_pictures(some_pictures(3), some_draws(3), PictureAugment(), size)
        assert torch.equal(plain, fit_pictures(some_pictures(3), size))
    assert torch.equal(fit_pictures(some_pictures(3), (16, 16)), some_pictures(3).float() / 255)


@pytest.mark.parametrize("fill", ["zero", "reflect"])
def test_crop_and_flip_equal_padding_cutting_and_mirroring(fill):
    pictures, draws = some_pictures(12, 3, 10, 14), some_draws(12)
    made = augment_pictures(pictures, draws, PictureAugment(flip=True, crop_pad=4, fill=fill), (10, 14))
    mode = {"zero": "constant", "reflect": "reflect"}[fill]
    framed = torch.nn.functional.pad(pictures.float() / 255, (4,) * 4, mode=mode)
    down, right = draws.integers("crop", 0, 9, 2).unbind(1)
    mirrored = draws.chance("flip", 0.5)
    assert mirrored.any() and not mirrored.all()
    for row in range(12):
        cut = framed[row, :, down[row] : down[row] + 10, right[row] : right[row] + 14]
        assert torch.equal(made[row], cut.flip(-1) if mirrored[row] else cut)


def test_a_quarter_turn_and_a_shift_land_on_whole_pixels():
    picture = some_pictures(1, 1).float()
    quarter = affine_matrices(torch.tensor([torch.pi / 2]), torch.ones(1), torch.zeros(1), torch.zeros(1, 2))
    torch.testing.assert_close(affine(picture, quarter, "zero"), picture.rot90(-1, (2, 3)), rtol=0, atol=1e-2)
    moved = affine_matrices(torch.zeros(1), torch.ones(1), torch.zeros(1), torch.tensor([[3.0, 1.0]]))
    torch.testing.assert_close(affine(picture, moved, "zero")[..., 1:, 3:], picture[..., :-1, :-3], rtol=0, atol=1e-2)


def test_affine_matrices_undo_the_forward_map():
    turn, zoom, slope, shift = (
        torch.tensor([0.3]),
        torch.tensor([1.2]),
        torch.tensor([0.2]),
        torch.tensor([[2.0, -1.0]]),
    )
    back = affine_matrices(turn, zoom, slope, shift)[0]
    rotation = torch.tensor([[turn.cos(), -turn.sin()], [turn.sin(), turn.cos()]])
    forward = zoom * rotation @ torch.tensor([[1.0, slope.tan()], [0.0, 1.0]])
    point = torch.tensor([5.0, -3.0])
    there = forward @ point + shift[0]
    torch.testing.assert_close(back[:, :2] @ there + back[:, 2], point)


def test_a_whole_crop_is_the_antialiased_resize():
    pictures = some_pictures(4, 3, 32, 24)
    made = augment_pictures(pictures, some_draws(4), PictureAugment(resize_crop=0.999999), (12, 11))
    assert made.shape == (4, 3, 12, 11)
    smooth = torch.arange(32 * 24).reshape(1, 1, 32, 24).float().mul(255 / 768).to(torch.uint8).expand(4, 3, -1, -1)
    near = augment_pictures(smooth, some_draws(4), PictureAugment(resize_crop=0.999999), (16, 12))
    torch.testing.assert_close(near, fit_pictures(smooth, (16, 12)), rtol=0, atol=0.12)  # sides may be 3:4


def test_draws_of_one_option_do_not_move_another():
    mirrored = augment_pictures(some_pictures(8), some_draws(8), PictureAugment(flip=True), (16, 16))
    both = replace(PictureAugment(flip=True), rotate=0.0001)
    torch.testing.assert_close(
        augment_pictures(some_pictures(8), some_draws(8), both, (16, 16)), mirrored, atol=1e-3, rtol=0
    )


@pytest.mark.parametrize("name", ["flip alternate", "resize_crop"])
def test_alternating_pictures_are_mirrored_on_every_other_visit(name: str):
    settings, pictures, rows = replace(EACH[name], alternate=True), some_pictures(64), row_keys(3, "test", 0, 64)
    seen = [
        augment_pictures(
            pictures, Draws(rows, visits=torch.from_numpy(visit_keys(5, EXAMPLES, VISITS + visit))), settings, (16, 16)
        )
        for visit in range(3)
    ]
    assert torch.equal(seen[0], seen[2])
    torch.testing.assert_close(seen[0], seen[1].flip(-1))
    assert not torch.allclose(seen[0], seen[1])


def test_the_first_visits_side_is_a_coin_of_the_example():
    coins = [torch.from_numpy(visit_keys(seed, EXAMPLES, VISITS) & 1).bool() for seed in (5, 6)]
    assert 16 < int(coins[0].sum()) < 48 and not torch.equal(*coins)


EXAMPLES, VISITS = np.arange(64), np.zeros(64, dtype=np.int64)
