"""Where plates stand in a picture: a camera looks at each from somewhere in front, and its corners follow.

A plate W x H mm lies in the plane z = 0 with its middle at 0, turned by yaw, pitch and roll; the camera is d mm away:
x = f X' / (d + Z'),  y = f Y' / (d + Z'),  with (X', Y', Z') = R (X, Y, 0)
"""

import math

import numpy as np

from deepglass.data.annotation import Plate
from deepglass.data.sources.dice import Dice
from deepglass.data.sources.plate_ink import face_of

NARROWEST, WIDEST = 88.0, 0.62  # pixels that a plate is wide at least, and the share of the picture at most
LONGEST = 440.0  # pixels that a plate is wide at most, in large pictures
RIM = 3.0  # pixels between a plate and the border of the picture
TRIES = 8
HOW_MANY = {0: 0.12, 1: 0.68, 2: 0.2}

Corners = tuple[tuple[float, float], ...]


def place_plates(dice: Dice, written: list[Plate], width: int, height: int) -> tuple[Plate, ...]:
    """The plates with their corners in the picture, to a hundredth of a pixel; what finds no room is left out."""
    placed: list[Plate] = []
    for plate in written:
        for _ in range(TRIES):
            corners = _seen(dice, plate, width, height, len(written))
            if corners is not None and not any(_close(corners, other.corners) for other in placed):
                placed.append(plate._replace(corners=corners))
                break
    return tuple(placed)


def _seen(dice: Dice, plate: Plate, width: int, height: int, count: int) -> Corners | None:
    """One view of a plate; None where it is larger than the picture."""
    wide, tall = face_of(plate).size
    most = min(LONGEST, WIDEST * width / count)
    target = NARROWEST * (most / NARROWEST) ** dice.share()
    yaw, pitch, roll = math.radians(_turn(dice, 45)), math.radians(_turn(dice, 25)), math.radians(_turn(dice, 12))
    away = dice.between(2500, 9000)
    points = [_project(x, y, (yaw, pitch, roll), away) for x, y in _rectangle(wide, tall)]
    scale = target / max(math.dist(points[0], points[1]), math.dist(points[3], points[2]))
    points = [(x * scale, y * scale) for x, y in points]
    left, top, right, bottom = _bounds(tuple(points))
    if right - left > width - 2 * RIM or bottom - top > height - 2 * RIM:
        return None
    x, y = dice.between(RIM - left, width - RIM - right), dice.between(RIM - top, height - RIM - bottom)
    return tuple((round(px + x, 2), round(py + y, 2)) for px, py in points)


def _turn(dice: Dice, most: float) -> float:
    """Degrees, small ones more often."""
    share = dice.around(0, 1)
    return most * share * abs(share) ** 0.5


def _rectangle(wide: float, tall: float) -> Corners:
    return ((-wide / 2, -tall / 2), (wide / 2, -tall / 2), (wide / 2, tall / 2), (-wide / 2, tall / 2))


def _project(x: float, y: float, angles: tuple[float, float, float], away: float) -> tuple[float, float]:
    yaw, pitch, roll = angles
    x, y = x * math.cos(roll) - y * math.sin(roll), x * math.sin(roll) + y * math.cos(roll)
    x, deep = x * math.cos(yaw), x * math.sin(yaw)
    y, deep = y * math.cos(pitch) - deep * math.sin(pitch), y * math.sin(pitch) + deep * math.cos(pitch)
    return x * away / (away + deep), y * away / (away + deep)


def _close(one: Corners, other: Corners) -> bool:
    """Whether the boxes around two plates come near each other."""
    (left, top, right, bottom), theirs = _bounds(one), _bounds(other)
    return left - RIM < theirs[2] and theirs[0] < right + RIM and top - RIM < theirs[3] and theirs[1] < bottom + RIM


def _bounds(corners: Corners) -> tuple[float, float, float, float]:
    across, down = zip(*corners, strict=True)
    return min(across), min(down), max(across), max(down)


def homography(source: Corners, target: Corners) -> np.ndarray:
    """The matrix that takes four points to four others: (x, y, 1) -> (u w, v w, w). float64 (3, 3)"""
    rows, values = [], []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return np.append(np.linalg.solve(np.array(rows), np.array(values)), 1.0).reshape(3, 3)


def carried(matrix: np.ndarray, points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Points through a homography."""
    moved = np.array([(x, y, 1.0) for x, y in points]) @ matrix.T
    return [(float(x / w), float(y / w)) for x, y, w in moved]
