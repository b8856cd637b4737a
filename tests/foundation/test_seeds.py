"""Draws are functions of their key: not of neighbours, history or batch size; and they look random."""

import math
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deepglass.foundation.seeds import Draws, Permutation, key, keys_of, row_keys, seed_torch, step_keys, text_keys


@given(st.integers(0, 2**64 - 1), st.integers(0, 10**9), st.integers(1, 50))
def test_a_rows_draw_does_not_depend_on_its_neighbours(seed, step, rows):
    keys = row_keys(seed, "train", step, rows)
    whole = Draws(keys)
    whole.normal("something else", 3)
    for row in (0, rows - 1):
        alone = Draws(keys[row : row + 1])
        assert torch.equal(alone.uniform("a", 2, 3)[0], whole.uniform("a", 2, 3)[row])
        assert torch.equal(alone.normal("z", 4)[0], whole.normal("z", 4)[row])


def test_names_purposes_steps_and_seeds_give_unrelated_draws():
    base = Draws(row_keys(1, "train", 5, 20_000))
    others = [
        base.uniform("b"),
        base.for_purpose("latent").uniform("a"),
        Draws(row_keys(1, "train", 6, 20_000)).uniform("a"),
        Draws(row_keys(2, "train", 5, 20_000)).uniform("a"),
        Draws(row_keys(1, "other", 5, 20_000)).uniform("a"),
    ]
    first = base.uniform("a")
    for other in others:
        assert abs(np.corrcoef(first.numpy(), other.numpy())[0, 1]) < 0.03


def test_the_distributions_are_what_they_say():
    draws = Draws(row_keys(3, "train", 0, 50_000))
    uniform, normal = draws.uniform("u", 2), draws.normal("n", 2)
    assert abs(uniform.mean() - 0.5) < 0.005 and abs(uniform.var() - 1 / 12) < 0.002
    assert 0 <= uniform.min() and uniform.max() < 1
    assert abs(normal.mean()) < 0.01 and abs(normal.var() - 1) < 0.02
    assert abs((normal**4).mean() - 3) < 0.1
    counts = torch.bincount(draws.integers("i", 0, 10)).float()
    assert ((counts - 5000).abs() < 400).all()
    for alpha in (0.2, 1.0, 4.0):
        share = draws.beta(f"beta{alpha}", alpha)
        assert abs(share.mean() - 0.5) < 0.01 and abs(share.var() - 1 / (4 * (2 * alpha + 1))) < 0.005


@settings(max_examples=60)
@given(st.integers(1, 3000), st.integers(0, 2**64 - 1))
def test_a_permutation_hits_every_place_once(size, seed):
    assert sorted(Permutation(size, seed, "epoch")(np.arange(size))) == list(range(size))


def test_permutations_of_a_large_range_need_no_memory_and_mix_well():
    places = Permutation(10**12, 1)(np.arange(100_000))
    assert len(set(places.tolist())) == 100_000 and places.max() > 9 * 10**11
    small = [tuple(Permutation(4, seed)(np.arange(4))) for seed in range(2000)]
    assert len(set(small)) == 24


@pytest.mark.parametrize("size", [2, 3, 4, 5, 300])
def test_every_order_is_equally_likely(size):
    """Chi-square over where the first two places go, and over whole orders where there are few."""
    orders = [
        Permutation(size, seed, "even")(np.arange(min(size, 5))) for seed in range(24_000 if size <= 5 else 6_000)
    ]
    kinds = [Counter(int(order[place]) for order in orders) for place in (0, 1)]
    possible = [size, size]
    if size <= 5:
        kinds.append(Counter(tuple(order.tolist()) for order in orders))
        possible.append(math.factorial(size))
    for counts, count in zip(kinds, possible, strict=True):
        expected = len(orders) / count
        off = sum((seen - expected) ** 2 / expected for seen in counts.values()) + expected * (count - len(counts))
        assert off < (count - 1) + 6 * math.sqrt(2 * (count - 1)) + 6


def test_keys_of_numbers_are_the_keys_of_each():
    numbers = np.array([0, 1, 7, 1 << 40])
    assert keys_of(numbers, 3, "round").tolist() == [key(3, "round", number) for number in numbers.tolist()]


def test_keys_of_texts_and_torchs_own_generator():
    assert text_keys(0, ["a", "b"])[1] == text_keys(0, ["b"])[0] != text_keys(1, ["b"])[0]
    seed_torch(1, "dropout", 5)
    first = torch.rand(3)
    seed_torch(1, "dropout", 5)
    assert torch.equal(first, torch.rand(3))
    with pytest.raises(TypeError):
        key(1.5)


@given(st.integers(0, 2**63), st.lists(st.integers(0, 9), min_size=1, max_size=6), st.integers(0, 10**9))
def test_keys_of_several_steps_are_those_of_each(seed, counts, first):
    together = step_keys(seed, "train", range(first, first + len(counts)), counts)
    each = [row_keys(seed, "train", first + place, count) for place, count in enumerate(counts)]
    assert together.equal(torch.cat(each))
