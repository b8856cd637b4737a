"""Subtitles as players read them (.srt): a number, from when to when, what is said; a blank line behind each."""

from collections.abc import Iterable
from typing import NamedTuple


class Line(NamedTuple):
    """What is shown from one time to another, in seconds."""

    start: float
    end: float
    text: str


def subtitles(lines: Iterable[Line]) -> str:
    """The content of an .srt file, in the order of the times.

    >>> print(subtitles([Line(0, 2.5, "a dog"), Line(3661.25, 3662, "a cat")]))
    1
    00:00:00,000 --> 00:00:02,500
    a dog
    <BLANKLINE>
    2
    01:01:01,250 --> 01:01:02,000
    a cat
    <BLANKLINE>
    """
    blocks = [
        f"{number}\n{stamp(line.start)} --> {stamp(line.end)}\n{' '.join(line.text.split())}\n"
        for number, line in enumerate(sorted(lines), start=1)
    ]
    return "\n".join(blocks)


def stamp(seconds: float) -> str:
    """A time to the thousandth, as subtitles have it.

    >>> stamp(59.9996), stamp(7325.5)
    ('00:01:00,000', '02:02:05,500')
    """
    whole, thousandths = divmod(round(1000 * seconds), 1000)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{rest:02d},{thousandths:03d}"
