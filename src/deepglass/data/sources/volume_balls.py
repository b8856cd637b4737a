"""Volumes with a table of what is in them: where its middle is and how large it is (LUNA16's annotations.csv).

One row for each thing: seriesuid, coordX, coordY, coordZ in millimetres of the body (to the left, to the back, up, as
DICOM counts), diameter_mm, and a class where there are several. A name is a file's, with or without its ending and the
folders above it. Volumes that no row names have nothing in them; one that a row names without a place or a size that
can be read, or with one outside of it, is left out. Folders for parts (train, val, test) may stand above.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from deepglass.data.annotation import Ball
from deepglass.data.readers.delimited import SUFFIXES, Delimited, open_delimited
from deepglass.data.readers.volume import Scan
from deepglass.data.readers.volume_file import ARRAYS, NIFTI
from deepglass.data.settings import DataSettings
from deepglass.data.source import Finding, Index, Layout, Match, Unreadable
from deepglass.data.sources.columns import part
from deepglass.data.sources.files import nameable
from deepglass.data.sources.volumes import Found, VolumeFiles
from deepglass.data.walk import listing, suffix, walk
from deepglass.foundation.errors import DataError

NAMES = ("seriesuid", "id", "file", "filename", "volume", "scan", "path")
PLACES = ("coordx", "coordy", "coordz")
SIZES = ("diameter_mm", "diameter", "size_mm", "size")
CLASSES = ("class", "label", "category")
NO_NAME = "object"  # the class where no column says one


def recognise(place: str, settings: DataSettings) -> Match | None:
    """A table with these columns in a folder of volumes."""
    root = Path(place)
    table = table_in(root)
    if table is None or not any(True for _ in _volumes(root)):
        return None
    return Match(0.985, "layout_volume_balls", "detect", {"file": table.file.name})


def open_balls(place: str, settings: DataSettings) -> VolumeFiles:
    """Every volume of the folder with what the table says is in it."""
    root = Path(place)
    table, names = table_in(root), sorted(_volumes(root))
    if table is None or not names:
        raise DataError("data.not_that_layout", place=place, layout="volume_balls")
    findings: list[Finding] = []
    balls, faults = _balls(table, names, findings)
    parts = [next((part(folder) for folder in name.split("/")[:-1] if part(folder)), "") for name in names]
    index = Index(names, [tuple(balls[name]) for name in names], parts if any(parts) else (), kind="volume")
    found = [Found(name, (root / name,)) for name in names]
    source = VolumeFiles("volume_balls", "detect", root, index, findings, found)
    source.faults = {row: faults[name] for row, name in enumerate(names) if name in faults}
    source.judge = lambda row, scan: _check_inside(scan, source.index.labels[row])
    return source


def table_in(root: Path) -> Delimited | None:
    """The first table of the folder that says where things are."""
    for name in listing(root)[1] if root.is_dir() else ():
        if suffix(name) in SUFFIXES:
            try:
                table = open_delimited(root / name)
            except DataError:
                continue
            plain = [one.lower() for one in table.names]
            if set(PLACES) <= set(plain) and any(one in plain for one in SIZES) and any(one in plain for one in NAMES):
                return table
    return None


def _volumes(root: Path) -> Iterator[str]:
    return (name for name in walk(root) if name.lower().endswith((*NIFTI, *ARRAYS)) and nameable(name))


def _balls(
    table: Delimited, names: list[str], findings: list[Finding]
) -> tuple[dict[str, list[Ball]], dict[str, Unreadable]]:
    """What is in each volume, and volumes of which a row makes no sense; rows that name no volume are told of."""
    known = {alias: name for name in names for alias in (_bare(name.rpartition("/")[2]), _bare(name), name)}
    plain = [one.lower() for one in table.names]
    by = next(plain.index(one) for one in NAMES if one in plain)
    numbers = [plain.index(one) for one in (*PLACES, next(one for one in SIZES if one in plain))]
    named = next((plain.index(one) for one in CLASSES if one in plain), None)
    found: dict[str, list[Ball]] = {name: [] for name in names}
    faults: dict[str, Unreadable] = {}
    strange: list[str] = []
    for line, cells in table.rows():
        values = [table.number(cells[place]) for place in numbers] if len(cells) == len(plain) else [None]
        name = known.get(cells[by], "") if by < len(cells) else ""
        if len(cells) == len(plain) and not any(cells[place].strip() for place in numbers) and name:
            continue  # somebody looked, and nothing is in it
        if not name:
            strange.append(str(line))
        elif any(value is None or not abs(value) < 1e6 for value in values) or not (values[3] or 0) > 0:
            faults.setdefault(name, Unreadable("ball_unplaced", annotation=f"{table.file.name}:{line}"))
        else:
            left, back, up, size = (float(value or 0) for value in values)
            found[name].append(Ball(NO_NAME if named is None else cells[named], left, back, up, size))
    if strange:
        values = {"count": len(strange), "lines": ", ".join(strange[:5])}
        findings.append(Finding("balls_elsewhere", "warning", table.file.name, values))
    return found, faults


def _check_inside(scan: Scan, balls: Sequence[Ball]) -> None:
    """Raise Unreadable where a thing would lie wholly outside of its volume."""
    back = np.linalg.inv(scan.affine)
    for ball in balls:
        place = (back @ (ball.left, ball.back, ball.up, 1))[:3]
        reach = ball.size / 2 / np.array(scan.spacing)
        if ((place < -0.5 - reach) | (place > np.array(scan.shape) - 0.5 + reach)).any():
            told = ", ".join(f"{value:g}" for value in (ball.left, ball.back, ball.up))
            raise Unreadable("ball_outside", place=told, extent=_extent(scan))


def _extent(scan: Scan) -> str:
    """From where to where a volume reaches, in millimetres along each axis of the body."""
    far = np.array(scan.shape) - 0.5
    corners = [scan.affine @ (*np.where(ends, far, -0.5), 1) for ends in np.ndindex(2, 2, 2)]
    low, high = np.min(corners, axis=0), np.max(corners, axis=0)
    return ", ".join(f"{round(low[axis])} .. {round(high[axis])}" for axis in range(3))


def _bare(name: str) -> str:
    """A name without the ending of a volume."""
    return next((name[: -len(end)] for end in (".nii.gz", *NIFTI, *ARRAYS) if name.lower().endswith(end)), name)


CATALOGUE = {"volume_balls": Layout(recognise, open_balls)}
