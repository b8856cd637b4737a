"""Colours and shapes of the house: Okabe and Ito's palette, which colour-blind people can tell apart, and one accent.

Colour never stands alone: class number i has colour i mod 7 and shape i mod 8, so 56 classes differ in one or both.
"""

ACCENT = "#2f7fc1"  # on white and on black at least 4:1
OKABE_ITO = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#a59a00")  # yellow darkened for white
SHAPES = ("o", "^", "s", "D", "v", "P", "X", "*")  # matplotlib's names
SIGNS = ("●", "▲", "■", "◆", "▼", "✚", "✖", "★")  # the same shapes in a terminal


def colour(index: int) -> str:
    """The colour of class `index`."""
    return OKABE_ITO[index % len(OKABE_ITO)]


def shape(index: int) -> str:
    """The marker of class `index` in a chart."""
    return SHAPES[index % len(SHAPES)]


def sign(index: int) -> str:
    """The marker of class `index` in a terminal."""
    return SIGNS[index % len(SIGNS)]


def rgb(colour: str) -> tuple[float, float, float]:
    """A colour as three shares.

    >>> rgb("#ff0033")
    (1.0, 0.0, 0.2)
    """
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue
