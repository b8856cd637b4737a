"""Lesions in real tissue, and bone in low-dose slabs: what screening and segmentation of volumes are tried on.

    apt-get download invesalius-examples && dpkg-deb -x invesalius-examples_*.deb X/invesalius-examples
    python benchmarks/ct.py X OUT [--scans 8] [--seed 0]
    deepglass train OUT/lesions recipe=screening       deepglass train OUT/bone

The skull of InVesalius (Debian; one CT of 108 x 256 x 256 places of 1.5 x 0.96 x 0.96 mm in Hounsfield units, and a
mask of bone, which is a plain threshold at 226) is cut up twice.

OUT/lesions: its soft tissue is divided into blocks of 32 x 44 x 44 places that share none; each block is a patient. A
scan is a window of 24 x 32 x 32 places somewhere in a block. Half of a patient's scans are given one lesion: an
ellipsoid with half axes of 2.5 to 5 mm whose middle lies in soft tissue (-20 to 120 HU) and which is 60 to 140 HU
brighter, falling off over about a millimetre, added to what is there, so that the texture stays. Every scan then gets
noise of 10 HU and an offset of up to 10 HU of its own. Which blocks are for testing is drawn by a key, and so is all
else. OUT/lesions/truth.json holds middle and half axes of each lesion in places of its scan.

OUT/bone: slabs of 12 slices, every fourth for testing, and one beside it for choosing. Each is made low-dose `--scans`
times: blurred by 0.7 places, noise of 200 HU and an offset of up to 100 HU. The mask stays that of the whole dose.
"""

import argparse
import json
import plistlib
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import nibabel
import numpy as np

from deepglass.foundation.seeds import key

CASE = "invesalius-examples/usr/share/doc/invesalius-examples/examples/Cranium.inv3"
BLOCK = (32, 44, 44)  # places of a patient
WINDOW = (24, 32, 32)  # places of a scan
SOFT = (-20, 120)  # Hounsfield units of soft tissue
ENOUGH = 0.35  # share of a block that must be soft
HALF_AXES = (2.5, 5.0)  # millimetres
BRIGHTER = (60, 140)  # Hounsfield units
EDGE = 1.0  # millimetres over which a lesion falls off
MARGIN = 4  # places from a lesion's middle to the border of its scan, at least
NOISE, OFFSET = 10, 10  # of a scan with or without a lesion
SLAB = 12
LOW_NOISE, LOW_OFFSET, BLUR = 200, 100, 0.7
SHARES = (("test", 0.25), ("val", 0.15))


class Body(NamedTuple):
    """The CT, its mask of bone, and millimetres from slice to slice, row to row, column to column."""

    values: np.ndarray
    bone: np.ndarray
    spacing: np.ndarray


class Lesion(NamedTuple):
    """Middle and half axes in places of the scan, and how much brighter it is."""

    middle: np.ndarray
    half_axes: np.ndarray
    brighter: float


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("packages", type=Path, help="the folder that the package was unpacked into")
    words.add_argument("out", type=Path, help="a new folder")
    words.add_argument("--scans", type=int, default=8, help="scans of each patient, and doses of each slab")
    words.add_argument("--seed", type=int, default=0)
    asked = words.parse_args()
    body = read_body(asked.packages / CASE)
    patients = write_lesions(body, asked.out / "lesions", asked.scans, asked.seed)
    slabs = write_bone(body, asked.out / "bone", asked.scans, asked.seed)
    print(f"{patients} patients of {asked.scans} scans, {slabs} slabs in {asked.scans} doses")


def read_body(file: Path) -> Body:
    """The case as InVesalius keeps it; its rows run from the front to the back, its slices up."""
    with tarfile.open(file) as archive:
        parts = {member.name.rpartition("/")[2]: archive.extractfile(member) for member in archive if member.isfile()}
        info = plistlib.load(parts["main.plist"])
        shape = tuple(info["matrix"]["shape"])
        values = np.frombuffer(parts["matrix.dat"].read(), info["matrix"]["dtype"]).reshape(shape)
        mask = np.frombuffer(parts["mask_0.dat"].read(), np.uint8).reshape([side + 1 for side in shape])[1:, 1:, 1:]
    return Body(values, mask > 127, np.array(info["spacing"][::-1], dtype=np.float64))


def write_lesions(body: Body, out: Path, scans: int, seed: int) -> int:
    """Every patient's scans in OUT/part/class/patient/, and where the lesions are."""
    truth: dict[str, dict[str, list[float]]] = {}
    blocks = list(soft_blocks(body))
    for number, (corner, part) in enumerate(zip(blocks, parts_of(len(blocks), seed), strict=True)):
        for scan in range(scans):
            rng = np.random.default_rng(key(seed, "scan", number, scan))
            name = ("clear", "lesion")[scan % 2]
            values, lesion = scan_of(body, corner, rng, lesion=name == "lesion")
            file = out / part / name / f"patient{number:02d}" / f"scan{scan:02d}.npz"
            file.parent.mkdir(parents=True, exist_ok=True)
            np.savez_compressed(file, values=values, spacing=body.spacing)
            if lesion is not None:
                found = {"middle": lesion.middle.tolist(), "half_axes": lesion.half_axes.tolist()}
                truth[str(file.relative_to(out))] = found
    (out / "truth.json").write_text(json.dumps(truth, indent=1))
    return len(blocks)


def soft_blocks(body: Body) -> Iterator[np.ndarray]:
    """Corners of the blocks that hold enough soft tissue."""
    soft = (body.values > SOFT[0]) & (body.values < SOFT[1])
    counts = [side // block for side, block in zip(body.values.shape, BLOCK, strict=True)]
    for place in np.ndindex(*counts):
        corner = np.array(place) * BLOCK
        if soft[tuple(slice(at, at + side) for at, side in zip(corner, BLOCK, strict=True))].mean() >= ENOUGH:
            yield corner


def parts_of(count: int, seed: int) -> list[str]:
    """The part of each patient."""
    order = np.random.default_rng(key(seed, "parts")).permutation(count)
    named = ["train"] * count
    start = 0
    for part, share in SHARES:
        stop = start + round(share * count)
        for place in order[start:stop]:
            named[place] = part
        start = stop
    return named


def scan_of(
    body: Body, corner: np.ndarray, rng: np.random.Generator, *, lesion: bool
) -> tuple[np.ndarray, Lesion | None]:
    """A window somewhere in a block, with a lesion or without. int16 (24, 32, 32)"""
    free = np.subtract(BLOCK, WINDOW)
    start = corner + rng.integers(0, free + 1)
    values = body.values[tuple(slice(at, at + side) for at, side in zip(start, WINDOW, strict=True))].astype(np.float64)
    found = lesion_in(values, body.spacing, rng) if lesion else None
    if found is not None:
        values = values + found.brighter * profile(found, body.spacing, values.shape)
    values = values + rng.normal(0, NOISE, values.shape) + rng.uniform(-OFFSET, OFFSET)
    return values.round().clip(-1024, 3071).astype(np.int16), found


def lesion_in(values: np.ndarray, spacing: np.ndarray, rng: np.random.Generator) -> Lesion:
    """A lesion whose middle lies in soft tissue, away from the border."""
    inner = tuple(slice(MARGIN, side - MARGIN) for side in values.shape)
    places = np.argwhere((values[inner] > SOFT[0]) & (values[inner] < SOFT[1])) + MARGIN
    middle = places[rng.integers(len(places))].astype(np.float64)
    return Lesion(middle, rng.uniform(*HALF_AXES, 3) / spacing, float(rng.uniform(*BRIGHTER)))


def profile(lesion: Lesion, spacing: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """1 inside, 0 outside, and a smooth step between."""
    places = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1)
    distance = np.sqrt((((places - lesion.middle) / lesion.half_axes) ** 2).sum(-1))
    millimetres = (distance - 1) * float((lesion.half_axes * spacing).mean())
    return 1 / (1 + np.exp(np.clip(4 * millimetres / EDGE, -50, 50)))


def write_bone(body: Body, out: Path, scans: int, seed: int) -> int:
    """Slabs of the whole width in OUT/part/images and labels, as NIfTI."""
    count = len(body.values) // SLAB
    affine = np.diag((-body.spacing[2], -body.spacing[1], body.spacing[0], 1))
    for slab in range(count):
        part = {1: "test", 2: "val"}.get(slab % 4, "train")
        here = slice(slab * SLAB, (slab + 1) * SLAB)
        for scan in range(scans):
            rng = np.random.default_rng(key(seed, "dose", slab, scan))
            values = blurred(body.values[here].astype(np.float64), BLUR)
            values = values + rng.normal(0, LOW_NOISE, values.shape) + rng.uniform(-LOW_OFFSET, LOW_OFFSET)
            pair = (("images", values.round().clip(-2048, 4095).astype(np.int16)), ("labels", body.bone[here]))
            for folder, array in pair:
                file = out / part / folder / f"slab{slab:02d}_{scan:02d}.nii.gz"
                file.parent.mkdir(parents=True, exist_ok=True)
                kind = np.uint8 if array.dtype == bool else array.dtype
                nibabel.Nifti1Image(array.transpose(2, 1, 0).astype(kind), affine).to_filename(file)
    return count


def blurred(values: np.ndarray, spread: float) -> np.ndarray:
    """A Gaussian over the places of all three axes."""
    reach = np.arange(-3, 4)
    weights = np.exp(-(reach**2) / (2 * spread**2))
    weights = weights / weights.sum()
    for axis in range(3):
        wide = np.pad(values, [(3, 3) if one == axis else (0, 0) for one in range(3)], mode="edge")
        values = sum(
            weight * np.take(wide, range(place, place + values.shape[axis]), axis=axis)
            for place, weight in enumerate(weights)
        )
    return values


if __name__ == "__main__":
    main()
