"""Plates from a folder with a table, by a run at size tiny: answers in files, tables that are read back, the report."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deepglass import journey
from deepglass.cli.main import main
from deepglass.data.recognise import recognise
from deepglass.data.settings import DataSettings
from deepglass.foundation.settings import parse_assignments
from deepglass.foundation.words import speaking
from tests.data.street import painted, street

WORDS = [
    "train.plan=plain",
    "train.steps=110",
    "train.batch=8",
    "train.lr=0.004",
    "train.average=0.9",
    "task.flat=40",
    "seed=3",
]
SMALL = ["data.cache=false", "task.tall=16", "task.wide=64", "task.confidence=0.15", "model.widths=[6, 10, 16, 24, 32]"]
MORE = ["model.maps=8", "model.hidden=0", "train.check_epochs=9"]


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plates")
    with speaking("en"):
        place = street(folder / "data", 40, ((128, 96), (160, 96)))
        proposal = journey.propose(str(place), parse_assignments([*WORDS, *SMALL, *MORE]), "tiny")
        return journey.train(proposal, out=str(folder / "run"))


def cli(*words):
    """One command; it ends well."""
    try:
        main([*map(str, words)])
    except SystemExit as ended:
        assert not ended.code


def place_of(read) -> Path:
    return read.run.folder.parent / "data"


def test_plates_are_found_and_read(read):
    figures = read.figures["train"]
    assert list(figures) == ["plate_accuracy", "cer_found", "found", "map50"]
    assert figures["found"].value > 0.5 and figures["plate_accuracy"].value > 0.2


def test_the_command_line_says_the_texts_and_draws_them(read, tmp_path, capsys):
    file, out = place_of(read) / "000.png", tmp_path / "read"
    cli("predict", read.run.folder, file, "--json")
    (answer,) = json.loads(capsys.readouterr().out)
    assert answer["prediction"] == [plate["text"] for plate in answer["plates"]]
    assert all(len(plate["corners"]) == 4 for plate in answer["plates"])
    cli("predict", read.run.folder, *(place_of(read) / f"{number:03d}.png" for number in range(6)), "--out", out)
    pictures = sorted(out.glob("*.png"))
    assert len(pictures) == 6 and Image.open(pictures[0]).size == (320, 240)
    assert len((out / "answers.csv").read_text(encoding="utf-8").splitlines()) > 3


def test_what_is_written_is_read_back_as_a_table_of_plates(read, tmp_path):
    """The answers as a table beside the pictures: the run judged by its own answers is always right."""
    street(tmp_path, 40, ((128, 96), (160, 96)))
    table = tmp_path / "plates.csv"
    table.unlink()  # what is true of them, which no answer is written over
    cli("predict", read.run.folder, tmp_path, "--out", table)
    source = recognise(str(tmp_path), DataSettings())
    assert source.task == "read_plates" and len(source.index) > 10
    figures = journey.evaluate(read.run.folder, str(table)).figures["test"]
    assert figures["found"].value == 1 and figures["cer_found"].value == 0


def test_corners_are_those_of_the_file_at_any_size(read, tmp_path):
    """A picture twice as large has its plates at twice the places, for it is searched at the same size."""
    picture, _ = painted(0)
    picture.resize((1280, 960), Image.Resampling.BICUBIC).save(tmp_path / "large.png")
    picture.resize((640, 480), Image.Resampling.BICUBIC).save(tmp_path / "small.png")
    large, small = read.run.bundle.predict([str(tmp_path / "large.png"), str(tmp_path / "small.png")])
    assert len(large["plates"]) == len(small["plates"])
    for one, other in zip(large["plates"], small["plates"], strict=True):
        assert np.abs(np.array(one["corners"]) / 2 - np.array(other["corners"])).max() < 8


def test_the_report_shows_what_was_misread(read):
    document = json.loads((read.run.folder / "report.json").read_text(encoding="utf-8"))["plates"]
    assert document["marked"] == sum(kind["marked"] for kind in document["kinds"])
    assert document["marked"] == document["right"] + document["misread"] + document["missed"]
    assert {(kind["kind"], kind["lines"]) for kind in document["kinds"]} == {("blue", 1), ("yellow", 1), ("yellow", 2)}
    page = read.report.read_text(encoding="utf-8")
    assert "What it reads" in page and "as the reader saw it" in page
