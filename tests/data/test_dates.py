"""Dates that are not ISO's: read where all cells together tell how, written on as they were, else refused."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepglass import journey
from deepglass.data.clock import clock_of
from deepglass.data.dates import notation_of
from deepglass.foundation.errors import DataError
from deepglass.foundation.settings import parse_assignments
from deepglass.foundation.words import speaking


@pytest.mark.parametrize(
    ("cells", "following"),
    [
        (["2026/1/30", "2026/1/31"], ["2026/2/1", "2026/2/2"]),
        (["2026年1月", "2026年2月", "2026年3月"], ["2026年4月", "2026年5月"]),
        (["2026年12月30日", "2026年12月31日"], ["2027年1月1日", "2027年1月2日"]),
        (["30/01/2026", "31/01/2026"], ["01/02/2026", "02/02/2026"]),
        (["1/30/2026 9:30", "1/30/2026 10:30"], ["1/30/2026 11:30", "1/30/2026 12:30"]),
        (["01.02.2026", "01.03.2026", "01.04.2026"], ["01.05.2026", "01.06.2026"]),
        (["1 Jan 2026", "2 Jan 2026"], ["3 Jan 2026", "4 Jan 2026"]),
        (["January 2026", "February 2026"], ["March 2026", "April 2026"]),
        (["Jan 30, 2026", "Jan 31, 2026"], ["Feb 1, 2026", "Feb 2, 2026"]),
        (["2026-01", "2026-02", "2026-03"], ["2026-04", "2026-05"]),
        (["11/2025", "12/2025"], ["01/2026", "02/2026"]),
    ],
)
def test_they_go_on_as_they_are_written(cells, following):
    clock = clock_of(cells)
    assert clock is not None and clock.after(2) == following


@pytest.mark.parametrize(
    "cells",
    [
        ["01/02/2026", "01/03/2026"],
        ["13/13/2026"],
        ["1/13/2026", "13/1/2026"],
        ["2026/1/1", "1/1/2026"],
        ["30 Xyz 2026"],
        [""],
    ],
)
def test_what_nobody_can_tell_is_not_guessed(cells):
    told = notation_of(cells)
    assert (told is None or told.order == "either") and clock_of([*cells, *cells[:1]]) is None


@given(
    st.dates(date(1950, 1, 1), date(2100, 1, 1)),
    st.sampled_from(["{d}/{m}/{y}", "{m}-{d}-{y}", "{y}/{m}/{d}", "{d:02d}.{m:02d}.{y}", "{y}年{m}月{d}日"]),
)
def test_a_month_of_days_is_read_and_written(first, form):
    days = [first + timedelta(place) for place in range(40)]
    cells = [form.format(y=day.year, m=day.month, d=day.day) for day in days]
    told = notation_of(cells)
    assert told is not None
    assert [told.read(cell) for cell in cells] == [datetime(day.year, day.month, day.day) for day in days]
    assert [told.write(told.read(cell)) for cell in cells] == cells


def table(root, cells):
    lines = [f"{cell},{place % 7},{place}" for place, cell in enumerate(cells)]
    (root / "sales.csv").write_text("date,sales,rain\n" + "\n".join(lines) + "\n", encoding="utf-8")
    with speaking("en"):
        return journey.check(str(root / "sales.csv"), parse_assignments(["data.cache=false"]))


def test_a_table_with_such_dates_is_a_series_and_its_order_is_theirs(tmp_path):
    days = [date(2026, 1, 1) + timedelta(place) for place in range(80)]
    checked = table(tmp_path, [day.strftime("%d/%m/%Y") for day in days])
    assert checked.task == "forecast"
    assert not [one for one in checked.findings if one["kind"].startswith("series_u")]


def test_dates_that_may_be_read_two_ways_are_refused_in_a_sentence(tmp_path):
    months = [f"{1 + place % 12:02d}/{1 + place // 12:02d}/2026" for place in range(80)]
    with pytest.raises(
        DataError, match=r"column date: dates such as 01/01/2026 may begin with the day or with the month"
    ):
        table(tmp_path, months)


def test_dates_that_cannot_be_read_are_refused_in_a_sentence(tmp_path):
    days = [date(2026, 1, 1) + timedelta(place) for place in range(80)]
    with pytest.raises(DataError, match=r"these are dates, but not all of them are written alike .*1\.1\.26"):
        (tmp_path / "x.csv").write_text(
            "date,sales\n" + "".join(f"{day.day}.{day.month}.{day.year % 100},{day.day}\n" for day in days)
        )
        journey.check(str(tmp_path / "x.csv"), parse_assignments(["data.cache=false", "data.layout=series_forecast"]))
