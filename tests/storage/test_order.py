"""The order law, read from what the kernel was asked for while a real run saved; and the test of that test."""

import os
import subprocess
import sys

import pytest

from tests.storage import order

TRAIN = "import sys; from deepglass.cli.main import main; main(sys.argv[1:])"


@pytest.fixture(autouse=True)
def traceable():
    """Without strace these tests fail, as they should; where the kernel forbids tracing, nothing can be looked at."""
    if not order.may_trace():
        pytest.skip("ptrace is not permitted here, so no order can be looked at")


def traced(folder, *words) -> list[order.Call]:
    """What a Python process asked the kernel for."""
    log = folder / "calls"
    command = [order.strace(), "-f", "--seccomp-bpf", "-y", "-s", "1", "-e", f"trace={order.CALLS}", "-o", log]
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([*command, sys.executable, *words], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return order.read(log)


def test_a_real_run_keeps_the_order(tmp_path):
    words = ("train", "made:xor", "--size", "tiny", "train.steps=60", "train.check_epochs=1", "--out")
    calls = traced(tmp_path, "-c", TRAIN, *words, tmp_path / "run")
    saves, wrong = order.violations(calls, tmp_path / "run" / "checkpoints")
    assert not wrong
    assert saves >= 4
    taken = [call for call in calls if call.name == "rename" and order.STEP.fullmatch(call.path.name)]
    assert taken, "nothing was pruned, so its place in the order was not seen"


@pytest.mark.parametrize(
    ("bug", "seen"),
    [
        ("", ""),
        ("no_fsync", "was not synced after its last byte"),
        ("rename_before_fsync", "was written after the move"),
        ("parent_forgotten", "the parent was not synced"),
        ("folder_forgotten", "the new folder of checkpoints was not synced"),
        ("not_read_back", "was not read back"),
        ("latest_first", "latest was not moved once, after the save"),
        ("pruned_first", "was taken away and left 1"),
    ],
)
def test_a_planted_bug_is_seen(bug, seen, tmp_path):
    calls = traced(tmp_path, "-m", "tests.storage.saves", tmp_path, bug)
    saves, wrong = order.violations(calls, tmp_path / "checkpoints")
    assert saves == 6
    assert any(seen in one for one in wrong) if bug else not wrong
