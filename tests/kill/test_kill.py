"""Killed at any moment and resumed, a run ends with the same bits: weights, averages, optimizer, scores and journal.

Moments are drawn by a printed seed: anywhere, inside a save, inside the first save, inside a check. `make test` kills
10 times a family, `make torture` 100 times.
"""

import multiprocessing
import os
import random
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from deepglass.engine.checkpoint import Checkpoints
from deepglass.engine.journal import read_events
from deepglass.foundation.sealed import LEFT_ASIDE, read_sealed
from tests.kill.lives import CHECKING, FAMILIES, live, write_data

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["tests.kill.lives"])
LONGEST = 60.0  # seconds of one life
AIMS = ("anywhere", "anywhere", "save", "check", "save")


class Child:
    """One life, and where it is."""

    def __init__(self, folder: Path, family: str, data: Path, bug: str = ""):
        self.now, self.saving = SERVER.RawValue("i", 0), SERVER.RawValue("i", 0)
        self.process = SERVER.Process(target=live, args=(folder, family, data, self.now, self.saving, bug))
        self.process.start()

    def until(self, true) -> bool:
        """Wait for something; False where the life ended before it came true."""
        deadline = time.monotonic() + LONGEST
        while self.process.is_alive() and time.monotonic() < deadline:
            if true():
                return True
            time.sleep(0.0005)
        return False

    def kill(self) -> str:
        """SIGKILL; what it hit, or "ended" where the run was over before."""
        now, saving = self.now.value, self.saving.value
        self.process.kill()
        self.process.join()
        if self.process.exitcode != -signal.SIGKILL:
            assert self.process.exitcode == 0
            return "ended"
        if saving % 2:
            return "first save" if saving == 1 else "save"
        return ("reading", "training", "check")[now]

    def end(self) -> int:
        self.process.join(LONGEST)
        assert self.process.exitcode is not None, "a life did not end"
        return self.process.exitcode


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write_data(folder)
    return folder


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    """The run of each family that nothing interrupted, and its seconds."""
    made = {}

    def find(family):
        if family not in made:
            folder = tmp_path_factory.mktemp(family) / "run"
            began = time.monotonic()
            assert Child(folder, family, data).end() == 0
            made[family] = (folder, time.monotonic() - began)
        return made[family]

    return find


def differences(one: Path, other: Path) -> list[str]:
    """What two finished runs do not have in common, bit by bit."""
    found = []
    (tensors, document, _), (tensors2, document2, _) = Checkpoints(one).newest(), Checkpoints(other).newest()
    found += [f"document: {key}" for key in document if document[key] != document2.get(key)]
    for group in tensors:
        assert tensors[group].keys() == tensors2[group].keys()
        found += [
            f"{group}: {name}" for name, value in tensors[group].items() if not value.equal(tensors2[group][name])
        ]
    bundles = [read_sealed(folder / "bundle")["model.safetensors"] for folder in (one, other)]
    found += ["bundle"] if bundles[0] != bundles[1] else []
    found += ["journal"] if history(one) != history(other) else []
    found += [f"left aside: {path}" for path in other.rglob(".*") if LEFT_ASIDE.fullmatch(path.name)]
    return found


def history(folder: Path) -> list[dict]:
    events = [{**event, "life": 0, "time": 0} for event in read_events(folder, "train", "check")]
    return sorted(events, key=lambda event: (event["step"], event["kind"]))


def aimed(child: Child, aim: str, draw: random.Random, seconds: float) -> str:
    """Wait for the moment and kill."""
    if aim == "save":
        chosen = 2 * draw.randrange(3) + 1
        child.until(lambda: child.saving.value == chosen)
        time.sleep(draw.uniform(0, 0.03))
    elif aim == "check":
        visits = draw.randrange(1, 3)
        child.until(lambda: child.saving.value >= 2 * visits - 2 and child.now.value == CHECKING)
        time.sleep(draw.uniform(0, 0.008))
    else:
        time.sleep(draw.uniform(0.05, seconds))
    return child.kill()


def torture(family: str, kills: int, seed: int, data: Path, folder: Path, whole) -> Counter[str]:
    """So many kills over as many runs as it takes, each compared with the uninterrupted one."""
    reference, seconds = whole(family)
    draw, hit = random.Random(seed), Counter[str]()
    began, number, lives = time.monotonic(), 0, 0
    while sum(hit.values()) < kills:
        number += 1
        run = folder / f"run{number}"
        over = False
        while not over and sum(hit.values()) < kills:
            where = aimed(Child(run, family, data), AIMS[lives % len(AIMS)], draw, seconds)
            lives += 1
            over = where == "ended"
            hit.update([] if over else [where])
        if not over:
            assert Child(run, family, data).end() == 0
        wrong = differences(reference, run)
        assert not wrong, f"{family}, seed {seed}, run {number}, kills {dict(hit)}: {wrong[:5]}"
    said = f"{family}: seed {seed}, {kills} kills in {number} runs, 0 differences; {dict(hit)}"
    sys.stderr.write(f"\n{said}; {(time.monotonic() - began) / kills:.2f} s a kill\n")
    return hit


@pytest.mark.parametrize("family", FAMILIES)
def test_ten_kills(family, data, tmp_path, whole, capsys):
    with capsys.disabled():
        hit = torture(family, 10, 20, data, tmp_path, whole)
    assert hit["save"] + hit["first save"] >= 1


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_a_hundred_kills(family, data, tmp_path, whole, capsys):
    with capsys.disabled():
        hit = torture(family, 100, 1, data, tmp_path, whole)
    assert hit["save"] + hit["first save"] >= 10 and hit["check"] >= 1


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_finish_the_step_and_save_it(family, number, data, tmp_path, whole):
    """Exit code 130, a whole checkpoint of the very step, and a resume that ends with the same bits."""
    reference, _ = whole(family)
    child = Child(tmp_path / "run", family, data)
    assert child.until(lambda: child.saving.value >= 3)
    os.kill(child.process.pid or 0, number)
    assert child.end() == 130
    (stopped,) = read_events(tmp_path / "run", "stopped")
    assert Checkpoints(tmp_path / "run").steps()[-1] == stopped["step"]
    assert Child(tmp_path / "run", family, data).end() == 0
    assert not differences(reference, tmp_path / "run")


@pytest.mark.parametrize(
    ("bug", "seen"),
    [("averages forgotten", "averages: "), ("moments forgotten", "optimizers: "), ("draws by the clock", "weights: ")],
)
def test_a_planted_bug_is_seen(bug, seen, data, tmp_path, whole):
    """The test of the tests: an engine that forgets, or draws by the clock, does not pass."""
    reference, _ = whole("cnn")
    child = Child(tmp_path / "run", "cnn", data, bug)
    assert child.until(lambda: child.saving.value >= 3)
    child.kill()
    assert Child(tmp_path / "run", "cnn", data, bug).end() == 0
    assert any(one.startswith(seen) for one in differences(reference, tmp_path / "run"))
