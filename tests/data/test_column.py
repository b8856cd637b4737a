"""Columns that are arrays behave as the lists they stand for; queues that are never sorted are cut as sorted ones."""

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deepglass.data import column, split
from deepglass.data.column import Coded, Numbered, Parts, keys_of, pieces, row_numbers, take, tally, tally_parts, where
from deepglass.data.loader import Shared
from deepglass.data.settings import DataSettings
from deepglass.data.source import Index

NAMES = ("", "train", "val", "test")


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr(pieces, "__defaults__", (7,))


@given(st.lists(st.sampled_from(NAMES), max_size=40), st.data())
def test_parts_are_compared_and_indexed_as_an_array_of_text(names, data):
    parts, text = Parts.of(names), np.array(names, dtype="<U5")
    assert parts.tolist() == list(parts) == names and len(parts) == len(names)
    for name in (*NAMES, "nothing"):
        assert ((parts == name) == (text == name)).all() and ((parts != name) == (text != name)).all()
    for name in NAMES[1:]:
        assert parts.rows(name).tolist() == np.flatnonzero(text == name).tolist()
    if names:
        rows = np.array(data.draw(st.lists(st.integers(0, len(names) - 1))), dtype=int)
        assert parts[rows].tolist() == text[rows].tolist()
        assert [parts[int(row)] for row in rows] == text[rows].tolist()
        assert (parts[rows] == text[rows].tolist()).all()
    assert Parts.all("val", len(names)).tolist() == ["val"] * len(names)


def test_a_part_that_is_none_is_named():
    with pytest.raises(ValueError, match=r"may name the parts train, val and test; it named \['dev'\]"):
        Parts.of(["train", "dev", "val"])


@pytest.mark.parametrize("numbers", [range(30), range(5, 30), range(4, 90, 3), np.array([4, 9, 1_234_567, 2])])
def test_numbered_ids_are_a_list_of_names(numbers):
    ids = Numbered("row", numbers)
    names = [f"row/{number:06d}" for number in numbers]
    assert list(ids) == names and ids[2] == names[2] and list(ids[1:3]) == names[1:3]
    rows = np.array([3, 0, 2], dtype=np.int32)
    assert list(take(ids, rows)) == [names[row] for row in rows]
    assert [ids.index(name) for name in names] == list(range(len(names)))
    assert names[3] in ids and "row/77" not in ids and "line/000004" not in ids and f"row/{10**7}" not in ids
    assert (keys_of(3, ids) == np.array([keys_of(3, ids[row : row + 1])[0] for row in range(len(ids))])).all()
    assert (keys_of(3, ids) == keys_of(3, Numbered("row", np.array(numbers)))).all()


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=60))
def test_coded_answers_are_counted_as_a_list_is(rows):
    names = ["b", "a", "c"]  # codes 3 and 4 are no answer
    codes, parts = np.array([code for code, _ in rows], np.uint8), Parts(np.array([part for _, part in rows], np.int8))
    coded = Coded(names, codes)
    plain = list(coded)
    assert plain == [names[code] if code < 3 else None for code in codes]
    assert tally(coded) == Counter(plain)
    found = tally_parts(coded, parts)
    assert found == tally_parts(plain, parts) and list(found) == list(NAMES[1:])
    for wanted in (lambda label: label is not None, lambda label: True, lambda label: label == "a"):
        assert where(coded, wanted).tolist() == [wanted(label) for label in plain]


@given(st.lists(st.booleans(), max_size=50))
def test_rows_are_numbered_in_order(flags):
    found = row_numbers(np.array(flags, dtype=bool))
    assert found.dtype == np.int32 and found.tolist() == np.flatnonzero(flags).tolist()


def test_a_shared_target_is_a_tensor_of_all_rows():
    table = torch.tensor([[0.0, 1.0], [2.0, 3.0], [9.0, 9.0]])
    places = np.array([0, 1, 5, 1], np.uint8)  # 5 lies beyond
    shared, whole = Shared(table, places), table[torch.tensor([0, 1, 2, 1])]
    assert shared.shape == whole.shape and shared.ndim == 2 and shared.dtype == whole.dtype and len(shared) == 4
    assert shared.is_floating_point()
    for rows in (np.array([3, 0], np.int32), torch.tensor([2, 2])):
        assert torch.equal(shared[rows], whole[rows])


def sorted_queues(strata: np.ndarray, keys: np.ndarray, quotas: np.ndarray) -> np.ndarray:
    """What `_cut` stands for: each class in the order of its keys, the parts after the first before it."""
    dealt = np.zeros(len(strata), dtype=np.int8)
    for name, quota in zip(np.unique(strata), quotas, strict=True):
        rows = np.flatnonzero(strata == name)
        queue = rows[np.argsort(keys[rows], kind="stable")]
        dealt[queue] = np.repeat(np.roll(np.arange(len(quota)), -1), np.roll(quota, -1))
    return dealt


@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=300),
    st.sampled_from([[0.7, 0.2, 0.1], [0.9, 0.1], [0.25] * 4, [0.5, 0.5]]),
    st.sampled_from(["spread", "few", "near"]),
    st.integers(0, 9),
)
def test_queues_are_cut_as_if_they_were_sorted(strata, shares, spread, seed):
    draw = np.random.default_rng(seed)
    strata = np.array(strata) * 3  # numbers with gaps
    high = {"spread": 1 << 63, "few": 4, "near": 1 << 10}[spread]  # equal keys: the first row comes first
    keys = draw.integers(0, high, len(strata), dtype=np.uint64) * np.uint64(2 if spread == "spread" else 1)
    counts = np.unique(strata, return_counts=True)[1]
    even = len(set(shares)) == 1
    quotas = split._even(counts, len(shares)) if even else split._quotas(counts, shares)
    assert (split._deal_rows(strata, keys, shares) == sorted_queues(strata, keys, quotas)).all()


def test_a_large_index_is_split_as_its_list_is(monkeypatch):
    codes = np.random.default_rng(1).integers(0, 3, 5000).astype(np.uint8)
    names = ["d", "a", "c"]
    few = Index(Numbered("row", range(5000)), Coded(names, codes))
    monkeypatch.setattr(split, "keys_of", lambda seed, ids: column.keys_of(seed, Numbered("row", np.arange(5000))))
    plain = Index(list(few.ids), list(few.labels))
    settings = DataSettings()
    assert (split.split(few, settings) == split.split(plain, settings)).all()
    assert (split.folds(few, DataSettings(folds=7)) == split.folds(plain, DataSettings(folds=7))).all()
