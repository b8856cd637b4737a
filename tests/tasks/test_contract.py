"""One contract over every task of the catalogue, on rows of numbers and on pictures."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from deepglass.data.augment.pictures import strong
from deepglass.data.example import Batch
from deepglass.data.source import Index, Picture
from deepglass.foundation import catalogue
from deepglass.foundation.ports import Vector
from deepglass.foundation.seeds import row_keys
from deepglass.foundation.settings import from_json, to_json
from deepglass.metrics.figure import Figure
from deepglass.tasks.kinds.picture import PictureSettings
from deepglass.tasks.task import total

ROWS = 24
ANSWERS = {  # what a source says, by task; a new task brings a line
    "classify": [("cat", "dog", "owl")[row % 3] for row in range(ROWS)],
    "embed": [("cat", "dog", "owl")[row % 3] for row in range(ROWS)],
    "multilabel": [(("a", "b"), ("b",), (), ("a", "b", "c"))[row % 4] for row in range(ROWS)],
    "regress": [1000.0 + 3 * row for row in range(ROWS)],
}
IDS = tuple(f"row-{row}" for row in range(ROWS))
TASKS = [name for name in catalogue.entries("tasks") if name in ANSWERS]  # others: test_texts.py, test_transcribe.py


def raw(kind):
    random = np.random.default_rng(3)
    if kind == "vector":
        return list(random.normal(3, 2, (ROWS, 5)).astype(np.float32))
    return [Picture(random.integers(0, 255, (9, 12, 3)).astype(np.uint8)) for _ in range(ROWS)]


def make(name, kind, **changes):
    settings = replace(catalogue.find("tasks", name), **changes)
    index = Index(IDS, ANSWERS[name], kind=kind, columns=tuple("vwxyz") if kind == "vector" else ())
    task = settings.build(settings.learn(index, (8, 8), 3))
    columns = {"input": np.stack([task.prepare(item).inputs["input"].numpy() for item in raw(kind)])}
    task = settings.build(task.settle(columns))
    rows = {"input": torch.from_numpy(columns["input"]), **task.code(ANSWERS[name])}
    return task, Batch(IDS, rows, 0, row_keys(7, "train", 0, ROWS))


def network(task, batch):
    torch.manual_seed(0)
    asked = task.asks().gives
    assert isinstance(asked, Vector)
    return nn.Sequential(nn.Flatten(), nn.Linear(batch["input"][0].numel(), asked.size))


@pytest.mark.parametrize("kind", ["vector", "picture"])
@pytest.mark.parametrize("name", TASKS)
class TestEveryTask:
    def test_facts_survive_as_json(self, name, kind):
        task, _ = make(name, kind)
        document = json.loads(json.dumps(to_json(task.facts)))
        assert from_json(task.settings.facts_type, document) == task.facts

    def test_losses_of_shards_sum_to_the_batch(self, name, kind):
        task, batch = make(name, kind)
        model = network(task, batch)
        shown = task.present(batch)
        for turn in task.turns():
            whole = turn.counts(shown)
            shards = [shown.shard(place, 5) for place in range(5)]
            counts = [turn.counts(shard) for shard in shards]
            assert {key: sum(count[key] for count in counts) for key in whole} == pytest.approx(whole)
            together = sum(total(turn.loss(model, shard), whole) for shard in shards)
            torch.testing.assert_close(together, total(turn.loss(model, shown), whole))

    def test_presenting_without_draws_is_one_answer(self, name, kind):
        task, batch = make(name, kind)
        first, second = task.present(batch)["input"], task.present(batch)["input"]
        assert torch.equal(first, second)
        assert abs(float(first.mean())) < 1e-4 and abs(float(first.std(correction=0)) - 1) < 1e-2
        alone = task.present(batch.rows(4, 5))["input"]
        torch.testing.assert_close(alone, first[4:5])

    def test_every_row_is_answered_and_every_metric_is_one_figure(self, name, kind):
        task, batch = make(name, kind)
        predictions = task.predict(network(task, batch), task.present(batch))
        assert {len(values) for values in predictions.values()} == {ROWS}
        answers = task.answers(predictions)
        assert len(answers) == ROWS and all("prediction" in answer for answer in answers)
        json.dumps(answers)
        for metric in task.metrics().values():
            metric.update(batch.ids, predictions, task.truth(batch))
            figure = metric.compute()
            assert isinstance(figure, Figure) and figure.n == ROWS and np.isfinite(figure.value)

    def test_preparation_says_all_that_prepare_depends_on(self, name, kind):
        task, _ = make(name, kind)
        assert json.dumps(to_json(task.preparation())) == json.dumps(to_json(make(name, kind)[0].preparation()))
        if kind == "picture":
            padded, _ = make(name, kind, picture=PictureSettings(fit="pad"))
            assert padded.preparation() != task.preparation()


@pytest.mark.parametrize("name", TASKS)
def test_augmentation_goes_by_the_rows_own_draws(name):
    task, batch = make(name, "picture", picture=PictureSettings(augment=replace(strong(), mixup=0.0, cutmix=0.0)))
    draws = batch.draws("augment")
    shown = task.present(batch, draws)["input"]
    assert torch.equal(shown, task.present(batch, draws)["input"])
    assert not torch.equal(shown, task.present(batch)["input"])
    alone = batch.rows(3, 4)
    torch.testing.assert_close(task.present(alone, alone.draws("augment"))["input"], shown[3:4])


@pytest.mark.parametrize("name", [name for name in TASKS if name != "embed"])  # which refuses to mix
def test_mixed_pictures_have_mixed_answers(name):
    task, batch = make(name, "picture", picture=PictureSettings(augment=replace(strong(), mixup=1.0)))
    shown = task.present(batch, batch.draws("augment"))
    kept = task.present(batch)
    assert shown["target"].is_floating_point() and len(shown["target"]) == ROWS
    assert shown["target"].ndim == (2 if name != "regress" else 1)
    assert not torch.equal(shown["target"].float(), kept["target"].float()) or name == "classify"
    losses = task.loss(network(task, batch), shown)
    assert torch.isfinite(losses.sums["loss"])
