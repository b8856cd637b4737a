"""Tables and arrays of series: what is recognised, how gaps and unequal lengths are met, and what is said, by line."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepglass.data.files import open_inputs
from deepglass.data.readers.series import evened
from deepglass.data.recognise import recognise, recognised, survey
from deepglass.data.settings import DataSettings
from deepglass.data.source import Unreadable
from deepglass.data.sources.series_table import moments
from deepglass.foundation.errors import DataError
from tests.data.texts import ts_file

PLAIN = DataSettings()
WIDE = DataSettings(layout="series_wide")


def long_table(file: Path, count: int = 6, header: str = "series,time,x,y,label") -> Path:
    """Series s0 ... of 4, 5, 6 steps in turn, labels a and b in turn, x the step and y ten times the series."""
    lines = [header]
    for row in range(count):
        lines += [f"s{row},{step * 0.5},{step},{10 * row},{'ab'[row % 2]}" for step in range(4 + row % 3)]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def reason_of(source, row):
    with pytest.raises(Unreadable) as caught:
        source.read(row)
    return caught.value.reason, caught.value.values


def test_a_long_table_is_recognised_and_read(tmp_path):
    found = recognised(str(long_table(tmp_path / "a.csv")), PLAIN)
    assert (found.layout, found.match.task) == ("series_table", "classify")
    assert "column series names the series, column label is the answer" in found.sentence()
    source = recognise(str(tmp_path / "a.csv"), PLAIN)
    assert source.index.kind == "series" and source.index.columns == ("x", "y")
    assert list(source.index.ids[:2]) == ["a.csv:s0", "a.csv:s1"] and list(source.index.labels) == list("ababab")
    assert source.read(1).tolist() == [[0, 10], [1, 10], [2, 10], [3, 10], [4, 10]]
    assert source.header(1) == (5, 2, 1)
    assert [finding.kind for finding in source.findings] == ["answer_by_name"]


@pytest.mark.parametrize(
    "header", ["case_id,t,x,y,class", "编号,时间,x,y,标签", "recording,timestamp,x,y,target", "id,step,x,y,label"]
)
def test_columns_are_known_by_their_names(tmp_path, header):
    assert recognised(str(long_table(tmp_path / "a.csv", header=header)), PLAIN).layout == "series_table"


def test_a_table_that_is_not_made_of_steps_stays_a_table(tmp_path):
    rows = "".join(f"{row},{row % 7},{row % 3},{'ab'[row % 2]}\n" for row in range(40))
    for header in ("id,time,x,label", "visit,day,x,label"):  # each id once; no name that says series
        (tmp_path / "a.csv").write_text(f"{header}\n{rows}")
        assert recognised(str(tmp_path / "a.csv"), PLAIN).layout == "table"
    mixed = "".join(f"{row // 10},{row % 10},{row},{'ab'[row % 2]}\n" for row in range(40))
    (tmp_path / "a.csv").write_text(f"id,time,x,label\n{mixed}")  # a label for each step, not for each series
    assert recognised(str(tmp_path / "a.csv"), PLAIN).layout == "table"


def test_lines_in_any_order_give_the_same_series(tmp_path):
    file = long_table(tmp_path / "a.csv")
    ordered = recognise(str(file), PLAIN)
    header, *lines = file.read_text().splitlines()
    np.random.default_rng(0).shuffle(lines)
    file.write_text("\n".join([header, *lines]))
    shuffled = recognise(str(file), PLAIN)
    place = {name: row for row, name in enumerate(shuffled.index.ids)}
    for row, name in enumerate(ordered.index.ids):
        assert np.array_equal(ordered.read(row), shuffled.read(place[name]))
    assert "series_sorted" in [finding.kind for finding in shuffled.findings]


def test_gaps_are_bridged_and_said(tmp_path):
    """An empty cell, a step that is missing, and dates."""
    lines = ["a,2024-01-01 00:00,0,up", "a,2024-01-01 00:10,,up", "a,2024-01-01 00:20,4,up", "a,2024-01-01 00:40,8,up"]
    lines += ["b,2024-01-01 00:00,1,down", "b,2024-01-01 00:07,2,down", "b,2024-01-01 00:10,3,down"]
    (tmp_path / "a.csv").write_text("series,date,x,label\n" + "\n".join(lines) + "\n")
    source = recognise(str(tmp_path / "a.csv"), PLAIN)
    assert source.read(0).ravel().tolist() == [0, 2, 4, 6, 8]
    assert source.read(1).ravel().tolist() == [1, 2, 3]
    gaps, uneven = source.findings[:2]
    assert (gaps.kind, gaps.values) == ("gaps_bridged", {"count": 1, "filled": 2, "of": 8})
    assert (uneven.kind, uneven.values) == ("series_uneven", {"count": 1})


def test_faults_are_named_by_line(tmp_path):
    lines = ["a,0,1,up", "a,1,x,up", "b,0,1,up", "b,1,2,down", "c,0,1,up", "c,0,2,up", "d,0,1", "e,0,1,up", "e,1,5,up"]
    (tmp_path / "a.csv").write_text("series,time,x,label\n" + "\n".join(lines) + "\n")
    source = recognise(str(tmp_path / "a.csv"), DataSettings(layout="series_table", target="label"))
    assert reason_of(source, 0) == ("series_no_number", {"line": 3, "detail": "x"})
    assert reason_of(source, 1) == ("series_labels", {"line": 5, "first": "up", "other": "down"})
    assert reason_of(source, 2) == ("series_time_twice", {"line": 7, "time": "0"})
    assert reason_of(source, 3) == ("wrong_cells", {"line": 8, "expected": 4, "found": 3})
    assert source.read(4).tolist() == [[1], [5]]


def test_parts_come_from_a_column_or_from_the_names_of_files(tmp_path):
    long_table(tmp_path / "w_TRAIN.csv")
    long_table(tmp_path / "w_TEST.csv", 2)
    source = recognise(str(tmp_path / "w_TRAIN.csv"), PLAIN)
    assert source.index.parts.count("test") == 2 and len(source.index) == 8
    assert survey(source, 0).training == 6
    header, *lines = (tmp_path / "w_TRAIN.csv").read_text().splitlines()
    lines = [f"{line},{'test' if line.startswith('s1,') else 'train'}" for line in lines]
    (tmp_path / "b.csv").write_text("\n".join([f"{header},split", *lines]))
    assert list(recognise(str(tmp_path / "b.csv"), PLAIN).index.parts).count("test") == 1
    long_table(tmp_path / "w_TEST.csv", 2, "series,time,x,z,label")
    with pytest.raises(DataError, match=r"w_TRAIN.csv has other columns than the files beside it, which have x, z"):
        recognise(str(tmp_path / "w_TRAIN.csv"), PLAIN)


def test_numbers_as_labels_are_classes_or_something_to_be_measured(tmp_path):
    for scale, task in ((1, "classify"), (0.37, "regress")):
        lines = [f"s{row},{step},{step},{row * scale}" for row in range(8) for step in range(3)]
        (tmp_path / "a.csv").write_text("series,time,x,label\n" + "\n".join(lines))
        assert recognise(str(tmp_path / "a.csv"), PLAIN).task == task


@given(st.integers(2, 30), st.data())
@settings(max_examples=50, deadline=None)
def test_missing_steps_of_an_even_row_come_back_as_gaps(length, data):
    gone = data.draw(st.sets(st.integers(1, length - 1), max_size=(length - 1) // 3)) - {length - 1}
    kept = np.array([step for step in range(length) if step not in gone])
    found, missing = evened(kept[:, None].astype(np.float32), kept * 0.1 + 5)
    if missing >= 0 and np.median(np.diff(kept)) == 1:
        assert missing == len(gone) and np.array_equal(np.flatnonzero(np.isnan(found[:, 0])), sorted(gone))
        assert np.array_equal(found[kept, 0], kept)


def test_times_are_numbers_dates_or_an_order():
    assert moments(["1", "2.5"]).tolist() == [1, 2.5]
    assert np.diff(moments(["2024-02-28", "2024-02-29", "2024-03-01T00:00:00Z"])).tolist() == [86400, 86400]
    assert moments(["morning", "noon"]) is None and moments(["1", "nan"]) is None


def test_a_wide_table_is_read_where_it_is_asked_for(tmp_path):
    header = ",".join([*(f"t{step}" for step in range(60)), "label"])
    rows = [",".join([*map(str, range(row, 60 + row)), "ab"[row % 2]]) for row in range(20)]
    rows[3] = "1,,3," + "," * 57 + "b"
    (tmp_path / "a.csv").write_text("\n".join([header, *rows]))
    plain = recognise(str(tmp_path / "a.csv"), PLAIN)
    hint = next(finding for finding in plain.findings if finding.kind == "maybe_series")
    assert plain.layout == "table" and hint.values == {"count": 60, "first": "t0", "last": "t59"}
    source = recognise(str(tmp_path / "a.csv"), WIDE)
    assert source.index.columns == ("x1",) and source.read(2).shape == (60, 1) and source.index.labels[3] == "b"
    assert source.read(3).ravel().tolist() == [1, 2, 3]
    values = {"count": 1, "filled": 1, "of": 19 * 60 + 3}
    assert values in [finding.values for finding in source.findings if finding.kind == "gaps_bridged"]


def test_a_wide_table_as_the_archives_have_it(tmp_path):
    """No header, the class first, nan behind the end of shorter rows, parts by the files' names."""
    rows = ["1\t0.5\t1.5\t2.5", "-1\t0.25\t1\tNaN", "1\tx\t2\t3"]
    (tmp_path / "w_TRAIN.tsv").write_text("\n".join(rows))
    (tmp_path / "w_TEST.tsv").write_text(rows[0])
    source = recognise(str(tmp_path / "w_TRAIN.tsv"), WIDE)
    place = {name: row for row, name in enumerate(source.index.ids)}
    assert list(source.index.labels) == ["1", "1", "-1", "1"] and list(source.index.parts).count("test") == 1
    assert source.read(place["w_TRAIN.tsv:2"]).ravel().tolist() == [0.25, 1]
    (tmp_path / "b.csv").write_text("t0,t1,t2\n1,2,3\n4,5,6\n")
    with pytest.raises(DataError, match="has no column named label, class or target"):
        recognise(str(tmp_path / "b.csv"), WIDE)


def test_arrays_of_series(tmp_path):
    x = np.arange(24, dtype=np.float64).reshape(4, 3, 2)
    x[1, 2], x[2, 1, 0] = np.nan, np.nan
    np.savez(tmp_path / "a.npz", x_train=x, y_train=[0, 1, 0, 1], x_test=x[:1], y_test=[0], class_names=["no", "yes"])
    source = recognise(str(tmp_path / "a.npz"), DataSettings(layout="series_npz"))
    assert source.index.columns == ("x1", "x2") and list(source.index.labels) == ["no", "yes", "no", "yes", "no"]
    assert source.read(1).shape == (2, 2) and source.read(2)[1, 0] == 14 and source.index.parts.count("test") == 1
    np.savez(tmp_path / "b.npz", x=np.zeros((4, 3, 2, 1)), y=[0, 1, 0, 1])
    with pytest.raises(DataError, match=r"shape \(4, 3, 2, 1\) and type float64; series are numbers \(series, steps\)"):
        recognise(str(tmp_path / "b.npz"), DataSettings(layout="series_npz"))
    with pytest.raises(DataError, match="series_npz"):
        recognise(str(ts_file(tmp_path / "w.ts", 3)), DataSettings(layout="series_npz"))


def test_what_is_asked_about_may_be_a_table(tmp_path):
    asked = list(open_inputs(long_table(tmp_path / "a.csv", 3), "series", ("y", "x")))
    assert [one.id for one in asked] == ["a.csv:s0", "a.csv:s1", "a.csv:s2"]
    assert asked[1].raw[2].tolist() == [10, 2]
    (tmp_path / "one.csv").write_text("x,y\n1,2\n3,4\n")
    assert next(open_inputs(tmp_path / "one.csv", "series", ("x", "y"))).raw.tolist() == [[1, 2], [3, 4]]
    (tmp_path / "wide.csv").write_text("t0,t1,t2\n1,2,3\n4,5,\n6,?,8\n7,o,9\n")
    asked = list(open_inputs(tmp_path / "wide.csv", "series", ("x1",)))
    assert asked[1].raw.tolist() == [[4], [5]] and asked[2].raw.tolist() == [[6], [7], [8]]
    with pytest.raises(DataError, match="z"):
        list(open_inputs(tmp_path / "one.csv", "series", ("x", "z")))


def test_columns_that_are_no_channels_are_said(tmp_path):
    place = long_table(tmp_path / "a.csv", header="series,time,x,y,label,place")
    place.write_text("\n".join(f"{line},attic" if row else line for row, line in enumerate(place.read_text().split())))
    source = recognise(str(place), PLAIN)
    assert source.index.columns == ("x", "y")
    assert ("columns_unused", {"names": "place", "count": 1}) in [(one.kind, one.values) for one in source.findings]
