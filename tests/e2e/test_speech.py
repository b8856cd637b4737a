"""A folder of sounds with texts beside them, from the place to answers with times, at size tiny."""

import json
import random
import shutil
from pathlib import Path

import numpy as np
import pytest

import deepglass as dg
from deepglass.data.transcript import transcript
from deepglass.metrics.error_rate import distance
from deepglass.tasks.task import said
from tests.data.sounds import save, spelled, stored, tone

WORDS = "bad cab dad abba bee fed face deaf ace add".split()
CHOSEN = {"train.epochs": 16, "train.plan": "plain", "data.val": 0.1, "seed": 3}


@pytest.fixture(scope="module")
def spoken(tmp_path_factory) -> Path:
    root, chance = tmp_path_factory.mktemp("speech") / "made", random.Random(0)
    for number in range(60):
        line = f"{chance.choice(WORDS)} {chance.choice(WORDS)} {'abcdef'[number % 6]}"
        save(root / f"{number:03d}.wav", spelled(line))
        (root / f"{number:03d}.txt").write_text(line.title() + ".")
    (root / "021.wav").write_bytes((root / "021.wav").read_bytes()[:5000])
    return root


@pytest.fixture(scope="module")
def run(spoken, tmp_path_factory):
    return dg.train(spoken, size="tiny", out=tmp_path_factory.mktemp("runs") / "speech", settings=CHOSEN)


def test_it_learns_and_says_how_well(run):
    figures = run.figures["test"]
    assert list(figures) == ["cer", "wer", "cer_greedy"] and figures["cer"].value < 0.5 and figures["cer"].n == 11
    assert run.left_out == ["021.wav"]
    assert run.report is not None and "letter error rate" in run.report.read_text(encoding="utf-8")


def test_raw_files_are_answered_as_they_were_evaluated(run, spoken):
    """The figures again, by hand from what `predict` says of the files."""
    parts = run.material.rows["test"]
    names = [run.material.source.index.ids[row] for row in parts]
    answers = run.predict([str(spoken / name) for name in names])
    true = [transcript((spoken / name).with_suffix(".txt").read_text()) for name in names]
    errors = sum(distance(text, answer["prediction"]) for text, answer in zip(true, answers, strict=True))
    assert errors / sum(map(len, true)) == pytest.approx(run.figures["test"]["cer"].value)
    again = dg.load(run.run.folder).predict([str(spoken / name) for name in names], batch=3)
    for one, other in zip(answers, again, strict=True):
        assert one["prediction"] == other["prediction"]
        assert one["confidence"] == pytest.approx(other["confidence"], abs=1e-5)


def test_odd_sounds_are_answered_or_named(run, tmp_path):
    odd = {
        "one.wav": stored(tone()[3:4]),
        "silent.flac": stored(np.zeros(8000, dtype=np.int16), kind="FLAC"),
        "stereo.wav": stored(np.stack([tone(0.5, 44100)] * 2, axis=1), 44100),
        "minutes.wav": stored(np.tile(spelled("bad cab dad"), 455)[: 600 * 8000]),
        "text.wav": b"hello",
        "nothing.wav": b"",
    }
    for name, content in odd.items():
        (tmp_path / name).write_bytes(content)
    answers = run.predict([str(tmp_path / name) for name in odd])
    assert all(isinstance(answer["prediction"], str) for answer in answers[:4])
    assert len(answers[3]["prediction"]) > 1000 and answers[3]["words"][-1]["end"] < 600.1
    assert said(answers[1] | {"prediction": " ", "confidence": 0.5}) == "(nothing said) (50.0 %)"
    assert answers[4]["error"].startswith("It is a text file, not a sound.")
    assert answers[5]["error"] == "The file is empty (0 bytes)."
    json.dumps(answers)


def test_ten_minutes_and_one_sample_are_learned_from(spoken, tmp_path):
    """Beside others: the long one is heard whole, the short one has no steps for its letters and costs nothing."""
    for name, samples in (("long", np.tile(spelled("bad cab dad"), 455)[: 600 * 8000]), ("short", tone()[3:4])):
        save(tmp_path / "made" / f"{name}.wav", samples)
        (tmp_path / "made" / f"{name}.txt").write_text("bad cab dad" if name == "long" else "a")
    for number in range(40):
        shutil.copy(spoken / f"{number:03d}.txt", tmp_path / "made")
        save(tmp_path / "made" / f"{number:03d}.wav", spelled("bad cab"))
    settings = {"train.steps": 4, "train.plan": "plain", "data.val": 0.1, "data.test": 0.1, "task.beam": 1}
    found = dg.train(tmp_path / "made", size="tiny", out=tmp_path / "run", settings=settings)
    assert found.figures["test"]["cer"].n >= 4 and not found.left_out


def test_words_have_times_inside_the_sound(run, spoken):
    answers = run.predict([str(spoken / f"{number:03d}.wav") for number in range(10)])
    words = [word for answer in answers for word in answer["words"]]
    assert words and all(0 <= word["start"] < word["end"] < 3 and 0 < word["confidence"] <= 1 for word in words)
    assert " ".join(word["word"] for word in answers[0]["words"]) == answers[0]["prediction"]


def test_class_folders_of_sounds_are_told_apart(tmp_path):
    chance = random.Random(0)
    for number in range(48):
        name, pitch = (("low", 250), ("high", 1500))[number % 2]
        save(tmp_path / "made" / name / f"{number}.wav", tone(0.2 + 0.4 * chance.random(), pitch=pitch + number))
    settings = {"train.epochs": 12, "train.plan": "plain", "data.val": 0.2}
    found = dg.train(tmp_path / "made", size="tiny", out=tmp_path / "run", settings=settings)
    assert found.run.settings.model.name == "audio_cnn" and found.figures["test"]["accuracy"].value > 0.8
    assert found.predict(tone(0.4, pitch=260))[0]["prediction"] == "low"


def test_the_demo_learns_numbers_that_nobody_said_before(tmp_path):
    """A third of its steps are enough."""
    chosen = {"train.steps": 70, "train.plan": "plain", "train.check_epochs": 3}
    found = dg.train("made:speech", size="tiny", out=tmp_path / "run", settings=chosen)
    assert found.figures["test"]["cer"].value < 0.1 and found.figures["test"]["cer"].n == 120
