"""Opens a volume by what it is: a DICOM file, the files of a DICOM series, NIfTI, or an .npz of values and spacing."""

import os
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from deepglass.data.readers.dicom import read_series, series_size, series_spacing
from deepglass.data.readers.nifti import nifti_size, nifti_spacing, read_nifti
from deepglass.data.readers.volume import Scan, Spacing, turned
from deepglass.data.source import Unreadable, unopened

NIFTI = (".nii", ".nii.gz")
DICOM = (".dcm", ".dicom", ".ima")
ARRAYS = (".npz",)
VALUES = ("values", "volume", "scan", "image", "data", "arr_0")
PREAMBLE = 128  # bytes in front of a DICOM file's mark


def is_volume(folder: Path | str, name: str) -> bool:
    """Whether a file is meant as a volume or a slice of one: by its name, or by its mark where that says nothing."""
    lower = name.lower()
    if lower.endswith((*NIFTI, *DICOM, *ARRAYS)):
        return True
    return "." not in os.path.basename(name).lstrip(".") and is_dicom(os.path.join(folder, name))


def is_dicom(file: Path | str) -> bool:
    """Whether a file has the mark of DICOM."""
    try:
        with open(file, "rb") as stream:
            return stream.read(PREAMBLE + 4)[PREAMBLE:] == b"DICM"
    except OSError:
        return False


def is_slice(name: str) -> bool:
    """Whether a file that is meant as a volume is DICOM, and so may be a slice of one."""
    return not name.lower().endswith((*NIFTI, *ARRAYS))


def read_volume(files: Sequence[Path]) -> Scan:
    """The volume in one file, or in the files of one DICOM series; raises Unreadable with the reason."""
    name = files[0].name.lower()
    try:
        if not all(file.stat().st_size for file in files):
            raise Unreadable("empty_file")
        if name.endswith(NIFTI):
            return read_nifti(files[0])
        return read_arrays(files[0]) if name.endswith(ARRAYS) else read_series(files)
    except OSError as error:
        raise unopened(error) from None


def size_of(files: Sequence[Path]) -> tuple[int, int, int]:
    """Width, height and depth without reading what was measured; raises Unreadable as `read_volume` does."""
    name = files[0].name.lower()
    try:
        if name.endswith(NIFTI):
            return nifti_size(files[0])
        if name.endswith(ARRAYS):
            depth, height, width = read_arrays(files[0]).shape
            return width, height, depth
        return series_size(files)
    except OSError as error:
        raise unopened(error) from None


def spacing_of(files: Sequence[Path]) -> Spacing:
    """Millimetres from slice to slice, row to row, column to column without reading what was measured; 0 is unknown."""
    name = files[0].name.lower()
    try:
        if name.endswith(NIFTI):
            return nifti_spacing(files[0])
        return read_arrays(files[0]).spacing if name.endswith(ARRAYS) else series_spacing(files)
    except (OSError, Unreadable):
        return 0.0, 0.0, 0.0


def read_arrays(file: Path) -> Scan:
    """values (D, H, W), and spacing (3,) in millimetres or an affine (4, 4); mapped where they lie uncompressed."""
    try:
        with np.load(file, allow_pickle=False) as archive:
            names = set(archive.files)
            found = next((name for name in VALUES if name in names), "")
            if not found:
                raise Unreadable("volume_no_values", names=", ".join(sorted(names)[:5]), known=VALUES[0])
            spacing = np.asarray(archive["spacing"] if "spacing" in names else np.ones(3), dtype=np.float64)
            affine = np.asarray(archive["affine"], dtype=np.float64) if "affine" in names else _upright(spacing)
            mapped = _mapped(file, f"{found}.npy")
            stored = archive[found] if mapped is None else mapped
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError) as error:
        raise Unreadable("broken", detail=type(error).__name__) from None
    if stored.dtype.kind not in "iuf" or affine.shape != (4, 4):
        raise Unreadable("volume_not_numbers", dtype=stored.dtype)
    return turned(stored, affine)


def scan_of(values: np.ndarray) -> Scan | Unreadable:
    """An array (D, H, W) as a scan with a millimetre from place to place, or why it is none."""
    try:
        if values.dtype.kind not in "iuf":
            raise Unreadable("volume_not_numbers", dtype=values.dtype)
        return turned(values, _upright(np.ones(3)))
    except Unreadable as reason:
        return reason


def _upright(spacing: np.ndarray) -> np.ndarray:
    """Axis 0 up, axis 1 to the back, axis 2 to the left, so many millimetres a step."""
    if spacing.shape != (3,):
        raise Unreadable("volume_spacing", spacing=", ".join(f"{value:.3g}" for value in spacing.ravel()[:4]))
    affine = np.eye(4)
    affine[:3, :3] = [(0, 0, spacing[2]), (0, spacing[1], 0), (spacing[0], 0, 0)]
    return affine


def _mapped(file: Path, name: str) -> np.ndarray | None:
    """An array of the archive where it lies in the file, if it is not compressed."""
    with zipfile.ZipFile(file) as archive, open(file, "rb") as stream:
        inside = archive.getinfo(name)
        if inside.compress_type != zipfile.ZIP_STORED:
            return None
        stream.seek(inside.header_offset + 26)
        named, extra = (int.from_bytes(stream.read(2), "little") for _ in range(2))
        stream.seek(inside.header_offset + 30 + named + extra)
        shape, columns_first, dtype = _described(stream)
        if dtype.hasobject:
            return None
        order: Any = "F" if columns_first else "C"
        return np.memmap(file, dtype, "r", stream.tell(), shape, order)


def _described(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """What the start of an .npy says of it."""
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return read(stream)
