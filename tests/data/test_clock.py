"""Times that go on: by their own distance, month by month, without weekends, written as they were."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepglass.data.clock import clock_of

WEEKDAYS = [str(day) for place in range(21) if (day := date(2024, 3, 1) + timedelta(place)).weekday() < 5]


@pytest.mark.parametrize(
    ("cells", "following"),
    [
        (["1", "2", "3"], ["4", "5"]),
        (["0.1", "0.2", "0.3"], ["0.4", "0.5"]),
        (["30", "10", "20"], ["40", "50"]),  # in whatever order they stand
        (["10", "20", "40", "50"], ["60", "70"]),  # one is missing
        (["2024-02-27", "2024-02-28"], ["2024-02-29", "2024-03-01"]),
        (["2023-12-01", "2024-01-01", "2024-02-01"], ["2024-03-01", "2024-04-01"]),
        (["2023-06-30", "2023-09-30", "2023-12-31"], ["2024-03-31", "2024-06-30"]),  # the ends of quarters
        (["2022-05-05", "2023-05-05"], ["2024-05-05", "2025-05-05"]),
        (["2023-11-30", "2023-12-30", "2024-01-30"], ["2024-02-29", "2024-03-30"]),
        (["2024-01-01T22:00", "2024-01-01T23:00"], ["2024-01-02T00:00", "2024-01-02T01:00"]),
        (["2024-01-01 22:00:00", "2024-01-01 22:00:30"], ["2024-01-01 22:01:00", "2024-01-01 22:01:30"]),
        (["2024-01-01T22:00:00Z", "2024-01-01T23:00:00Z"], ["2024-01-02T00:00:00Z", "2024-01-02T01:00:00Z"]),
        (["2024-01-01T22:00+01:00", "2024-01-01T23:00+01:00"], ["2024-01-02T00:00+01:00", "2024-01-02T01:00+01:00"]),
        (WEEKDAYS, ["2024-03-22", "2024-03-25"]),  # a Friday, and the Monday after it
        (WEEKDAYS[:5], ["2024-03-08", "2024-03-09"]),  # five days say nothing of weekends
    ],
)
def test_they_go_on_as_they_came(cells, following):
    clock = clock_of(cells)
    assert clock is not None and clock.after(2) == following and clock.after(0) == []


@pytest.mark.parametrize(
    "cells", [[], ["2024-01-01"], ["a", "b"], ["1", "1"], ["nan", "1"], ["2024-01-01", "2024-01-02T00:00+01:00"]]
)
def test_what_does_not_go_on_has_no_clock(cells):
    assert clock_of(cells) is None


@given(st.dates(date(1900, 1, 1), date(2200, 1, 1)), st.integers(1, 27), st.integers(2, 30))
def test_even_days_go_on_evenly(first, apart, count):
    days = [first + timedelta(apart * place) for place in range(count + 3)]
    clock = clock_of([str(day) for day in days[:count]])
    weekly = apart == 1 and count >= 10  # never without a weekend
    assert clock is not None and (apart > 1 or weekly or count < 10)
    assert clock.after(3) == [str(day) for day in days[count:]]
