"""Texts and series as inputs of every task of one input: learned, encoded, presented, alone as in a batch."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from deepglass.data.augment.series import SeriesAugment
from deepglass.data.example import Batch, columns_of
from deepglass.data.readers.text import Text
from deepglass.data.source import Index
from deepglass.foundation import catalogue
from deepglass.foundation.ports import Series, Tokens
from deepglass.foundation.seeds import row_keys
from deepglass.foundation.settings import from_json, to_json
from deepglass.tasks.kinds.series import SeriesSettings
from deepglass.tasks.kinds.text import TextSettings
from deepglass.tasks.task import encoder_of, total
from tests.data.texts import sentences

ROWS = 24
ANSWERS = {
    "classify": [("cat", "dog", "owl")[row % 3] for row in range(ROWS)],
    "multilabel": [(("a", "b"), ("b",), (), ("a", "b", "c"))[row % 4] for row in range(ROWS)],
    "regress": [1000.0 + 3 * row for row in range(ROWS)],
}
IDS = tuple(f"row-{row}" for row in range(ROWS))
CASES = [(name, kind) for name in ANSWERS for kind in ("text", "series")]


def raws(kind):
    if kind == "text":
        return [Text(text) for text, _ in sentences(ROWS)]
    random = np.random.default_rng(3)
    return [random.normal(3, 2, (5 + row % 9, 2)).astype(np.float32) for row in range(ROWS)]


def make(name, kind, **changes):
    settings = replace(catalogue.find("tasks", name), **changes)
    index = Index(IDS, ANSWERS[name], kind=kind, columns=("x1", "x2") if kind == "series" else ("text",))
    task = settings.build(settings.learn(index, (0, 0), 0))
    rows = [task.prepare(raw).inputs for raw in raws(kind)]
    task = settings.build(task.settle({"input": [row["input"].numpy() for row in rows]}))
    columns = {**columns_of(rows, encoder_of(task)), **task.code(ANSWERS[name])}
    return task, Batch(IDS, columns, 0, row_keys(7, "train", 0, ROWS))


class Mean(nn.Module):
    """The mean over a row's own steps, through one dense layer."""

    def __init__(self, takes, outputs):
        super().__init__()
        words = isinstance(takes, Tokens)
        self.table = nn.Embedding(takes.vocabulary, 4) if words else nn.Linear(takes.channels, 4)
        self.output = nn.Linear(4, outputs)

    def forward(self, rows):
        steps = rows.with_values(self.table(rows.values))
        return self.output(steps.values.sum(1) / rows.lengths[:, None])


def network(task):
    torch.manual_seed(0)
    asked = task.asks()
    return Mean(asked.takes, asked.gives.size)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_facts_and_port_survive_as_json(name, kind):
    task, _ = make(name, kind)
    again = from_json(task.settings.facts_type, json.loads(json.dumps(to_json(task.facts))))
    assert again == task.facts and again.inputs.kind == kind
    takes = task.asks().takes
    assert isinstance(takes, Tokens if kind == "text" else Series)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_losses_of_shards_sum_to_the_batch_and_rows_alone_are_rows_of_it(name, kind):
    task, batch = make(name, kind)
    model, shown = network(task), task.present(batch)
    for turn in task.turns():
        whole = turn.counts(shown)
        shards = [task.present(batch.shard(place, 5)) for place in range(5)]
        together = sum(total(turn.loss(model, shard), whole) for shard in shards)
        torch.testing.assert_close(together, total(turn.loss(model, shown), whole))
    draws = batch.draws("augment")
    varied = task.present(batch, draws)["input"]
    one = batch.rows(4, 5)
    alone = task.present(one, one.draws("augment"))["input"]
    length = int(alone.lengths[0])
    assert torch.equal(alone.values[0], varied.values[4, :length]) and not varied.values[4, length:].any()


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_every_row_is_answered(name, kind):
    task, batch = make(name, kind)
    predictions = task.predict(network(task), task.present(batch))
    answers = task.answers(predictions)
    assert len(answers) == ROWS
    views = task.show(raws(kind)[0], answers[0])
    assert all(view.terminal() and view.svg() and view.json() for view in views)


def test_another_vocabulary_needs_no_other_preparation():
    small = TextSettings()
    large = replace(small, vocabulary=replace(small.vocabulary, size=9, least=3))
    first, second = make("classify", "text")[0], make("classify", "text", text=large)[0]
    assert first.preparation() == second.preparation()
    assert len(second.facts.inputs.vocabulary) == 9 < len(first.facts.inputs.vocabulary)


def test_a_share_of_tokens_is_lost_each_time_others():
    task, batch = make("classify", "text", text=TextSettings(drop=0.5))
    shown = task.present(batch)["input"].values
    lost = [(task.present(batch, batch.draws(name))["input"].values != shown).float() for name in ("a", "b")]
    own = (shown > 0).float().sum()
    assert all(0.35 < float(each.sum() / own) < 0.65 for each in lost) and not torch.equal(*lost)


def test_series_by_their_own_mean_and_spread_forget_their_height():
    task, batch = make("classify", "series", series=SeriesSettings(standardise="row"))
    shown = task.present(batch)["input"]
    for row, length in enumerate(shown.lengths.tolist()):
        own = shown.values[row, :length]
        torch.testing.assert_close(own.mean(0), torch.zeros(2), atol=1e-5, rtol=0)
        torch.testing.assert_close(own.std(0, correction=0), torch.ones(2), atol=1e-4, rtol=0)


@pytest.mark.parametrize("field", ["scale", "shift", "noise", "warp", "drop"])
def test_each_augmentation_of_series_changes_rows_by_their_own_draws(field):
    settings = SeriesSettings(augment=replace(SeriesAugment(), **{field: 0.4}))
    task, batch = make("classify", "series", series=settings)
    plain, varied = task.present(batch)["input"], task.present(batch, batch.draws("augment"))["input"]
    assert not torch.equal(plain.values, varied.values)
    assert torch.equal(varied.values, task.present(batch, batch.draws("augment"))["input"].values)
    one = batch.rows(7, 8)
    alone = task.present(one, one.draws("augment"))["input"]
    torch.testing.assert_close(alone.values[0], varied.values[7, : int(alone.lengths[0])])
