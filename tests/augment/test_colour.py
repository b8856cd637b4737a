"""Colour changes and RandAugment's list, against Pillow, which the papers' code used."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps
from torch import Tensor

from deepglass.data.augment.colour import colour_jitter, recolour
from deepglass.data.augment.randaugment import (
    CHANGES,
    _move,
    autocontrast,
    equalize,
    posterize,
    randaugment,
    sharpen,
)
from deepglass.foundation.seeds import Draws, row_keys

MAKER = np.random.default_rng(4)
PIXELS = MAKER.integers(40, 200, (24, 20, 3), dtype=np.uint8)
PICTURE = Image.fromarray(PIXELS)
ONES = torch.ones(1)


def as_tensor(picture: Image.Image | np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float() / 255


@pytest.mark.parametrize("factor", [0.3, 1.0, 1.7])
@pytest.mark.parametrize(
    "kind, enhancer",
    [
        ("brightness", ImageEnhance.Brightness),
        ("contrast", ImageEnhance.Contrast),
        ("saturation", ImageEnhance.Color),
    ],
)
def test_one_factor_equals_pillow(kind: str, enhancer: type, factor: float):
    factors = {name: ONES for name in ("brightness", "contrast", "saturation")} | {kind: ONES * factor}
    expected = as_tensor(enhancer(PICTURE).enhance(factor))
    torch.testing.assert_close(recolour(as_tensor(PICTURE), **factors), expected, atol=2.5 / 255, rtol=0)


def test_sharpness_equals_pillow():
    for factor in (0.4, 1.6):
        expected = as_tensor(ImageEnhance.Sharpness(PICTURE).enhance(factor))
        torch.testing.assert_close(sharpen(as_tensor(PICTURE), ONES * factor), expected, atol=2.5 / 255, rtol=0)


def test_the_others_equal_pillow():
    torch.testing.assert_close(
        autocontrast(as_tensor(PICTURE)), as_tensor(ImageOps.autocontrast(PICTURE)), atol=0.005, rtol=0
    )
    torch.testing.assert_close(
        posterize(as_tensor(PICTURE), 4), as_tensor(ImageOps.posterize(PICTURE, 4)), atol=1e-6, rtol=0
    )
    large = Image.fromarray(MAKER.normal(110, 30, (200, 200, 3)).clip(0, 255).astype(np.uint8))
    torch.testing.assert_close(equalize(as_tensor(large)), as_tensor(ImageOps.equalize(large)), atol=0.03, rtol=0)


def test_a_flat_picture_survives_every_stretch():
    flat = torch.full((2, 3, 8, 8), 100 / 255)
    torch.testing.assert_close(autocontrast(flat), flat)
    torch.testing.assert_close(equalize(flat), flat)


def test_a_turned_hue_keeps_grey_pixels_and_brightness():
    grey = torch.full((1, 3, 4, 4), 0.5)
    torch.testing.assert_close(
        recolour(grey, brightness=ONES, contrast=ONES, saturation=ONES, hue=ONES * 0.3), grey, atol=1e-3, rtol=0
    )
    mild = 0.4 + 0.1 * as_tensor(PICTURE)
    turned = recolour(mild, brightness=ONES, contrast=ONES, saturation=ONES, hue=ONES * 0.3)
    luma = torch.tensor([0.299, 0.587, 0.114])[None, :, None, None]
    torch.testing.assert_close((turned * luma).sum(1), (mild * luma).sum(1), atol=1e-4, rtol=0)
    assert (turned - mild).abs().max() > 0.01
    around = recolour(mild, brightness=ONES, contrast=ONES, saturation=ONES, hue=ONES)
    torch.testing.assert_close(around, mild, atol=1e-5, rtol=0)


def test_grey_is_as_frequent_as_asked():
    pictures = torch.rand(300, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    draws = Draws(row_keys(1, "grey", 0, 300))
    made = colour_jitter(pictures, draws, brightness=0, contrast=0, saturation=0, hue=0, grey=0.4)
    lost = (made.amax(1) - made.amin(1)).amax((1, 2)) < 1e-5
    assert 0.3 < lost.float().mean() < 0.5
    torch.testing.assert_close(made[~lost], pictures[~lost])


@pytest.mark.parametrize("kind", ["rotate", "shear_x", "shear_y", "translate_x", "translate_y"])
def test_each_move_is_what_it_says(kind: str):
    picture = torch.zeros(1, 1, 41, 41)
    picture[..., 20, 20] = picture[..., 20, 30] = picture[..., 10, 20] = 1  # the middle, one right of it, one above
    moved = _move(picture, [kind], torch.tensor([0.5]), "zero")[0, 0]
    spots = {
        "rotate": (20 + 2.59, 20 + 9.66),
        "shear_x": (20, 30),
        "shear_y": (20 + 1.5, 30),
        "translate_x": (20, 30 + 9.2),
        "translate_y": (20 + 9.2, 30),
    }
    down, right = spots[kind]
    near = moved[int(down) : int(down) + 2, int(right) : int(right) + 2]
    assert near.sum() > 0.9


def test_randaugment_draws_every_kind_and_magnitude_zero_is_mild():
    draws = Draws(row_keys(2, "ra", 0, 500))
    kinds = draws.for_purpose("randaugment/0").integers("kind", 0, len(CHANGES))
    assert len(kinds.unique()) == len(CHANGES) == 14
    pictures = torch.rand(40, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    drawn = Draws(draws.rows[:40])
    mild, wild = randaugment(pictures, drawn, 1, 0, "zero"), randaugment(pictures, drawn, 1, 10, "zero")
    assert (wild - pictures).abs().mean() > 3 * (mild - pictures).abs().mean()
