"""Made scans for lessons, the same on every machine: the place "made:scans".

60 bodies of 5 scans each, in Hounsfield units: a ring of bone around soft tissue in air, with three bright vessels that
run through all slices. Every other scan has a lesion: a ball as bright as a vessel, but round. The scans of a body
differ in noise, in where they were cut, and in whether and where the lesion is; bodies are patients.
"""

import hashlib
from pathlib import Path

import numpy as np

from deepglass.data.readers.volume import Scan, turned
from deepglass.data.settings import DataSettings
from deepglass.data.source import Finding, Index, Layout, Match
from deepglass.foundation.seeds import key

PLACE = "made:scans"
BODIES, SCANS = 60, 5
SHAPE = (16, 32, 32)
AIR, TISSUE, BONE, BRIGHT = -1000.0, 40.0, 700.0, 200.0
NOISE = 25.0
VESSELS, THIN = 3, 1.3  # how many, and the radius of one in places
RADIUS = (2.5, 4.0)  # of a lesion


class MadeScans:
    """The scans as a source; each is made when it is read."""

    def __init__(self) -> None:
        self.root = Path()
        self.layout, self.task = "made_volumes", "classify"
        self.findings: list[Finding] = []
        numbers = range(BODIES * SCANS)
        labels = [("clear", "lesion")[number % 2] for number in numbers]
        groups = [f"body {number // SCANS}" for number in numbers]
        self.index = Index([f"{number:03d}" for number in numbers], labels, groups=groups, kind="volume")

    def read(self, row: int, fit: object = None) -> Scan:
        """One scan."""
        affine = np.array([(0, 0, 1, 0), (0, 1, 0, 0), (1, 0, 0, 0), (0, 0, 0, 1)], dtype=np.float64)
        return turned(scan(row), affine, hounsfield=True)

    def header(self, row: int) -> tuple[int, int, int]:
        """Width, height and depth."""
        return SHAPE[2], SHAPE[1], SHAPE[0]

    def fingerprint(self) -> str:
        """It never changes."""
        return hashlib.blake2b(f"{PLACE} 1".encode(), digest_size=16).hexdigest()


def scan(number: int) -> np.ndarray:
    """The scan of that number. int16 (16, 32, 32)"""
    body = np.random.default_rng(key(0, "made/body", number // SCANS))
    own = np.random.default_rng(key(0, "made/scan", number))
    wide = body.uniform(11, 14, 2)
    y, x = np.meshgrid(np.arange(SHAPE[1]) - 15.5, np.arange(SHAPE[2]) - 15.5, indexing="ij")
    ring = np.hypot(y / wide[0], x / wide[1])
    flat = np.where(ring < 1, TISSUE, AIR)
    flat = np.where((ring >= 0.88) & (ring < 1), BONE, flat)
    values = np.broadcast_to(flat, SHAPE).copy()
    z = np.arange(SHAPE[0])[:, None, None] + own.integers(0, 40)  # where it was cut
    for at, bend, turn in body.uniform((-0.6, -0.3, 0), (0.6, 0.3, 6), (VESSELS, 3)):
        middle = wide[0] * (at + bend * np.sin(z / 9 + turn)), wide[1] * (bend * np.cos(z / 9 + turn) - at)
        values[np.hypot(y - middle[0], x - middle[1]) < THIN] = BRIGHT
    if number % 2:
        values[_ball(own, wide)] = BRIGHT
    return (values + own.normal(0, NOISE, SHAPE)).round().astype(np.int16)


def _ball(own: np.random.Generator, wide: np.ndarray) -> np.ndarray:
    """The places of a lesion well inside the ring. bool (16, 32, 32)"""
    radius = own.uniform(*RADIUS)
    turn, far = own.uniform(0, 2 * np.pi), own.uniform(0, 0.5)
    middle = (own.uniform(4, 11), 15.5 + wide[0] * far * np.sin(turn), 15.5 + wide[1] * far * np.cos(turn))
    places = np.meshgrid(*map(np.arange, SHAPE), indexing="ij")
    return sum((axis - at) ** 2 for axis, at in zip(places, middle, strict=True)) < radius**2  # pyright: ignore


def recognise(place: str, settings: DataSettings) -> Match | None:
    """The place of that name."""
    return Match(1.0, "layout_made_volumes", "classify", {"count": BODIES * SCANS}) if place == PLACE else None


def open_made(place: str, settings: DataSettings) -> MadeScans:
    """The scans; ids are their numbers."""
    return MadeScans()


CATALOGUE = {"made_volumes": Layout(recognise, open_made)}
