"""Figures of language models: exact sums over the data set, not means of means; intervals over texts."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deepglass.foundation.errors import RunFailed
from deepglass.metrics.cloze import ClozeAccuracy
from deepglass.metrics.language import Language

ROWS = st.lists(st.tuples(st.floats(0.1, 500), st.integers(1, 90), st.integers(1, 400)), min_size=1, max_size=30)


def feed(metric, rows, size: int = 4):
    """In batches, the last first."""
    for start in reversed(range(0, len(rows), size)):
        some = rows[start : start + size]
        columns = [torch.tensor(column) for column in zip(*some, strict=True)]
        ids = [f"{start + place:05d}" for place in range(len(some))]
        metric.update(ids, dict(zip(("nats", "tokens", "letters"), columns, strict=True)))
    return metric.compute()


@given(ROWS)
def test_both_are_exact_over_all_rows(rows):
    nats, tokens, letters = (math.fsum(column) for column in zip(*rows, strict=True))
    bits, perplexity = feed(Language("bits_per_character"), rows), feed(Language("perplexity"), rows)
    assert bits.value == pytest.approx(nats / letters / math.log(2), rel=1e-5)
    assert perplexity.value == pytest.approx(math.exp(nats / tokens), rel=1e-3)
    for figure in (bits, perplexity):
        assert figure.low <= figure.value <= figure.high and figure.n == len(rows) and figure.better == "down"


def test_a_fair_coin_is_one_bit_however_it_is_cut():
    letters = [(100 * math.log(2), 100, 100)] * 5
    pairs = [(100 * math.log(2), 50, 100)] * 5
    for rows, perplexity in ((letters, 2.0), (pairs, 4.0)):
        assert feed(Language("bits_per_character"), rows).value == pytest.approx(1.0, rel=1e-6)
        assert feed(Language("perplexity"), rows).value == pytest.approx(perplexity, rel=1e-6)


def test_no_rows_and_repeated_rows():
    assert math.isnan(Language("perplexity").compute().value)
    metric = Language("perplexity")
    row = {name: torch.ones(1) for name in ("nats", "tokens", "letters")}
    metric.update(["a"], row)
    with pytest.raises(RunFailed, match="'a' was counted twice"):
        metric.update(["a"], row)


def test_cloze_counts_words_and_not_texts():
    metric = ClozeAccuracy()
    metric.update(["a", "b"], {"found": torch.tensor([9.0, 0.0]), "asked": torch.tensor([9.0, 1.0])})
    metric.update(["c"], {"found": torch.tensor([5.0]), "asked": torch.tensor([10.0])})
    figure = metric.compute()
    assert figure.value == pytest.approx(14 / 20) and figure.n == 3 and figure.better == "up"
    assert 0 <= figure.low <= figure.value <= figure.high <= 1
    assert math.isnan(ClozeAccuracy().compute().value)
