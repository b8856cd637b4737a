"""Filling blanks: who is asked, among which words, and what is said of a text with blanks."""

import pytest
import torch

from deepglass.data.vocabulary import Vocabulary
from deepglass.foundation.errors import DataError, UsageError
from deepglass.foundation.seeds import Draws, row_keys
from deepglass.losses.tokens import PADDING
from deepglass.networks import check_own
from deepglass.tasks.cloze import AMONG, Bands
from tests.tasks.text_nets import LINES, BothSides, batch_of, learned, network, taught


def test_a_blank_is_filled_from_both_sides():
    task = learned("cloze")
    model = taught("cloze", task)
    texts = ["A dog has ____ the old mouse.", "She sees the [blank] mouse.", "我的＿＿友 wants the ____ apple pie"]
    batch = batch_of(task, texts)
    first, second, third = task.answers(task.predict(model, task.present(batch)))
    assert first["prediction"] == "eaten" and first["confidence"] > 0.5 and len(first["top"]) == 5
    assert second["prediction"] in ("small", "old", "green")
    assert [blank[0]["label"] for blank in third["blanks"]] == ["朋", "green"] and third["prediction"] == "朋"
    assert all(a["confidence"] >= b["confidence"] for a, b in zip(first["top"], first["top"][1:], strict=False))


def test_a_text_without_a_blank_says_how_to_write_one():
    task = learned("cloze")
    batch = batch_of(task, ["The cat sees the mouse."])
    (answer,) = task.answers(task.predict(network("cloze", task), task.present(batch)))
    assert answer == {"error": "The text has no blank. Write ____ or [blank] where a word is missing."}


def test_blanks_are_unknown_words_at_their_places():
    task = learned("cloze")
    batch = batch_of(task, ["____ cat ____", "the [blank]", "__init__ ______ [空]", "no_blank"])
    places = [own.tolist() for own in batch["blanks"].each()]
    assert places == [[0, 2], [1], [0, 2, 3, 4], []]
    for row, own in zip(batch["input"].each(), places, strict=True):
        assert all(row[place] == 0 for place in own)
    cut = learned("cloze", longest=2)
    assert [own.tolist() for own in batch_of(cut, ["a ____ b ____"])["blanks"].each()] == [[1]]


def test_a_blank_is_no_word_that_training_never_saw():
    assert learned("cloze").unseen("A dog ____ the [blank]") == {}
    assert learned("cloze").unseen("A dog ____ the gnu")["unknown"] == ["gnu"]


def test_known_words_between_others_are_asked():
    task = learned("cloze")
    shown = task.present(batch_of(task))
    predictions = task.predict(network("cloze", task), shown)
    for row, line in enumerate(LINES):
        inner = task.vocabulary.encode(line)[1:-1].tolist()
        words = [number for number in inner if task.vocabulary.shown(number)[0].isalpha()]
        assert int(predictions["asked"][row]) == len(words) >= int(predictions["found"][row])
    assert (predictions["exact"] <= predictions["found"]).all()
    unknown = task.present(batch_of(task, ["a zebu sees the gnu"]))
    assert unknown["target"].values[0].eq(PADDING).tolist() == [False, True, False, False, True]
    assert task.counts(unknown) == {"loss": 3.0}


def test_what_was_learned_is_told_and_chance_is_one_in_five():
    task = learned("cloze", LINES * 3)
    taught_, fresh = taught("cloze", task), network("cloze", task)
    figures = []
    for model in (taught_, fresh):
        metric = task.metrics()["cloze"]
        metric.update(batch_of(task).ids, task.predict(model.eval(), task.present(batch_of(task))), None)
        figures.append(metric.compute().value)
    assert figures[0] > 0.9 and figures[1] < 0.5


def test_bands_hold_words_of_similar_frequency():
    words = tuple(f"w{'abcdefghij'[n // 10]}{'abcdefghij'[n % 10]}" for n in range(50))
    vocabulary = Vocabulary(level="words", tokens=(".", *words[:20], ",", *words[20:]))
    bands = Bands(vocabulary)
    assert len(bands.ranked) == 50 and not bands.known(torch.tensor([0, 1, 22])).any()
    assert bands.starts.tolist() == [0, 8, 16, 32, 50]
    tokens = bands.ranked.repeat(3, 1)
    others = bands.others(tokens, Draws(row_keys(1, "x", 0, 3), "cloze"))
    ranks = bands.rank[others]
    own = torch.arange(50)[None, :, None]
    assert others.shape == (3, 50, AMONG - 1) and (ranks != own).all()
    assert (
        torch.searchsorted(bands.starts, ranks, right=True) == torch.searchsorted(bands.starts, own, right=True)
    ).all()
    assert all(len(set(row)) == AMONG - 1 for row in ranks.flatten(0, 1).tolist())
    assert not torch.equal(others[0], others[1])
    alone = bands.others(tokens[:1, :9], Draws(row_keys(1, "x", 0, 3)[:1], "cloze"))
    assert torch.equal(alone[0], others[0, :9])  # neither other rows nor what follows change it


@pytest.mark.parametrize("shut", [False, True])
def test_a_network_that_looks_is_found_out(shut):
    """Before it has learned anything, and where a start at zero keeps it from showing."""
    task = learned("cloze")
    row = task.present(batch_of(task).rows(0, 1))["input"]
    honest, peeking = (BothSides(len(task.vocabulary), peeks=peeks) for peeks in (False, True))
    for model in (honest, peeking) if shut else ():
        torch.nn.init.zeros_(model.say.weight)
    before = [one.clone() for one in peeking.parameters()]
    check_own(honest, task.asks(), row)
    with pytest.raises(
        UsageError, match=r"Your network sees .* the word that stands there.*fit this data: cloze_bilstm\."
    ):
        check_own(peeking, task.asks(), row)
    assert peeking.training and all(map(torch.equal, before, peeking.parameters()))


def test_what_cannot_be_asked_is_said():
    with pytest.raises(DataError, match="fills in words, but task.text.vocabulary.level is pieces"):
        learned("cloze", level="pieces")
    with pytest.raises(DataError, match="hold 3 words that come up often enough"):
        learned("cloze", ["one two three."])
