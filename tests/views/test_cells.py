"""Terminal drawing: widths that hold with Chinese, dots where the line is, pictures that keep their brightness."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from deepglass.views.cells import Dots, blocks, columns, pad, shrink, tidy

TEXTS = st.text(st.sampled_from("abc 猫狗é"), max_size=12)


@given(TEXTS, st.integers(0, 20), st.booleans())
def test_padding_gives_the_width_exactly(text: str, width: int, right: bool):
    made = pad(text, width, right)
    assert columns(made) == width
    if columns(text) <= width:
        assert made.strip() == text.strip()
    elif width:
        assert "…" in made


def test_a_rising_line_rises():
    canvas = Dots(10, 4)
    canvas.line(np.array([0.0, 1.0]), np.array([0.0, 1.0]))
    rows = canvas.rows()
    assert rows[0][-1] != " " and rows[-1][0] != " " and rows[0][0] == " " and rows[-1][-1] == " "
    firsts = [min(place for place, cell in enumerate(row) if cell != " ") for row in rows]
    assert firsts == sorted(firsts, reverse=True)


def test_a_gap_breaks_the_line_and_one_point_is_a_dot():
    canvas = Dots(12, 3)
    canvas.line(np.array([0.0, 0.4, 0.5, 0.6, 1.0]), np.array([0.5, 0.5, np.nan, 0.5, 0.5]))
    assert canvas.rows()[1][6] == " " and canvas.rows()[1][2] != " "
    single = Dots(3, 1)
    single.line(np.array([0.0]), np.array([0.0]))
    assert single.rows() == ["⡀  "]


def test_signs_stand_on_the_line():
    canvas = Dots(5, 2)
    canvas.sign(1.0, 1.0, "●")
    canvas.sign(np.nan, 0.5, "x")
    assert canvas.rows() == ["    ●", "     "]


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40))
def test_shrinking_keeps_the_mean_of_a_flat_picture_and_the_width(tall: int, wide: int, width: int):
    made = shrink(np.full((tall, wide, 3), 77, np.uint8), width)
    assert (made == 77).all() and made.shape[1] == min(wide, width)


def test_blocks_are_dark_to_light():
    pixels = np.repeat(np.linspace(0, 255, 5).astype(np.uint8)[None, :, None], 3, axis=2).repeat(2, axis=0)
    assert blocks(pixels, 5) == [" ░▒▓█"]
    assert len(blocks(np.zeros((5, 4, 3), np.uint8), 4)) == 3
    assert blocks(pixels, 5, ansi=True)[0].count("▀") == 5
    assert tidy(["a  ", " b"]) == "a\n b"


def test_chinese_letters_are_two_cells_wide_and_accents_none():
    assert columns("猫a") == 3 and columns("e\u0301") == 1
    assert pad("猫狗猫", 5) == "猫狗…" and pad("猫狗", 3) == "猫…"
