"""Captioning: what is learned of captions, which of several is shown, what comes out with its looks."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepglass.data.augment.pictures import PictureAugment
from deepglass.data.example import Batch, columns_of
from deepglass.data.source import Index, Picture
from deepglass.data.vocabulary import VocabularySettings
from deepglass.foundation.errors import DataError, UsageError
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import Captions, Image, Steps
from deepglass.foundation.seeds import row_keys
from deepglass.foundation.settings import from_json, to_json
from deepglass.metrics.sacre import texts_of
from deepglass.tasks.caption import CaptionSettings
from deepglass.tasks.kinds.picture import PictureSettings
from deepglass.tasks.task import encoder_of, fed, form_of, recodes, said, total, watched
from deepglass.views.looked import Looked

ROWS = 12
TOLD = [
    ("a red ball", "the ball is red")[: 1 + row % 2] if row % 3 else ("a blue box", "a box", "a blue box lies here")
    for row in range(ROWS)
]
IDS = tuple(f"row-{row}" for row in range(ROWS))
WORDS = VocabularySettings(level="words", size=40, least=1)


class Small(nn.Module):
    """Patches of a picture, and a GRU that looks at them by products; keeps the contract of writers."""

    def __init__(self, vocabulary: int, width: int = 24):
        super().__init__()
        self.see, self.write = nn.Conv2d(3, width, 8, stride=8), nn.Embedding(vocabulary, width)
        self.writer, self.head = nn.GRUCell(2 * width, width), nn.Linear(2 * width, vocabulary)

    def forward(self, picture: Tensor, so_far: Padded) -> Padded:
        state, logits = self.encode(picture), []
        for token in so_far.values.unbind(1):
            found, state, _ = self.step(token, state)
            logits.append(found)
        return so_far.with_values(torch.stack(logits, 1))

    def encode(self, picture: Tensor):
        seen = self.see(picture).movedim(1, -1).relu()
        return seen, seen.mean((1, 2))

    def step(self, token: Tensor, state):
        seen, hidden = state
        looks = (seen * hidden[:, None, None]).sum(-1).flatten(1).softmax(1).view(seen.shape[:3])
        context = (looks[..., None] * seen).sum((1, 2))
        hidden = self.writer(torch.cat([self.write(token), context], 1), hidden)
        return self.head(torch.cat([hidden, context], 1)), (seen, hidden), looks


def raw():
    random = np.random.default_rng(3)
    return [Picture(random.integers(0, 255, (18, 24, 3)).astype(np.uint8)) for _ in range(ROWS)]


def learned(told=TOLD, **changes):
    """The task with what it learned of these captions, and all rows as a batch."""
    settings = replace(CaptionSettings(vocabulary=WORDS, picture=PictureSettings(fit="stretch")), **changes)
    task = settings.build(settings.learn(Index(IDS, told), (16, 32), 3))
    prepared = [task.prepare(item).inputs for item in raw()]
    known = {"input": np.stack([row["input"].numpy() for row in prepared]), "target": task.code(told)["target"]}
    task = settings.build(task.settle(known))
    columns = {**columns_of(prepared, encoder_of(task)), **task.code(told)}
    return task, Batch(IDS, columns, 0, row_keys(7, "train", 0, ROWS))


def network(task):
    torch.manual_seed(0)
    return Small(task.asks().takes.vocabulary)


def sentences(task, column):
    return [task.target.decode(values[:length].tolist()) for values, length in zip(*column, strict=True)]


def test_facts_survive_as_json_and_say_what_is_asked():
    task, _ = learned()
    assert from_json(task.settings.facts_type, json.loads(json.dumps(to_json(task.facts)))) == task.facts
    count = len(task.target)
    assert task.asks() == (Captions(Image(3, 16, 32), count), Steps(count, "later"))
    assert set(task.target.tokens) == {word for own in TOLD for caption in own for word in caption.split()}
    assert form_of(task) is not None and encoder_of(task) is None and recodes(task)
    bare = CaptionSettings().build(CaptionSettings().learn(Index(IDS, TOLD), (16, 32), 3))
    assert bare.asks().gives == Steps(3, "later") and set(bare.code(TOLD)) == {"target"}


def test_targets_hold_every_caption():
    task, batch = learned()
    assert texts_of(batch["target"]) == ["\n".join(own) for own in TOLD]
    begin = task.target.mark("begin")
    counts = [int((row == begin).sum()) for row in batch["so_far"].each()]
    assert counts == list(map(len, TOLD))
    assert task.code([None])["so_far"].values.tolist() == [begin, task.target.mark("end")]


def test_checks_ask_for_the_first_caption_and_training_draws_one():
    task, batch = learned()
    picture, so_far = fed(task, shown := task.present(batch))
    following = shown["following"]
    assert picture.shape == (ROWS, 3, 16, 32)
    assert sentences(task, so_far) == sentences(task, following) == [own[0] for own in TOLD]
    begin, end = (task.target.mark(mark) for mark in ("begin", "end"))
    assert (so_far.values[:, 0] == begin).all()
    assert (following.values[torch.arange(ROWS), following.lengths - 1] == end).all()
    drawn = set()
    for step in range(8):
        visit = replace(batch, step=step, keys=row_keys(7, "train", step, ROWS))
        again = task.present(visit, visit.draws("augment"))
        told = sentences(task, again["following"])
        assert all(one in own for one, own in zip(told, TOLD, strict=True))
        assert not again["so_far"].values[~again["so_far"].mask].any()
        drawn.add(tuple(told))
        alone = task.present(visit.rows(3, 4), visit.rows(3, 4).draws("augment"))
        assert sentences(task, alone["following"]) == told[3:4]
    assert len(drawn) == 8


def test_long_captions_are_cut_and_have_no_end():
    long = [(f"{own[0]} here",) for own in TOLD]
    task, batch = learned(long, longest=2)
    following = task.present(batch)["following"]
    assert following.lengths.tolist() == [3] * ROWS and sentences(task, following)[0] == "a blue box"
    ended = following.values[torch.arange(ROWS), following.lengths - 1] == task.target.mark("end")
    assert not ended.any()


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_is_cross_entropy_of_every_word_and_sums_over_shards(smoothing):
    task, batch = learned(smoothing=smoothing)
    shown, model = task.present(batch), network(task)
    (turn,) = task.turns()
    logits, following = model(shown["input"], shown["so_far"]), shown["following"]
    expected = F.cross_entropy(
        logits.values[following.mask], following.values[following.mask], label_smoothing=smoothing
    )
    torch.testing.assert_close(total(turn.loss(model, shown), whole := turn.counts(shown)), expected)
    shards = [task.present(batch.shard(place, 5)) for place in range(5)]
    torch.testing.assert_close(sum(total(turn.loss(model, shard), whole) for shard in shards), expected)


def test_it_learns_tells_and_says_where_it_looked():
    task, batch = learned(smoothing=0.0, beam=2)
    model, shown = network(task), task.present(batch)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(150):
        loss = total(task.loss(model, shown), task.counts(shown))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    predictions = task.predict(model.eval(), shown)
    assert {len(values.lengths) if hasattr(values, "lengths") else len(values) for values in predictions.values()} == {
        ROWS
    }
    answers = task.answers(
        {name: value if hasattr(value, "lengths") else value.float() for name, value in predictions.items()}
    )
    assert [answer["prediction"] for answer in answers] == [own[0] for own in TOLD]
    for answer in answers:
        assert (
            0.3 < answer["confidence"] <= 1 and [one["word"] for one in answer["words"]] == answer["prediction"].split()
        )
        maps = np.array([one["looked"] for one in answer["words"]])
        assert maps.shape == (len(answer["words"]), 2, 4) and np.allclose(maps.sum((1, 2)), 1, atol=1e-2)
    json.dumps(answers)
    figures = {}
    for name, metric in task.metrics().items():
        metric.update(IDS, predictions, task.truth(batch))
        figures[name] = metric.compute()
    assert list(figures) == ["bleu", "cider", "rouge_l", "exact"] and figures["exact"].value == 1.0
    assert all(figure.n == ROWS for figure in figures.values())
    _, so_far = watched(task, shown, predictions)
    assert sentences(task, so_far) == [own[0] for own in TOLD]
    picture, looked = task.show(raw()[0], answers[0])
    assert "a blue box" in picture.text() and isinstance(looked, Looked) and list(looked.words) == ["a", "blue", "box"]
    assert said(answers[0]).startswith("a blue box (")


def test_an_untrained_network_writes_no_unknown_word_and_comes_to_an_end():
    task, batch = learned(longest=5, beam=3)
    predictions = task.predict(network(task).eval(), task.present(batch))
    assert int(predictions["tokens"].lengths.max()) <= 5
    assert "\ufffd" not in "".join(texts_of(predictions["text"]))
    nothing = {**predictions, "tokens": predictions["tokens"]._replace(lengths=predictions["tokens"].lengths * 0)}
    assert (predictions["confidence"] <= 1).all() and len(nothing) == 5


def test_checks_are_teacher_forced():
    task, batch = learned()
    found = task.checks().predict(network(task).eval(), task.present(batch))
    assert found["asked"].tolist() == [len(own[0].split()) + 1 for own in TOLD]
    assert list(task.checks().metrics()) == ["next_token", "perplexity"]


def test_what_cannot_work_is_said():
    task, batch = learned()
    with pytest.raises(UsageError, match="cannot write"):
        task.predict(nn.Linear(2, 2), task.present(batch))
    with pytest.raises(DataError):
        learned(vocabulary=replace(WORDS, least=100))


def test_augmentation_goes_by_the_rows_own_draws():
    moved = PictureSettings(fit="stretch", augment=PictureAugment(crop_pad=4, brightness=0.3))
    task, batch = learned(picture=moved)
    draws = batch.draws("augment")
    shown = task.present(batch, draws)["input"]
    assert torch.equal(shown, task.present(batch, draws)["input"]) and not torch.equal(
        shown, task.present(batch)["input"]
    )
