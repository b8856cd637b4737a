"""Series that go on: which tables are, how windows lie, what is said where they do not fit."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepglass.data.check import sentence
from deepglass.data.files import open_inputs
from deepglass.data.recognise import layout_for, recognise, recognised, survey
from deepglass.data.season import find_season
from deepglass.data.settings import DataSettings
from deepglass.data.source import Window
from deepglass.data.split import parts_of
from deepglass.data.windows import dealt, rows_of_windows
from deepglass.foundation.errors import DataError

PLAIN = DataSettings()
ASKED = DataSettings(layout="series_forecast")


def daily(file: Path, count: int = 120, header: str = "date,load,warmth", skip=lambda day: False) -> str:
    """A season of seven days, and a second channel."""
    days = [date(2024, 1, 1) + timedelta(day) for day in range(count)]
    rows = [f"{day},{10 + place % 7},{place}" for place, day in enumerate(days) if not skip(day)]
    file.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return str(file)


def kinds(source) -> dict:
    return {finding.kind: finding.values for finding in source.findings}


def test_a_table_of_times_and_numbers_is_a_series_that_goes_on(tmp_path):
    place = daily(tmp_path / "a.csv")
    found = recognised(place, PLAIN)
    assert (found.layout, found.match.task) == ("series_forecast", "forecast")
    assert found.sentence() == "a series that goes on, a.csv: load, warmth, in the order of date; task forecast"
    source = recognise(place, PLAIN)
    assert source.index.columns == ("load", "warmth")
    assert source.index.window == Window(14, 6, 7, ("load", "warmth"))  # a season of 7, a twentieth of the steps ahead
    assert source.read(0).shape == (20, 2) and source.read(0)[:3].tolist() == [[10, 0], [11, 1], [12, 2]]
    assert kinds(source)["series_windows"]["targets"] == "load, warmth"
    assert survey(source, 0).width == 14 and survey(source, 0).kind == "series"


@pytest.mark.parametrize("header", ["timestamp,load,warmth", "时间,load,warmth", "t,load,warmth", "when,load,warmth"])
def test_times_are_known_by_their_name_or_by_being_dates(tmp_path, header):
    assert recognised(daily(tmp_path / "a.csv", header=header), PLAIN).layout == "series_forecast"


def test_what_has_an_answer_is_a_table_and_a_named_number_goes_on(tmp_path):
    assert recognised(daily(tmp_path / "a.csv", header="date,load,target"), PLAIN).layout == "table"
    place = daily(tmp_path / "b.csv")
    for target in ("warmth", "warmth, load"):  # as the note on a forecast says
        assert recognised(place, DataSettings(target=target)).layout == "series_forecast"
        assert recognise(place, DataSettings(target=target)).index.window.targets == tuple(target.split(", "))
    assert "data.layout=table takes each row for an example" in sentence(recognise(place, PLAIN).findings[-1])
    assert recognised(place, DataSettings(layout="table", target="warmth")).match.task == "regress"
    for target in ("warmt", "load,warmt"):
        with pytest.raises(DataError, match=r"has no column '.*warmt' \(data\.target\)"):
            recognised(place, DataSettings(target=target))


def test_dates_that_do_not_follow_each_other_are_columns(tmp_path):
    random = np.random.default_rng(0)
    days = [date(2024, 1, 1) + timedelta(int(day)) for day in random.integers(0, 2000, 120)]
    for name, own in (("shuffled", days), ("sorted", sorted(days))):
        rows = [f"{day},{price},{price // 7}" for price, day in enumerate(own)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["date,rooms,price", *rows]))
        assert recognised(str(tmp_path / f"{name}.csv"), PLAIN).layout == "table"
    rows = [f"{date(2024, 1, 1) + timedelta(day)},{'ab'[day % 2]},{day}" for day in range(90)]
    (tmp_path / "words.csv").write_text("\n".join(["date,weather,sold", *rows]))
    assert recognised(str(tmp_path / "words.csv"), PLAIN).layout == "table"  # words are something else than a series
    assert recognised(daily(tmp_path / "short.csv", 30), PLAIN).layout == "table"


def test_the_task_asks_for_it_where_it_fits(tmp_path):
    place = daily(tmp_path / "a.csv", header="date,load,target")
    assert layout_for("forecast", place, PLAIN) == "series_forecast"
    assert layout_for("classify", place, PLAIN) == "" and layout_for("", place, PLAIN) == ""
    assert layout_for("forecast", place, DataSettings(layout="table")) == "table"
    assert layout_for("forecast", "made:demand", PLAIN) == "series_forecast"
    assert layout_for("forecast", "made:xor", PLAIN) == ""
    source = recognise(place, DataSettings(layout="series_forecast", target="target", horizon=3, history=9, season=1))
    assert source.index.window == Window(9, 3, 1, ("target",)) and source.index.columns == ("load", "target")


def test_several_series_of_one_table_are_cut_apart(tmp_path):
    rows = [f"{shop},{day},{day + 1000 * place}" for day in range(80) for place, shop in enumerate("ab")]
    (tmp_path / "a.csv").write_text("\n".join(["series,time,sold", *rows]))
    source = recognise(str(tmp_path / "a.csv"), DataSettings(history=5, horizon=2, season=1))
    assert source.index.ids[0] == "a.csv:a:5"
    for row in range(len(source.index)):
        steps = source.read(row).ravel()
        assert np.all(np.diff(steps) == 1)  # no window reaches from one series into the other


def long(file: Path, header: str, names: list[tuple], count: int = 90, turned: bool = False) -> str:
    """Series one after another, each with its names, a day and a number."""
    days = [date(2024, 1, 1) + timedelta(day) for day in range(count)]
    rows = [",".join(map(str, (day, *own, place % 7 + 10 * other)))
            for other, own in enumerate(names) for place, day in enumerate(days)]  # fmt: skip
    file.write_text("\n".join([header, *(rows[::-1] if turned else rows)]) + "\n", encoding="utf-8")
    return str(file)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("header", "names", "column", "ids"),
    [
        ("date,shop,sold", [("north",), ("south",)], "shop", {"north", "south"}),
        ("date,门店,sold", [(1,), (2,)], "门店", {"1", "2"}),
        ("date,store,item,sold", [(1, 1), (1, 2), (2, 1), (2, 2)], "store, item", {"1/1", "1/2", "2/1", "2/2"}),
        ("date,region,store,sold", [("x", 1), ("x", 2), ("y", 3)], "store", {"1", "2", "3"}),  # one is enough
        ("date,kiosk,sold", [("a",), ("b",)], "kiosk", {"a", "b"}),  # unknown words, without which days come back
        ("date,kiosk_id,sold", [(7,), (8,)], "kiosk_id", {"7", "8"}),
    ],
)
def test_columns_that_name_series_are_found_and_said(tmp_path, header, names, column, ids, turned):
    place = long(tmp_path / "a.csv", header, names, turned=turned)
    said = f"series that go on, a.csv: sold of each {column}, in the order of date; task forecast"
    assert recognised(place, PLAIN).sentence() == said
    for target in ("", "sold"):
        source = recognise(place, DataSettings(target=target, history=7, horizon=2))
        assert {id.split(":")[1] for id in source.index.ids} == ids
        assert source.index.columns == ("sold",) and np.ptp(source.values) == 6 + 10 * (len(names) - 1)
        found = {finding.kind: sentence(finding) for finding in source.findings}
        assert found["series_by_column"].startswith(f"Series, one for each {column}: {len(ids)}, of 90 to 90 steps.")
        assert ("series_sorted" in found) == turned
        unused = "Columns that are not used: region." if "region" in header else None
        assert found.get("columns_unused") == unused
    names = {id for id, _ in ((item.id, item.raw) for item in open_inputs(place, "series", ("sold",)))}
    assert names == {f"a.csv:{id}" for id in ids}  # predict cuts it as training does


def test_numbers_are_no_names_and_words_that_change_are_no_series(tmp_path):
    days = [date(2024, 1, 1) + timedelta(day) for day in range(90)]
    stock = [f"{day},{place % 5},{place}" for place, day in enumerate(days)]
    (tmp_path / "stock.csv").write_text("\n".join(["date,item,sold", *stock]))  # how many there are: days tell it all
    assert recognise(str(tmp_path / "stock.csv"), PLAIN).index.columns == ("item", "sold")
    weather = [f"{day},{shop},{'wet' if place % 3 else 'dry'},{place}"
               for shop in "ab" for place, day in enumerate(days)]  # fmt: skip
    (tmp_path / "weather.csv").write_text("\n".join(["date,shop,weather,sold", *weather]))
    assert recognised(str(tmp_path / "weather.csv"), PLAIN).layout == "table"
    source = recognise(str(tmp_path / "weather.csv"), ASKED)
    assert "series_by_column" in kinds(source) and kinds(source)["columns_unused"]["names"] == "weather"
    source = recognise(str(tmp_path / "weather.csv"), DataSettings(layout="series_forecast", group="shop"))
    assert kinds(source)["series_by_column"]["column"] == "shop"
    twice = [*weather, weather[5]]
    (tmp_path / "weather.csv").write_text("\n".join(["date,shop,weather,sold", *twice]))
    source = recognise(str(tmp_path / "weather.csv"), ASKED)
    broken = next(finding for finding in source.findings if finding.kind == "unreadable")
    said = sentence(broken)
    assert said.startswith("Line 182: the series has two steps at the time 2024-01-06. Remove one; or add a column")


def test_weekends_are_left_out_and_single_gaps_are_filled(tmp_path):
    source = recognise(daily(tmp_path / "a.csv", 140, skip=lambda day: day.weekday() > 4), PLAIN)
    assert len(source.values) == 100 and "series_uneven" in kinds(source)
    source = recognise(daily(tmp_path / "b.csv", 140, skip=lambda day: day.day == 9), PLAIN)
    assert len(source.values) == 140 and "gaps_bridged" in kinds(source)


@given(
    st.integers(1, 12), st.integers(1, 6), st.integers(20, 200), st.sampled_from([(0.1, 0.2), (0.0, 0.3), (0.2, 0.0)])
)
@settings(max_examples=60, deadline=None)
def test_no_horizon_reaches_over_a_border(history, horizon, steps, shares):
    window = Window(history, horizon, 1, ("x",))
    chosen = DataSettings(val=shares[0], test=shares[1])
    starts, parts = dealt(steps, window, chosen)
    told = {code: set() for code in (1, 2, 3)}
    for start, part in zip(starts.tolist(), parts.tolist(), strict=True):
        told[part] |= set(range(start + history, start + history + horizon))
        assert 0 <= start and start + history + horizon <= steps
    assert not told[1] & told[2] and not told[1] & told[3] and not told[2] & told[3]
    for earlier, later in ((1, 2), (2, 3), (1, 3)):
        assert not told[earlier] or not told[later] or max(told[earlier]) < min(told[later])
    training = [start + history + horizon for start, part in zip(starts, parts, strict=True) if part == 1]
    assert max(training, default=0) <= steps - round(steps * shares[0]) - round(steps * shares[1])


def test_windows_are_views_and_rows_are_drawn_from_them(tmp_path):
    source = recognise(daily(tmp_path / "a.csv"), DataSettings(history=10, horizon=4))
    store = rows_of_windows(source)
    assert np.shares_memory(store.columns["input"], source.values) and store.usable.all()
    rows = np.array([5, 0, len(source.index) - 1])
    drawn = store.gather(rows)["input"]
    assert drawn.shape == (3, 14, 2)
    assert all(np.array_equal(drawn[place], source.read(row)) for place, row in enumerate(rows.tolist()))
    assert (parts_of(source.index, PLAIN) == source.index.parts).all()
    assert source.fingerprint() != recognise(str(source.root), DataSettings(history=10, horizon=3)).fingerprint()


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        (
            DataSettings(history=90, horizon=30),
            r"at most 120 steps, too few for a window of 90 steps of history and",
        ),
        (
            DataSettings(horizon=20, val=0.1),
            r"in the part val\. Choose smaller .* or set data\.val=0",
        ),
        (DataSettings(history=3), r"data\.history=3 is shorter than the season of 7 steps.*data\.history=7 or more"),
        (DataSettings(folds=5), r"is split by time, so data\.folds cannot be used"),
        (DataSettings(layout="series_forecast", target="lod"), r"has no column 'lod' \(data\.target\).*load"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(tmp_path, chosen, sentence):
    with pytest.raises(DataError, match=sentence):
        recognise(daily(tmp_path / "a.csv"), chosen)


def test_a_cell_that_is_no_number_is_named(tmp_path):
    place = daily(tmp_path / "a.csv")
    Path(place).write_text(Path(place).read_text().replace(",15,5\n", ",much,5\n"))
    says = r"a\.csv has no series that can be used: Line 7: 'much' is no number\. Mend it"
    with pytest.raises(DataError, match=says):
        recognise(place, PLAIN)


def test_arrays_are_series_where_they_are_asked_for(tmp_path):
    steps = np.arange(90.0)
    for shape, series in (((90,), 1), ((90, 1), 1), ((3, 30, 1), 3)):
        np.savez(tmp_path / "a.npz", x=steps.reshape(shape))
        source = recognise(str(tmp_path / "a.npz"), DataSettings(layout="series_forecast", history=3, horizon=1))
        assert len({id.rpartition(":")[0] for id in source.index.ids}) == series
        assert source.index.columns == ("x1",)
    np.savez(tmp_path / "a.npz", x=np.zeros((2, 2, 2, 2)))
    with pytest.raises(DataError, match=r"the array x of shape \(2, 2, 2, 2\) and type float64 is no series"):
        recognise(str(tmp_path / "a.npz"), ASKED)


def test_seasons_are_found_under_trend_and_noise_and_not_made_up():
    random = np.random.default_rng(0)
    steps = np.arange(600)
    for season in (7, 12, 24, 52):
        series = 0.05 * steps + 3 * np.sin(2 * np.pi * steps / season) + random.normal(0, 1, 600)
        assert find_season([series]) == season
    for series in (random.normal(0, 1, 600), np.cumsum(random.normal(0, 1, 600)), 0.1 * steps, np.ones(600)):
        assert find_season([series]) == 1
    assert find_season([]) == 1 and find_season([np.arange(5.0)]) == 1
    two = np.sin(2 * np.pi * steps / 24) + 0.3 * np.sin(2 * np.pi * steps / 168)
    assert find_season([two[:500]]) == 24
