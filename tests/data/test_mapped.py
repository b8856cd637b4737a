"""Rows of a mapped file: looked through once, or when they are wanted; what cannot be used is named either way."""

import os
import threading

import numpy as np
import pytest

from deepglass import material as of_material
from deepglass.data import mapped, prepare
from deepglass.data.mapped import Pass, look_through
from deepglass.data.recognise import recognise
from deepglass.data.settings import DataSettings
from deepglass.data.sources import npz
from deepglass.data.split import split
from deepglass.foundation import catalogue
from deepglass.foundation.errors import DataError
from deepglass.foundation.words import choose_language
from deepglass.material import gather

ROWS = 3000
BAD = (5, 700, 701, 2999)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    choose_language("en")
    monkeypatch.setattr(npz, "MAPPED", 0)
    monkeypatch.setattr(npz, "MANY", 100)
    monkeypatch.setattr(mapped, "AT_ONCE", 4096)
    monkeypatch.setattr(of_material, "LARGE", 50)
    monkeypatch.setattr(of_material, "SAMPLE", 64)


@pytest.fixture(params=["read", "mapped"])
def either_way(request, monkeypatch):
    monkeypatch.setattr(mapped, "KEPT", 0 if request.param == "read" else 1 << 30)


@pytest.fixture
def file(tmp_path):
    draw = np.random.default_rng(0)
    inputs = draw.standard_normal((ROWS, 3), dtype=np.float32)
    inputs[list(BAD), [0, 1, 2, 0]] = [np.nan, np.inf, -np.inf, np.nan]
    np.savez(tmp_path / "some.npz", x=inputs, y=draw.integers(0, 3, ROWS))
    return tmp_path / "some.npz"


def opened(file):
    return recognise(str(file), DataSettings())


def ready(file):
    source, data = opened(file), DataSettings()
    parts = split(source.index, data)
    classify = catalogue.find("tasks", "classify")
    facts = classify.learn(source.index.take(parts.rows("train")), (0, 0), 0)
    found = gather(source, classify.build(facts), parts, data, "classify", lambda done, of: None)
    found.task = classify.build(found.task.settle(found.statistics()))
    return found


def drawn(material):
    loader = material.loader(32, 1, "shuffled")
    batches = [loader.batch(step) for step in range(150)]
    return [
        (list(batch.ids), batch["input"].tolist(), batch["target"].tolist()) for batch in batches
    ], material.task.facts


def test_what_is_not_finite_is_named_with_its_column(file, either_way):
    found = look_through(opened(file), None, lambda done, of: None)
    assert found.left == 0 and found.bad == len(BAD)
    said = {finding.file: finding.values for finding in found.left_out()}
    assert list(said) == [f"row/{row:06d}" for row in BAD]
    assert said["row/000700"] == {"column": "x2", "value": "inf", "why": "row_not_finite"}
    assert [finding.kind for finding in found.findings][-1] == "not_compared"
    assert np.flatnonzero(found.state != 1).tolist() == list(BAD)


def test_rows_are_copied_as_they_lie(file, either_way):
    own = Pass(opened(file))
    rows = np.array([9, 0, 2999, 9], np.int32)
    found = own.take(own.rows, rows)
    assert found.flags.writeable and found.dtype == np.float32
    assert np.array_equal(found, np.load(file)["x"][rows], equal_nan=True)
    assert own.take(own.rows, rows[:0]).shape == (0, 3)


def test_a_row_that_is_wanted_is_looked_at_at_once(file, either_way):
    own = Pass(opened(file))  # whose pass never begins
    rows = np.array([4, 5, 6, 701])
    own.wait(rows)
    assert own.left == ROWS and own.state[rows].tolist() == [1, 2, 1, 2] and own.state[7] == 0
    assert [finding.file for finding in own.left_out()] == ["row/000005", "row/000701"]
    own.begin(2)
    assert own.findings[0].file == "row/000005" and own.bad == len(BAD)


def test_a_run_begun_before_the_pass_computes_the_same(file, either_way, monkeypatch):
    expected = drawn(ready(file))
    go = threading.Event()
    judge = Pass._judge

    def late(self, rows, values):
        if isinstance(rows, slice):
            go.wait(30)
        judge(self, rows, values)

    monkeypatch.setattr(Pass, "_judge", late)
    monkeypatch.setattr(mapped, "PATIENCE", 0.0)
    begun = ready(file)
    assert begun.store.intake.left == ROWS and not begun.store.whole
    assert drawn(begun) == expected
    go.set()
    begun.refuse()
    assert begun.store.whole and [finding.kind for finding in begun.findings].count("unreadable") == len(BAD)
    assert [len(begun.rows[part]) for part in ("train", "val", "test")] == [
        len(ready(file).rows[part]) for part in ("train", "val", "test")
    ]


def test_too_many_bad_stop_the_run(tmp_path):
    inputs = np.ones((ROWS, 3), np.float32)
    inputs[::10] = np.nan
    np.savez(tmp_path / "bad.npz", x=inputs, y=np.arange(ROWS) % 2)
    with pytest.raises(DataError, match="300 of 3000"):
        ready(tmp_path / "bad.npz").refuse()


def test_a_file_that_is_cut_short_is_named(file, monkeypatch):
    monkeypatch.setattr(mapped, "KEPT", 0)
    source = opened(file)
    os.truncate(file, 2000)
    own = Pass(source)
    with pytest.raises(DataError, match=r"some.npz cannot be read: Input/output error. Save it again"):
        own.take(own.rows, np.array([2998]))
    own.begin(1)
    with pytest.raises(DataError, match="cannot be read"):
        own.finish()


def test_stopping_while_it_is_looked_through(file, monkeypatch):
    monkeypatch.setattr(Pass, "_work", lambda self: None)

    def stop(done, of):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        look_through(opened(file), None, stop)


def test_a_mapped_file_is_not_packed(file, monkeypatch):
    monkeypatch.setattr(prepare, "write_packed", None)  # would fail if it were called
    assert ready(file).store.take is not None


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.uint64, np.int8, bool, np.float64])
def test_answers_are_coded_as_they_are_sorted(kind):
    values = np.array([3, 1, 1, 0, 3] * 30).astype(kind)
    different, codes = npz._coded(values)
    expected, places = np.unique(values, return_inverse=True)
    assert different.tolist() == expected.tolist() and codes.tolist() == places.tolist() and codes.dtype == np.uint8
    far = np.array([-(1 << 62), 5, 1 << 62]) if kind is np.int64 else np.array([2**64 - 1, 2**64 - 3], np.uint64)
    assert npz._coded(far)[0].tolist() == sorted(far.tolist())
