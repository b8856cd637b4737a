"""Packed copies: mapped, checked before they are used, shared by runs, bounded, swept after a kill."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from deepglass.data import cache, prepare, space
from deepglass.data.cache import clear_packed, open_packed, packed_copies, sweep_packed, write_packed
from deepglass.data.decode import Here, Worker
from deepglass.data.prepare import Preparation, prepare_all
from deepglass.data.readers.picture import Fit
from deepglass.data.recognise import recognise
from deepglass.data.settings import DataSettings
from deepglass.data.space import packed_folder
from deepglass.data.split import split
from deepglass.data.store import Packing, Store
from deepglass.foundation.errors import RunFailed
from tests.data.pictures import folder, spoil

SIZE = (3, 16, 16)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(prepare, "WORTH_KEEPING", -1.0)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    place = folder(tmp_path_factory.mktemp("pictures"), 40)
    spoil(place, 5)
    return place


def read(place: Path) -> Store:
    """The examples of a folder, packed."""
    source = recognise(str(place), DataSettings())
    how = Preparation(lambda raw: raw, "test", Fit(*SIZE))
    store = prepare_all(source, split(source.index, DataSettings()), how, DataSettings(workers=0))
    store.finish()
    return store


def copies() -> list[Path]:
    return [path for path in packed_folder().iterdir() if not path.name.startswith(".")]


def test_what_comes_back_is_what_was_read(pictures):
    cold, warm = read(pictures), read(pictures)
    assert warm.reused and not cold.reused
    assert isinstance(warm.columns["input"], np.memmap)
    assert (cold.state == warm.state).all() and (cold.columns["input"] == warm.columns["input"]).all()
    assert cold.findings == warm.findings and warm.findings[0].kind == "unreadable"


def test_a_flipped_bit_is_never_used(pictures):
    """In any file of the copy: it is read anew from the pictures, and the copy replaced."""
    expected = read(pictures).columns["input"].copy()
    (copy,) = copies()
    for file in sorted(copy.glob("*.npy")):
        content = bytearray(file.read_bytes())
        content[len(content) * 2 // 3] ^= 4
        file.write_bytes(content)
        store = read(pictures)
        assert not store.reused and (store.columns["input"] == expected).all()
        assert read(pictures).reused


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    place=some.floats(0, 1, exclude_max=True),
    how=some.sampled_from(["flip", "cut", "delete", "zero"]),
    which=some.integers(0, 2),
)
def test_any_damage_is_noticed(pictures, place, how, which):
    expected = read(pictures).columns["input"].copy()
    file = sorted(copies()[0].iterdir())[which]
    content = bytearray(file.read_bytes())
    at = int(place * len(content))
    if how == "delete":
        file.unlink()
    else:
        damaged = content[:at] if how == "cut" else content
        if how == "flip":
            damaged[at] ^= 1 << at % 8
        elif how == "zero":
            damaged[at : at + 64] = bytes(len(damaged[at : at + 64]))
        file.write_bytes(damaged)
    store = read(pictures)
    assert (store.columns["input"] == expected).all()
    assert [finding.file for finding in store.findings if finding.kind == "unreadable"] == ["b/00005.png"]


def test_a_large_copy_is_checked_where_it_is_touched(pictures, monkeypatch):
    monkeypatch.setattr(cache, "BLOCK", 1024)
    expected = read(pictures).columns["input"].copy()
    monkeypatch.setattr(cache, "AT_ONCE", 0)
    (copy,) = copies()
    file = copy / "column-input.npy"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    store = read(pictures)
    assert store.reused
    with pytest.raises(RunFailed, match="not what was written"):
        store.values("input", np.array([39]))
    assert not copies() and not read(pictures).reused
    assert (read(pictures).columns["input"] == expected).all()


def test_pages_that_were_checked_are_not_checked_again(pictures, monkeypatch):
    read(pictures)
    monkeypatch.setattr(cache, "AT_ONCE", 0)
    monkeypatch.setattr(cache, "BLOCK", 1024)
    clear_packed()
    read(pictures)
    store = read(pictures)
    first = store.values("input", np.array([3, 9]))
    (copy,) = copies()
    content = bytearray((copy / "column-input.npy").read_bytes())
    content[-1] ^= 1
    (copy / "column-input.npy").write_bytes(content)  # row 39 is bad now, and row 3 is not
    assert (store.values("input", np.array([3, 9])) == first).all()
    with pytest.raises(RunFailed):
        store.values("input", np.array([39]))


SCRIPT = """
import sys
from deepglass.data import prepare
prepare.WORTH_KEEPING = -1.0
from pathlib import Path
from tests.data.test_packed import read
import hashlib
store = read(Path(sys.argv[1]))
print(hashlib.sha256(store.columns["input"].tobytes()).hexdigest(), store.reused)
"""


def test_two_processes_at_once(pictures):
    runs = [
        subprocess.Popen([sys.executable, "-c", SCRIPT, str(pictures)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [run.communicate(timeout=120)[0].split() for run in runs]
    assert [run.returncode for run in runs] == [0, 0] and said[0][0] == said[1][0]
    assert len(copies()) == 1 and not list(packed_folder().glob(".*"))
    assert read(pictures).reused


def small(name: str, count: int) -> None:
    """A copy of `count` kB."""
    index = recognise("made:xor", DataSettings()).index
    state = np.ones(len(index), dtype=np.int8)
    write_packed(Store(index, state, {"input": np.zeros((200, count * 1024 // 200 // 4), np.float32)}, {}, []), name)


def test_the_one_not_used_for_longest_goes(monkeypatch):
    monkeypatch.setattr(cache, "MOST", 450_000)
    index = recognise("made:xor", DataSettings()).index
    for number, name in enumerate(("a", "b", "c")):
        small(name, 100)
        os.utime(packed_folder() / name / "packed.json", (number, number))
    held = open_packed("a", index)  # used now, and in use
    os.utime(packed_folder() / "a" / "packed.json", (0, 0))
    small("d", 200)
    assert sorted(path.name for path in copies()) == ["a", "c", "d"]
    assert held is not None and held.columns["input"].sum() == 0
    small("e", 500)  # more than may be kept at all
    assert sorted(path.name for path in copies()) == ["a", "c", "d"]


def test_clear_leaves_what_is_in_use():
    index = recognise("made:xor", DataSettings()).index
    small("a", 10)
    small("b", 10)
    held = open_packed("a", index)
    assert {copy.name: copy.in_use for copy in packed_copies()} == {"a": True, "b": False}
    assert clear_packed() == 1 and [path.name for path in copies()] == ["a"]
    del held
    assert clear_packed() == 0 and not copies()


def test_what_a_kill_left_behind_is_swept(pictures):
    """A process killed in the middle of packing leaves a folder; the next one to write removes it."""
    script = SCRIPT.replace(
        "store = read", "import numpy, os\nnumpy.save = lambda *_: os.kill(os.getpid(), 9)\nstore = read"
    )
    assert subprocess.run([sys.executable, "-c", script, str(pictures)]).returncode == -9
    assert [path for path in packed_folder().iterdir() if ".tmp-" in path.name]
    sweep_packed()
    assert not list(packed_folder().iterdir())


def test_nothing_is_kept_where_the_disk_is_full(pictures, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(np, "save", full)
        assert not read(pictures).reused
    assert not list(packed_folder().iterdir())


def test_larger_than_memory_lies_in_a_file(pictures, monkeypatch):
    expected = read(pictures).columns["input"].copy()
    clear_packed()
    monkeypatch.setattr(space, "IN_MEMORY", 1000)
    store = read(pictures)
    assert isinstance(store.columns["input"], np.memmap) and not store.reused
    assert (store.columns["input"] == expected).all() and not list(packed_folder().glob(".block-*"))


def test_rows_of_unequal_length_lie_in_a_file_as_well(monkeypatch):
    rows = [np.arange(count, dtype=np.int32) for count in (40, 0, 300, 7)]
    monkeypatch.setattr(space, "IN_MEMORY", 1000)
    packing = Packing(len(rows))
    for row in (2, 0, 3, 1):
        packing.put(row, rows[row])
    whole = packing.columns()
    assert isinstance(whole, np.memmap) and isinstance(packing.pieces[0], np.memmap)
    assert (whole == np.concatenate(rows)).all() and packing.offsets().tolist() == [0, 40, 40, 340, 347]
    assert packing.columns() is whole and not list(packed_folder().glob(".block-*"))


def test_a_worker_that_dies_costs_no_picture(pictures, monkeypatch):
    source = recognise(str(pictures), DataSettings())
    fit = Fit(*SIZE)
    worker = Worker(source, fit)
    worker.process.kill()
    rows = [0, 1, 2]
    here = Here(source, lambda raw: raw, fit)(rows)
    for one, other in zip(worker(rows), here, strict=True):
        assert one.seen == other.seen and (one.inputs["input"] == other.inputs["input"]).all()
    worker.close()
