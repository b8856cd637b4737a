"""Vectors in a folder: what is there is what was asked for, and a kill leaves what was there or all that was asked."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deepglass.foundation import sealed
from deepglass.foundation.errors import RunFailed
from deepglass.foundation.lock import locked
from deepglass.index import kept
from deepglass.index.kept import Kept
from tests.index.conftest import entries

ABOUT = {"dimension": 8, "settings": {"numbers": "float32", "kind": "auto"}}
MOVES = st.lists(st.tuples(st.booleans(), st.sets(st.integers(0, 9), min_size=1)), min_size=1, max_size=8)


@given(MOVES)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_holds_what_a_dictionary_would(tmp_path_factory, moves):
    folder = tmp_path_factory.mktemp("kept")
    shelf, told = Kept.create(folder, ABOUT), {}
    for turn, (put, numbers) in enumerate(moves):
        chosen = [entry._replace(stamp=f"t{turn}") for entry in entries(10, start=0) if int(entry.id[1:]) in numbers]
        if put:
            shelf.put(chosen)
            told |= {entry.id: entry for entry in chosen}
        else:
            assert shelf.take([entry.id for entry in chosen]) == sum(entry.id in told for entry in chosen)
            told = {name: entry for name, entry in told.items() if name not in {one.id for one in chosen}}
        for one in (shelf, Kept(folder)):
            same(one, told)
    assert len(list(folder.glob("vectors-*"))) == len(shelf.document["parts"])


def same(shelf: Kept, told: dict) -> None:
    assert shelf.stamps() == {name: entry.stamp for name, entry in told.items()}
    assert len(shelf) == len(told)
    for name, entry in told.items():
        assert shelf.nearest(entry.vector[None], 1)[0][0].id == name
    nearest = shelf.nearest(torch.ones(1, 8) / 8**0.5, 20)[0]
    assert {one.id for one in nearest} == set(told)
    assert [one.score for one in nearest] == sorted((one.score for one in nearest), reverse=True)


def test_many_small_additions_become_one_part(tmp_path):
    shelf = Kept.create(tmp_path, ABOUT)
    for turn in range(kept.MOST_PARTS + 2):
        shelf.put(entries(3, start=3 * turn))
    assert len(shelf) == 3 * (kept.MOST_PARTS + 2)
    assert len(shelf.document["parts"]) == 2
    shelf.take([f"p{number}" for number in range(40)])
    assert len(shelf.document["parts"]) == 1 and shelf.document["gone"] == []
    same(
        Kept(tmp_path),
        {entry.id: entry for turn in range(18) for entry in entries(3, start=3 * turn) if int(entry.id[1:]) >= 40},
    )


def test_half_precision_takes_half_the_room_and_answers_alike(tmp_path):
    whole = Kept.create(tmp_path / "whole", ABOUT)
    half = Kept.create(tmp_path / "half", ABOUT | {"settings": {"numbers": "float16", "kind": "auto"}})
    for shelf in (whole, half):
        shelf.put(entries(500, 8))
    sizes = [(tmp_path / name / "vectors-1.safetensors").stat().st_size for name in ("whole", "half")]
    assert sizes[0] - sizes[1] == pytest.approx(500 * 8 * 2, abs=16)  # a name is a letter longer
    query = entries(3, 8, start=7)[0].vector[None]
    scores = [torch.tensor([one.score for one in shelf.nearest(query, 9)[0]]) for shelf in (whole, half)]
    assert torch.allclose(*scores, atol=1e-3)


def test_two_writers_do_not_write_at_once_and_see_each_other(tmp_path):
    one = Kept.create(tmp_path, ABOUT)
    other = Kept(tmp_path)
    one.put(entries(2))
    other.put(entries(2, start=5))
    assert set(other.stamps()) == {"p0", "p1", "p5", "p6"}
    with locked(tmp_path), pytest.raises(RunFailed, match="Another process is working on"):
        one.take(["p0"])


class Killed(BaseException):
    """The process ends here: nothing after it happens."""


@pytest.mark.parametrize("change", ["put", "take", "together"])
def test_a_kill_anywhere_leaves_the_old_or_the_new(tmp_path, monkeypatch, change):
    start = tmp_path / "start"
    shelf = Kept.create(start, ABOUT)
    shelf.put(entries(12))
    before = shelf.stamps()
    told: set[int] = set()
    for stop in range(60):
        folder = tmp_path / f"at-{stop}"
        shutil.copytree(start, folder)
        with monkeypatch.context() as patch:
            left = plant(patch, stop)
            try:
                shelf = Kept(folder)
                if change == "put":
                    shelf.put(entries(4, start=10))
                else:
                    shelf.take([f"p{number}" for number in range(2 if change == "take" else 9)])
            except Killed:
                pass
        after = Kept(folder).stamps()
        wanted = expected(before, change)
        assert after in (before, wanted), f"killed before call {stop}"
        told.add(after == wanted)
        Kept(folder).put(entries(1, start=50))  # and the next writer goes on
        assert set(Kept(folder).stamps()) == set(after) | {"p50"}
        assert not [one for one in folder.iterdir() if one.name.startswith(".")]
        if left():
            break
    assert told == {True, False}
    assert stop > 3


def expected(before: dict, change: str) -> dict:
    if change == "put":
        return {name: stamp for name, stamp in before.items() if name not in ("p10", "p11")} | {
            entry.id: entry.stamp for entry in entries(4, start=10)
        }
    return {name: stamp for name, stamp in before.items() if int(name[1:]) >= (2 if change == "take" else 9)}


def plant(patch, stop: int):
    """Before the so-and-so-many-th call that changes the disk, the process ends; whether it never came to that."""
    calls = [0]

    def counted(call):
        def run(*given, **named):
            if calls[0] == stop:
                raise Killed
            calls[0] += 1
            return call(*given, **named)

        return run

    for name in ("replace", "fsync"):
        patch.setattr(sealed.os, name, counted(getattr(os, name)))
    patch.setattr(kept, "save_file", counted(kept.save_file))
    patch.setattr(Path, "unlink", counted(Path.unlink))
    return lambda: calls[0] < stop


CHILD = """
import sys
from pathlib import Path
from deepglass.index.kept import Kept
from tests.index.conftest import entries
shelf, turn = Kept(Path(sys.argv[1])), 0
print("begun", flush=True)
while True:
    turn += 1
    shelf.put(entries(5, start=10 * (turn % 30)))
    shelf.take([f"p{10 * ((turn + 7) % 30) + row}" for row in range(5)])
"""


def test_kill_9_leaves_whole_additions(tmp_path):
    Kept.create(tmp_path, ABOUT).put(entries(5, start=1000))
    for wait in (0.07, 0.19):
        with subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE) as child:
            assert child.stdout and child.stdout.readline() == b"begun\n"
            time.sleep(wait)
            child.send_signal(signal.SIGKILL)
        there = set(Kept(tmp_path).stamps())
        assert {f"p{1000 + row}" for row in range(5)} <= there
        groups = {int(name[1:]) // 10 for name in there}
        assert there == {f"p{10 * group + row}" for group in groups for row in range(5)}
