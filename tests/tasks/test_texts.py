"""The contract of tasks, held by those of texts, at every level of tokens."""

import json

import numpy as np
import pytest
import torch

from deepglass.data.example import Ragged, picked
from deepglass.data.source import Index
from deepglass.foundation import catalogue
from deepglass.foundation.errors import DataError
from deepglass.foundation.settings import from_json, to_json
from deepglass.foundation.words import has
from deepglass.metrics.figure import Figure
from deepglass.tasks.task import total
from tests.tasks.text_nets import LINES, batch_of, learned, network

CASES = [("generate_text", "characters"), ("generate_text", "words"), ("generate_text", "pieces"), ("cloze", "words")]


def flat(column):
    return column.values if isinstance(column, Ragged) else column


@pytest.mark.parametrize(("name", "level"), CASES)
class TestEveryTaskOfTexts:
    def test_facts_survive_as_json(self, name: str, level: str):
        task = learned(name, level=level)
        document = json.loads(json.dumps(to_json(task.facts), ensure_ascii=False))
        again = task.settings.build(from_json(task.settings.facts_type, document))
        assert again.facts == task.facts
        mine, others = batch_of(task)["input"], batch_of(again)["input"]
        assert torch.equal(mine.values, others.values)

    def test_what_is_known_is_not_learned_again(self, name: str, level: str):
        task = learned(name, level=level)
        vocabulary = task.facts.inputs.vocabulary
        rows = [np.frombuffer(b"something else altogether, in other words", dtype=np.uint8)]
        assert task.settle({"input": rows}).inputs.vocabulary == vocabulary

    def test_losses_of_shards_sum_to_the_batch(self, name: str, level: str):
        task = learned(name, level=level)
        batch, model = batch_of(task), network(name, task)
        for turn in task.turns():
            shown = task.present(batch)
            whole = turn.counts(shown)
            shards = [task.present(batch.shard(place, 5)) for place in range(5)]
            counts = [turn.counts(shard) for shard in shards]
            assert {key: sum(count[key] for count in counts) for key in whole} == pytest.approx(whole)
            together = sum(total(turn.loss(model, shard), whole) for shard in shards)
            torch.testing.assert_close(together, total(turn.loss(model, shown), whole))

    def test_a_row_alone_is_answered_as_in_a_batch(self, name: str, level: str):
        task = learned(name, level=level)
        batch, model = batch_of(task), network(name, task).eval()
        whole = task.predict(model, task.present(batch))
        for row in (0, 7, len(LINES) - 1):
            alone = task.predict(model, task.present(batch.rows(row, row + 1)))
            for column, values in alone.items():
                wanted = picked(whole[column], torch.tensor([row]))
                torch.testing.assert_close(flat(values), flat(wanted), rtol=1e-4, atol=1e-4)

    def test_every_row_is_counted_and_every_metric_is_one_figure(self, name: str, level: str):
        task = learned(name, level=level)
        batch = batch_of(task)
        predictions = task.predict(network(name, task).eval(), task.present(batch))
        sizes = {len(one.lengths) if isinstance(one, Ragged) else len(one) for one in predictions.values()}
        assert sizes == {len(LINES)}
        answers = task.answers(predictions)
        assert len(answers) == len(LINES)
        json.dumps(answers)
        for metric in task.metrics().values():
            metric.update(batch.ids, predictions, task.truth(batch))
            figure = metric.compute()
            assert isinstance(figure, Figure) and figure.n == len(LINES) and np.isfinite(figure.value)
        assert all(has(f"tasks.metric_{metric}") for metric in task.metrics())

    def test_words_are_lost_by_the_rows_own_draws(self, name: str, level: str):
        task = learned(name, level=level, drop=0.3)
        batch = batch_of(task)
        shown, kept = task.present(batch, batch.draws("augment")), task.present(batch)
        assert torch.equal(shown["target"].values, kept["target"].values)
        lost = (shown["input"].values == 0) & kept["input"].mask & (kept["input"].values != 0)
        assert 0.15 < float(lost.sum() / kept["input"].lengths.sum()) < 0.45
        alone = batch.rows(3, 4)
        again = task.present(alone, alone.draws("augment"))["input"]
        assert torch.equal(again.values[0], shown["input"].values[3, : again.values.shape[1]])

    def test_only_texts_are_learned_from(self, name: str, level: str):
        settings = catalogue.find("tasks", name)
        with pytest.raises(DataError, match=f"The task {name} learns from texts, and these data are of kind picture"):
            settings.learn(Index(["a"], ["x"]), (8, 8), 3)

    def test_preparation_says_what_prepare_depends_on_and_not_what_was_learned(self, name: str, level: str):
        task = learned(name, level=level)
        assert to_json(task.preparation()) == to_json(learned(name, LINES[:8], level=level).preparation())
        assert to_json(task.preparation()) != to_json(learned(name, level=level, longest=7).preparation())


def test_texts_of_nothing_but_spaces_are_one_unknown_word():
    for name, level in CASES[1:]:
        task = learned(name, level=level)
        batch = batch_of(task, ["   ", "The cat sees"])
        predictions = task.predict(network(name, task).eval(), task.present(batch))
        assert all(torch.isfinite(one).all() for one in predictions.values() if not isinstance(one, Ragged))
