"""Arrays handed to `predict`: which shapes are one picture, which a stack, and which are not guessed at."""

import numpy as np
import pytest
from PIL import Image

from deepglass.data.files import open_inputs
from deepglass.data.source import Unreadable
from deepglass.foundation.errors import DataError


def pixels(*shape, dtype=np.uint8):
    return np.random.default_rng(0).integers(0, 255, shape).astype(dtype)


def opened(array, channels=3):
    return [item.raw for item in open_inputs(array, "picture", (), channels)]


@pytest.mark.parametrize(
    "shape, seen",
    [
        ((6, 5), [(6, 5, 1)]),
        ((6, 5, 1), [(6, 5, 1)]),
        ((6, 5, 3), [(6, 5, 3)]),
        ((6, 5, 4), [(6, 5, 3)]),
        ((3, 5, 4), [(3, 5, 3)]),  # a picture three pixels high
        ((2, 6, 5), [(6, 5, 1)] * 2),
        ((2, 6, 5, 3), [(6, 5, 3)] * 2),
        ((2, 6, 5, 4), [(6, 5, 3)] * 2),
    ],
)
def test_the_last_axis_says_what_an_array_is(shape, seen):
    assert [found.pixels.shape for found in opened(pixels(*shape))] == seen


def test_transparency_lies_on_white_as_in_a_file(tmp_path):
    array = pixels(6, 5, 4)
    Image.fromarray(array, "RGBA").save(tmp_path / "one.png")
    (as_array,), (as_file,) = opened(array), opened(str(tmp_path / "one.png"))
    assert np.array_equal(as_array.pixels, as_file.pixels)
    clear = np.zeros((4, 4, 4), np.uint8)
    assert (opened(clear)[0].pixels == 255).all()


@pytest.mark.parametrize("count", [3, 4])
def test_channels_first_is_asked_about_where_the_network_sees_colour(count):
    with pytest.raises(DataError, match=rf"may be {count} grey pictures or one picture with its channels first"):
        opened(pixels(count, 6, 5))
    assert len(opened(pixels(count, 6, 5), channels=1)) == count
    assert len(opened(list(pixels(count, 6, 5)))) == count


@pytest.mark.parametrize("array", [pixels(6, 5, 2)[None], pixels(6, 5, 4, dtype=np.uint16), pixels(6, 5, dtype=float)])
def test_what_is_no_picture_is_named(array):
    (found,) = opened(array)
    assert isinstance(found, Unreadable) and found.reason == "array_not_picture"
