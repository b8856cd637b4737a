"""Folders of scans: series are told apart, patients are never on both sides of a split, nobody's name is told."""

import json
from contextlib import suppress

import nibabel
import numpy as np
import pydicom
import pytest

from deepglass.cli.main import main
from deepglass.data.check import report
from deepglass.data.files import open_inputs
from deepglass.data.recognise import recognise, recognised, survey
from deepglass.data.settings import DataSettings
from deepglass.data.source import Unreadable
from deepglass.data.split import parts_of
from deepglass.foundation.errors import DataError
from tests.data.volumes import body, write_series, write_slice


def ask(place, **settings):
    return recognise(str(place), DataSettings(**settings))


def scans(root, patients=6, **more):
    """Two classes, each patient with a DICOM series in one and an array in the other."""
    for patient in range(patients):
        write_series(root / "clear" / f"p{patient}", body(4, seed=patient), patient=f"ID{patient}", **more)
        folder = root / "lesion" / f"p{patient}"
        write_series(folder, body(4, seed=90 + patient), patient=f"ID{patient}", **more)
    return root


def told(source, kind):
    return [(one["file"], one["reason"]) for one in report(source.findings) if one["kind"] == kind]


def test_a_series_is_one_example_and_its_folder_names_it(tmp_path):
    source = ask(scans(tmp_path))
    assert (source.layout, source.task, source.index.kind) == ("volumes", "classify", "volume")
    assert source.index.ids[:2] == ["clear/p0", "clear/p1"] and len(source.index) == 12
    assert np.array_equal(source.read(7).slices(0, 4), body(4, seed=91))
    found = survey(source, 0)
    assert (found.width, found.height, found.channels, found.counts) == (24, 20, (4,), {"clear": 6, "lesion": 6})
    assert found.spacing == pytest.approx((2.0, 0.7, 0.5))
    match = recognised(str(tmp_path), DataSettings())
    assert match.sentence() == "class folders of volumes with 2 classes; task classify"


def test_a_patient_is_never_on_both_sides_and_stays_unnamed(tmp_path):
    source = ask(scans(tmp_path, 12, name="Smith^John"))
    parts = list(parts_of(source.index, DataSettings(val=0.25, test=0.25)))
    assert set(parts) == {"train", "val", "test"}
    assert parts[:12] == parts[12:]  # the same patients in the other class
    assert source.index.groups[0] == "patient 1" and len(set(source.index.groups)) == 12
    everything = json.dumps([report(source.findings), source.index.ids, list(source.index.groups)])
    assert "Smith" not in everything and "ID3" not in everything
    named = told(source, "patient_names")
    assert len(named) == 1 and not named[0][0]  # said once, whatever number of folders there is
    assert named[0][1].startswith("96 of 96 DICOM files carry a patient's name, clear/p0/IM000.dcm first.")
    assert told(source, "by_patient") == [("", "24 volumes of 12 patients; all of a patient's lie in one part.")]


def test_series_in_one_folder_are_separate_and_two_patients_are_told_of(tmp_path):
    for name in ("clear", "lesion"):
        write_series(tmp_path / name, body(4), patient="A", series="1", prefix="A")
        write_series(tmp_path / name, body(4, seed=2), patient="A", series="2", prefix="B")
        write_series(tmp_path / name, body(4, seed=3), patient="B", series="3", prefix="C")
    source = ask(tmp_path)
    assert source.index.ids[:3] == ["clear#1", "clear#2", "clear#3"]
    assert source.index.groups[:3] == ["patient 1", "patient 1", "patient 2"]
    assert np.array_equal(source.read(1).slices(0, 4), body(4, seed=2))
    assert told(source, "series_apart")[0] == ("clear", "3 series lie in this folder; each is taken for itself.")
    assert told(source, "two_patients")[0][1].startswith("Slices of 2 patients lie in this folder.")


def test_files_of_nifti_and_arrays_and_the_folder_of_their_patient(tmp_path):
    for name in ("clear", "lesion"):
        for patient in range(4):
            folder = tmp_path / name / f"p{patient}"
            folder.mkdir(parents=True)
            nibabel.Nifti1Image(body(4).T, np.eye(4)).to_filename(folder / "a.nii.gz")
            np.savez(folder / "b.npz", values=body(4))
    (tmp_path / "clear" / "notes.txt").write_text("of no use")
    source = ask(tmp_path)
    assert source.index.ids[:2] == ["clear/p0/a.nii.gz", "clear/p0/b.npz"]
    assert source.index.groups[:3] == ["patient 1", "patient 1", "patient 2"]
    assert told(source, "stray_files")[0][0] == "clear"
    changed = source.fingerprint()
    np.savez(tmp_path / "clear" / "p0" / "b.npz", values=body(5))
    assert ask(tmp_path).fingerprint() != changed


def test_parts_may_be_given(tmp_path):
    scans(tmp_path / "train", 3)
    scans(tmp_path / "test", 1)
    source = ask(tmp_path)
    assert source.index.parts == ["test"] * 2 + ["train"] * 6 and source.index.labels[:2] == ["clear", "lesion"]


def test_a_lone_folder_of_patients_is_not_taken_for_classes(tmp_path):
    for patient in range(3):
        write_series(tmp_path / "clear" / f"p{patient}", body(4, seed=patient), patient=f"ID{patient}")
    with pytest.raises(DataError, match="holds one folder of volumes, clear") as refused:
        ask(tmp_path)
    assert "If they are patients, clear is one class only" in str(refused.value)


def test_one_patient_is_no_split(tmp_path):
    source = ask(scans(tmp_path, 1))
    assert not len(source.index.groups) and told(source, "one_patient")[0][1].startswith("All 2 volumes are of one")


def test_broken_examples_are_named_and_nothing_takes_their_place(tmp_path):
    scans(tmp_path, 3, order=range(4))
    (tmp_path / "clear" / "p0" / "IM002.dcm").unlink()
    (tmp_path / "clear" / "p1" / "IM002.dcm").write_text("no scan at all")
    write_slice(tmp_path / "clear" / "p2" / "report.dcm", None, patient="ID2", position=(0, 0, 50))
    source = ask(tmp_path)
    reasons = {}
    for row, id in enumerate(source.index.ids):
        try:
            source.read(row)
        except Unreadable as reason:
            reasons[id] = reason.reason
    assert reasons == {
        "clear/p0": "dicom_missing_slices",
        "clear/p1": "dicom_missing_slices",
        "clear/p1/IM002.dcm": "not_dicom",
        "clear/p2": "dicom_no_pixels",
    }


def test_check_names_what_is_broken_and_nobody(tmp_path, capsys):
    scans(tmp_path, 4, order=range(4), name="Smith^John")
    (tmp_path / "clear" / "p0" / "IM001.dcm").unlink()
    other = tmp_path / "clear" / "p1"  # a slice of another patient in the same series
    uids = pydicom.dcmread(other / "IM000.dcm")
    more = {name: uids[name].value for name in ("StudyInstanceUID", "SeriesInstanceUID")}
    write_slice(other / "X.dcm", body(4)[0], patient="ID9", position=(-10, -20, 13), **more)
    for file in (tmp_path / "clear" / "p2").iterdir():
        write_slice(file, None, patient="ID2")  # reports in the place of pictures
    whole = tmp_path / "lesion" / "p3" / "IM003.dcm"
    whole.write_bytes(whole.read_bytes()[:-100])
    with suppress(SystemExit):
        main(["--lang", "en", "check", str(tmp_path)])
    said = " ".join(capsys.readouterr().out.split())
    for words in (
        "1 slice is missing, the first between IM000.dcm and IM002.dcm.",
        "The slices of this series are of 2 patients.",
        "is DICOM without a picture: a report, a plan or a list.",
        "IM003.dcm is damaged (ValueError).",
        "Slices of 2 patients lie in this folder.",
    ):
        assert words in said, words
    assert "Smith" not in said and "ID9" not in said and "ID2" not in said


def test_what_is_asked_about_is_found_as_it_was_for_training(tmp_path):
    scans(tmp_path, 2)
    ids = [one.id for one in open_inputs(str(tmp_path / "clear"), "volume", ())]
    assert ids == [str(tmp_path / "clear" / f"p{patient}") for patient in range(2)]
    (alone,) = open_inputs(str(tmp_path / "clear" / "p1"), "volume", ())
    assert alone.id == str(tmp_path / "clear" / "p1") and np.array_equal(alone.raw.slices(0, 4), body(4, seed=1))
    first, second = open_inputs(np.stack([body(4), body(4, seed=1)]), "volume", ())
    assert (first.id, second.raw.shape) == ("0", (4, 20, 24)) and not first.raw.hounsfield
    assert next(open_inputs([np.zeros((4, 5))], "volume", ())).error().startswith("The values have the shape 4 x 5")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no volume: no DICOM slices"):
        list(open_inputs(str(tmp_path / "empty"), "volume", ()))
