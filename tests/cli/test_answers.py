"""What predict prints and writes: moments with their times, things in volumes in a table that is read back."""

import csv
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from deepglass.cli.predict import (  # pyright: ignore[reportPrivateUsage]
    _check_folder,
    _check_settings,
    _said,
    _writer,
)
from deepglass.data.recognise import recognise
from deepglass.data.settings import DataSettings
from deepglass.data.sources.volumes import VolumeFiles
from deepglass.foundation.errors import UsageError
from deepglass.foundation.words import speaking
from deepglass.tasks.detect_volumes import DetectVolumes

MOMENTS = [
    {"label": "cat", "start": 2.0, "end": 3.5, "confidence": 0.42},
    {"label": "dog", "start": 0.25, "end": 79.0, "confidence": 0.9},
]
BALL = {"label": "nodule", "confidence": 0.876, "middle": [-3.5, 12.0, 44.25], "size": 8.1}


def test_moments_are_printed_with_their_times() -> None:
    with speaking("en"):
        lines = _said({"id": "a.mp4", "prediction": ["cat", "dog"], "moments": MOMENTS}, brief=False)
        assert lines == ["a.mp4: cat, dog", "  0:02.0 – 0:03.5  cat (42 %)", "  0:00.2 – 1:19.0  dog (90 %)"]
        assert not _said({"id": "a.mp4", "prediction": ["cat", "dog"], "moments": MOMENTS}, brief=True)


def test_things_in_volumes_are_printed_with_their_places() -> None:
    with speaking("en"):
        answer = {"id": "a.nii", "prediction": ["nodule"], "balls": [BALL]}
        assert _said(answer, brief=False) == ["a.nii: nodule at -3.5, 12.0, 44.2, 8.1 mm across (87.6 %)"]
        assert _said({"id": "a.nii", "prediction": [], "balls": []}, brief=False) == ["a.nii: nothing found"]


def test_a_table_of_things_in_volumes_is_read_back(tmp_path: Path) -> None:
    task: Any = DetectVolumes(None, SimpleNamespace(labels=("nodule",)))
    answers = [
        {"id": "a.npz", "prediction": ["nodule"], "balls": [BALL]},
        {"id": "b.npz", "prediction": [], "balls": []},
        {"id": "c.npz", "error": "gone"},
    ]
    _writer(tmp_path / "found.csv", answers)(tmp_path / "found.csv", answers, task)
    rows = list(csv.DictReader((tmp_path / "found.csv").read_text().splitlines()))
    assert [row["id"] for row in rows] == ["a.npz", "b.npz", "c.npz"] and rows[2]["error"] == "gone"
    for name in ("a.npz", "b.npz"):
        np.savez(tmp_path / name, values=np.zeros((90, 90, 90), np.int16))
    source = recognise(str(tmp_path), DataSettings())
    assert isinstance(source, VolumeFiles) and not source.faults  # an empty row says that nothing is there
    assert [len(balls) for balls in source.index.labels] == [1, 0]
    assert source.index.labels[0][0] == ("nodule", -3.5, 12.0, 44.25, 8.1)


def test_masks_are_not_written_into_what_is_called_a_file(tmp_path: Path) -> None:
    bundle: Any = SimpleNamespace(document={"task": {"name": "segment"}})
    with speaking("en"):
        for name in ("masks.csv", "scan.nii.gz"):
            with pytest.raises(UsageError, match=rf"are masks, a file for each input, so .*{name} cannot hold them"):
                _check_folder(bundle, tmp_path / name)
    (tmp_path / "old.png").mkdir()
    for name in ("masks", "old.png", "v1.2"):
        _check_folder(bundle, tmp_path / name)


def test_a_setting_among_the_files_is_no_missing_file(tmp_path: Path) -> None:
    with speaking("en"), pytest.raises(UsageError, match=r"task\.beam=8 is a setting, and predict takes none"):
        _check_settings(["a.jpg", "task.beam=8"])
    (tmp_path / "seed=3").write_bytes(b"")
    _check_settings([str(tmp_path / "seed=3"), "a=b.jpg", "1,2,3"])
