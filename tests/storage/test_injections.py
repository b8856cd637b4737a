"""Every system call of a save fails once, or is the last one before a kill: the last good checkpoint still loads.

strace interferes with the third save of a child; nothing of our own code is patched. `make test` takes each sixth
place of every call, `make torture` all of them.
"""

import multiprocessing
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deepglass.engine.checkpoint import Checkpoints
from tests.storage import order
from tests.storage.saves import different, left_aside, restored, state_at, traced_child

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["tests.storage.saves"])
LONGEST = 60.0
FAULTS = {  # which calls fail how
    "mkdir": ("error=ENOSPC", "signal=KILL"),
    "openat": ("error=EMFILE", "error=EIO", "signal=KILL"),
    "write": ("error=ENOSPC", "error=EIO", "signal=KILL"),
    "fsync": ("error=EIO", "signal=KILL"),
    "read": ("error=EIO",),
    "rename": ("error=EIO", "error=EROFS", "signal=KILL"),
    "rmdir": ("error=EIO", "signal=KILL"),
    "unlinkat": ("error=EIO", "signal=KILL"),
}


@pytest.fixture(autouse=True)
def traceable():
    if not order.may_trace():
        pytest.skip("ptrace is not permitted here, so nothing can be injected")


class Child:
    """Four saves, the third of them watched or disturbed by strace."""

    def __init__(self, folder: Path, log: Path, *rules: str):
        self.now, self.failures = SERVER.RawValue("i", 0), SERVER.RawValue("i", 0)
        self.process = SERVER.Process(target=traced_child, args=(folder, self.now, self.failures))
        self.process.start()
        self.until(6)
        words = [order.strace(), "-f", "-y", "-s", "1", "-o", log, *rules, "-p", str(self.process.pid)]
        self.strace = subprocess.Popen(words, stderr=subprocess.DEVNULL)
        status = Path(f"/proc/{self.process.pid}/status")
        deadline = time.monotonic() + LONGEST
        while "TracerPid:\t0" in status.read_text():
            assert time.monotonic() < deadline and self.strace.poll() is None, "strace did not attach"
            time.sleep(0.002)
        self.now.value = 7  # the third save
        self.until(8)

    def until(self, place: int) -> None:
        """Wait until the child is there, or ended before."""
        deadline = time.monotonic() + LONGEST
        while self.now.value != place and self.process.is_alive():
            assert time.monotonic() < deadline, "the child does not move"
            time.sleep(0.002)

    def end(self) -> int | None:
        """Nobody watches any more; the fourth save; the exit code."""
        self.strace.terminate()
        self.strace.wait(LONGEST)
        self.now.value = 9
        self.process.join(LONGEST)
        return self.process.exitcode


@pytest.fixture(scope="module")
def counts(tmp_path_factory):
    """How often the writing thread makes each call in an undisturbed save."""
    folder = tmp_path_factory.mktemp("counted")
    child = Child(folder, folder / "calls", "-e", f"trace={','.join(FAULTS)}")
    assert child.end() == 0
    found: dict[str, dict[str, int]] = {}
    for line in (folder / "calls").read_text().splitlines():
        thread, call = line.split(None, 1)
        if (name := call.split("(")[0]) in FAULTS:
            of_thread = found.setdefault(thread, {})
            of_thread[name] = of_thread.get(name, 0) + 1
    writer = max(found.values(), key=lambda calls: calls.get("fsync", 0))
    assert writer["fsync"] == 10 and writer["rename"] == 3, writer  # 6 files, 2 folders, latest and its folder
    return writer


def disturb(folder: Path, call: str, fault: str, place: int, expected) -> str:
    """One injection; what came of it."""
    folder.mkdir()
    child = Child(folder, folder / "calls", "-e", f"trace={call}", "-e", f"inject={call}:{fault}:when={place}")
    where = f"{call} {fault} at {place}"
    killed = not child.process.is_alive()
    failed = child.failures.value
    checkpoints = Checkpoints(folder)
    if killed:
        checkpoints.clean()
    step, found = restored(checkpoints)
    assert step == (2 if failed else 3) or (killed and step in (2, 3)) or (failed and step == 3), (where, step)
    assert not different(found, expected), where
    code = child.end()
    if killed:
        assert code == -9, (where, code)
        state = state_at(folder, 3)
        state.step = 4
        checkpoints.save(state)
        checkpoints.settle()
    else:
        assert code == 0 and not child.failures.value, (where, "the next save did not succeed")
    step, found = restored(checkpoints)
    assert step == 4 and not different(found, expected), where
    if killed or call not in (
        "rmdir",
        "unlinkat",
        "openat",
    ):  # a temporary that could not be removed waits for the next life
        assert not left_aside(folder), where
    checkpoints.clean()
    assert not left_aside(folder), where
    return "killed" if killed else "failed" if failed else "went on"


def sweep(counts, folder: Path, every: int, capsys) -> None:
    expected = restored_state(folder)
    outcomes: dict[str, int] = {}
    tried = 0
    for call, faults in FAULTS.items():
        for number, fault in enumerate(faults):
            for place in range(1 + number % every, counts.get(call, 0) + 1, every):
                came = disturb(folder / f"{call}-{number}-{place}", call, fault, place, expected)
                outcomes[f"{call} {fault}: {came}"] = outcomes.get(f"{call} {fault}: {came}", 0) + 1
                tried += 1
    with capsys.disabled():
        sys.stderr.write(f"\n{tried} injections into a save, the last good one loaded after each: {outcomes}\n")
    assert any("killed" in name for name in outcomes) and any("failed" in name for name in outcomes)


def restored_state(folder: Path):
    (folder / "whole").mkdir()
    checkpoints = Checkpoints(folder / "whole")
    checkpoints.save(state_at(folder / "whole", 3))
    checkpoints.settle()
    return restored(checkpoints)[1]


def test_a_sixth_of_the_calls_of_a_save(counts, tmp_path, capsys):
    sweep(counts, tmp_path, 6, capsys)


@pytest.mark.slow
def test_every_call_of_a_save(counts, tmp_path, capsys):
    sweep(counts, tmp_path, 1, capsys)
