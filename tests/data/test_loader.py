"""Batches are functions of the step: alone, in a block of several steps, in any order, whatever was done to others."""

import numpy as np
import pytest
import torch

from deepglass.data import loader as of_loader
from deepglass.data.example import ragged
from deepglass.data.loader import Loader, every_example, make_batch
from deepglass.data.order import Balanced, Lengths, Shuffled
from deepglass.data.reading import BAD, USABLE
from deepglass.data.source import Index
from deepglass.data.store import Store

ROWS, STEPS = 90, 25


def orders():
    rows = np.arange(ROWS)
    return {
        "shuffled": Shuffled(rows, 8, 3),
        "balanced": Balanced(rows, rows % 3, 8, 3),
        "lengths": Lengths(rows, rows % 7 + 1, 24, 3),
    }


def loader(name, bad=()):
    state = np.full(ROWS, USABLE, dtype=np.int8)
    state[list(bad)] = BAD
    lengths = np.arange(ROWS) % 7 + 1
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    columns = {"input": np.arange(4 * ROWS, dtype=np.float32).reshape(ROWS, 4), "steps": np.arange(offsets[-1])}
    index = Index([f"row {row}" for row in range(ROWS)], [None] * ROWS)
    store = Store(index, state, columns, {"steps": offsets})
    return Loader(store, {"target": torch.arange(ROWS)}, {"train": orders()[name]}, 3)


def told(batch):
    columns = (batch["input"], batch["target"], *batch["steps"], batch.keys, batch.visits)
    return batch.step, list(batch.ids), [values.tolist() for values in columns]


@pytest.mark.parametrize("bad", [(), (5, 40), range(0, 60)], ids=["all whole", "two bad", "most bad"])
@pytest.mark.parametrize("name", orders())
def test_alone_in_blocks_and_in_any_order(name, bad, monkeypatch):
    in_blocks = loader(name, bad)
    together = [told(in_blocks.batch(step)) for step in range(STEPS)]
    monkeypatch.setattr(of_loader, "MOST_TOGETHER", 1)
    alone = loader(name, bad)
    assert [told(alone.batch(step)) for step in range(STEPS)] == together
    monkeypatch.undo()
    again = loader(name, bad)
    order = np.random.default_rng(0).permutation(STEPS).tolist()
    assert {step: told(again.batch(step)) for step in order} == dict(enumerate(together))


def test_writing_into_a_batch_reaches_no_other():
    one = loader("shuffled")
    wanted = [told(one.batch(step)) for step in range(STEPS)]
    for step in range(STEPS):
        batch = one.batch(step)
        batch["input"].zero_()
        batch["target"].zero_()
        batch["steps"].values.zero_()
    assert [told(one.batch(step)) for step in range(STEPS)] == wanted


def test_ragged_answers_come_with_their_rows():
    source, answers = loader("lengths"), [torch.arange(row % 3 + 1) + row for row in range(ROWS)]
    batch = make_batch(source.store, {"target": ragged(answers)}, np.array([7, 3, 80]))
    assert [row.tolist() for row in batch["target"].each()] == [answers[row].tolist() for row in (7, 3, 80)]


def test_every_example_comes_once_in_order_and_a_long_row_has_little_company():
    store = loader("lengths").store
    lengths = np.where(np.arange(ROWS) == 41, 500, np.arange(ROWS) % 7 + 1)
    store.offsets = {"steps": np.concatenate([[0], np.cumsum(lengths)])}
    store.columns["steps"] = np.arange(lengths.sum())
    batches = list(every_example(store, {}, np.arange(ROWS), 16)())
    assert [id for batch in batches for id in batch.ids] == store.index.ids
    alone = next(batch for batch in batches if "row 41" in batch.ids)
    assert len(alone) == 1 and max(map(len, batches)) == 16
    assert [len(batch) for batch in every_example(store, {}, np.arange(41), 16)()] == [16, 16, 9]
    assert list(every_example(store, {}, np.arange(0), 16)()) == []
