"""`deepglass convert`: what it says, its JSON, and what it refuses."""

import json
from pathlib import Path

import pytest

import deepglass as dg
from deepglass.cli.main import main
from deepglass.foundation.words import choose_language
from tests.data.scenes import coco


@pytest.fixture(autouse=True)
def english() -> None:
    choose_language("en")


def test_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = coco(tmp_path / "data", 3)
    main(["convert", str(root), "--to", "voc", "--out", str(tmp_path / "voc")])
    said = capsys.readouterr().out
    assert f"{tmp_path / 'voc'}: 6 pictures with 6 boxes of 2 classes." in said
    main(["convert", str(tmp_path / "voc"), "--to", "csv", "--out", str(tmp_path / "csv"), "--json"])
    document = json.loads(capsys.readouterr().out)
    assert (document["form"], document["boxes"], document["parts"]) == ("csv", 6, {"train": 3, "val": 3})
    assert document["classes"] == ["cat", "dog"]


def test_refusals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = coco(tmp_path / "data", 3)
    for words, code, message in (
        (["--to", "voc", "--out", str(root)], 2, "is there already and is not empty"),
        (["--to", "vok", "--out", str(tmp_path / "x")], 2, "Did you mean voc?"),
        (["--to", "voc", "--out", str(tmp_path / "x"), "data.layout=class_folders"], 3, "no pictures with boxes"),
        (["--to", "voc"], 2, "--out"),
    ):
        with pytest.raises(SystemExit) as caught:
            main(["convert", str(root), *words])
        assert caught.value.code == code and message in capsys.readouterr().err


def test_from_python(tmp_path: Path) -> None:
    found = dg.convert(coco(tmp_path / "data", 3), "yolo", tmp_path / "yolo", {"data.layout": "coco"})
    assert (found.pictures, found.linked) == (6, 6) and (tmp_path / "yolo" / "data.yaml").exists()
