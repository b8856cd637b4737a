"""The split: keyed, stratified, groups whole, given parts respected, folds that cover everything once."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepglass.data.settings import DataSettings
from deepglass.data.source import Index
from deepglass.data.split import folds, split
from deepglass.foundation.errors import DataError

PLAIN = DataSettings()


def index(labels: list[Any], **columns: Any) -> Index:
    return Index([f"{place}.png" for place in range(len(labels))], labels, **columns)


@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=8),
    st.sampled_from([(0.1, 0.2), (0.0, 0.2), (0.25, 0.25), (0.01, 0.01)]),
    st.integers(0, 5),
)
def test_stratified(sizes: list[int], shares: tuple[float, float], seed: int) -> None:
    val, test = shares
    labels = [str(name) for name, count in enumerate(sizes) for _ in range(count)]
    parts = split(index(labels), DataSettings(val=val, test=test, split_seed=seed))
    for name, count in enumerate(sizes):
        found = Counter(parts[[label == str(name) for label in labels]].tolist())
        assert found["train"] >= 1
        for part, share in (("val", val), ("test", test)):
            assert share or not found[part]
            assert abs(found[part] - share * count) <= 1 or found[part] == 1
            if share and count >= 3:
                assert found[part] >= 1


def test_whole_shares_come_out_right() -> None:
    parts = Counter(split(index(["a"] * 700 + ["b"] * 300), PLAIN).tolist())
    assert parts == {"train": 700, "val": 100, "test": 200}


def test_keyed_by_id() -> None:
    labels = ["a", "b"] * 100
    first = split(index(labels), PLAIN)
    order = np.random.default_rng(0).permutation(200)
    shuffled = Index([f"{place}.png" for place in order], [labels[place] for place in order])
    assert (split(shuffled, PLAIN) == first[order]).all()
    more = Index([*index(labels).ids, "new.png"], [*labels, "a"])
    assert (split(more, PLAIN)[:-1] != first).sum() <= 2
    assert (split(index(labels), DataSettings(split_seed=1)) != first).any()


@given(st.lists(st.integers(0, 12), min_size=3, max_size=120))
def test_groups_stay_together(groups: list[int]) -> None:
    labels = [str(group % 3) for group in groups]
    parts = split(index(labels, groups=[f"p{group}" for group in groups]), PLAIN)
    for group in set(groups):
        assert len({part for part, owner in zip(parts, groups, strict=True) if owner == group}) == 1
    assert (parts == "train").any()


def test_groups_are_stratified_as_well_as_may_be() -> None:
    groups = [f"p{row // 5}" for row in range(400)]
    labels = ["ill" if row // 5 % 4 == 0 else "well" for row in range(400)]
    parts = split(index(labels, groups=groups), PLAIN)
    for part, share in (("val", 0.1), ("test", 0.2)):
        ill = sum(label == "ill" for label, name in zip(labels, parts, strict=True) if name == part)
        assert (parts == part).sum() == pytest.approx(400 * share, abs=5) and ill == pytest.approx(100 * share, abs=5)


def test_several_labels_are_spread() -> None:
    generator = np.random.default_rng(0)
    labels = [
        tuple(name for name, p in (("a", 0.5), ("b", 0.2), ("c", 0.04)) if generator.random() < p) for _ in range(500)
    ]
    parts = split(index(labels), PLAIN)
    for name in "abc":
        whole = sum(name in names for names in labels)
        for part, share in (("val", 0.1), ("test", 0.2)):
            found = sum(name in names for names, owner in zip(labels, parts, strict=True) if owner == part)
            assert found == pytest.approx(whole * share, abs=2)
    assert Counter(parts.tolist())["test"] == pytest.approx(100, abs=3)


def test_numbers_are_spread_by_quantile() -> None:
    values = np.random.default_rng(0).exponential(size=300)
    parts = split(index(values.tolist()), PLAIN)
    assert (parts == "test").sum() == 60
    assert np.median(values[parts == "test"]) == pytest.approx(np.median(values), rel=0.15)


def test_given_parts_are_respected() -> None:
    given_parts = ["test"] * 20 + [""] * 80
    parts = split(index(["a", "b"] * 50, parts=given_parts), PLAIN)
    assert (parts[:20] == "test").all() and Counter(parts[20:].tolist()) == {"train": 72, "val": 8}
    # only the validation part is given: a test part is drawn from the training part, never from validation
    parts = split(index(["a", "b"] * 50, parts=["val"] * 20 + ["train"] * 80), PLAIN)
    assert (parts[:20] == "val").all() and Counter(parts[20:].tolist()) == {"train": 64, "test": 16}
    parts = split(index(["a", "b"] * 50, parts=["val"] * 20 + ["train"] * 80), DataSettings(test=0))
    assert Counter(parts.tolist()) == {"val": 20, "train": 80}
    whole = ["train"] * 60 + ["val"] * 20 + ["test"] * 20
    assert split(index(["a", "b"] * 50, parts=whole), PLAIN).tolist() == whole


def test_a_group_with_a_given_test_member_is_not_drawn_into_training() -> None:
    groups = [f"p{row // 4}" for row in range(40)]
    parts = split(index(["a", "b"] * 20, parts=(["test"] + [""] * 3) * 10, groups=groups), PLAIN)
    assert (parts == "test").all()


def test_examples_without_an_answer_are_dealt_too() -> None:
    assert set(split(index([None, "a", "b"] * 30), PLAIN).tolist()) == {"train", "val", "test"}


def test_no_room_for_training() -> None:
    with pytest.raises(DataError, match="leave nothing to train on"):
        split(index(["a", "b"]), DataSettings(val=0.5, test=0.5))


@given(st.lists(st.sampled_from("abc"), min_size=10, max_size=80), st.integers(2, 6))
def test_folds_hold_out_each_example_once(labels: list[str], count: int) -> None:
    found = folds(index(labels), DataSettings(folds=count))
    assert set(found.tolist()) <= set(range(count))
    for name in "abc":
        sizes = np.bincount(found[[label == name for label in labels]], minlength=count)
        assert sizes.max() - sizes.min() <= 1
    assert np.ptp(np.bincount(found, minlength=count)) <= 1


def test_folds_keep_groups_and_leave_a_given_test_part_alone() -> None:
    groups = [f"p{row // 3}" for row in range(60)]
    found = folds(index(["a", "b", "b"] * 20, groups=groups, parts=[""] * 48 + ["test"] * 12), DataSettings(folds=4))
    assert (found[48:] == -1).all()
    assert all(len(set(found[row : row + 3].tolist())) == 1 for row in range(0, 48, 3))
    assert np.bincount(found[:48]).tolist() == [12, 12, 12, 12]


@given(st.integers(1, 40), st.sampled_from([(0.1, 0.2), (0.0, 0.25), (0.3, 0.3)]), st.integers(0, 5))
def test_classes_lie_whole_in_one_part(classes: int, shares: tuple[float, float], seed: int) -> None:
    labels = [f"c{row % classes}" for row in range(3 * classes)]
    settings = DataSettings(split="classes", val=shares[0], test=shares[1], split_seed=seed)
    parts = split(index(labels), settings).tolist()
    owner = dict(zip(labels, parts, strict=True))
    assert [owner[label] for label in labels] == parts
    for part, share in (("val", shares[0]), ("test", shares[1])):
        assert abs(list(owner.values()).count(part) - share * classes) <= 1
    more = split(index([*labels, "new"]), settings).tolist()
    moved = {label for label, before, after in zip(labels, parts, more, strict=False) if before != after}
    assert len(moved) <= 2  # one over each border


def test_classes_of_a_given_part_and_rows_without_a_class() -> None:
    labels = ["a", "a", "b", "b", "c", "c", None]
    given_parts = ["", "", "", "", "test", "test", ""]
    parts = split(index(labels, parts=given_parts), DataSettings(split="classes", val=0.5)).tolist()
    assert parts[4:] == ["test", "test", "train"]
    assert sorted([set(parts[:2]).pop(), set(parts[2:4]).pop()]) == ["train", "val"]


def test_folds_of_classes_cover_every_class_once() -> None:
    labels = [f"c{row % 7}" for row in range(28)]
    found = folds(index(labels), DataSettings(split="classes", folds=3))
    assert {0, 1, 2} == set(found.tolist())
    assert all(len({int(found[row]) for row in range(28) if labels[row] == name}) == 1 for name in set(labels))
