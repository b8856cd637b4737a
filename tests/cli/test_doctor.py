"""`deepglass doctor`: every line is ok, a note, or missing with a remedy."""

import json
from collections import namedtuple

import pytest

from deepglass.cli import doctor
from deepglass.cli.main import main
from deepglass.foundation.words import choose_language

NAMES = ["python", "torch", "processor", "instructions", "memory", "gpu", "compiler", "font", "cache", "disk"]


def lines():
    return {line.name: line for line in doctor.look()}


def test_json_has_a_line_for_everything(capsys):
    choose_language("en")
    main(["doctor", "--json"])
    found = capsys.readouterr()
    document = json.loads(found.out)
    assert [line["name"] for line in document if line["name"] in NAMES] == NAMES
    for line in document:
        assert line["state"] in ("ok", "missing", "note") and line["value"]
        assert bool(line["remedy"]) == (line["state"] == "missing")
        assert line["name"] in found.err


def test_what_is_missing_has_a_remedy(monkeypatch, tmp_path):
    choose_language("en")
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda folder: usage(10, 9, 1))
    monkeypatch.setattr(doctor, "cjk_font", lambda: None)
    monkeypatch.setattr(doctor, "installed", lambda package: "")
    monkeypatch.setattr(doctor, "_writable", lambda folder: False)
    found = lines()
    assert "apt install g++" in found["compiler"].remedy
    assert "fonts-noto-cjk" in found["font"].remedy
    assert "--out" in found["disk"].remedy
    assert "XDG_CACHE_HOME" in found["cache"].remedy
    assert found["tensorboard"].remedy == "Install it: pip install 'deepglass[tensorboard]'"
    assert all(found[name].state == "missing" for name in ("compiler", "font", "disk", "cache", "tensorboard"))


def test_extras_are_those_of_the_project(monkeypatch):
    wanted = ["torch>=2", 'onnx>=1.16; extra == "export"', "pytest>=8; extra == 'test'", 'av; extra == "video"']
    monkeypatch.setattr(doctor.importlib.metadata, "requires", lambda name: wanted)
    monkeypatch.setattr(doctor, "installed", lambda package: "1" if package == "av" else "")
    found = lines()
    assert (found["export"].state, found["video"].state) == ("missing", "ok")
    assert "test" not in found


def test_the_cache_is_measured(monkeypatch, tmp_path):
    (tmp_path / "packed").mkdir()
    (tmp_path / "packed" / "a.npy").write_bytes(bytes(3 * 2**20))
    monkeypatch.setattr(doctor, "cache_folder", lambda: tmp_path)
    assert lines()["cache"].value == f"{tmp_path}, 3 MiB"


@pytest.mark.parametrize(("language", "word"), [("en", "cores"), ("zh-CN", "个核心")])
def test_both_languages(language, word):
    choose_language(language)
    value = lines()["processor"].value
    choose_language("en")
    assert word in value
