"""Scans that tests write: DICOM series, NIfTI files and arrays, with a body of known shape in them."""

import zlib

import numpy as np
import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

AXIAL = (1, 0, 0, 0, 1, 0)


def body(depth=12, height=20, width=24, seed=0, lesion=None):
    """An ellipsoid of tissue in air, in Hounsfield units, perhaps with a bright ball in it. int16 (D, H, W)"""
    rng = np.random.default_rng(seed)
    places = np.stack(np.meshgrid(*(np.linspace(-1, 1, n) for n in (depth, height, width)), indexing="ij"))
    inside = (places**2).sum(0) < 0.9
    values = np.where(inside, 40 + rng.normal(0, 12, inside.shape), -1000 + rng.normal(0, 5, inside.shape))
    if lesion is not None:
        near = sum(
            (np.arange(n) - at).reshape([-1 if axis == k else 1 for k in range(3)]) ** 2
            for axis, (n, at) in enumerate(zip((depth, height, width), lesion, strict=True))
        )
        values = np.where(near <= 9, 400, values)
    return values.round().astype(np.int16)


def uid(*what):
    """A UID of these words."""
    return f"1.2.826.0.1.3680043.8.498.{zlib.crc32(repr(what).encode())}"


def write_slice(
    file,
    pixels,
    *,
    position=(0, 0, 0),
    ways=AXIAL,
    spacing=(0.7, 0.5),
    series="1",
    patient="P1",
    name="",
    number=1,
    slope=1,
    intercept=-1024,
    **more,
):
    """One DICOM file; what is stored is measured - intercept."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = uid(patient, series, number, str(file))
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    found = FileDataset(str(file), {}, file_meta=meta, preamble=b"\0" * 128)
    found.SOPClassUID, found.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    found.StudyInstanceUID, found.SeriesInstanceUID = uid(patient), uid(patient, series)
    found.PatientID, found.PatientName, found.Modality = patient, name, more.pop("Modality", "CT")
    found.InstanceNumber = number
    found.ImagePositionPatient, found.ImageOrientationPatient = list(map(float, position)), list(map(float, ways))
    found.PixelSpacing, found.SliceThickness = list(spacing), 2.0
    if pixels is not None:
        found.RescaleSlope, found.RescaleIntercept = slope, intercept
        found.Rows, found.Columns = pixels.shape
        found.SamplesPerPixel, found.PhotometricInterpretation = 1, "MONOCHROME2"
        found.BitsAllocated, found.BitsStored, found.HighBit, found.PixelRepresentation = 16, 16, 15, 0
        found.PixelData = np.ascontiguousarray((pixels.astype(np.int32) - intercept).astype(np.uint16)).tobytes()
    for field, value in more.items():
        setattr(found, field, value)
    file.parent.mkdir(parents=True, exist_ok=True)
    pydicom.dcmwrite(file, found, enforce_file_format=True)
    return file


def write_series(folder, values, *, step=2.0, order=None, leave_out=(), prefix="IM", **more):
    """A series with its slices up the body, in files whose names follow `order` and not the place."""
    order = order if order is not None else np.random.default_rng(1).permutation(len(values))
    files = []
    for number, place in enumerate(order):
        if place not in leave_out:
            file = folder / f"{prefix}{number:03d}.dcm"
            files.append(write_slice(file, values[place], position=(-10, -20, 5 + step * place), number=number, **more))
    return files
