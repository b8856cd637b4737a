"""NIfTI files: what neuro- and body imaging keep their volumes and masks in; nibabel reads them (extra `volumes`).

A file without compression is mapped and read slice by slice; a .nii.gz is unpacked whole, as the numbers that it holds.
"""

from pathlib import Path
from typing import Any

import numpy as np

from deepglass.data.readers.volume import Scan, Spacing, turned
from deepglass.data.source import Unreadable
from deepglass.foundation.errors import MachineError

TO_THE_LEFT = np.diag((-1.0, -1.0, 1.0, 1.0))  # NIfTI counts to the right, to the front, up
DICOM_INSIDE = 2  # the code of an extension that holds a DICOM header


def read_nifti(file: Path) -> Scan:
    """The volume of one file; raises Unreadable with the reason."""
    image = _opened(file)
    try:
        stored = np.asanyarray(image.dataobj.get_unscaled())
    except (OSError, EOFError, ValueError) as error:
        raise Unreadable("truncated" if "xpected" in str(error) else "broken", detail=type(error).__name__) from None
    while stored.ndim > 3 and stored.shape[-1] == 1:
        stored = stored[..., 0]
    if stored.dtype.kind not in "iuf":
        raise Unreadable("volume_not_numbers", dtype=stored.dtype)
    slope, intercept = (float(number) for number in (image.dataobj.slope, image.dataobj.inter))
    return turned(stored, TO_THE_LEFT @ image.affine, slope=slope, intercept=intercept)


def nifti_size(file: Path) -> tuple[int, int, int]:
    """Width, height and depth as they lie when the axes are turned; raises Unreadable."""
    depth, height, width = _outline(file).shape
    return width, height, depth


def nifti_spacing(file: Path) -> Spacing:
    """Millimetres from slice to slice, row to row, column to column; raises Unreadable."""
    return _outline(file).spacing


def carries_names(file: Path) -> bool:
    """Whether a file brings the header of the DICOM files along that it was made of, with names and dates of birth."""
    try:
        extensions = _opened(file).header.extensions
    except Unreadable:
        return False  # it is named for that when it is read
    return any(extension.get_code() == DICOM_INSIDE for extension in extensions)


def write_mask(mask: np.ndarray, affine: Any, file: Path) -> None:
    """Classes of every place (D, H, W) as a NIfTI that viewers lay over the scan."""
    image = _library().Nifti1Image(mask, TO_THE_LEFT @ np.asarray(affine))
    image.to_filename(file)


def _outline(file: Path) -> Scan:
    """What the header says, around no values."""
    image = _opened(file)
    shape = (*image.shape[:3], *(1,) * (3 - len(image.shape)))
    return turned(np.broadcast_to(np.int8(0), shape), TO_THE_LEFT @ image.affine)


def _opened(file: Path) -> Any:
    nibabel = _library()
    try:
        return nibabel.load(file)
    except FileNotFoundError:
        raise Unreadable("missing_file") from None
    except (
        nibabel.filebasedimages.ImageFileError,
        nibabel.spatialimages.HeaderDataError,
        OSError,
        EOFError,
        ValueError,
    ):
        raise Unreadable("not_nifti") from None


def _library() -> Any:
    """nibabel, which is an extra: loaded when the first file is opened."""
    try:
        import nibabel
    except ImportError:
        raise MachineError("data.no_volumes") from None
    return nibabel
