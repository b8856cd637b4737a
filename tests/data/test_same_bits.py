"""Same seed, same bits: whoever decodes, however many, whatever is drawn ahead; order compared as a sequence."""

import hashlib
import time
from pathlib import Path

import numpy as np
import pytest

from deepglass import material as of_material
from deepglass.data import prepare, reading
from deepglass.data.decode import Here
from deepglass.data.loader import Loader
from deepglass.data.recognise import recognise
from deepglass.data.settings import DataSettings
from deepglass.data.split import split
from deepglass.foundation import catalogue
from deepglass.foundation.errors import DataError
from deepglass.material import Material, gather
from tests.data.pictures import folder, spoil

STEPS = 12
BATCH = 16
BAD = (7, 30, 31)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(of_material, "LARGE", 50)
    monkeypatch.setattr(of_material, "SAMPLE", 24)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    place = folder(tmp_path_factory.mktemp("pictures"), 120, kind="jpg", size=160)
    spoil(place, *BAD, kind="jpg")
    return place


def ready(place: Path, **settings) -> Material:
    """The data of a run, with statistics."""
    data = DataSettings(**{"cache": False, **settings})
    source = recognise(str(place), data)
    parts = split(source.index, data)
    classify = catalogue.find("tasks", "classify")
    facts = classify.learn(source.index.take(np.flatnonzero(parts == "train")), (24, 24), 3)
    found = gather(source, classify.build(facts), parts, data, "classify", lambda done, of: None)
    found.task = classify.build(found.task.settle(found.statistics()))
    return found


def drawn(loader: Loader, steps: list[int]) -> dict[int, tuple[tuple[str, ...], str]]:
    """Ids in their order and a hash of all tensors, by step."""
    found = {}
    for step in steps:
        batch = loader.batch(step)
        state = hashlib.sha256(batch.keys.numpy().tobytes())
        for name in sorted(batch.columns):
            state.update(batch[name].numpy().tobytes())
        found[step] = (tuple(batch.ids), state.hexdigest())
    return found


def told(material: Material, steps: list[int] | None = None) -> tuple:
    """All that a run's bits depend on: batches as a sequence, and the statistics."""
    batches = drawn(material.loader(BATCH, 3, "shuffled"), steps or list(range(STEPS)))
    return sorted(batches.items()), material.task.facts, material.counts


@pytest.fixture(scope="module")
def expected(pictures):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(of_material, "LARGE", 50)
        patch.setattr(of_material, "SAMPLE", 24)
        return told(ready(pictures, workers=0))


@pytest.mark.parametrize("workers", [-1, 0, 1, 2, 4])
def test_any_number_of_workers(pictures, expected, workers):
    assert told(ready(pictures, workers=workers)) == expected


@pytest.mark.parametrize("chunk", [1, 5, 64])
def test_any_prefetch(pictures, expected, chunk, monkeypatch):
    monkeypatch.setattr(reading, "CHUNK", chunk)
    monkeypatch.setattr(reading, "SMALL", max(1, chunk // 2))
    assert told(ready(pictures, workers=2)) == expected


def test_workers_that_are_started_for_every_chunk(pictures, expected, monkeypatch):
    monkeypatch.setattr(reading, "TRIAL", 8)
    monkeypatch.setattr(reading, "PAYS", 0.0)
    assert told(ready(pictures, workers=-1)) == expected


@pytest.fixture
def slowly(monkeypatch):
    """Reading takes so long that a run begins with the sample."""
    read = Here._one

    def late(self, row):
        time.sleep(0.02)
        return read(self, row)

    monkeypatch.setattr(Here, "_one", late)
    monkeypatch.setattr(prepare, "WHOLE", 0.0)
    monkeypatch.setattr(reading, "CHUNK", 2)


def test_begun_before_all_is_read(pictures, expected, slowly):
    begun = ready(pictures, workers=0)
    assert begun.store.intake and begun.store.intake.reading.left > 0
    assert told(begun) == expected
    begun.refuse()
    assert [finding.kind for finding in begun.findings].count("unreadable") == len(BAD)


def test_a_packed_copy_and_a_resume_give_what_the_first_run_had(pictures, expected, slowly, monkeypatch):
    monkeypatch.setattr(prepare, "WORTH_KEEPING", -1.0)
    cold = ready(pictures, cache=True, workers=0)
    assert told(cold) == expected
    cold.refuse()
    warm = ready(pictures, cache=True, workers=0)
    assert warm.store.reused and told(warm) == expected
    later = list(range(STEPS // 2, STEPS))
    assert told(ready(pictures, cache=True), later)[0] == expected[0][STEPS // 2 :]
    assert [finding._replace(values={}) for finding in cold.findings] == [
        finding._replace(values={}) for finding in warm.findings
    ]


def test_an_unreadable_example_shifts_no_other(pictures, tmp_path):
    """The same folder mended: every batch is the same but for the rows that could not be read."""
    whole = folder(tmp_path / "whole", 120, kind="jpg", size=160)
    mended = dict(drawn(ready(whole).loader(BATCH, 3, "shuffled"), list(range(STEPS))))
    spoiled = dict(drawn(ready(pictures).loader(BATCH, 3, "shuffled"), list(range(STEPS))))
    bad = {f"{'ab'[number % 2]}/{number:05d}.jpg" for number in BAD}
    assert any(bad & set(ids) for ids, _ in mended.values())
    for step, (ids, _) in mended.items():
        assert spoiled[step][0] == tuple(id for id in ids if id not in bad)


def test_a_sorted_order_is_seen(pictures, expected, monkeypatch):
    """A test of these tests: a loader that sorts its rows must not pass."""
    draw = Loader._stream

    def sorting(self, name, order, step):
        class Sorted:
            def at(self, step):
                return np.sort(order.at(step))

            def visits(self, step):
                return order.visits(step)

        return draw(self, name, Sorted(), step)

    monkeypatch.setattr(Loader, "_stream", sorting)
    found = told(ready(pictures, workers=0))
    assert found != expected
    assert {step: set(ids) for step, (ids, _) in found[0]} == {step: set(ids) for step, (ids, _) in expected[0]}


def test_too_many_bad_found_later(tmp_path, slowly, monkeypatch):
    place = folder(tmp_path / "pictures", 120)
    spoil(place, *range(0, 100, 2))
    monkeypatch.setattr(of_material, "SAMPLE", 4)
    monkeypatch.setattr(prepare, "WHOLE", -1.0)
    monkeypatch.setattr(reading, "CHUNK", 2)
    with pytest.raises(DataError, match=r"\d\d? of 120 examples"):  # as many as were read when it was too many
        begun = ready(place, workers=0)
        begun.refuse()
