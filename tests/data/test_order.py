"""Orders: every row once an epoch, and each row knows how often its example came before."""

from collections import Counter

import numpy as np
import pytest

from deepglass.data.augment.pictures import PictureAugment, augment_pictures
from deepglass.data.cache import Store
from deepglass.data.loader import Loader
from deepglass.data.order import Balanced, Lengths, Shuffled
from deepglass.data.source import Index
from deepglass.foundation.seeds import Permutation

ROWS = np.arange(100, 160)
CLASSES = np.array([0] * 40 + [1] * 15 + [2] * 5)

ORDERS = {
    "shuffled": lambda: Shuffled(ROWS, 7, seed=3),
    "whole batches": lambda: Shuffled(ROWS, 20, seed=3),
    "balanced": lambda: Balanced(ROWS, CLASSES, 7, seed=3),
    "balanced, three together": lambda: Balanced(ROWS, CLASSES, 12, seed=3, together=3),
    "lengths": lambda: Lengths(ROWS, np.repeat([3, 9, 30], 20), 90, seed=3),
}


@pytest.mark.parametrize("name", ORDERS)
def test_visits_count_the_times_an_example_came_before(name):
    order, seen, first = ORDERS[name](), Counter(), {}
    for step in range(60):
        rows, visits = order.at(step), order.visits(step)
        assert len(rows) == len(visits)
        for row, visit in zip(rows.tolist(), visits.tolist(), strict=True):
            assert visit == first.setdefault(row, visit) + seen[row]
            seen[row] += 1
    assert min(seen.values()) > 2
    coins = [number & 1 for number in first.values()]
    assert 0.2 < np.mean(coins) < 0.8  # which side comes first is the example's own


@pytest.mark.parametrize("name", ORDERS)
def test_visits_do_not_depend_on_what_was_asked_before(name):
    straight, jumping = ORDERS[name](), ORDERS[name]()
    for step in (31, 2, 58, 0):
        expected = [straight.visits(number) for number in range(step + 1)][-1]
        assert np.array_equal(jumping.visits(step), expected)


@pytest.mark.parametrize("count", [2, 3, 300])
def test_each_round_of_balanced_rows_visits_every_class_once_in_an_order_of_its_own(count):
    order = Balanced(np.arange(2 * count), np.repeat(np.arange(count), 2), 7, seed=5)
    rows = np.concatenate([order.at(step) for step in range(3 * count)])
    rounds = (rows[: len(rows) // count * count] // 2).reshape(-1, count)
    assert (np.sort(rounds, axis=1) == np.arange(count)).all() and len({tuple(one) for one in rounds.tolist()}) > 1
    for turn in range(3):
        assert (rounds[turn] == Permutation(count, 5, "round", turn)(np.arange(count))).all()


def test_rows_of_a_class_come_together_and_none_twice_until_it_is_used_up():
    order = Balanced(np.arange(40), np.repeat(np.arange(10), 4), 12, seed=5, together=2)
    for step in range(20):
        pairs = order.at(step).reshape(-1, 2)
        assert (pairs[:, 0] // 4 == pairs[:, 1] // 4).all() and (pairs[:, 0] != pairs[:, 1]).all()
    rows = np.concatenate([order.at(step) for step in range(10)])[:40]
    assert sorted(rows.tolist()) == list(range(40))


def test_in_two_epochs_every_example_is_seen_both_ways_whatever_the_shards():
    random = np.random.default_rng(0)
    index = Index([f"{number}.png" for number in range(60)], ["a"] * 60)
    pixels = random.integers(0, 256, (60, 1, 8, 8), dtype=np.uint8)
    store = Store(index, np.ones(60, dtype=bool), {"input": pixels})
    loader = Loader(store, {}, {"train": Shuffled(np.arange(60), 20, seed=3)}, seed=3)
    mirrored = np.zeros((6, 60), dtype=bool)  # by epoch
    for step in range(18):
        batch = loader.batch(step)
        for shard in (batch.shard(place, 3) for place in range(3)):
            draws = shard.draws("augment")
            shown = augment_pictures(shard["input"], draws, PictureAugment(flip=True, alternate=True), (8, 8))
            for name, picture, plain in zip(shard.ids, shown, shard["input"], strict=True):
                number = int(name.removesuffix(".png"))
                mirrored[step // 3, number] = bool((picture * 255 - plain).abs().max() > 1)
    assert all(np.array_equal(mirrored[epoch], ~mirrored[epoch + 1]) for epoch in range(5))
    assert 15 < mirrored[0].sum() < 45
