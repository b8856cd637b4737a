"""A text file in, a model that writes out: train, judge, predict and generate, as a user does it."""

import math

import numpy as np
import pytest
import torch

import deepglass as dg
from deepglass.cli.main import main
from deepglass.run import Run
from tests.e2e.test_journeys import cli

PLAY = """ALONSO.
Good boatswain, have care. Where's the master?
Play the men.

BOATSWAIN.
I pray now, keep below.

ANTONIO.
Where is the master, boatswain?

"""
FAST = ("--size", "tiny", "train.steps=80", "train.batch=8", "train.lr=0.01", "data.passage=100", "train.plan=plain")


@pytest.fixture(scope="module")
def play(tmp_path_factory):
    file = tmp_path_factory.mktemp("text") / "play.txt"
    file.write_text(PLAY * 60, encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def run(play, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "play"
    main(["train", str(play), "--out", str(folder), *FAST, "model.hidden=48"])
    return folder


def test_a_text_file_is_a_language_model_of_its_letters(run, capsys):
    document = cli(capsys, "evaluate", run)
    figures = document["metrics"]["test"]
    assert list(figures) == ["bits_per_character", "perplexity"]
    assert figures["bits_per_character"] < 3  # letters drawn by how often they come up cost 4.3
    assert figures["perplexity"] == pytest.approx(2 ** figures["bits_per_character"], rel=1e-4)
    for name in ("report.html", "report.json", "bundle/bundle.json"):
        assert (run / name).is_file(), name


def test_the_end_of_training_says_how_to_let_it_write(run, capsys):
    main(["evaluate", str(run)])
    assert f"deepglass generate {run}\n" in capsys.readouterr().out


def test_predict_says_what_evaluation_says(run, play, tmp_path, capsys):
    whole = Run.open(run)
    material = whole.material()
    _, found = whole.evaluate("test", material)
    rows = material.rows["test"]
    files = []
    for row in rows.tolist():
        files.append(tmp_path / f"{row}.txt")
        files[-1].write_text(whole.source.read(row).text, encoding="utf-8")
    answers = cli(capsys, "predict", run, *files)
    bits = found["nats"] / found["letters"] / math.log(2)
    assert np.allclose([answer["prediction"] for answer in answers], bits.tolist(), atol=1e-4)
    strange, usual = dg.load(run).predict(["Zyx wvu!", "I pray now, keep below."])
    assert strange["prediction"] > 2 * usual["prediction"]


def test_it_writes_on_in_the_terminal_and_as_json(run, capsys):
    main(["generate", str(run), "BOATSWAIN.\n", "temperature=0.3", "seed=2", "--length", "30"])
    shown = capsys.readouterr().out
    document = cli(capsys, "generate", run, "BOATSWAIN.\n", "temperature=0.3", "seed=2", "--length", "30")
    assert document["prompt"] == "BOATSWAIN.\n" and len(document["text"]) == 30
    assert shown == document["prompt"] + document["text"] + "\n"
    assert dg.load(run).generate("BOATSWAIN.\n", 30, temperature=0.3, seed=2) == document["text"]
    alone = cli(capsys, "generate", run, "temperature=0", "--length", "12")
    assert (
        alone["prompt"] == "" and alone["text"] == cli(capsys, "generate", run, "", "top_k=1", "--length", "12")["text"]
    )


def test_letters_of_a_prompt_that_training_never_saw_are_named_once(run, capsys):
    main(["generate", str(run), "Ж7 pray Ж", "--length", "5"])
    assert capsys.readouterr().out.endswith("Never seen in training, and so read as unknown: 'Ж', '7'.\n")
    document = cli(capsys, "generate", run, "Ж7 pray Ж", "--length", "5")
    assert document["unknown"] == ["Ж", "7"] and document["known"] == pytest.approx(6 / 9)


def test_settings_of_writing_are_checked(run, capsys):
    for words, said in (
        (["x", "temperatur=1"], "has no setting 'temperatur'"),
        (["x", "top_p=2"], "top_p=2 is not allowed: it must be 1 or less"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(["generate", str(run), *words])
        assert ended.value.code == 2 and said in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main(["generate", "digits", "x"])
    said = "The task classify writes no text. Use a run of generate_text for text, generate_images for pictures or"
    assert ended.value.code == 2 and said in capsys.readouterr().err


def test_words_are_learned_by_the_network_made_for_them(play, tmp_path):
    small = {"model.features": 24, "model.hidden": 32, "task.text.vocabulary.least": 1, "data.passage": 200}
    settings = {**small, "train.steps": 10, "train.batch": 4, "train.plan": "plain"}
    run = dg.train(play, model="word_lm", size="tiny", out=tmp_path / "run", settings=settings)
    assert run.run.bundle.task.vocabulary.level == "words" and run.run.bundle.task.vocabulary.lines
    assert run.generate("Where is the", 8, seed=1).startswith((" ", "\n", ".", ",", "?"))


def test_a_run_that_was_stopped_goes_on_to_the_same_bits(play, tmp_path):
    settings = dict(word.split("=") for word in FAST[2:]) | {
        "train.steps": 12,
        "model.hidden": 16,
        "model.dropout": 0.2,
    }
    whole = dg.train(play, size="tiny", out=tmp_path / "whole", settings=settings)

    def stop(event):
        if event["kind"] == "train" and event["step"] >= 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dg.train(
            play, size="tiny", out=tmp_path / "cut", settings=settings | {"train.save_minutes": 1e-4}, watchers=[stop]
        )
    cut = dg.resume(tmp_path / "cut")
    for name, values in whole.run.bundle.model.state_dict().items():
        assert torch.equal(values, cut.run.bundle.model.state_dict()[name]), name


def test_a_blank_is_filled_in_from_a_text_file_alone(play, tmp_path, capsys):
    words = ["--task", "cloze", "--out", tmp_path / "run", *FAST, "model.hidden=24", "model.features=24"]
    document = cli(capsys, "train", play, *words)
    figures = document["metrics"]["test"]
    assert list(figures) == ["cloze", "cloze_exact"] and figures["cloze"] > 0.6 and figures["cloze_exact"] > 0.3
    (answer,) = cli(capsys, "predict", tmp_path / "run", "Where is the ____, boatswain?")
    assert answer["prediction"] == "master" and len(answer["top"]) == 5
    main(["predict", str(tmp_path / "run"), "Play the [blank].", "--show"])
    assert "men" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        main(["predict", str(tmp_path / "run"), "No blank at all."])
    assert ended.value.code == 3 and "Write ____ or [blank] where a word is missing" in capsys.readouterr().out
