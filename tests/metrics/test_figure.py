"""Intervals: Wilson's by its published values, the bootstrap deterministic and of the right width."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deepglass.foundation.errors import RunFailed
from deepglass.foundation.words import choose_language
from deepglass.metrics.collect import Collected
from deepglass.metrics.figure import Figure, bootstrap, mean, missing, share


@pytest.mark.parametrize(
    "hits, n, low, high",
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_equals_newcombe_1998(hits: int, n: int, low: float, high: float):
    figure = share(hits, n)
    assert figure[:3] == pytest.approx((hits / n, low, high), abs=1e-3)


@given(st.integers(1, 10**6), st.floats(0, 1))
def test_wilson_holds_its_value_inside_zero_and_one(n: int, part: float):
    value, low, high, *_ = share(round(part * n), n)
    assert 0 <= low <= value + 1e-12 and value - 1e-12 <= high <= 1


def test_the_bootstrap_is_repeatable_and_as_wide_as_theory():
    values = torch.randn(4000, generator=torch.Generator().manual_seed(0))
    figure = mean(values, "down")
    assert figure == mean(values, "down")
    assert figure.high - figure.low == pytest.approx(2 * 1.96 / math.sqrt(4000), rel=0.15)


def test_the_bootstrap_passes_every_resample_once_whatever_the_chunk():
    seen: list[torch.Tensor] = []
    bootstrap(0.5, 700_000, lambda counts: (seen.append(counts.sum(1)), counts[:, 0])[1], "up", replicates=5)
    assert [len(counts) for counts in seen] == [2, 2, 1]
    assert all((counts == 700_000).all() for counts in seen)


def test_figures_that_do_not_exist():
    assert math.isnan(share(0, 0).value) and math.isnan(mean(torch.zeros(0), "up").value)
    assert math.isnan(bootstrap(math.nan, 5, lambda counts: counts[:, 0], "up").low)
    hopeless = bootstrap(0.5, 5, lambda counts: counts[:, 0] * math.nan, "up")
    assert hopeless.value == 0.5 and math.isnan(hopeless.low)


def test_better_is_a_direction_and_nan_beats_nothing():
    def figure(value: float, better: str) -> Figure:
        return Figure(value, value, value, 1, better)

    assert figure(2, "up").beats(figure(1, "up")) and not figure(1, "up").beats(figure(1, "up"))
    assert figure(1, "down").beats(figure(2, "down"))
    assert not missing("up").beats(figure(0, "up")) and figure(0, "up").beats(missing("up"))


def test_rows_come_back_in_the_order_of_ids_and_no_id_counts_twice():
    rows = Collected()
    rows.add(["b", "d"], x=torch.tensor([2, 4]))
    assert rows.column("x").tolist() == [2, 4]
    rows.add(["c", "a"], x=torch.tensor([3, 1]))
    assert len(rows) == 4 and rows.column("x").tolist() == [1, 2, 3, 4]
    choose_language("en")
    with pytest.raises(RunFailed, match=r"Example 'a' was counted twice in one evaluation. Give every example an id"):
        rows.add(["a"], x=torch.tensor([1]))
    with pytest.raises(RunFailed, match=r"'x' has 2 rows for 1 example\. Give one row for every id."):
        rows.add(["e"], x=torch.tensor([1, 2]))
