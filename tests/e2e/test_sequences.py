"""Texts and series at size tiny, from a place to answers: as a user takes them."""

import shutil

import numpy as np
import pytest
import torch

import deepglass as dg
from deepglass import journey
from deepglass.explain import gates, words
from deepglass.explain.answer import prepare_row
from deepglass.foundation.errors import Stopped
from deepglass.foundation.settings import parse_assignments
from tests.data.texts import sentences, text_folders, text_table
from tests.errors.shell import exit_code

QUICK = ["data.cache=false", "train.plan=plain", "seed=3"]


def train(place, out, *words):
    return journey.train(journey.propose(str(place), parse_assignments([*QUICK, *words]), "tiny"), out=str(out))


@pytest.fixture(scope="module")
def topics(tmp_path_factory):
    folder = tmp_path_factory.mktemp("topics")
    return train(text_table(folder / "topics.tsv", 200), folder / "run", "train.epochs=10")


def test_a_table_of_texts_is_learned_and_answers_sentences(topics):
    assert topics.figures["test"]["accuracy"].value > 0.9
    told = topics.predict(["the striker scored a goal in the cup", "the bank raised the interest rate"])
    assert [answer["prediction"] for answer in told] == ["sport", "money"]
    assert topics.report and "texts, read by" in topics.report.read_text(encoding="utf-8")


def test_answers_are_those_of_the_evaluation_whatever_the_batch(topics):
    bundle = dg.load(topics.run.folder)
    texts = [text for text, _ in sentences(30)]
    once = [answer["confidence"] for answer in bundle.predict(texts, batch=64)]
    for batch in (1, 7):
        again = [answer["confidence"] for answer in bundle.predict(texts, batch=batch)]
        assert np.allclose(once, again, atol=1e-5)
    material = topics.run.material()
    _, predictions = topics.run.evaluate("test", material)
    ids = [material.store.index.ids[row] for row in material.rows["test"]]
    answers = bundle.predict([material.source.read(row).text for row in material.rows["test"]])
    best = predictions["probability"].max(1).values
    assert np.allclose([answer["confidence"] for answer in answers], best, atol=1e-5) and len(ids) == len(answers)


def test_words_that_training_never_saw_are_said(topics, tmp_path, capsys):
    """Alone, with others, and nothing of what is known."""
    texts = ["zebu", "the striker scored a zebu a gnu", "the striker scored a goal"]
    blind, partly, known = topics.predict(texts)
    assert blind["unknown"] == ["zebu"] and blind["known"] == 0
    assert partly["unknown"] == ["zebu", "gnu"] and 0.5 < partly["known"] < 1
    assert "unknown" not in known and "known" not in known
    assert exit_code("predict", topics.run.folder, *texts) == 0
    first, second, third, last = capsys.readouterr().out.splitlines()
    assert first.endswith("Nothing in it was seen in training, so this answer says nothing of it.")
    assert "Nothing" not in second + third
    assert last == "Never seen in training, and so read as unknown: 'zebu', 'gnu'."
    assert exit_code("explain", topics.run.folder, *texts, "--out", tmp_path) == 0
    assert capsys.readouterr().out.count("read as unknown: 'zebu', 'gnu'.") == 1
    assert exit_code("predict", topics.run.folder, " ".join(f"z{place}y" for place in "abcdefghijkl")) == 0
    assert "'zjy' and 2 more." in capsys.readouterr().out


def test_lines_of_standard_input_are_texts_and_answered_as_they_come(topics, tmp_path, capsys, monkeypatch):
    said = b"the striker scored a goal in the cup\r\n\nthe bank raised the interest rate"
    (tmp_path / "lines").write_bytes(said)
    for at_once in (1 << 16, 7):
        monkeypatch.setattr("deepglass.cli.predict.AT_ONCE", at_once)
        with (tmp_path / "lines").open() as given:
            monkeypatch.setattr("sys.stdin", given)
            assert exit_code("predict", topics.run.folder, "-") == 3  # one line is empty
        told = [line.split() for line in capsys.readouterr().out.splitlines()]
        assert [words[0].rstrip(":") for words in told] == ["-:1", "-:2", "-:3"]
        assert [word in words for word, words in zip(("sport", "empty:", "money"), told, strict=True)] == [True] * 3


def test_the_name_of_a_file_that_is_not_there_is_no_text(topics):
    told = topics.predict(["nothere.txt", "./goal", "texts/", "cup"])
    assert [one["error"] for one in told[:3]] == ["The file does not exist."] * 3 and told[3]["prediction"] == "sport"


def test_odd_texts_are_answered_or_named(topics):
    strange = ["🏆⚽", "‮مرحبا بالعالم", "x" * 200_000, "二进一球", " "]
    told = topics.predict(strange)
    assert [("prediction" in one) for one in told] == [True, True, True, True, False]
    assert told[-1]["error"] == "The text is empty: it holds nothing but blanks."


def test_stopped_and_resumed_it_ends_with_the_same_bits(tmp_path):
    place = text_folders(tmp_path / "topics")
    whole = train(place, tmp_path / "whole", "train.steps=12", "train.batch=8")
    asked = iter([False] * 7 + [True] * 100)
    proposal = journey.propose(str(place), parse_assignments([*QUICK, "train.steps=12", "train.batch=8"]), "tiny")
    with pytest.raises(Stopped):
        journey.train(proposal, out=str(tmp_path / "cut"), asked_to_stop=lambda: next(asked))
    journey.resume(tmp_path / "cut")
    first, second = (dg.load(tmp_path / name).model.state_dict() for name in ("whole", "cut"))
    assert all(torch.equal(first[name], second[name]) for name in first) and whole.figures


def test_folds_learn_a_vocabulary_each(tmp_path):
    place = text_table(tmp_path / "topics.tsv", 60)
    outcome = train(place, tmp_path / "run", "train.steps=20", "data.folds=3")
    assert outcome.figures["test"]["accuracy"].n == 60
    shutil.rmtree(tmp_path / "run")


def test_words_and_gates_are_explained_as_arrays_and_pictures(topics, tmp_path):
    outcome = train(text_table(tmp_path / "t.tsv", 40), tmp_path / "run", "train.steps=3", "model.name=text_lstm")
    bundle = outcome.run.bundle
    row = prepare_row(bundle, next(bundle.inputs(["the bank raised the interest rate"])))
    assert gates.fits(bundle)
    shown = gates.explain(bundle, row)
    steps = int(row.presented.lengths[0])
    assert {name[-1] for name in shown.arrays} == set("ifgoch") and all(len(a) == steps for a in shown.arrays.values())
    assert shown.views and all(view.svg() for view in shown.views.values()) and "layers" in shown.words
    effect = words.explain(
        topics.run.bundle, prepare_row(topics.run.bundle, next(topics.run.bundle.inputs(["a goal"])))
    )
    assert effect.arrays["effect"].shape == (2,) and effect.views["words"].terminal()
