"""Word vectors from text files: which rows of a table begin with them, what is said of files that are none."""

import re

import numpy as np
import pytest
import torch

import deepglass as dg
from deepglass import journey
from deepglass.data.vocabulary import Vocabulary
from deepglass.engine.journal import read_events
from deepglass.foundation.errors import UsageError
from deepglass.foundation.settings import parse_assignments
from deepglass.models.mlp import MLPConfig
from deepglass.models.text_bag import TextBagConfig
from deepglass.models.text_cnn import TextCNNConfig
from deepglass.models.text_lstm import TextLSTMConfig
from deepglass.weights.vectors import fill_table, read_vectors, widened, width_of
from tests.data.texts import text_table

QUICK = ("data.cache=false", "train.plan=plain", "train.batch=4", "train.average=0")


def go(place, out, *words):
    proposal = journey.propose(str(place), parse_assignments([*QUICK, *words]), "tiny")
    return journey.train(proposal, out=str(out))


def vectors(file, text):
    file.write_text(text, encoding="utf-8")
    return str(file)


GLOVE = "the 1 2 3\ncat 4 5 6\n. . . 7 8 9\ncafé 1 1 1\nthe 0 0 0\n"


@pytest.mark.parametrize("head", ["", "5 3\n", "\ufeff"])
def test_words_are_found_in_files_of_every_kind(tmp_path, head):
    file = tmp_path / "v.txt"
    vectors(file, head + GLOVE.replace(" ", "\t") if head == "\ufeff" else head + GLOVE)
    words = ["dog", "The", "cat", ". . .", "cafe\u0301".encode().decode(), "café"]
    places, values = read_vectors(file, words)
    assert width_of(file) == 3 and places.tolist() == [1, 2, 3, 5]
    assert values.tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, 9], [1, 1, 1]]  # the first of a word, "The" by "the"


def test_a_word_as_it_is_written_comes_before_its_small_letters(tmp_path):
    file = tmp_path / "v.txt"
    vectors(file, "may 1 1\nMay 2 2\n")
    assert read_vectors(file, ["May", "may", "MAY"]).values.tolist() == [[2, 2], [1, 1], [1, 1]]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("the 1 2 3\ncat 4 5\n", r"v\.txt, line 2: 'cat 4 5 \.\.\.' has 2 numbers where 3 are expected\."),
        ("2 4\nthe 1 2 3\n", r"line 2: 'the 1 2 3 \.\.\.' has 3 numbers where 4 are expected\."),
        ("the 1 2 3\ncat 4 x 6\n", r"v\.txt, line 2: 'x' is no number that a vector can hold\."),
        ("the 1 2 3\ncat 4 nan 6\n", r"line 2: 'nan' is no number"),
        ("just words\n", r"line 1: 'just words \.\.\.' has 1 number where 2 are expected\."),
        ("", r"v\.txt holds no word vectors that can be read \(0 bytes\)\."),
        ("zebra 1 2 3\n", r"holds none of the 2 words of the training part \(the, cat, \.\.\.\)\."),
    ],
)
def test_what_is_wrong_is_named_by_file_line_and_value(tmp_path, text, sentence):
    file = vectors(tmp_path / "v.txt", text)
    network = TextLSTMConfig(vocabulary=3, features=3).build()
    with pytest.raises(UsageError, match=sentence):
        fill_table(network, Vocabulary(level="words", tokens=("the", "cat")), file)


def test_files_that_are_no_text_or_not_there_are_refused(tmp_path):
    (tmp_path / "v.bin").write_bytes(b"3 2\nthe " + np.array([1.5, -2], np.float32).tobytes())
    with pytest.raises(UsageError, match=r"v\.bin is no UTF-8 text\. .* write a binary file of word2vec as text\."):
        read_vectors(tmp_path / "v.bin", ["the"])
    with pytest.raises(UsageError, match=r"no\.txt holds no word vectors that can be read \(No such file"):
        width_of(tmp_path / "no.txt")


def test_a_network_is_as_wide_as_the_vectors_or_says_that_it_has_no_table(tmp_path):
    file = vectors(tmp_path / "v.txt", GLOVE)
    assert widened(TextLSTMConfig(), file).features == 3 and widened(TextCNNConfig(), file).width == 3
    for config, name in ((TextBagConfig(), "TextBag"), (MLPConfig(), "MLP")):
        with pytest.raises(UsageError, match=rf"{name} has no table of words .* --model text_lstm"):
            widened(config, file)


@pytest.mark.parametrize("model", ["text_lstm", "text_rnn", "text_cnn"])
def test_a_run_begins_with_them_and_its_bundle_needs_no_file(tmp_path, model):
    words = ("striker", "bank", "coach", "unheard")
    lines = [f"{word} {' '.join(str(place + column / 8) for column in range(7))}" for place, word in enumerate(words)]
    file = tmp_path / "v.txt"
    vectors(file, "\n".join(lines))
    table = "words" if model == "text_cnn" else "table"
    asked = (f"model.name={model}", f"weights.vectors={file}", f'train.freeze=["{table}"]', "train.steps=2")
    outcome = go(text_table(tmp_path / "t.tsv", 60), tmp_path / "run", *asked)
    (start,) = read_events(outcome.run.folder, "start")
    vocabulary = outcome.run.bundle.task.facts.inputs.vocabulary
    assert start["vectors"] == {"found": 3, "of": len(vocabulary.tokens)}
    file.unlink()
    bundle = dg.load(outcome.run.folder)
    weight = bundle.model.get_submodule(table).weight
    for place, word in enumerate(words[:3]):
        row = int(vocabulary.encode(word)[0])
        assert torch.allclose(weight[row], place + torch.arange(7) / 8)  # frozen: as they were read
    assert "prediction" in bundle.predict(["the striker"])[0]


def test_a_width_of_ones_own_must_be_that_of_the_file(tmp_path):
    file = vectors(tmp_path / "v.txt", "striker 1 2 3\n")
    place = text_table(tmp_path / "t.tsv", 60)
    asked = ("model.name=text_lstm", f"weights.vectors={file}", "train.steps=1")
    with pytest.raises(UsageError, match=r"vectors of 3 numbers, but the network's table has 9 for each word\."):
        go(place, tmp_path / "run", *asked, "model.features=9")
    with pytest.raises(UsageError, match=re.escape("weights.vectors stands alone as well")):
        go(place, tmp_path / "run", *asked, f"weights.parent={tmp_path}")
    with pytest.raises(UsageError, match=r"TextBag has no table of words that could begin with the vectors"):
        go(place, tmp_path / "run", f"weights.vectors={file}")


def test_a_tagger_begins_with_them_too(tmp_path):
    file = vectors(tmp_path / "v.txt", "may 1 2 3 4\nmarks 4 3 2 1\n")
    outcome = go("made:tagged", tmp_path / "run", f"weights.vectors={file}", "train.steps=1")
    (start,) = read_events(outcome.run.folder, "start")
    assert start["vectors"]["found"] == 2 and outcome.run.settings.model.settings.features == 4
