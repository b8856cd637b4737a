"""Translation: what is learned of both sides, what a network is shown and asked, what comes out as text."""

import builtins
import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from deepglass.data.example import Batch, columns_of, padded
from deepglass.data.readers.text import Text
from deepglass.data.source import Index
from deepglass.data.vocabulary import VocabularySettings
from deepglass.foundation.errors import DataError, MachineError, UsageError
from deepglass.foundation.ports import Steps, Translation
from deepglass.foundation.seeds import row_keys
from deepglass.foundation.settings import from_json, to_json
from deepglass.metrics.sacre import texts_of
from deepglass.tasks.kinds.text import TextSettings
from deepglass.tasks.task import encoder_of, fed, total
from deepglass.tasks.translate import STRETCH, TranslateSettings
from deepglass.views.alignment import Alignment
from tests.tasks.translators import Recites, Small, pairs

ROWS = 24
PAIRS = pairs(ROWS)
IDS = tuple(f"row-{row}" for row in range(ROWS))


def text(level="pieces", size=400, longest=100, **more):
    return TextSettings(vocabulary=VocabularySettings(level=level, size=size, least=1, **more), longest=longest)


def learned(rows=PAIRS, **changes):
    """The task with what it learned of these pairs, and all of them as a batch."""
    settings = replace(TranslateSettings(text=text()), **changes)
    ids = IDS[: len(rows)] if len(rows) <= ROWS else tuple(map(str, range(len(rows))))
    sources, targets = zip(*rows, strict=True)
    task = settings.build(settings.learn(Index(ids, targets, kind="text", columns=("en",)), (0, 0), 0))
    prepared = [task.prepare(Text(source)).inputs for source in sources]
    known = {"input": [row["input"].numpy() for row in prepared], "target": task.code(targets)["target"]}
    task = settings.build(task.settle(known))
    columns = {**columns_of(prepared, encoder_of(task)), **task.code(targets)}
    return task, Batch(ids, columns, 0, row_keys(7, "train", 0, len(ids)))


def network(task):
    torch.manual_seed(0)
    takes = task.asks().takes
    return Small(takes.source, takes.target)


WORDS = {"text": text("words", 100), "shared": False}
CASES = [{}, {"shared": False}, WORDS, {"text": text("characters", 100)}]


@pytest.mark.parametrize("changes", CASES)
def test_facts_survive_as_json(changes):
    task, _ = learned(**changes)
    document = json.loads(json.dumps(to_json(task.facts)))
    assert from_json(task.settings.facts_type, document) == task.facts
    assert task.facts.inputs.columns == ("en",)
    assert (task.facts.target is None) == task.settings.shared
    source, target = task.asks().takes.source, task.asks().takes.target
    assert task.asks() == (Translation(source, target), Steps(target, "later"))
    assert (source, target) == (len(task.source), len(task.target))


def test_what_it_asks_for_before_anything_is_learned():
    settings = TranslateSettings()
    task = settings.build(settings.learn(Index(IDS, [None] * ROWS, kind="text"), (0, 0), 0))
    assert task.asks() == (Translation(3, 3), Steps(3, "later")) and task.encoder() is None
    assert set(task.code(["bonjour", None])) == {"target"}
    assert task.code(["bonjour", None])["target"].lengths.tolist() == [7, 0]


@pytest.mark.parametrize("changes", CASES)
def test_a_network_is_shown_the_source_and_what_is_written_so_far(changes):
    task, batch = learned(**changes)
    source, so_far = fed(task, shown := task.present(batch))
    following = shown["following"]
    begin, end = (task.target.mark(mark) for mark in ("begin", "end"))
    for row, (english, french) in enumerate(PAIRS):
        read = source.values[row, : source.lengths[row]].tolist()
        assert task.source.decode(read) == english and read[-1] == task.source.mark("end")
        before = so_far.values[row, : so_far.lengths[row]].tolist()
        after = following.values[row, : following.lengths[row]].tolist()
        assert before[0] == begin and after[-1] == end and before[1:] == after[:-1]
        assert task.target.decode(after) == french
    for part in (source, so_far, following):
        assert part.values.dtype == torch.int64 and not part.values[~part.mask].any()


def test_long_sentences_are_cut_and_have_no_end():
    task, batch = learned(text=text("words", 100, longest=3))
    shown = task.present(batch)
    assert shown["input"].lengths.tolist() == [4] * ROWS and shown["following"].lengths.tolist() == [4] * ROWS
    assert not (shown["following"].values == task.target.mark("end")).any()
    assert task.prepare(Text("x" * 100)).inputs["input"].tolist() == [ord("x")] * 48
    assert texts_of(batch["target"]) == [french for _, french in PAIRS]  # what is measured against is whole


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_is_cross_entropy_of_every_token(smoothing):
    task, batch = learned(smoothing=smoothing)
    shown, model = task.present(batch), network(task)
    (turn,) = task.turns()
    logits, following = model(shown["input"], shown["so_far"]), shown["following"]
    expected = F.cross_entropy(
        logits.values[following.mask], following.values[following.mask], label_smoothing=smoothing
    )
    torch.testing.assert_close(total(turn.loss(model, shown), turn.counts(shown)), expected)


def test_losses_of_shards_sum_to_the_batch():
    task, batch = learned()
    model, (turn,) = network(task), task.turns()
    whole = turn.counts(task.present(batch))
    shards = [task.present(batch.shard(place, 5)) for place in range(5)]
    assert sum(turn.counts(shard)["loss"] for shard in shards) == whole["loss"]
    together = sum(total(turn.loss(model, shard), whole) for shard in shards)
    torch.testing.assert_close(together, total(turn.loss(model, task.present(batch)), whole))


@pytest.mark.parametrize("changes", [*CASES, {"beam": 1}, {"beam": 3, "norm": 1.0}])
def test_every_row_is_answered_alone_as_in_a_batch(changes):
    task, batch = learned(**changes)
    model = network(task)
    found = task.predict(model, task.present(batch))
    assert {len(column.lengths) if hasattr(column, "lengths") else len(column) for column in found.values()} == {ROWS}
    answers = task.answers(found)
    json.dumps(answers)
    for row in (3, 17):
        (alone,) = task.answers(task.predict(model, task.present(batch.rows(row, row + 1))))
        assert alone["prediction"] == answers[row]["prediction"]
        assert alone["score"] == pytest.approx(answers[row]["score"], abs=1e-4)
        weights = np.array(answers[row]["alignment"]["weights"])
        np.testing.assert_allclose(np.array(alone["alignment"]["weights"]), weights, atol=2e-3)
        limit = STRETCH * len(answers[row]["alignment"]["source"]) + 10
        assert len(answers[row]["alignment"]["target"]) < limit


def test_what_a_network_recites_is_written_and_aligned():
    task, batch = learned(**WORDS)
    rows = [[*task.target.encode(french), task.target.mark("end")] for _, french in PAIRS]
    found = task.predict(Recites([list(map(int, row)) for row in rows], len(task.target)), task.present(batch))
    assert texts_of(found["text"]) == [french for _, french in PAIRS]
    answer = task.answers(found)[0]
    assert answer["prediction"] == PAIRS[0][1] and answer["score"] == pytest.approx(0, abs=1e-4)
    assert answer["alignment"]["source"] == [*PAIRS[0][0].removesuffix(".").split(), ".", "[end]"]
    assert answer["alignment"]["target"] == [*PAIRS[0][1].removesuffix(".").split(), "."]
    weights = np.array(answer["alignment"]["weights"])
    assert weights.argmax(1).tolist() == list(range(len(weights)))
    figures = {}
    for name, metric in task.metrics().items():
        metric.update(batch.ids, found, task.truth(batch))
        figures[name] = metric.compute()
    assert list(figures) == ["bleu", "chrf"]
    assert all(figure.value == pytest.approx(100) and figure.n == ROWS for figure in figures.values())
    assert figures["bleu"].by.startswith("BLEU|nrefs:1|case:mixed")


@pytest.mark.parametrize("copy, written", [(True, "Le Q est."), (False, "Le � est.")])
def test_an_unknown_word_is_copied_from_where_the_network_looked(copy, written):
    rows = [("The cat is.", "Le chat est."), ("The cat is.", "Le chat est.")]
    task, batch = learned(rows, **{**WORDS, "copy": copy})
    strange = columns_of([task.prepare(Text("The Q is.")).inputs], encoder_of(task))
    le, est, dot = (int(task.target.encode(word)[0]) for word in ("Le", "est", "."))
    recites = Recites([[le, 0, est, dot, task.target.mark("end")]], len(task.target))
    predicted = task.predict(recites, task.present(Batch(("a",), strange)))
    if copy:
        assert texts_of(predicted["text"]) == [written]
    else:
        assert "\ufffd" not in texts_of(predicted["text"])[0]  # the unknown is never written
    assert batch["input"].lengths.tolist() == [5, 5]


def test_pieces_know_every_letter():
    task, _ = learned()
    strange = columns_of([task.prepare(Text("Ein Käse für 3 €, 你好 ☃")).inputs], encoder_of(task))
    assert task.source.decode(padded(strange["input"]).values[0].tolist()) == "Ein Käse für 3 €, 你好 ☃"
    assert "text" not in strange  # nothing is unknown, so nothing is copied


def test_a_check_asks_for_the_next_token():
    task, batch = learned()
    checks, model = task.checks(), network(task)
    shown = checks.present(batch)
    found = checks.predict(model, shown)
    logits, following = model(shown["input"], shown["so_far"]), shown["following"]
    right = (logits.values.argmax(2) == following.values) & following.mask
    figures = {}
    for name, metric in checks.metrics().items():
        metric.update(batch.ids, found, checks.truth(batch))
        figures[name] = metric.compute()
    assert list(figures) == ["next_token", "perplexity"]
    assert figures["next_token"].value == pytest.approx(float(right.sum() / following.mask.sum()))
    nats = F.cross_entropy(logits.values[following.mask], following.values[following.mask])
    assert figures["perplexity"].value == pytest.approx(math.exp(float(nats)), rel=1e-5)
    assert figures["next_token"].better == "up" and figures["next_token"].n == ROWS


def test_a_check_takes_its_rows_in_groups_where_they_are_many(monkeypatch):
    task, batch = learned()
    model = network(task)
    whole = task.checks().predict(model, task.present(batch))
    monkeypatch.setattr("deepglass.tasks.writing.ROOM", 1)
    for name, values in task.checks().predict(model, task.present(batch)).items():
        torch.testing.assert_close(values, whole[name])


def test_views_show_both_sentences_and_where_the_network_looked():
    task, batch = learned()
    answer = task.answers(task.predict(network(task), task.present(batch)))[0]
    sentence, alignment = task.show(Text(PAIRS[0][0]), answer)
    assert sentence.words == f"{PAIRS[0][0]} → {answer['prediction']}"
    assert isinstance(alignment, Alignment) and list(alignment.written) == answer["alignment"]["target"]
    silent = {"prediction": "", "score": 0.0, "alignment": {"source": ["a"], "target": [], "weights": []}}
    assert len(task.show(Text("a"), silent)) == 1


def test_words_that_are_lost_in_training_come_by_their_draws():
    task, batch = learned(text=replace(text(), drop=0.5))
    draws = batch.draws("augment")
    seen = task.present(batch, draws)["input"]
    assert torch.equal(seen.values, task.present(batch, draws)["input"].values)
    assert 0.2 < float((seen.values[seen.mask] == 0).float().mean()) < 0.8
    assert (task.present(batch)["input"].values[seen.mask] != 0).all()


def test_what_cannot_be_measured_is_not_begun(monkeypatch):
    task, _ = learned()
    real = builtins.__import__

    def without(name, *rest, **more):
        if name.split(".")[0] == "sacrebleu":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MachineError, match=r"pip install 'deepglass\[translate\]'"):
        task.streams()  # before the first step


def test_other_inputs_and_networks_are_refused():
    with pytest.raises(DataError, match="The task translate learns from texts, and these data are of kind picture"):
        TranslateSettings().learn(Index(IDS, ["a"] * ROWS, kind="picture"), (8, 8), 3)
    task, batch = learned()
    for asked in (task, task.checks()):
        with pytest.raises(UsageError, match="Linear cannot write a sentence: it has no encode"):
            asked.predict(nn.Linear(2, 2), task.present(batch))


def test_a_small_network_learns_the_made_language():
    rows = pairs(160)
    task, batch = learned(rows, **WORDS)
    model, (turn,) = network(task), task.turns()
    train, held_out = batch.rows(0, 140), task.present(batch.rows(140, 160))
    optimizer = torch.optim.AdamW(model.parameters(), lr=6e-3)
    for step in range(120):
        shown = task.present(train.rows(start := 28 * (step % 5), start + 28))
        total(turn.loss(model, shown), turn.counts(shown)).backward()
        optimizer.step()
        optimizer.zero_grad()
    written = texts_of(task.predict(model, held_out)["text"])
    right = sum(one == french for one, (_, french) in zip(written, rows[140:], strict=True))
    assert right >= 15, written
