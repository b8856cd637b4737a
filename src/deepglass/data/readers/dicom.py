"""DICOM: the slices of one series become one volume; pydicom reads them (extra `volumes`).

Slices are sorted by their place along the normal of their plane, whatever their files are called. A slice that is
missing is found by the spacing, and named: a volume is never closed over a gap. Where a table has moved past a tilted
scanner each slice lies a little beside the one before, and the affine says so. What a file says of the patient stays
in the file: names and numbers of people go into no message, no index and no bundle.
"""

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from deepglass.data.readers.volume import Scan, Spacing, turned
from deepglass.data.source import Unreadable
from deepglass.foundation.errors import MachineError

EVEN = 0.05  # of the usual step: slices that are so much further apart, or nearer, are not evenly spaced
DRAWN = "SEG"  # the modality of masks that somebody, or a program, drew over a scan
PARALLEL = 1e-3  # how far the planes of one series may be turned against each other
BESIDE = 0.5  # of a place: how far a slice may lie beside the line of the others
TILTED = 0.02  # of the step from slice to slice: sideways by more than this
NOBODY = frozenset("anon anonymous anonymized anonymised anonym deidentified unknown none patient phantom test".split())
READ = (  # all that is asked of a file before its pixels are
    *("PatientName", "PatientID", "StudyInstanceUID", "SeriesInstanceUID", "Modality", "BurnedInAnnotation"),
    *("Rows", "Columns", "NumberOfFrames", "ImagePositionPatient", "ImageOrientationPatient"),
    *("PixelSpacing", "SpacingBetweenSlices", "SliceThickness"),
)


class Slice(NamedTuple):
    """What one file says of itself without its pixels. `patient` and `series` tell apart and are never shown."""

    file: Path
    patient: str
    series: str
    named: bool  # the name of a person stands in it
    burned: bool  # it says that writing is burned into the picture
    size: tuple[int, int, int]  # width, height, frames; 0 where it has no picture
    spacing: tuple[float, float, float] = (0.0, 0.0, 0.0)  # as slices, rows and columns are told to be apart; 0 unknown


def look(file: Path) -> Slice | None:
    """A file's own words about itself; None where it is no DICOM that can be read."""
    pydicom = _library()
    try:
        found = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=list(READ))
    except Exception:  # whatever a broken header brings about: it is named when it is read
        return None
    series = f"{found.get('StudyInstanceUID', '')} {found.get('SeriesInstanceUID', '')}"
    size = tuple(
        _whole(found.get(name, default)) for name, default in (("Columns", 0), ("Rows", 0), ("NumberOfFrames", 1))
    )
    patient = str(found.get("PatientID", "") or found.get("PatientName", ""))
    burned = str(found.get("BurnedInAnnotation", "")).upper() == "YES"
    named = _is_name(str(found.get("PatientName", "")))
    return Slice(file, patient, series, named, burned, size, _told_apart(found))  # pyright: ignore


def series_of(slices: Sequence[Slice]) -> list[list[Slice]]:
    """The slices of each series, in the order of their first files."""
    found: dict[str, list[Slice]] = {}
    for one in slices:
        found.setdefault(one.series, []).append(one)
    return list(found.values())


def series_size(files: Sequence[Path]) -> tuple[int, int, int]:
    """Width, height and depth of a series as its first file tells; raises Unreadable."""
    first = look(files[0])
    if first is None:
        raise Unreadable("not_dicom")
    width, height, frames = first.size
    if not (width and height):
        raise Unreadable("dicom_no_pixels", slice=files[0].name)
    return width, height, frames * len(files)


def series_spacing(files: Sequence[Path]) -> Spacing:
    """Millimetres from slice to slice, row to row, column to column as its first file tells; 0 where it does not."""
    first = look(files[0])
    return first.spacing if first else (0.0, 0.0, 0.0)


def read_series(files: Sequence[Path]) -> Scan:
    """One volume of the slices in these files; raises Unreadable with the reason and the file that it concerns."""
    frames = [frame for file in files for frame in _frames(file)]
    _agree(frames)
    first = frames[0]
    across, down = first.ways
    normal = np.cross(across, down)
    frames.sort(key=lambda frame: float(frame.corner @ normal))
    step = _step([float(frame.corner @ normal) for frame in frames], frames, first.thickness)
    stored = _stacked(frames)
    way = _way(frames, normal, step)
    affine = np.eye(4)
    affine[:3, 0] = way
    affine[:3, 1], affine[:3, 2] = down * first.spacing[0], across * first.spacing[1]
    affine[:3, 3] = frames[0].corner
    hounsfield = first.modality == "CT"
    tilted = np.linalg.norm(way - normal * step) > TILTED * step
    notes = ("one_slice",) * (len(frames) == 1) + ("tilted",) * bool(tilted)
    return turned(stored, affine, hounsfield=hounsfield, notes=notes)


class _Frame(NamedTuple):
    """One slice with its pixels."""

    file: str
    patient: str
    modality: str
    pixels: np.ndarray
    slope: float
    intercept: float
    corner: np.ndarray  # of its first pixel, millimetres to the left, to the back, up
    ways: np.ndarray  # along a row and along a column; unit vectors (2, 3)
    spacing: tuple[float, float]  # from row to row, from column to column
    thickness: float


def _frames(file: Path) -> Iterator[_Frame]:
    """The slices in one file: one, or of an enhanced file many."""
    found = _opened(file)
    if str(found.get("Modality", "")) == DRAWN:
        raise Unreadable("dicom_drawn", slice=file.name)
    pixels = _pixels(found, file.name)
    count = _whole(found.get("NumberOfFrames", 1)) or 1
    pixels = pixels.reshape(count, *pixels.shape[-2:])
    shared = found.get("SharedFunctionalGroupsSequence") or [{}]
    each = found.get("PerFrameFunctionalGroupsSequence") or [{}] * count
    if count > 1 and len(each) != count:
        raise Unreadable("dicom_no_position", slice=file.name)
    for place, own in zip(pixels, each, strict=False):
        yield _frame(file.name, found, place, [own, shared[0]])


def _frame(name: str, found: Any, pixels: np.ndarray, groups: Sequence[Any]) -> _Frame:
    def told(sequence: str, field: str) -> Any:
        places = [group[sequence].value[0] for group in groups if sequence in group]
        values = [place.get(field) for place in (*places, found)]
        return next((value for value in values if value not in (None, "")), None)

    try:
        corner = told("PlanePositionSequence", "ImagePositionPatient")
        ways = told("PlaneOrientationSequence", "ImageOrientationPatient")
        spacing = told("PixelMeasuresSequence", "PixelSpacing") or (1.0, 1.0)
        thickness = told("PixelMeasuresSequence", "SpacingBetweenSlices")
        thickness = thickness or told("PixelMeasuresSequence", "SliceThickness") or 1.0
        slope = told("PixelValueTransformationSequence", "RescaleSlope")
        return _Frame(
            name,
            str(found.get("PatientID", "") or found.get("PatientName", "")),
            str(found.get("Modality", "")),
            pixels,
            1.0 if slope is None else float(slope),
            float(told("PixelValueTransformationSequence", "RescaleIntercept") or 0.0),
            np.array([np.nan] * 3 if corner is None else corner, dtype=np.float64),
            np.array((1, 0, 0, 0, 1, 0) if ways is None else ways, dtype=np.float64).reshape(2, 3),
            (float(spacing[0]), float(spacing[1])),
            abs(float(thickness)),
        )
    except (ValueError, TypeError, IndexError, KeyError):
        raise Unreadable("dicom_header", slice=name) from None


def _agree(frames: Sequence[_Frame]) -> None:
    """Refuse slices that are no part of one volume."""
    first = frames[0]
    if len({frame.patient for frame in frames}) > 1:
        raise Unreadable("dicom_two_patients", count=len({frame.patient for frame in frames}))
    for frame in frames:
        if frame.pixels.shape != first.pixels.shape:
            sizes = [" x ".join(map(str, one.pixels.shape)) for one in (first, frame)]
            raise Unreadable("dicom_sizes", slice=frame.file, first=sizes[0], other=sizes[1])
        if np.abs(frame.ways - first.ways).max() > PARALLEL or not np.allclose(frame.spacing, first.spacing, rtol=1e-3):
            raise Unreadable("dicom_not_parallel", slice=frame.file)
        if len(frames) > 1 and not np.isfinite(frame.corner).all():
            raise Unreadable("dicom_no_position", slice=frame.file)
    if not np.isfinite(first.corner).all():
        first.corner[:] = 0


def _step(places: Sequence[float], frames: Sequence[_Frame], thickness: float) -> float:
    """Millimetres from slice to slice; raises Unreadable where slices are missing, doubled or unevenly spaced."""
    if len(places) == 1:
        return thickness or 1.0
    steps = np.diff(places)
    usual = float(np.quantile(steps, 0.5, method="lower"))
    twice = np.flatnonzero(steps < EVEN * max(usual, 1e-6))
    if usual <= 0 or len(twice):
        at = int(twice[0]) if len(twice) else 0
        raise Unreadable("dicom_same_place", slice=frames[at + 1].file, count=max(1, len(twice)))
    times = steps / usual
    whole = np.rint(times)
    if (np.abs(times - whole) > EVEN * whole).any() or (whole < 1).any():
        low, high = f"{steps.min():.3g}", f"{steps.max():.3g}"
        raise Unreadable("dicom_uneven", low=low, high=high)
    if (whole > 1).any():
        at = int(np.flatnonzero(whole > 1)[0])
        values = {"count": int((whole - 1).sum()), "before": frames[at].file, "after": frames[at + 1].file}
        raise Unreadable("dicom_missing_slices", **values)
    return float(steps.mean())


def _way(frames: Sequence[_Frame], normal: np.ndarray, step: float) -> np.ndarray:
    """Millimetres in the body from slice to slice; raises Unreadable where slices do not lie in one line. (3,)"""
    if len(frames) == 1:
        return normal * step
    corners = np.stack([frame.corner for frame in frames])
    way = (corners[-1] - corners[0]) / (len(frames) - 1)
    off = corners - corners[0] - np.arange(len(frames))[:, None] * way
    beside = np.linalg.norm(off - (off @ normal)[:, None] * normal, axis=1)
    if beside.max() > BESIDE * min(frames[0].spacing):
        worst = int(beside.argmax())
        raise Unreadable("dicom_beside", slice=frames[worst].file, apart=f"{beside[worst]:.3g}")
    return way


def _stacked(frames: Sequence[_Frame]) -> np.ndarray:
    """Measured values, as int16 where that is exact. (D, H, W)"""
    exact = all(frame.slope == int(frame.slope) and frame.intercept == int(frame.intercept) for frame in frames)
    exact = exact and all(frame.pixels.dtype.kind in "iu" for frame in frames)
    kind = np.int32 if exact else np.float32
    stored = np.empty((len(frames), *frames[0].pixels.shape), dtype=np.int16 if exact else np.float32)
    for place, frame in enumerate(frames):
        values = frame.pixels.astype(kind) * kind(frame.slope) + kind(frame.intercept)
        if exact and (values.min() < -(1 << 15) or values.max() >= 1 << 15):
            stored, exact = stored.astype(np.float32), False
        stored[place] = values
    return stored


def _pixels(found: Any, name: str) -> np.ndarray:
    """What was measured, as it is stored; raises Unreadable."""
    if not any(tag in found for tag in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        raise Unreadable("dicom_no_pixels", slice=name)
    if _whole(found.get("SamplesPerPixel", 1)) > 1:
        raise Unreadable("dicom_colour", slice=name)
    syntax = getattr(found.file_meta, "TransferSyntaxUID", None)
    if syntax is not None and syntax.is_compressed:
        _check_codec(syntax, name)
    try:
        return found.pixel_array
    except Exception as error:  # pydicom and its codecs raise what they like
        raise Unreadable("dicom_damaged", slice=name, detail=type(error).__name__) from None


def _check_codec(syntax: Any, name: str) -> None:
    """Raise Unreadable with the packages that could decode it, where none of them is here."""
    pixels = _library().pixels
    try:
        decoder = pixels.get_decoder(syntax)
    except NotImplementedError:
        raise Unreadable("dicom_codec", slice=name, syntax=syntax.name, needs="-") from None
    if not decoder.is_available:
        needs = "; ".join(decoder.missing_dependencies)
        raise Unreadable("dicom_codec", slice=name, syntax=syntax.name, needs=needs)


def _opened(file: Path) -> Any:
    pydicom = _library()
    try:
        return pydicom.dcmread(file)
    except FileNotFoundError:
        raise Unreadable("missing_file") from None
    except pydicom.errors.InvalidDicomError:
        raise Unreadable("not_dicom") from None
    except Exception as error:  # whatever a broken file brings about; its words may hold what stands in the file
        raise Unreadable("dicom_damaged", slice=file.name, detail=type(error).__name__) from None


def _is_name(name: str) -> bool:
    """Whether it may be somebody's: not empty, and none of the words that stand for nobody."""
    words = [word for word in name.lower().replace("^", " ").replace("_", " ").replace("=", " ").split() if word]
    return any(word not in NOBODY and not word.isdigit() for word in words)


def _told_apart(found: Any) -> Spacing:
    """How far apart slices, rows and columns are by a header; all 0 where it does not say."""
    try:
        rows, columns = (float(value) for value in found["PixelSpacing"].value)
        step = found.get("SpacingBetweenSlices") or found.get("SliceThickness") or 0.0
        return abs(float(step)) or columns, rows, columns
    except (KeyError, TypeError, ValueError):
        return 0.0, 0.0, 0.0


def _whole(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return 0


def _library() -> Any:
    """pydicom, which is an extra: loaded when the first file is opened. It prints none of what it finds in files."""
    try:
        import pydicom
        import pydicom.config
        import pydicom.pixels
    except ImportError:
        raise MachineError("data.no_volumes") from None
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    warnings.filterwarnings("ignore", module=r"pydicom\.")  # what is wrong with a file is said with its name, once
    return pydicom
