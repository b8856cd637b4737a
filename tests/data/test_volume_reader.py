"""Volumes are put together by place and not by name, turned to one order, and refused where something is missing."""

import warnings
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepglass.data.check import sentence
from deepglass.data.readers.dicom import look, series_of
from deepglass.data.readers.nifti import write_mask
from deepglass.data.readers.volume import Cube, Grid, Scan, at_spacing, resample, resampled_mask, turned
from deepglass.data.readers.volume_file import is_volume, read_volume, size_of, spacing_of
from deepglass.data.source import Finding, Unreadable
from tests.data.volumes import body, uid, write_series, write_slice


def measured(scan):
    return scan.slices(0, scan.shape[0])


def refused(files):
    with pytest.raises(Unreadable) as reason:
        read_volume(files)
    return sentence(Finding("unreadable", "warning", "", {**reason.value.values, "why": reason.value.reason}), "en")


def test_slices_stand_in_the_order_of_the_body_whatever_their_files_are_called(tmp_path):
    values = body()
    files = write_series(tmp_path, values)
    scan = read_volume(files)
    assert np.array_equal(measured(scan), values) and scan.hounsfield and scan.stored.dtype == np.int16
    assert scan.spacing == pytest.approx((2.0, 0.7, 0.5))
    assert scan.affine @ (3, 4, 5, 1) == pytest.approx((-10 + 5 * 0.5, -20 + 4 * 0.7, 5 + 3 * 2.0, 1))
    assert size_of(files) == (24, 20, 12) and spacing_of(files) == pytest.approx((2.0, 0.7, 0.5))


def test_a_series_from_the_head_down_or_from_the_side_lies_as_every_other(tmp_path):
    values = body()
    assert np.array_equal(
        measured(read_volume(write_series(tmp_path / "down", values[::-1], step=-2.0)))[:, 0], values[:, 0]
    )
    side = np.ascontiguousarray(values.transpose(2, 0, 1)[:, ::-1])  # slices to the left, rows from the head down
    files = [
        write_slice(tmp_path / f"{n}.dcm", one, position=(n * 0.5, 0, 22), ways=(0, 1, 0, 0, 0, -1), spacing=(2.0, 0.7))
        for n, one in enumerate(side)
    ]
    scan = read_volume(files)
    assert np.array_equal(measured(scan), values) and scan.spacing == pytest.approx((2.0, 0.7, 0.5))


def test_slices_of_a_tilted_scanner_lie_in_the_body_where_they_say(tmp_path):
    values, lean = body(), np.radians(20)
    ways = (1, 0, 0, 0, np.cos(lean), np.sin(lean))  # rows go up to the back, the table moves straight up
    places = [(-10, -20, 5 + 2.0 * n) for n in range(12)]
    files = [
        write_slice(tmp_path / f"{n}.dcm", one, position=place, ways=ways)
        for n, (one, place) in enumerate(zip(values, places, strict=True))
    ]
    scan = read_volume(files)
    assert scan.notes == ("tilted",) and np.array_equal(measured(scan), values)
    assert scan.affine @ (11, 0, 0, 1) == pytest.approx((*places[11], 1))
    assert scan.affine @ (0, 4, 5, 1) == pytest.approx((-7.5, -20 + 2.8 * np.cos(lean), 5 + 2.8 * np.sin(lean), 1))
    aside = write_slice(tmp_path / "4.dcm", values[4], position=(-10 + 0.8, -20, 13.0), ways=ways)
    assert refused([*files[:4], aside, *files[5:]]).startswith(
        "4.dcm lies 0.8 mm beside the line of the other slices. "
    )


def test_values_are_rescaled_and_kept_exactly_where_whole_numbers_do(tmp_path):
    values = np.array([[-1000, 0], [40, 3000]], dtype=np.int16)
    whole = read_volume([write_slice(tmp_path / "a.dcm", values, slope=2, intercept=-1024)])
    assert measured(whole).tolist() == [[[-976, 1024], [1104, 7024]]] and whole.notes == ("one_slice",)
    parts = read_volume([write_slice(tmp_path / "b.dcm", values, slope=0.5, intercept=-1024)])
    assert parts.stored.dtype == np.float32 and measured(parts)[0, 1, 0] == 0.5 * (40 + 1024) - 1024
    outside = np.full((2, 2), -2000, dtype=np.int16)
    assert (measured(read_volume([write_slice(tmp_path / "c.dcm", outside, intercept=-3000)])) == -1024).all()
    magnet = read_volume([write_slice(tmp_path / "d.dcm", outside, intercept=-3000, Modality="MR")])
    assert (measured(magnet) == -2000).all() and not magnet.hounsfield


def test_missing_doubled_and_uneven_slices_are_named(tmp_path):
    values = body()
    said = refused(write_series(tmp_path / "a", values, order=range(12), leave_out=(4, 5, 9)))
    assert said == "3 slices are missing, the first between IM003.dcm and IM006.dcm. Export the series again, whole."
    files = write_series(tmp_path / "b", values, order=range(12))
    again = write_slice(tmp_path / "b" / "again.dcm", values[3], position=(-10, -20, 11))
    assert "lies where another slice does (1 such pairs): two scans in one series" in refused([*files, again])
    odd = write_slice(tmp_path / "c" / "odd.dcm", values[3], position=(-10, -20, 28.2))
    assert refused([*write_series(tmp_path / "c", values), odd]) == (
        "The slices are 1.2 to 2 mm apart, and not by whole steps. Resample the series to even slices."
    )


def test_what_is_no_part_of_a_volume_is_named(tmp_path):
    values = body()
    files = write_series(tmp_path, values, order=range(12))

    def with_one(**more):
        pixels = more.pop("pixels", values[0])
        return refused(
            [*files, write_slice(tmp_path / "other" / "X.dcm", pixels, **{"position": (-10, -20, 29)} | more)]
        )

    assert with_one(pixels=None).startswith("X.dcm is DICOM without a picture: a report, a plan or a list.")
    assert with_one(pixels=values[0][:, :9]).startswith("X.dcm has 20 x 9 pixels, the first slice 20 x 24.")
    assert with_one(ways=(0, 1, 0, 0, 0, -1)).startswith("X.dcm lies in another plane, or has other pixels")
    assert with_one(spacing=(0.9, 0.9)).startswith("X.dcm lies in another plane")
    assert with_one(patient="P2") == (
        "The slices of this series are of 2 patients. Separate them, each patient in a folder of its own."
    )
    assert with_one(ImagePositionPatient=None).startswith("X.dcm does not say where in the body it lies")
    assert with_one(SamplesPerPixel=3).startswith("X.dcm is in colour: a picture of a screen")


def test_files_that_are_broken_or_something_else(tmp_path):
    whole = write_slice(tmp_path / "a.dcm", body()[0])
    cut = tmp_path / "cut.dcm"
    cut.write_bytes(whole.read_bytes()[:-40])
    assert refused([cut]).startswith("cut.dcm is damaged (ValueError).")
    (tmp_path / "text.dcm").write_text("no scan at all")
    assert refused([tmp_path / "text.dcm"]).startswith("The file is not DICOM, whatever its name says.")
    (tmp_path / "b.nii").write_text("no scan at all")
    assert refused([tmp_path / "b.nii"]).startswith("The file is not NIfTI")
    (tmp_path / "empty.nii").touch()
    assert refused([tmp_path / "empty.nii"]).startswith("The file is empty")
    for name in ("cut.nii", "cut.nii.gz"):
        noise = np.random.default_rng(0).integers(-1000, 1000, (30, 20, 12)).astype(np.int16)
        nibabel.Nifti1Image(noise, np.eye(4)).to_filename(tmp_path / name)
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:-2000])
        assert refused([tmp_path / name]).startswith(("The file is cut short", "The file is damaged"))
    np.savez(tmp_path / "names.npz", mean=np.zeros(3))
    assert "The file holds mean, but no volume. Name the array values" in refused([tmp_path / "names.npz"])
    np.savez(tmp_path / "flat.npz", values=np.zeros((3, 4)))
    assert refused([tmp_path / "flat.npz"]).startswith("The values have the shape 3 x 4; a volume has three axes")
    np.savez(tmp_path / "apart.npz", values=np.zeros((2, 3, 4)), spacing=[0, 1, 1])
    assert "0, 1, 1 mm apart, which cannot be" in refused([tmp_path / "apart.npz"])
    np.savez(tmp_path / "holes.npz", values=np.full((2, 3, 4), np.nan))
    with pytest.raises(Unreadable, match="volume_not_finite"):
        Cube(2, 3, 4)(read_volume([tmp_path / "holes.npz"]))


def sample(name):
    return [Path(pydicom.data.get_testdata_file(name, download=False))]


@pytest.mark.parametrize("name", ["MR_small_RLE.dcm", "MR_small_bigendian.dcm", "MR_small_implicit.dcm"])
def test_other_syntaxes_give_the_same_numbers(name):
    assert np.array_equal(measured(read_volume(sample(name))), measured(read_volume(sample("MR_small.dcm"))))


def test_a_compressed_file_names_what_could_decode_it(monkeypatch):
    decoder = pydicom.pixels.get_decoder(pydicom.uid.JPEGLSLossless)
    monkeypatch.setattr(type(decoder), "is_available", False)
    said = refused(sample("MR_small_jpeg_ls_lossless.dcm"))
    assert "is compressed as JPEG-LS Lossless Image Compression, and nothing here can decode it." in said
    assert "pylibjpeg" in said


def test_nobodys_name_is_in_what_is_said_of_a_file(tmp_path):
    named = look(write_slice(tmp_path / "a.dcm", body()[0], name="Smith^John", BurnedInAnnotation="YES"))
    assert named.named and named.burned
    for nobody in ("", "Anonymous", "ANON^12", "Patient_003"):
        assert not look(write_slice(tmp_path / "b.dcm", body()[0], name=nobody)).named
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # pydicom's warnings quote what stands in a file
        long = write_slice(tmp_path / "c.dcm", body()[0], name="Smith^John")
        content = long.read_bytes().replace(b"2.0 ", b"Smith")[:-30]
        (tmp_path / "d.dcm").write_bytes(content)
        assert "Smith" not in refused([tmp_path / "d.dcm"])


@pytest.mark.parametrize("side", [7, 8])
def test_a_volume_thinner_than_a_place_of_the_network_is_still_seen(side):
    flat = Scan(np.full((1, 64, 64), 5, np.int16), (1.0, 1.0, 1.0), np.eye(4))
    seen = Cube(side, side, side)(flat)[0]
    assert (seen == 5).all()  # its own lowest value outside of it, and no index out of bounds
    grids = Cube(side, side, side).grids(flat)
    places = [grid.inside(size).sum() for grid, size in zip(grids, flat.shape, strict=True)]
    assert places == [1, side, side]


def test_what_the_library_warns_of_is_not_printed(tmp_path):
    file = write_slice(tmp_path / "a.dcm", body()[0])
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        look(file)
        warnings.warn_explicit("End of file reached", UserWarning, "filereader.py", 1, "pydicom.filereader")
    assert not said


def test_a_mask_that_was_drawn_over_a_scan_is_no_scan(tmp_path):
    file = write_slice(tmp_path / "a.dcm", body()[0], Modality="SEG")
    assert refused([file]).startswith("a.dcm is a mask that was drawn over a scan (DICOM SEG), and no scan.")


def test_series_are_told_apart(tmp_path):
    first = write_series(tmp_path, body(4), prefix="A", series="1")
    second = write_series(tmp_path, body(4), prefix="B", series="2")
    mixed = [look(file) for pair in zip(first, second, strict=True) for file in pair]
    assert [[one.file for one in each] for each in series_of(mixed)] == [first, second]
    assert uid("P1", "1") != uid("P1", "2")


def test_nifti_lies_as_the_dicom_that_it_was_made_of(tmp_path):
    values = body()
    affine = np.diag((-0.5, -0.7, 2.0, 1.0))  # to the right, to the front, up
    for name in ("scan.nii", "scan.nii.gz"):
        nibabel.Nifti1Image(values.transpose(2, 1, 0), affine).to_filename(tmp_path / name)
        scan = read_volume([tmp_path / name])
        assert np.array_equal(measured(scan), values) and scan.spacing == pytest.approx((2.0, 0.7, 0.5))
        assert size_of([tmp_path / name]) == (24, 20, 12)
        assert spacing_of([tmp_path / name]) == pytest.approx((2.0, 0.7, 0.5))
    assert isinstance(read_volume([tmp_path / "scan.nii"]).stored, np.memmap)
    scaled = nibabel.Nifti1Image(values.transpose(2, 1, 0), affine)
    scaled.header.set_slope_inter(2.0, 10.0)
    scaled.to_filename(tmp_path / "scaled.nii")
    assert np.array_equal(measured(read_volume([tmp_path / "scaled.nii"])), 2 * values + 10)
    write_mask((values > 0).astype(np.uint8), scan.affine, tmp_path / "mask.nii.gz")
    assert np.array_equal(measured(read_volume([tmp_path / "mask.nii.gz"])), values > 0)


def test_arrays_keep_spacing_and_are_mapped_where_they_are_not_compressed(tmp_path):
    values = body()
    np.savez(tmp_path / "a.npz", values=values, spacing=[2, 0.7, 0.5])
    np.savez_compressed(tmp_path / "b.npz", volume=values.astype(np.float32))
    first, second = read_volume([tmp_path / "a.npz"]), read_volume([tmp_path / "b.npz"])
    assert isinstance(first.stored, np.memmap) and not isinstance(second.stored, np.memmap)
    assert np.array_equal(measured(first), values) and np.array_equal(measured(second), values)
    assert first.spacing == (2, 0.7, 0.5) and second.spacing == (1, 1, 1)
    assert spacing_of([tmp_path / "a.npz"]) == (2, 0.7, 0.5)
    (tmp_path / "c.dcm").write_text("no scan at all")
    unspaced = write_slice(tmp_path / "d.dcm", None, PixelSpacing=None)
    assert spacing_of([tmp_path / "c.dcm"]) == spacing_of([unspaced]) == (0, 0, 0)


def test_what_is_a_volume_goes_by_names_and_marks(tmp_path):
    (write_slice(tmp_path / "x.dcm", body()[0])).rename(tmp_path / "IM0001")
    (tmp_path / "README").write_text("x" * 300)
    names = ("IM0001", "README", "a.nii.gz", "a.nii", "a.dcm", "a.npz", "a.png", "gone")
    assert [is_volume(tmp_path, name) for name in names] == [True, False, True, True, True, True, False, False]


@settings(max_examples=60, deadline=None)
@given(st.permutations(range(3)), st.lists(st.booleans(), min_size=3, max_size=3))
def test_every_way_of_storing_gives_the_same_scan(order, mirrored):
    values = np.arange(24).reshape(2, 3, 4)
    upright = turned(values, np.array([(0, 0, 0.5, 1), (0, 0.7, 0, 2), (2.0, 0, 0, 3), (0, 0, 0, 1)]))
    flips = tuple(slice(None, None, -1 if flip else 1) for flip in mirrored)
    stored = values.transpose(order)[flips]
    affine = upright.affine.copy()
    affine[:3, :3] = upright.affine[:3, list(order)]
    for axis, flip in enumerate(mirrored):
        if flip:
            affine[:3, 3] += affine[:3, axis] * (stored.shape[axis] - 1)
            affine[:3, axis] *= -1
    found = turned(stored, affine)
    assert np.array_equal(found.stored, values) and found.affine == pytest.approx(upright.affine)
    assert found.spacing == pytest.approx(upright.spacing)


def plain(values, spacing=(1.0, 1.0, 1.0)):
    return Scan(np.asarray(values, np.float32), spacing, np.diag((*spacing, 1.0)))


def test_a_cube_of_the_own_size_is_the_volume_itself():
    values = body().astype(np.float32)
    for fit in ("pad", "crop", "stretch"):
        assert np.array_equal(Cube(12, 20, 24, fit=fit)(plain(values))[0], values)


def test_proportions_are_kept_and_what_is_outside_is_the_lowest_value():
    values = np.full((8, 8, 8), 5.0)
    values[0, 0, 0] = -3
    thick = plain(values, (2.0, 1.0, 1.0))  # twice as tall as wide
    padded = Cube(8, 8, 8)(thick)[0]
    assert (padded[:, 2:6, 2:6] > 4).mean() > 0.9
    assert (padded[:, :, [0, 1, 6, 7]] == -3).all() and (padded[:, [0, 1, 6, 7]] == -3).all()
    assert (Cube(8, 8, 8, fit="crop")(thick)[0] > 4).all()
    assert Cube(4, 4, 4, spacing=4.0)(thick)[0, 1:3, 1:3, 1:3].min() > 3


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=3, max_size=3), st.floats(0.3, 3.0))
def test_straight_slopes_stay_straight_between_and_means_over_longer_steps(shape, step):
    z, y, x = np.meshgrid(*map(np.arange, shape), indexing="ij")
    grids = [Grid(max(1, round((n - 1) / step)), step, 0.0) for n in shape]
    found = resample(plain(z + 10 * y - x), grids)
    if step <= 1:
        at = np.meshgrid(*(step * np.arange(grid.count) for grid in grids), indexing="ij")
        assert found == pytest.approx(at[0] + 10 * at[1] - at[2], abs=1e-3)
    assert found.shape == tuple(grid.count for grid in grids)
    assert resample(plain(np.full(shape, 7.0)), grids) == pytest.approx(7.0)


def test_a_resampled_scan_says_where_it_lies_and_is_worked_out_slab_by_slab(monkeypatch):
    scan = turned(body(), np.array([(0, 0, 0.5, 1), (0, 0.7, 0, 2), (2.0, 0, 0, 3), (0, 0, 0, 1)]))
    found = at_spacing(scan, (1.0, 1.0, 1.0))
    assert found.shape == (24, 14, 12)
    assert np.linalg.norm(found.affine[:3, :3], axis=0) == pytest.approx((1, 1, 1))
    middles = [one.affine @ (*((np.array(one.shape) - 1) / 2), 1) for one in (scan, found)]
    assert middles[0] == pytest.approx(middles[1])
    whole = resample(scan, found.grids)
    monkeypatch.setattr("deepglass.data.readers.volume.AT_ONCE", 5 * 14 * 12)
    slabs = list(found.slabs())
    assert [start for start, _ in slabs] == [0, 5, 10, 15, 20]
    assert np.concatenate([slab for _, slab in slabs]) == pytest.approx(whole, abs=1e-3)
    mask = (body() > 0).astype(np.uint8)
    grids = Cube(12, 20, 24).grids(scan)
    assert resampled_mask(mask, grids, 255).shape == (12, 20, 24) and (resampled_mask(mask, grids, 255) == 255).any()


def test_slices_that_do_not_count_are_not_read():
    values = np.zeros((100, 4, 4), np.float32)
    values[:40] = np.nan  # would be refused
    assert not Cube(8, 4, 4, spacing=1.0)(plain(values)).any()
