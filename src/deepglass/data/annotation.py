"""What is marked in a picture or a video: boxes in pixels of the picture as it is stored, moments in seconds.

Coordinates are continuous: pixel (0, 0) covers [0, 1] x [0, 1], so a box around it alone is 0, 0, 1, 1 and its width
is right - left. COCO writes it as x, y, width, height (0, 0, 1, 1), VOC by its first and last pixels counted from 1
(1, 1, 1, 1), YOLO by centre and size in shares of the picture.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from deepglass.data.source import Unreadable
from deepglass.foundation.words import say

UNKNOWN = (0, 0)  # the size of a picture of which its annotation says none


class Box(NamedTuple):
    """One thing in a picture. The answer to a picture is a tuple of these: () where nothing is in it."""

    label: str
    left: float
    top: float
    right: float
    bottom: float
    crowd: bool = False  # a group marked as one (COCO's iscrowd): neither trained on nor counted as missed

    @property
    def area(self) -> float:
        """In square pixels; 0 or less where corners are swapped."""
        return (self.right - self.left) * (self.bottom - self.top)


class Ball(NamedTuple):
    """One thing in a volume: its middle and how large it is, in millimetres of the body: to the left, to the back, up.

    The answer to a volume is a tuple of these: () where nothing is in it.
    """

    label: str
    left: float
    back: float
    up: float
    size: float  # across


class Plate(NamedTuple):
    """One licence plate in a picture. The answer to a picture is a tuple of these: () where there is none."""

    text: str  # what stands on it, without the dot; both lines one after the other
    corners: tuple[tuple[float, float], ...]  # four points x, y, clockwise from the top left as one reads the plate
    kind: str = ""  # "blue", "yellow", "green", "white", or "" where nobody says
    lines: int = 1


class Moment(NamedTuple):
    """One thing in a video from one time to another, in seconds. The answer to a video is a tuple of these."""

    label: str
    start: float
    end: float


class Annotated(NamedTuple):
    """What annotations say of the pictures of a source before any of them is read."""

    classes: tuple[str, ...]  # every class that is listed, in its order, seen or not
    sizes: np.ndarray  # width and height of each picture as it was annotated, or UNKNOWN. int32 (N, 2)
    faults: Mapping[int, Unreadable]  # rows that cannot be used, with the reason

    def told(self) -> bytes:
        """What decides which pictures can be used, for a fingerprint: their sizes, and those with a fault."""
        return self.sizes.tobytes() + repr([(row, self.faults[row].reason) for row in sorted(self.faults)]).encode()

    def accept(self, row: int, size: tuple[int, int] | None) -> None:
        """Raise Unreadable where the annotation cannot be used, or not with a picture of this size."""
        if row in self.faults:
            raise self.faults[row]
        width, height = self.sizes[row].tolist()
        if size is not None and (width, height) not in (UNKNOWN, tuple(size)):
            raise Unreadable("annotated_size", width=width, height=height, wide=size[0], high=size[1])


def names_of(answer: Any) -> tuple[Any, ...]:
    """The classes that an answer names, once for each thing it marks; of a plate its characters.

    >>> names_of("cat"), names_of(("cat", "dog")), names_of((Box("cat", 0, 0, 1, 1),)), names_of(()), names_of(None)
    (('cat',), ('cat', 'dog'), ('cat',), (), ())
    >>> names_of((Plate("京A1", ()), Plate("沪B2", ())))
    ('京', 'A', '1', '沪', 'B', '2')
    """
    if answer is None:
        return ()
    if not isinstance(answer, tuple | list):
        return (answer,)
    return tuple(name for one in answer for name in _names_of_one(one))


def _names_of_one(one: Any) -> Sequence[Any]:
    if isinstance(one, Plate):
        return one.text
    return (getattr(one, "label", one),)  # of boxes and outlines the label


def in_words(answer: Any) -> str:
    """An answer for people: several labels with commas between them, boxes with their corners, or that there is none.

    >>> in_words(("cat", "dog")), in_words((Box("cat", 1, 2, 30, 40.5),)), in_words((Plate("京A12345", ()),))
    ('cat, dog', 'cat 1,2-30,40.5', '京A12345')
    >>> in_words((Moment("cat", 0, 2.5),))
    'cat 0-2.5 s'
    """
    if not isinstance(answer, tuple):
        return str(answer)
    if not answer:
        return say("data.no_object")
    return ", ".join(map(_one_in_words, answer))


def _one_in_words(one: Any) -> str:
    if isinstance(one, Box):
        return f"{one.label} {one.left:g},{one.top:g}-{one.right:g},{one.bottom:g}"
    if isinstance(one, Ball):
        return f"{one.label} {one.left:g},{one.back:g},{one.up:g} {one.size:g} mm"
    if isinstance(one, Moment):
        return f"{one.label} {one.start:g}-{one.end:g} s"
    return one.text if isinstance(one, Plate) else str(getattr(one, "label", one))


def unordered(answer: Any) -> Any:
    """The answer with what it marks in one order: two that differ only in the order of their boxes are equal."""
    return tuple(sorted(answer)) if isinstance(answer, tuple) else answer
