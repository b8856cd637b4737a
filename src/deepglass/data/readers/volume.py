"""Volumes: what a scanner measured in space, from a DICOM series, a NIfTI file or an .npz; strictly, and lazily.

What cannot be read is named, and nothing is ever made up for it: a missing slice stays missing. Axes are turned to one
order, so that scans of every make lie alike: slices from the feet up, rows from front to back, columns from the right
side of the body to its left. Mapped files are read slice by slice, so a volume may be larger than the memory.
Letters: D slices, H rows, W columns; d h w the same of what a network takes.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from deepglass.data.source import Unreadable

AT_ONCE = 1 << 22  # voxels that are worked on together
HALF = 65504.0  # the largest number of float16
AIR = -1024.0  # Hounsfield units: what a scanner writes below it is no measurement
MOST_SIDE = 1 << 15
MOST_VOXELS = 1 << 33
LEAST_SPACING, MOST_SPACING = 1e-3, 1e3  # millimetres

Fit = Literal["pad", "crop", "stretch"]
Spacing = tuple[float, float, float]


class Scan(NamedTuple):
    """A volume: numbers as they are stored (D, H, W), perhaps mapped, and what makes measured values of them.

    `spacing` is millimetres from slice to slice, row to row, column to column; `affine` leads from (slice, row, column)
    to millimetres in the body: to the left, to the back, up.
    """

    stored: np.ndarray
    spacing: Spacing
    affine: np.ndarray
    slope: float = 1.0
    intercept: float = 0.0
    hounsfield: bool = False  # the file says that these are Hounsfield units
    notes: tuple[str, ...] = ()  # e.g. "one_slice": said as note_one_slice in data.toml
    mask: np.ndarray | None = None  # the class of every place, where it is known: uint8 (D, H, W), 255 "do not care"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Slices, rows, columns."""
        depth, height, width = self.stored.shape
        return depth, height, width

    def slices(self, start: int, stop: int) -> np.ndarray:
        """Measured values of some slices; raises Unreadable where they are no numbers. float32 (stop - start, H, W)"""
        found = np.asarray(self.stored[start:stop], dtype=np.float32)
        if self.stored.dtype.kind == "f" and not np.isfinite(found).all():
            raise Unreadable("volume_not_finite", slice=start)
        if (self.slope, self.intercept) != (1.0, 0.0):
            found = found * np.float32(self.slope) + np.float32(self.intercept)
        return np.maximum(found, AIR) if self.hounsfield else found

    def slabs(self) -> Iterator[tuple[int, np.ndarray]]:
        """All slices, a few together, each slab with the number of its first slice."""
        depth, height, width = self.shape
        step = max(1, AT_ONCE // (height * width))
        return ((start, self.slices(start, min(depth, start + step))) for start in range(0, depth, step))


@dataclass(frozen=True, slots=True)
class Grid:
    """Places along one axis at which a volume is asked: `count` of them, `step` stored places apart."""

    count: int
    step: float
    first: float  # the first of them, in stored places

    def weights(self, size: int) -> np.ndarray:
        """How much each stored place counts at each asked one: linear between two, their mean over longer steps.

        Rows of places outside are zero. float32 (count, size)
        """
        places = self.first + self.step * np.arange(self.count)
        reach = max(1.0, self.step)
        near = 1 - np.abs(np.arange(size) - places.clip(0, size - 1)[:, None]) / reach
        near = near.clip(min=0)
        near /= near.sum(1, keepdims=True)
        return (near * self.inside(size)[:, None]).astype(np.float32)

    def inside(self, size: int) -> np.ndarray:
        """Which of them lie in the volume. bool (count,)"""
        places = self.first + self.step * np.arange(self.count)
        return (places > -0.5 - 1e-6) & (places < size - 0.5 + 1e-6)


class Cube(NamedTuple):
    """The one size that a task sees volumes at.

    Without a spacing a volume is made as large as fits: pad keeps its proportions and all of it, crop keeps its
    proportions and fills the size, stretch fits each axis by itself. With one, in millimetres, its middle is taken.
    """

    depth: int
    height: int
    width: int
    spacing: float = 0.0
    fit: Fit = "pad"

    @property
    def size(self) -> tuple[int, int, int]:
        """Depth, height, width."""
        return self.depth, self.height, self.width

    def __call__(self, raw: Scan) -> np.ndarray:
        """Measured values at that size, what lies outside of the volume as its lowest. float16 (1, d, h, w)"""
        found = resample(raw, self.grids(raw))
        return found.clip(-HALF, HALF).astype(np.float16)[None]

    def grids(self, raw: Scan) -> tuple[Grid, Grid, Grid]:
        """Where each axis is asked."""
        steps = self._steps(raw)
        axes = zip(self.size, steps, raw.shape, strict=True)
        depth, height, width = (_around_middle(n, step, size) for n, step, size in axes)
        return depth, height, width

    def _steps(self, raw: Scan) -> list[float]:
        """Stored places from one asked place to the next, axis by axis."""
        if self.spacing:
            return [self.spacing / own for own in raw.spacing]
        each = [size / wanted for size, wanted in zip(raw.shape, self.size, strict=True)]
        if self.fit == "stretch":
            return each
        millimetres = [step * own for step, own in zip(each, raw.spacing, strict=True)]
        one = max(millimetres) if self.fit == "pad" else min(millimetres)
        return [one / own for own in raw.spacing]


def _around_middle(count: int, step: float, size: int) -> Grid:
    """Places on both sides of the middle; of a volume thinner than a step always one in it."""
    before = count // 2 if step > size else (count - 1) / 2
    return Grid(count, step, (size - 1) / 2 - step * before)


def resample(raw: Scan, grids: Sequence[Grid]) -> np.ndarray:
    """The volume at other places, linear in all three directions; only slices that count are read. float32 (d, h, w)"""
    deep, high, wide = (grid.weights(size) for grid, size in zip(grids, raw.shape, strict=True))
    found = np.zeros(tuple(grid.count for grid in grids), dtype=np.float32)
    low = math.inf
    needed = np.flatnonzero(deep.any(0))
    step = max(1, AT_ONCE // (raw.shape[1] * raw.shape[2]))
    for start in range(int(needed[0]), int(needed[-1]) + 1, step):
        stop = min(int(needed[-1]) + 1, start + step)
        slab = raw.slices(start, stop)
        low = min(low, float(slab.min()))
        found += np.tensordot(deep[:, start:stop], high @ slab @ wide.T, axes=1)
    inside = [grid.inside(size) for grid, size in zip(grids, raw.shape, strict=True)]
    outside = ~(inside[0][:, None, None] & inside[1][:, None] & inside[2])
    found[outside] = low
    return found


def resampled_mask(mask: np.ndarray, grids: Sequence[Grid], unknown: int) -> np.ndarray:
    """A mask at other places, the nearest class of each; nobody has looked outside. uint8 (d, h, w)"""
    places = [
        np.rint(grid.first + grid.step * np.arange(grid.count)).astype(np.int64).clip(0, size - 1)
        for grid, size in zip(grids, mask.shape, strict=True)
    ]
    found = np.asarray(mask[np.ix_(*places)])
    inside = [grid.inside(size) for grid, size in zip(grids, mask.shape, strict=True)]
    found[~(inside[0][:, None, None] & inside[1][:, None] & inside[2])] = unknown
    return found


def grids_at(raw: Scan, spacing: Spacing) -> tuple[Grid, Grid, Grid]:
    """Where each axis of a whole volume is asked at another spacing."""
    steps = [wanted / own for wanted, own in zip(spacing, raw.spacing, strict=True)]
    counts = [max(1, round(size / step)) for size, step in zip(raw.shape, steps, strict=True)]
    axes = zip(counts, steps, raw.shape, strict=True)
    deep, high, wide = (Grid(count, step, (size - 1) / 2 - step * (count - 1) / 2) for count, step, size in axes)
    return deep, high, wide


@dataclass(frozen=True, slots=True)
class Respaced:
    """A whole volume at other places, worked out a few slices at a time."""

    raw: Scan
    grids: tuple[Grid, Grid, Grid]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Slices, rows, columns."""
        depth, height, width = (grid.count for grid in self.grids)
        return depth, height, width

    @property
    def affine(self) -> np.ndarray:
        """From (slice, row, column) to millimetres in the body."""
        affine = self.raw.affine.copy()
        affine[:3, 3] += affine[:3, :3] @ [grid.first for grid in self.grids]
        affine[:3, :3] *= [grid.step for grid in self.grids]
        return affine

    def slabs(self) -> Iterator[tuple[int, np.ndarray]]:
        """All slices, a few together, each slab with the number of its first slice."""
        deep, *others = self.grids
        together = max(1, AT_ONCE // (others[0].count * others[1].count))
        for start in range(0, deep.count, together):
            part = Grid(min(together, deep.count - start), deep.step, deep.first + start * deep.step)
            yield start, resample(self.raw, (part, *others))


def at_spacing(raw: Scan, spacing: Spacing) -> Respaced:
    """The whole volume at another spacing."""
    return Respaced(raw, grids_at(raw, spacing))


def turned(stored: np.ndarray, affine: np.ndarray, **more: Any) -> Scan:
    """A scan with its axes in the one order: the same numbers, seen from the feet, the front and the right side.

    `affine` leads from (axis 0, axis 1, axis 2) of what is stored to millimetres to the left, to the back and up.
    """
    if stored.ndim != 3 or 0 in stored.shape:
        raise Unreadable("volume_axes", shape=" x ".join(map(str, stored.shape)) or "0")
    if max(stored.shape) > MOST_SIDE or stored.size > MOST_VOXELS:
        raise Unreadable("volume_too_large", shape=" x ".join(map(str, stored.shape)))
    ways = affine[:3, :3]
    spacing = np.linalg.norm(ways, axis=0)
    if not (np.isfinite(affine).all() and (spacing > LEAST_SPACING).all() and (spacing < MOST_SPACING).all()):
        raise Unreadable("volume_spacing", spacing=", ".join(f"{value:.3g}" for value in spacing))
    order, signs = _turn(ways / spacing)
    stored = stored.transpose(order)[tuple(slice(None, None, sign) for sign in signs)]
    columns = ways[:, order] * signs
    turned = np.eye(4)
    turned[:3, :3] = columns
    corner = np.where(np.array(signs) < 0, np.array(stored.shape) - 1, 0)
    turned[:3, 3] = affine[:3, 3] - columns @ corner
    depth, height, width = (float(value) for value in spacing[list(order)])
    return Scan(stored, (depth, height, width), turned, **more)


def _turn(ways: np.ndarray) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Which stored axis is nearest to up, to the back and to the left, and whether it runs the other way."""
    left = np.abs(ways)
    order: dict[int, int] = {}
    for _ in range(3):
        body, axis = np.unravel_index(int(left.argmax()), left.shape)
        order[int(body)] = int(axis)
        left = left.copy()
        left[body, :] = left[:, axis] = -1
    axes = tuple(order[body] for body in (2, 1, 0))
    signs = tuple(1 if ways[body, order[body]] >= 0 else -1 for body in (2, 1, 0))
    return axes, signs
