"""The n-gram model: by hand, against the formula written out slowly, and that its probabilities are some."""

import json
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepglass.tasks.ngram import LEAST, NGram, Order, fit_ngram

ROWS = st.lists(st.lists(st.integers(0, 3), max_size=12), min_size=1, max_size=6).filter(any)


def fitted(rows: list[list[int]], vocabulary: int = 5, order: int = 3) -> NGram:
    return fit_ngram(
        np.concatenate([np.array(row, dtype=int) for row in rows]), vocabulary, order, list(map(len, rows))
    )


def test_by_hand():
    """a b a b a c. Before a stand b and the row's start, before b and before c only a: counts 2, 1, 1 of 4."""
    model = fit_ngram(np.array([0, 1, 0, 1, 0, 2]), 3, order=2)
    a, b = (2 - 1) / 4 + 2 / 4 / 3, (1 - 0.5) / 4 + 2 / 4 / 3  # discounts 1, 0.5, 0.5 are given away: 2 of 4
    assert np.exp(model.log_probs([])) == pytest.approx([a, b, b])
    after_a = [0.5 * a, (2 - 1) / 3 + 0.5 * b, (1 - 0.5) / 3 + 0.5 * b]  # b twice, c once: 1.5 of 3 are given away
    assert np.exp(model.log_probs([0])) == pytest.approx(after_a)
    assert np.exp(model.log_probs([1, 0])) == pytest.approx(after_a)  # no longer context than one token
    assert np.exp(model.log_probs([2])) == pytest.approx([a, b, b])  # nothing came after c
    assert model.bits(np.array([0, 1])) == pytest.approx(-np.log2([a, after_a[1]]))


@settings(deadline=None)
@given(ROWS, st.integers(1, 4), st.lists(st.integers(0, 4), max_size=5))
def test_probabilities_sum_to_one_after_anything(rows: list[list[int]], order: int, context: list[int]):
    p = np.exp(fitted(rows, order=order).log_probs(context))
    assert p.sum() == pytest.approx(1, abs=1e-5) and (p > 0).all()


@settings(deadline=None, max_examples=50)
@given(ROWS, ROWS, st.integers(1, 4))
def test_bits_are_those_of_each_token_after_those_before_it_in_its_row(rows, others, order: int):
    model = fitted(rows, order=order)
    bits = model.bits(np.concatenate([np.array(row, dtype=int) for row in others]), list(map(len, others)))
    wanted = [-model.log_prob(row[:at], row[at]) / math.log(2) for row in others for at in range(len(row))]
    assert bits == pytest.approx(wanted, abs=1e-6)


@settings(deadline=None, max_examples=50)
@given(ROWS, st.integers(1, 3), st.lists(st.integers(0, 4), max_size=4))
def test_the_formula_written_out(rows: list[list[int]], order: int, context: list[int]):
    order = min(order, max(map(len, rows)))
    found = np.exp(fitted(rows, order=order).log_probs(context))
    assert found == pytest.approx([slowly(rows, 5, order, tuple(context), w) for w in range(5)], rel=1e-5)


def slowly(rows: list[list[int]], vocabulary: int, order: int, context: tuple[int, ...], token: int) -> float:
    """p by the equation of the module, counting anew each time."""

    def count(n: int) -> Counter[tuple[int, ...]]:
        if n == order:
            return Counter(tuple(row[at : at + n]) for row in rows for at in range(len(row) - n + 1))
        before = {(row[at - 1] if at else "start", *row[at : at + n]) for row in rows for at in range(len(row) - n + 1)}
        return Counter(one[1:] for one in before)

    def p(n: int, h: tuple[int, ...]) -> float:
        if n == 0:
            return 1 / vocabulary
        lower, counts = p(n - 1, h[1:]), count(n)
        of_counts = Counter(counts.values())
        discount = [0.0, 0.5, 1.0, 1.5]
        if all(of_counts[k] for k in (1, 2, 3, 4)):
            y = of_counts[1] / (of_counts[1] + 2 * of_counts[2])
            new = [k - (k + 1) * y * of_counts[k + 1] / of_counts[k] for k in (1, 2, 3)]
            discount = [0.0, *(min(max(d, LEAST), k - LEAST) for k, d in zip((1, 2, 3), new, strict=True))]
        after = {w: counts[(*h, w)] for w in range(vocabulary) if counts[(*h, w)]}
        if not after:
            return lower
        total = sum(after.values())
        given_away = sum(discount[min(c, 3)] for c in after.values())
        own = after.get(token, 0)
        return (own - discount[min(own, 3)]) / total + given_away / total * lower

    longest = min(order - 1, len(context))
    return p(longest + 1, context[len(context) - longest :])


def test_it_is_data():
    model = fitted([[0, 1, 2, 3, 0, 1, 2], [1, 2]])
    tables = model.tables()
    again = NGram.of({name: np.array(json.loads(json.dumps(one.tolist())), one.dtype) for name, one in tables.items()})
    assert all(isinstance(order, Order) for order in again.orders)
    assert again.bits(np.array([0, 1, 2, 4])).tolist() == model.bits(np.array([0, 1, 2, 4])).tolist()


def test_rows_shorter_than_the_order_are_enough():
    model = fitted([[1, 2], [1]], order=6)
    assert len(model.orders) == 2 and np.exp(model.log_probs([1])).argmax() == 2


def test_text_is_learned_better_with_more_before_it():
    line = np.frombuffer(b"the cat sat on the mat and the dog sat on the cat. " * 40, dtype=np.uint8).astype(int)
    bits = [fit_ngram(line[:1500], 256, n).bits(line[1500:]).mean() for n in (1, 2, 4, 6)]
    assert bits == sorted(bits, reverse=True) and bits[0] > 3 and bits[-1] < 0.5


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="tokens from 0 to 7 where 0 to 4 are known"):
        fit_ngram(np.array([0, 7]), 5)
    with pytest.raises(ValueError, match="rows of 3 tokens in all do not cut 2 tokens"):
        fit_ngram(np.array([0, 1]), 5, lengths=[1, 2])
