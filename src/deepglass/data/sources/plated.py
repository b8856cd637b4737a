"""Pictures whose answers are plates: what every layout of them has in common once its annotations are read.

Corners that go the wrong way round, or cross, are put in order and counted; a picture with a plate that cannot be one,
or that is marked twice with two texts, is left out by name. What is written is kept but for spaces and the dot.
"""

import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence

from deepglass.data.annotation import UNKNOWN, Plate
from deepglass.data.source import Finding, Unreadable
from deepglass.data.sources.boxed import Marked, Pictures, annotated, beside, indexed, once, told
from deepglass.data.sources.files import PictureFiles
from deepglass.data.sources.plate_fonts import DIGITS, ENDS, EVERY, LETTERS, PROVINCES

LEAST = 16.0  # square pixels below which four corners hold no plate
BEYOND = 1.0  # pixels that a corner may lie outside its picture without a word
_BETWEEN = re.compile(r"[\s·•‧・]+")

Corners = tuple[tuple[float, float], ...]


def clean(text: str) -> str:
    """A plate's text as it is learned: full-width forms made plain, without spaces and the dot.

    >>> clean("京A·１2345"), clean("ab-12 cd")
    ('京A12345', 'ab-12cd')
    """
    return _BETWEEN.sub("", unicodedata.normalize("NFKC", text))


def settled_corners(corners: Corners) -> tuple[Corners | None, str]:
    """Corners clockwise in the picture, or None where they hold no plate; and what was wrong with them.

    >>> settled_corners(((0, 0), (40, 0), (40, 10), (0, 10)))
    (((0, 0), (40, 0), (40, 10), (0, 10)), '')
    >>> settled_corners(((0, 0), (0, 10), (40, 10), (40, 0)))
    (((0, 0), (40, 0), (40, 10), (0, 10)), 'plate_corners_turned')
    >>> settled_corners(((0, 0), (40, 10), (40, 0), (0, 10)))
    (((0, 0), (40, 0), (40, 10), (0, 10)), 'plate_corners_crossed')
    >>> settled_corners(((0, 0), (40, 0), (80, 0), (0, 0)))
    (None, '')
    """
    turns = _turns(corners)
    if all(turn > 0 for turn in turns):
        return (corners, "") if _area(corners) >= LEAST else (None, "")
    if all(turn < 0 for turn in turns):
        return settled_corners((corners[0], *corners[:0:-1]))[0], "plate_corners_turned"
    x, y = (sum(values) / 4 for values in zip(*corners, strict=True))
    around = sorted(corners, key=lambda corner: math.atan2(corner[1] - y, corner[0] - x))
    first = min(range(4), key=lambda place: sum(around[place]))
    ordered = (*around[first:], *around[:first])
    if _area(ordered) < LEAST or not all(turn > 0 for turn in _turns(ordered)):
        return None, ""
    return ordered, "plate_corners_crossed"


def _turns(corners: Corners) -> list[float]:
    """At each corner whether the way bends to the right (above 0), as y goes down."""
    ways = [(b[0] - a[0], b[1] - a[1]) for a, b in zip(corners, (*corners[1:], corners[0]), strict=True)]
    return [a[0] * b[1] - a[1] * b[0] for a, b in zip(ways, (*ways[1:], ways[0]), strict=True)]


def _area(corners: Corners) -> float:
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(corners, (*corners[1:], corners[0]), strict=True)) / 2


def gathered(layout: str, pictures: Pictures, marks: Sequence[Marked], findings: list[Finding]) -> PictureFiles:
    """The source of these annotations and of the pictures beside those that they name."""
    faults: dict[str, list[str]] = defaultdict(list)
    known = once(marks)
    settled = [_settled(mark, faults) for mark in known] + beside(pictures, known)
    index, findings = indexed(settled, findings + told(faults))
    source = PictureFiles(layout, "read_plates", pictures.root, index, findings)
    source.annotated = annotated(settled, ())
    return source


def _settled(mark: Marked, faults: dict[str, list[str]]) -> Marked:
    """The plates as they can be used; what was done to them is added to `faults`."""
    if mark.fault is not None:
        return mark._replace(boxes=())
    kept: list[Plate] = []
    for plate in mark.boxes or ():
        corners, kind = settled_corners(plate.corners)
        at = f"{mark.id}: {plate.text} ({_written(plate.corners)})"
        if corners is None:
            return mark._replace(boxes=(), fault=Unreadable("plate_no_corners", plate=plate.text, annotation=at))
        if fault := _misplaced(plate, corners, kept, mark):
            return mark._replace(boxes=(), fault=fault)
        if kind:
            faults[kind].append(at)
        if mark.size != UNKNOWN and _beyond(corners, mark.size) > BEYOND:
            faults["plate_corners_outside"].append(f"{at} in {mark.size[0]} x {mark.size[1]}")
        if odd := _odd(plate.text):
            faults["plate_letters"].append(f"{mark.id}: {plate.text} ({odd})")
        kept.append(plate._replace(corners=corners))
    return mark._replace(boxes=None if mark.boxes is None else tuple(kept))


def _misplaced(plate: Plate, corners: Corners, kept: Sequence[Plate], mark: Marked) -> Unreadable | None:
    """Why a plate's place cannot be right: outside the picture, or where another one hangs."""
    x, y = (sum(values) / 4 for values in zip(*corners, strict=True))
    width, height = mark.size
    if mark.size != UNKNOWN and not (0 <= x <= width and 0 <= y <= height):
        return Unreadable("plate_outside", plate=plate.text, corners=_written(corners), width=width, height=height)
    for other in kept:
        if _inside(x, y, other.corners):
            return Unreadable("plate_twice", plate=plate.text, other=other.text, annotation=mark.annotation)
    return None


def _inside(x: float, y: float, corners: Corners) -> bool:
    ways = zip(corners, (*corners[1:], corners[0]), strict=True)
    return all((b[0] - a[0]) * (y - a[1]) > (b[1] - a[1]) * (x - a[0]) for a, b in ways)


def _beyond(corners: Corners, size: tuple[int, int]) -> float:
    """How many pixels the farthest corner lies outside."""
    return max(max(-x, x - size[0], -y, y - size[1]) for x, y in corners)


def _odd(text: str) -> str:
    """The characters that a Chinese plate does not have, where the text is one's: I, O, small letters, slips."""
    if text[:1] not in PROVINCES:
        return ""
    allowed = set(EVERY + "港澳使领")
    odd = [letter for letter in text if letter not in allowed]
    misplaced = [letter for letter in text[2:-1] if letter not in LETTERS + DIGITS + ENDS and letter not in odd]
    return "".join(dict.fromkeys(odd + misplaced))


def _written(corners: Corners) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in corners)
