"""The door: what every failure looks like, on the screen and as JSON, whichever verb it happens in."""

import csv
import os
import re
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import deepglass as dg
from deepglass import journey
from deepglass.cli.main import main, overview
from deepglass.cli.options import Printer
from deepglass.cli.predict import _tell_empty, _write
from deepglass.foundation import catalogue
from deepglass.foundation.words import say, speaking
from tests.errors.shell import Shell, picture


@pytest.fixture
def shell(tmp_path, capsys):
    return Shell(tmp_path, capsys)


def failing(error):
    def verb(*_, **__):
        raise error

    return verb


def test_a_defect_is_one_sentence_and_the_trace_is_for_those_who_ask(shell, monkeypatch):
    monkeypatch.setattr(journey, "evaluate", failing(ZeroDivisionError("by zero")))
    said = shell("evaluate", shell.folder)
    assert said.code == 1 and said.out == "" and "Traceback" not in said.err
    assert "went wrong inside" in said.err and "ZeroDivisionError" in said.err and "--debug" in said.err
    assert "Traceback" in shell("evaluate", shell.folder, "--debug").err
    error = shell("evaluate", shell.folder, "--json").document["error"]
    assert error["code"] == "defect" and error["exit_code"] == 1


def test_ctrl_c_where_nothing_is_saved_ends_with_130(shell, monkeypatch):
    monkeypatch.setattr(journey, "evaluate", failing(KeyboardInterrupt()))
    said = shell("evaluate", shell.folder, "--json")
    assert said.code == 130 and said.document["error"]["code"] == "interrupted"
    assert re.search(r"[\u4e00-\u9fff]", shell("--lang=zh-CN", "evaluate", shell.folder).err)


@pytest.mark.parametrize(("name", "chinese"), [("zh", True), ("zh_CN.UTF-8", True), ("en-GB", False), ("EN", False)])
def test_a_language_is_known_by_what_systems_call_it(shell, name, chinese):
    assert bool(re.search(r"[\u4e00-\u9fff]", shell("--lang", name, "evaluate", shell.folder).err)) == chinese
    refused = shell("--lang", "zhuang", "evaluate", shell.folder)
    assert refused.code == 2 and "--lang zhuang is not offered" in refused.err


def test_a_command_that_is_told_can_be_typed_whatever_its_path_holds():
    told = say("run.unfinished", "en", folder="runs/my roses")
    assert told.startswith("The run in runs/my roses is not") and told.endswith("deepglass resume 'runs/my roses'")
    assert say("run.unfinished", "en", folder="runs/医院-1").endswith("deepglass resume runs/医院-1")


def test_a_reader_that_goes_away_is_no_defect():
    """`deepglass ls models | head -1`: the pipe breaks, and nobody wants to read about it."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "deepglass.cli.main", "ls", "models"], stdout=write, stderr=subprocess.PIPE, text=True
    )
    os.close(write)
    assert done.returncode == 1 and "defect" not in done.stderr and "went wrong inside" not in done.stderr


def test_the_version_is_that_of_the_package(shell):
    assert re.fullmatch(r"\d+\.\d+\S*\n", shell("--version").out)


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_every_verb_has_its_line_and_its_help_in_the_readers_language(shell, language):
    with speaking(language):
        lines = overview().splitlines()
    for verb in catalogue.entries("cli"):
        (line,) = [line for line in lines if line.split()[:1] == [verb]]
        assert bool(re.search(r"[\u4e00-\u9fff]", line)) == (language == "zh-CN")
    helped = shell("--lang", language, "train", "--help").out
    assert ("训练" in helped) == (language == "zh-CN") and "--minutes" in helped


def test_json_before_or_after_the_verb_is_the_same(shell):
    assert shell("--json", "ls", "tasks").document == shell("ls", "tasks", "--json").document


def test_demos_are_listed_with_their_part_of_the_course(shell):
    rows = shell("demo", "--list", "--json").document
    assert {row["name"] for row in rows} == set(catalogue.entries("demos"))
    assert all(row["part"] and row["shows"] for row in rows)
    assert "lenet" in shell.refused(2, "demo", "lenett", says=("Did you mean lenet?",))


def test_several_labels_stand_in_a_table_as_tables_have_them(tmp_path):
    answers = [{"id": "a.png", "prediction": ["cat", "dog"], "confidence": 0.5}, {"id": "b.png", "prediction": []}]
    _write(tmp_path / "a.csv", answers, SimpleNamespace())
    assert (tmp_path / "a.csv").read_text().splitlines()[1:] == ["a.png,cat;dog,0.5,", "b.png,,,"]


@pytest.mark.parametrize(
    ("lang", "part"), [("en", "Nothing was found in 2 of 3 pictures"), ("zh-CN", "3 张图片中有 2 张")]
)
def test_pictures_in_which_no_box_was_sure_enough_are_counted(capsys, lang, part):
    answers = [{"boxes": []}, {"boxes": [1]}, {"boxes": []}, {"error": "empty"}]
    with speaking(lang):
        _tell_empty(answers, SimpleNamespace(settings=SimpleNamespace(confidence=0.3)), Printer(False))
        _tell_empty(answers[1:2], SimpleNamespace(settings=SimpleNamespace(confidence=0.3)), Printer(False))
    said = capsys.readouterr().out
    assert part in said and "30" in said and len(said.splitlines()) == 1


def test_predict_writes_a_table_and_shows_what_it_was_asked(shell, monkeypatch):
    seven = picture(shell.folder / "a b.png", 1, size=28)
    (shell.folder / "bad.png").write_bytes(b"no picture")
    out = shell.folder / "answers.csv"
    said = shell("predict", "digits", seven, shell.folder / "bad.png", "--out", out)
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    assert said.code == 3 and "bad.png" in said.out and "a b.png" not in said.out.replace(str(out), "")
    assert [bool(row["error"]) for row in rows] == [False, True]
    assert rows[0]["prediction"] in "0123456789" and 0 < float(rows[0]["confidence"]) <= 1
    said = shell("predict", "digits", seven, "--show")
    shown = said.out
    assert said.code == 0 and "a b.png" in shown and rows[0]["prediction"] in shown and len(shown.splitlines()) > 10
    assert shell("predict", "digits", shell.folder / "bad.png").code == 3
    with seven.open() as given:
        monkeypatch.setattr("sys.stdin", given)
        told = shell("predict", "digits", "-", "--json").document
    assert [(one["id"], one["prediction"]) for one in told] == [("-:1", rows[0]["prediction"])]
    shell.refused(2, "predict", "digits", "-", seven, says=("Standard input (-) takes", "nothing beside it"))
    shell.refused(2, "predict", "digits", seven, "--out", seven, says=("a b.png is one of the files that are asked",))
    closed = shell.folder / "no" / "such" / "answers.csv"
    shell.refused(4, "predict", "digits", seven, "--out", closed, says=("Cannot write", "answers.csv"))


def test_check_ends_with_3_where_training_would_be_refused(shell):
    pixels = np.zeros((8, 8, 3), np.uint8)
    for name in ("train", "val"):
        for label in "ab":
            (shell.folder / "data" / name / label).mkdir(parents=True)
            Image.fromarray(pixels).save(shell.folder / "data" / name / label / "same.png")
    document = shell("check", shell.folder / "data", "--json")
    findings = document.document["findings"]
    assert document.code == (3 if any(one["level"] == "error" for one in findings) else 0)
    assert findings and all(set(one) >= {"kind", "level", "file", "reason"} for one in findings)


def test_check_looks_as_the_task_would_that_is_asked_for(shell):
    heap = shell.folder / "heap"
    heap.mkdir()
    for number in range(4):
        Image.fromarray(np.full((8, 8), 60 * number, np.uint8)).save(heap / f"{number}.png")
    shell.refused(3, "check", heap, says=("holds pictures but nothing says what they show",))
    shell.refused(3, "check", heap, "--task", "turn_faces", says=("one folder for each person",))
    document = shell("check", heap, "--task", "generate_images", "--json").document
    assert document["task"] == "generate_images" and document["layout"] == "pictures"
    assert "few_to_imitate" in [one["kind"] for one in document["findings"]]
    assert dg.check(heap, task="generate_images").document()["task"] == "generate_images"
    shell.refused(2, "check", heap, "--task", "turn_face", says=("turn_faces",))


def test_main_reads_the_words_of_the_process(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["deepglass", "ls", "tasks"])
    with speaking("en"):
        main()
    assert "classify" in capsys.readouterr().out
