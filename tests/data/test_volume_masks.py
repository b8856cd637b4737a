"""Volumes with masks: paired by name in every usual layout, named where the two do not go together."""

import json

import nibabel
import numpy as np
import pytest

from deepglass.data.check import report
from deepglass.data.recognise import recognise, recognised
from deepglass.data.settings import DataSettings
from deepglass.data.source import Unreadable
from deepglass.foundation.errors import DataError
from tests.data.volumes import body

AFFINE = np.diag((-1.0, -1.0, 2.0, 1.0))


def write(file, values, affine=AFFINE):
    file.parent.mkdir(parents=True, exist_ok=True)
    nibabel.Nifti1Image(values.transpose(2, 1, 0), affine).to_filename(file)


def pair(root, name, scans="images", masks="labels", ending=".nii.gz", classes=2):
    values = body(6, seed=len(name))
    write(root / scans / f"{name}{ending}", values)
    write(root / masks / f"{name.removesuffix('_0000')}{ending}", ((values > -500) * (classes - 1)).astype(np.uint8))


def ask(place):
    return recognise(str(place), DataSettings())


@pytest.mark.parametrize(
    ("scans", "masks", "names"),
    [
        ("images", "labels", "a b"),
        ("imagesTr", "labelsTr", "liver_1 liver_2"),
        ("imagesTr", "labelsTr", "x_0000 y_0000"),
    ],
)
def test_every_usual_layout_is_recognised(tmp_path, scans, masks, names):
    for name in names.split():
        pair(tmp_path, name, scans, masks)
    source = ask(tmp_path)
    assert (source.layout, source.task, source.index.kind) == ("volume_masks", "segment", "volume")
    assert source.index.classes == ("background", "object") and len(source.index) == 2
    assert recognised(str(tmp_path), DataSettings()).sentence() == "volumes with masks, 2 of them; task segment"
    scan = source.read(0)
    assert np.array_equal(scan.mask, scan.slices(0, 6) > -500) and scan.mask.dtype == np.uint8


def test_parts_and_names_of_classes_are_given(tmp_path):
    for part in ("train", "test"):
        pair(tmp_path / part, "a", classes=3)
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": {"background": 0, "liver": 1, "tumour": 2}}))
    source = ask(tmp_path)
    assert source.index.parts == ["test", "train"] and source.index.classes == ("background", "liver", "tumour")
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": {"0": "air", "1": "liver", "2": "tumour"}}))
    assert ask(tmp_path).index.classes == ("air", "liver", "tumour")
    (tmp_path / "dataset.json").unlink()
    assert ask(tmp_path).index.classes == ("background", "1", "2")


def test_masks_that_do_not_go_with_their_volume_are_named(tmp_path):
    for name in "abcde":
        pair(tmp_path, name)
    write(tmp_path / "labels" / "a.nii.gz", np.zeros((5, 20, 24), np.uint8))
    write(
        tmp_path / "labels" / "b.nii.gz",
        np.zeros((6, 20, 24), np.uint8),
        AFFINE + np.array([[0, 0, 0, 9]] * 3 + [[0] * 4]),
    )
    write(tmp_path / "labels" / "c.nii.gz", np.full((6, 20, 24), 0.5, np.float32))
    write(tmp_path / "labels" / "d.nii.gz", np.full((6, 20, 24), 255, np.uint8))
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": {"0": "no", "1": "yes"}}))
    write(tmp_path / "images" / "alone.nii.gz", body(6))
    source = ask(tmp_path)
    reasons = []
    for row in range(4):
        try:
            reasons.append(source.read(row).mask.max())
        except Unreadable as reason:
            reasons.append((reason.reason, reason.values["at"]))
    assert reasons == [
        ("mask_size", "labels/a.nii.gz"),
        ("volume_mask_elsewhere", "labels/b.nii.gz"),
        ("volume_mask_shades", "labels/c.nii.gz"),
        255,
    ]
    write(tmp_path / "labels" / "e.nii.gz", np.full((6, 20, 24), 7, np.uint8))
    with pytest.raises(Unreadable, match="volume_mask_classes"):
        ask(tmp_path).read(4)
    (alone,) = [one for one in report(source.findings) if one["kind"] == "volume_without_mask"]
    assert alone["reason"] == "Volumes without a mask of their name are left out: 1 (images/alone.nii.gz)."


def test_the_fingerprint_follows_the_masks(tmp_path):
    pair(tmp_path, "a")
    before = ask(tmp_path).fingerprint()
    write(tmp_path / "labels" / "a.nii.gz", np.zeros((6, 20, 24), np.uint8))
    assert ask(tmp_path).fingerprint() != before


def test_the_fingerprint_follows_the_classes(tmp_path):
    """Another order of the same names in dataset.json makes other answers of the same masks."""
    pair(tmp_path, "a")
    told = set()
    for labels in (None, {"0": "air", "1": "body"}, {"0": "body", "1": "air"}, {"0": "air", "1": "body", "2": "lung"}):
        if labels is not None:
            (tmp_path / "dataset.json").write_text(json.dumps({"labels": labels}))
        told.add(ask(tmp_path).fingerprint())
    assert len(told) == 4


def test_255_is_the_object_where_no_mask_holds_another_number(tmp_path):
    for name in ("a", "b", "c"):
        pair(tmp_path, name, classes=256)
    source = ask(tmp_path)
    scan = source.read(0)
    assert source.index.classes == ("background", "object")
    assert np.array_equal(scan.mask, scan.slices(0, 6) > -500) and not scan.notes
    pair(tmp_path, "d")  # here 1 is the object: what 255 is elsewhere can only be "do not care"
    mixed = ask(tmp_path)
    assert set(np.unique(mixed.read(0).mask)) == {0, 255} and mixed.read(0).notes == ("mask_unknown",)
    assert not mixed.read(3).notes and mixed.fingerprint() != source.fingerprint()
    write(tmp_path / "labels" / "d.nii.gz", np.zeros((6, 20, 24), np.uint8))
    write(tmp_path / "labels" / "e.nii.gz", np.zeros((6, 20, 24), np.uint8))
    source = ask(tmp_path)
    assert source.read(3).notes == ("mask_empty",) and source.read(0).mask.max() == 1
    told = [one["reason"] for one in report(source.findings)]
    assert told == ["Masks without a volume of their name, which were left out: 1 (labels/e.nii.gz)."]


def test_masks_of_other_data_get_the_numbers_that_a_network_knows_its_classes_by(tmp_path):
    for part in ("train", "test"):
        pair(tmp_path / part, "a", classes=3)
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": {"0": "air", "1": "lung", "2": "body"}}))
    source = ask(tmp_path)
    other = source.numbered_as(("air", "body", "liver", "lung"))
    own, found = source.read(0).mask, other.read(0).mask
    assert set(np.unique(own)) == {0, 2} and np.array_equal(found, np.where(own == 2, 1, 0))
    assert other.index.classes == ("air", "body", "liver", "lung") and other.fingerprint() != source.fingerprint()
    with pytest.raises(DataError, match="lung"):
        source.numbered_as(("air", "body"))
