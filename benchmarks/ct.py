"""Lesions in real tissue, and bone in low-dose slabs: what screening and segmentation of volumes are tried on.

    apt-get download invesalius-examples && dpkg-deb -x invesalius-examples_*.deb X/invesalius-examples
    python benchmarks/ct.py make X OUT [--scans 8] [--seed 0]
    deepglass train OUT/lesions recipe=screening --out RUN    python benchmarks/ct.py lesions RUN OUT/lesions
    deepglass train OUT/bone --out RUN                        python benchmarks/ct.py bone RUN OUT/bone

The skull of InVesalius (Debian; one CT of 108 x 256 x 256 places of 1.5 x 0.96 x 0.96 mm in Hounsfield units, and a
mask of bone, which is a plain threshold at 226) is cut up twice.

OUT/lesions: the CT is divided into blocks of 18 x 28 x 28 places that share none; each with a third or more of soft
tissue (-20 to 120 HU) is a patient. A scan is a window of 16 x 24 x 24 places somewhere in a block, where a lesion has
room: an ellipsoid with half axes of 2.5 to 5 mm, nine tenths of which is soft tissue. Every other scan is given it: 60
to 140 HU brighter, falling off over about a millimetre, added to what is there, so that the texture stays. Every scan
then gets noise of 10 HU and an offset of up to 10 HU of its own. Which blocks are for testing is drawn by a key, and so
is all else. OUT/lesions/truth.json holds middle and half axes of each lesion in places of its scan.

OUT/bone: slabs of 12 slices, every fourth for testing, and one beside it for choosing. Each is made low-dose `--scans`
times: blurred by 0.7 places, noise of 200 HU and an offset of up to 100 HU. The mask stays that of the whole dose.

`lesions` asks where the heat of Grad-CAM is highest in the test part's lesions. `bone` sets the Dice of the run beside
that of one threshold on the same scans: the best of the training part's, and the best that the test part could have.
"""

import argparse
import json
import plistlib
import resource
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import nibabel
import numpy as np

import deepglass as dg
from deepglass.data.readers.volume_file import read_volume
from deepglass.explain.answer import explain
from deepglass.foundation.seeds import key
from deepglass.tasks.kinds.volume import cube_of
from deepglass.views.mask import unrolled

CASE = "invesalius-examples/usr/share/doc/invesalius-examples/examples/Cranium.inv3"
BLOCK = (18, 28, 28)  # places of a patient
WINDOW = (16, 24, 24)  # places of a scan
SOFT = (-20, 120)  # Hounsfield units of soft tissue
ENOUGH = 0.35  # share of a block that must be soft
WITHIN = 0.9  # share of a lesion that must be
TRIES = 500  # windows and lesions that are looked at to find one that is
HALF_AXES = (2.5, 5.0)  # millimetres
BRIGHTER = (60, 140)  # Hounsfield units
EDGE = 1.0  # millimetres over which a lesion falls off
MARGIN = np.array((4, 6, 6))  # places from a lesion's middle to the border of its scan, at least
NOISE, OFFSET = 10, 10  # of a scan with or without a lesion
SLAB = 12
LOW_NOISE, LOW_OFFSET, BLUR = 200, 100, 0.7
SHARES = (("test", 0.25), ("val", 0.15))
THRESHOLDS = range(-200, 801, 10)  # Hounsfield units that are tried


class Body(NamedTuple):
    """The CT, its mask of bone, and millimetres from slice to slice, row to row, column to column."""

    values: np.ndarray
    bone: np.ndarray
    spacing: np.ndarray

    @property
    def soft(self) -> np.ndarray:
        """Where soft tissue is."""
        return (self.values > SOFT[0]) & (self.values < SOFT[1])


class Lesion(NamedTuple):
    """Middle and half axes in places of the scan, and how much brighter it is."""

    middle: np.ndarray
    half_axes: np.ndarray
    brighter: float

    def reach(self, shape: tuple[int, ...]) -> np.ndarray:
        """How far each place is from the middle: 1 on the surface. (D, H, W)"""
        places = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1)
        return np.sqrt((((places - self.middle) / self.half_axes) ** 2).sum(-1))


class Place(NamedTuple):
    """Where in the body a scan begins, and the lesion that has room in it."""

    start: np.ndarray
    lesion: Lesion


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = words.add_subparsers(dest="verb", required=True)
    making = verbs.add_parser("make", help="write both sets of scans")
    making.add_argument("packages", type=Path, help="the folder that the package was unpacked into")
    making.add_argument("out", type=Path, help="a new folder")
    making.add_argument("--scans", type=int, default=8, help="scans of each patient, and doses of each slab")
    making.add_argument("--seed", type=int, default=0)
    for verb, judge in (("lesions", lesions), ("bone", bone)):
        judging = verbs.add_parser(verb, help=judge.__doc__)
        judging.add_argument("run", type=Path, help="a finished run")
        judging.add_argument("data", type=Path, help="what it learned from")
        judging.set_defaults(judge=judge)
    asked = words.parse_args()
    if asked.verb != "make":
        print(json.dumps(asked.judge(asked.run, asked.data), indent=1))
        return
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
    patients = list(patients_of(body, scans, seed))
    for number, (places, part) in enumerate(zip(patients, parts_of(len(patients), seed), strict=True)):
        for scan, place in enumerate(places):
            rng = np.random.default_rng(key(seed, "scan", number, scan))
            name = ("clear", "lesion")[scan % 2]
            file = out / part / name / f"patient{number:03d}" / f"scan{scan:02d}.npz"
            file.parent.mkdir(parents=True, exist_ok=True)
            values = scan_of(body, place, rng, lesion=name == "lesion")
            np.savez_compressed(file, values=values, spacing=body.spacing)
            if name == "lesion":
                found = {"middle": place.lesion.middle.tolist(), "half_axes": place.lesion.half_axes.tolist()}
                truth[str(file.relative_to(out))] = found
    (out / "truth.json").write_text(json.dumps(truth, indent=1))
    return len(patients)


def patients_of(body: Body, scans: int, seed: int) -> Iterator[list[Place]]:
    """Of each block that holds enough soft tissue, and room for lesions, where its scans are."""
    soft = body.soft
    counts = [side // block for side, block in zip(body.values.shape, BLOCK, strict=True)]
    for number, at in enumerate(np.ndindex(*counts)):
        corner = np.array(at) * BLOCK
        if soft[within(corner, BLOCK)].mean() < ENOUGH:
            continue
        rngs = [np.random.default_rng(key(seed, "place", number, scan)) for scan in range(scans)]
        places = [place for rng in rngs if (place := place_in(soft, corner, body.spacing, rng))]
        if len(places) == scans:
            yield places


def within(start: np.ndarray, shape: tuple[int, ...]) -> tuple[slice, ...]:
    """The part of a volume that begins there."""
    return tuple(slice(at, at + side) for at, side in zip(start.tolist(), shape, strict=True))


def place_in(soft: np.ndarray, corner: np.ndarray, spacing: np.ndarray, rng: np.random.Generator) -> Place | None:
    """A window somewhere in a block, and in it a lesion that lies in soft tissue; None where none is found.

    Scans that stay clear are chosen in the same way: what is around says nothing.
    """
    for _ in range(TRIES):
        start = corner + rng.integers(0, np.subtract(BLOCK, WINDOW) + 1)
        middle = rng.integers(MARGIN, WINDOW - MARGIN).astype(np.float64)
        lesion = Lesion(middle, rng.uniform(*HALF_AXES, 3) / spacing, float(rng.uniform(*BRIGHTER)))
        if soft[within(start, WINDOW)][lesion.reach(WINDOW) <= 1].mean() >= WITHIN:
            return Place(start, lesion)
    return None


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


def scan_of(body: Body, place: Place, rng: np.random.Generator, *, lesion: bool) -> np.ndarray:
    """A window of the body, with the lesion or without. int16 (16, 24, 24)"""
    values = body.values[within(place.start, WINDOW)].astype(np.float64)
    if lesion:
        values = values + place.lesion.brighter * profile(place.lesion, body.spacing)
    values = values + rng.normal(0, NOISE, WINDOW) + rng.uniform(-OFFSET, OFFSET)
    return values.round().clip(-1024, 3071).astype(np.int16)


def profile(lesion: Lesion, spacing: np.ndarray) -> np.ndarray:
    """1 inside, 0 outside, and a smooth step between."""
    millimetres = (lesion.reach(WINDOW) - 1) * float((lesion.half_axes * spacing).mean())
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


def lesions(run: Path, data: Path) -> dict[str, Any]:
    """The share of the test part's lesions in which the heat is highest."""
    truth = json.loads((data / "truth.json").read_text())
    bundle = dg.load(run)
    names = sorted(name for name in truth if name.startswith("test/"))
    hits: list[bool] = []
    for name, found in zip(names, explain(bundle, [str(data / name) for name in names], target="lesion"), strict=True):
        assert found.explanation is not None
        lesion = Lesion(np.array(truth[name]["middle"]), np.array(truth[name]["half_axes"]), 0.0)
        view = found.explanation.views["grad_cam"]
        peak = view.peak()  # pyright: ignore
        grids = cube_of(bundle.task.facts.inputs).grids(read_volume([data / name]))
        stored = [grid.first + grid.step * at for grid, at in zip(grids, peak or (), strict=False)]
        hits.append(bool(stored) and float(np.linalg.norm((stored - lesion.middle) / lesion.half_axes)) <= 1)
    scores = json.loads((run / "report.json").read_text())["scores"]["parts"]["test"]
    return {"test": scores, "lesions": len(hits), "peak_inside": float(np.mean(hits))}


def bone(run: Path, data: Path) -> dict[str, Any]:
    """The Dice of bone in the test part, beside that of one threshold on the same scans; the memory that it took."""
    bundle = dg.load(run)
    own, cells = np.zeros(3), {part: np.zeros((len(THRESHOLDS), 3)) for part in ("train", "test")}
    for part, found in cells.items():
        for file in sorted((data / part / "images").iterdir()):
            values, true = measured(file), measured(data / part / "labels" / file.name) > 0
            found += [counts(values > threshold, true) for threshold in THRESHOLDS]
            if part == "test":
                own += counts(unrolled(bundle.predict([str(file)])[0]["mask"]) > 0, true)
    curves = {part: dice(found) for part, found in cells.items()}
    chosen, best = (int(curves[part].argmax()) for part in ("train", "test"))
    return {
        "dice": float(dice(own)),
        "threshold": {"at": THRESHOLDS[chosen], "dice": float(curves["test"][chosen])},
        "threshold_in_hindsight": {"at": THRESHOLDS[best], "dice": float(curves["test"][best])},
        "gigabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


def measured(file: Path) -> np.ndarray:
    """The numbers of a volume."""
    scan = read_volume([file])
    return scan.slices(0, scan.shape[0])


def counts(said: np.ndarray, true: np.ndarray) -> tuple[int, int, int]:
    """Places in both, places in the one, places in the other."""
    return int((said & true).sum()), int(said.sum()), int(true.sum())


def dice(found: np.ndarray) -> np.ndarray:
    """2 |A ∩ B| / (|A| + |B|). (..., 3) -> (...)"""
    return 2 * found[..., 0] / np.maximum(1, found[..., 1] + found[..., 2])


if __name__ == "__main__":
    main()
