"""Outlines of things as COCO writes them, polygons or runs of pixels, painted into a mask of class numbers.

A pixel belongs to a polygon where its middle lies inside, by the even-odd rule: what two loops of one polygon both go
around is outside. Runs are lengths of nothing and thing in turn, column by column from the upper left corner.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from deepglass.data.source import Unreadable

UNKNOWN = 255  # pixels of a crowd, or of a thing that nobody outlined: "do not care"
CORNERS = 3  # of a polygon, at least
FARTHEST = 1e7  # pixels from a picture's corner that a number may mean
TOGETHER = 512  # sides of a polygon that are held against all others at once


class Runs(NamedTuple):
    """Pixels of a picture of this size as lengths of runs, int64 in bytes."""

    height: int
    width: int
    lengths: bytes


class Outline(NamedTuple):
    """One thing in a picture: what is inside any of its polygons, or its runs; of a crowd nothing is to be learned."""

    label: str
    polygons: tuple[bytes, ...] = ()  # x, y of every corner, float64
    runs: Runs | tuple[()] = ()
    box: tuple[float, ...] = ()  # left, top, right, bottom, where nobody drew more
    crowd: bool = False

    def __repr__(self) -> str:  # a word for a picture's fingerprint, not all corners
        digest = hashlib.blake2b(f"{self.runs}{self.box}{self.crowd}".encode(), digest_size=8)
        for polygon in self.polygons:
            digest.update(polygon)
        return f"{self.label} {digest.hexdigest()}"


class Area(NamedTuple):
    """Some pixels of a picture: those that are marked in the window whose upper left pixel is this."""

    top: int
    left: int
    window: np.ndarray  # bool (h, w)


def packed(said: Any) -> tuple[bytes, ...] | Runs:
    """What stands under "segmentation": polygons, or runs, compressed to text or not; raises Unreadable."""
    try:
        if isinstance(said, Mapping):
            height, width = map(int, said["size"])
            lengths = said["counts"]
            lengths = unpacked(lengths) if isinstance(lengths, str) else lengths
            return Runs(height, width, np.asarray(lengths, dtype=np.int64).tobytes())
        numbers = [np.asarray(polygon, dtype=np.float64) for polygon in said]
        if all(found.ndim == 1 and (abs(found) <= FARTHEST).all() for found in numbers):
            return tuple(found.tobytes() for found in numbers)
    except (TypeError, ValueError, KeyError, OverflowError):
        pass
    raise Unreadable("outline_unclear", value=str(said)[:40])


def unpacked(text: str) -> list[int]:
    """Lengths of runs from COCO's text: five bits a letter, from the fourth length on differences to the last but one.

    >>> unpacked("52")
    [5, 2]
    """
    lengths: list[int] = []
    value = shift = 0
    for letter in text.encode():
        bits = letter - 48
        value |= (bits & 31) << shift
        shift += 5
        if not bits & 32:  # the last letter of a number
            value |= -1 << shift if bits & 16 else 0
            lengths.append(value + (lengths[-2] if len(lengths) > 2 else 0))
            value = shift = 0
    return lengths


def painted(
    outlines: Iterable[Outline], size: tuple[int, int], numbers: Mapping[str, int]
) -> tuple[np.ndarray, tuple[str, ...]]:
    """The mask of a picture of this width and height, later outlines over earlier ones; and the faults that were seen.

    Everything else is 0. A crowd, and what has only a box, is "do not care". uint8 (H, W)
    """
    width, height = size
    mask, notes = np.zeros((height, width), dtype=np.uint8), dict[str, None]()
    for outline in outlines:
        known = not outline.crowd and not outline.box
        areas = [_of_runs(outline.runs, height, width)] if outline.runs else []
        for polygon in outline.polygons:
            corners = np.frombuffer(polygon)
            fault = fault_of(corners, height, width)
            notes |= {fault: None} if fault else {}
            areas += [filled(corners.reshape(-1, 2), height, width)] if fault in ("", "outline_crosses") else []
        if outline.box:
            notes["outline_missing"] = None
            left, top, right, bottom = outline.box
            areas.append(filled(np.array([(left, top), (right, top), (right, bottom), (left, bottom)]), height, width))
        for top, left, window in areas:
            inside = mask[top : top + window.shape[0], left : left + window.shape[1]]
            inside[window] = numbers[outline.label] if known else UNKNOWN
    return mask, tuple(notes)


def fault_of(corners: np.ndarray, height: int, width: int) -> str:
    """What is wrong with a polygon's numbers, as a note for the doctor; nothing where all is well. float64 (2N,)

    >>> fault_of(np.array([0.0, 0, 4, 0]), 9, 9), fault_of(np.array([0.0, 0, 4, 4, 4, 0, 0, 4]), 9, 9)
    ('outline_corners', 'outline_crosses')
    """
    if len(corners) % 2 or len(corners) < 2 * CORNERS:
        return "outline_corners"
    x, y = corners.reshape(-1, 2).T
    if x.max() <= 0 or y.max() <= 0 or x.min() >= width or y.min() >= height:
        return "outline_outside"
    far = int(np.argmax((x - x[0]) ** 2 + (y - y[0]) ** 2))
    if not ((x[far] - x[0]) * (y - y[0]) != (y[far] - y[0]) * (x - x[0])).any():  # all on one line
        return "outline_without_area"
    return "outline_crosses" if crosses(corners.reshape(-1, 2)) else ""


def crosses(corners: np.ndarray) -> bool:
    """Whether two sides of a polygon cut through each other; that they touch is no fault. (N, 2)"""
    ends = np.roll(corners, -1, axis=0)

    def side(first: np.ndarray, second: np.ndarray, point: np.ndarray) -> np.ndarray:
        """On which side of first -> second the point lies: -1, 0 or 1."""
        (ahead, over), (across, down) = np.moveaxis(second - first, -1, 0), np.moveaxis(point - first, -1, 0)
        return np.sign(ahead * down - over * across)

    for start in range(0, len(corners), TOGETHER):
        a, b = corners[start : start + TOGETHER, None], ends[start : start + TOGETHER, None]
        apart = side(a, b, corners) * side(a, b, ends) < 0
        if (apart & (side(corners, ends, a) * side(corners, ends, b) < 0)).any():
            return True
    return False


def filled(corners: np.ndarray, height: int, width: int) -> Area:
    """The pixels whose middles lie inside a polygon, of those that a picture of this size has. float64 (N, 2)"""
    x, y = corners.T
    top, bottom = _between(y, height)
    left, right = _between(x, width)
    turns = np.zeros((bottom - top, right - left + 1), dtype=np.int32)
    (x0, y0), (x1, y1) = (x, y), (np.roll(x, -1), np.roll(y, -1))
    low, high = np.minimum(y0, y1), np.maximum(y0, y1)
    first = np.clip(np.ceil(low - 0.5), top, bottom).astype(np.int64)  # rows whose middles a side passes
    count = np.clip(np.ceil(high - 0.5), top, bottom).astype(np.int64) - first
    sides = np.repeat(np.arange(len(x)), count)
    rows = first[sides] + np.arange(len(sides)) - np.repeat(np.cumsum(count) - count, count)
    share = (rows + 0.5 - y0[sides]) / (y1 - y0)[sides]
    places = np.clip(np.ceil(x0[sides] + share * (x1 - x0)[sides] - 0.5), left, right).astype(np.int64)
    np.add.at(turns, (rows - top, places - left), 1)  # from here on one is on the other side of this edge
    return Area(top, left, (turns.cumsum(1)[:, :-1] & 1).astype(bool))


def _between(ends: np.ndarray, size: int) -> tuple[int, int]:
    low = int(np.clip(np.floor(ends.min()), 0, size))
    return low, max(low, int(np.clip(np.ceil(ends.max()), 0, size)))


def _of_runs(runs: Runs, height: int, width: int) -> Area:
    if (runs.height, runs.width) != (height, width):
        raise Unreadable("mask_size", size=f"{runs.width} x {runs.height}", own=f"{width} x {height}")
    lengths = np.frombuffer(runs.lengths, dtype=np.int64)
    if (lengths < 0).any() or (lengths > height * width).any() or lengths.sum() != height * width:
        raise Unreadable("outline_runs", size=f"{width} x {height}")
    marks = np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)
    return Area(0, 0, marks.reshape(width, height).T)
