"""Disks that are full, broken, read-only or gone: the last good checkpoint stays, training goes on, and says so.

`make test` tries 10 sizes of room, `make torture` 50. Where nothing may be mounted, a limit on the size of files
stands in for the full disk.
"""

import contextlib
import errno
import json
import os
import resource
import shutil
import signal
import subprocess
import sys

import pytest

from deepglass import bundle_folder
from deepglass.engine import checkpoint, loop
from deepglass.engine.checkpoint import WAITS, Checkpoints
from deepglass.engine.journal import read_events
from deepglass.engine.loop import train
from deepglass.foundation.errors import MachineError
from tests.engine.test_loop import start, training
from tests.errors.shell import TINY, state
from tests.errors.test_places import environment
from tests.storage.saves import different, left_aside, restored, state_at

XOR = ("train", "made:xor", *TINY, "--out")
LONGER = ("train", "made:xor", "--size", "tiny", "train.steps=60", "train.check_epochs=0.7", "--out")
SIZES = [pytest.param(n / 50, marks=[] if n % 5 == 0 else pytest.mark.slow) for n in range(50)]  # of a checkpoint


def fill(disk, room=0):
    """Leave so many bytes, less than a page more."""
    with contextlib.suppress(OSError), (disk / "ballast").open("wb") as stream:
        while True:
            stream.write(bytes(4096))
            stream.flush()
    if room:
        os.truncate(disk / "ballast", max(0, (disk / "ballast").stat().st_size - room // 4096 * 4096))


@pytest.fixture
def saved():
    """A folder with one good checkpoint, its bytes, and the state to save next."""

    def make(folder):
        folder.mkdir(exist_ok=True)
        checkpoints, state = Checkpoints(folder), state_at(folder, 2)
        checkpoints.save(state)
        checkpoints.settle()
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        kept = restored(checkpoints)
        state.step = 3
        return checkpoints, state, size, kept

    return make


def fails_once(checkpoints, state, kept, reason):
    """The save fails by name; what was there is there, and nothing else."""
    checkpoints.save(state)
    with pytest.raises(MachineError, match=reason):
        checkpoints.settle()
    assert [count for count, _ in checkpoints.news()] == [1] and not checkpoints.news()
    step, found = restored(checkpoints)
    assert step == kept[0] and not different(found, kept[1])
    assert not left_aside(checkpoints.folder)


def works_again(checkpoints, state):
    checkpoints.save(state)
    checkpoints.settle()
    assert restored(checkpoints)[0] == state.step
    assert not left_aside(checkpoints.folder)


@pytest.mark.parametrize("share", SIZES)
def test_room_for_a_part_of_a_checkpoint(share, saved, small_disk):
    checkpoints, state, size, kept = saved(small_disk / "run")
    fill(small_disk, room=int(share * size))
    fails_once(checkpoints, state, kept, "No space left on device")
    (small_disk / "ballast").unlink()
    works_again(checkpoints, state)


@pytest.mark.parametrize("share", SIZES)
def test_files_that_may_grow_to_a_part(share, saved, tmp_path):
    """No root needed: no file may be longer than this share of the longest one."""
    checkpoints, state, _, kept = saved(tmp_path / "run")
    longest = max(file.stat().st_size for file in checkpoints.folder.rglob("*.safetensors"))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(share * longest), before[1]))
        checkpoints.save(state)
        checkpoints.wait()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "File too large" in str(checkpoints.failures[0])
    step, found = restored(checkpoints)
    assert step == kept[0] and not different(found, kept[1]) and not left_aside(checkpoints.folder)
    works_again(checkpoints, state)


@pytest.mark.parametrize("place", range(1, 11))
def test_a_sync_that_fails(place, saved, tmp_path, monkeypatch):
    """EIO at each fsync of a save: six files, two folders, latest and its folder."""
    checkpoints, state, _, kept = saved(tmp_path / "run")
    plain, calls = os.fsync, []

    def fsync(handle):
        calls.append(handle)
        if len(calls) == place:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        plain(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    checkpoints.save(state)
    checkpoints.wait()
    monkeypatch.undo()
    assert len(calls) == place and "Input/output error" in str(checkpoints.failures[0])
    step, found = restored(checkpoints)
    assert step == (kept[0] if place <= 8 else state.step)  # from the ninth on only `latest` was not moved
    assert not different(found, kept[1]) and not left_aside(checkpoints.folder)
    works_again(checkpoints, state)


def test_a_disk_that_may_only_be_read(shell, small_disk, saved):
    checkpoints, state_, _, kept = saved(small_disk / "run")
    assert subprocess.run(["mount", "-o", "remount,ro", small_disk]).returncode == 0
    fails_once(checkpoints, state_, kept, "Read-only file system")
    shell.refused(4, *XOR, small_disk / "new", says=("Cannot write", "Read-only file system"))
    assert subprocess.run(["mount", "-o", "remount,rw", small_disk]).returncode == 0
    works_again(checkpoints, state_)


def test_a_finished_run_may_be_asked_on_a_disk_that_may_only_be_read(shell, small_disk, finished):
    shutil.copytree(finished / "run", small_disk / "run")
    before = shell("evaluate", finished / "run", "--json").document["metrics"]
    assert subprocess.run(["mount", "-o", "remount,ro", small_disk]).returncode == 0
    assert shell("evaluate", small_disk / "run", "--json").document["metrics"] == before
    assert shell("predict", small_disk / "run", finished / "data.csv").code == 0
    shell.refused(4, "resume", small_disk / "run", says=("Cannot write", "Read-only file system"))
    shell.refused(4, "report", small_disk / "run", says=("Cannot write", "Read-only file system"))


def test_checkpoints_that_are_taken_away(saved, tmp_path):
    """The folder of checkpoints comes back with the next save; the run's own folder does not."""
    checkpoints, state_, _, _ = saved(tmp_path / "run")
    shutil.rmtree(checkpoints.folder)
    works_again(checkpoints, state_)
    (tmp_path / "run").rename(tmp_path / "elsewhere")
    state_.step += 1
    checkpoints.save(state_)
    with pytest.raises(MachineError, match="No such file or directory"):
        checkpoints.settle()
    assert not (tmp_path / "run").exists()
    (tmp_path / "elsewhere").rename(tmp_path / "run")
    works_again(checkpoints, state_)


def test_a_save_that_failed_is_tried_again_however_rare_saves_are(saved, tmp_path, monkeypatch):
    """After 1, 2, 4 and 8 minutes: whoever frees the disk has a quarter of an hour, and no more than that is lost."""
    checkpoints, state_, _, _ = saved(tmp_path / "run")
    now = [0.0]
    monkeypatch.setattr("deepglass.engine.checkpoint.time.monotonic", lambda: now[0])
    monkeypatch.setattr(checkpoint, "write_sealed", refuse)
    assert WAITS == (1.0, 2.0, 4.0, 8.0)
    for count, minutes in enumerate(WAITS, 1):
        checkpoints.save(state_)
        checkpoints.wait()
        checkpoints.endure()
        assert [told for told, _ in checkpoints.news()] == [count]
        now[0] += 60 * minutes - 1
        assert not checkpoints.due(True) and not checkpoints.due(False)  # a check every second tries no sooner
        now[0] += 1
        assert checkpoints.due(False)  # and a save once a day no later
    checkpoints.save(state_)
    checkpoints.wait()
    with pytest.raises(MachineError, match=r"failures in a row: 5\)"):
        checkpoints.endure()
    monkeypatch.undo()
    works_again(checkpoints, state_)
    assert checkpoints.due(True) and not checkpoints.due(False)


def refuse(*_):
    raise MachineError("sealed.cannot_write", folder="here", reason="No space left on device")


def test_training_goes_on_says_so_and_ends_after_five_failures(tmp_path, monkeypatch):
    """It is told at the next step, not at the next save; the last good checkpoint is as it was."""
    monkeypatch.setattr(checkpoint, "WAITS", (0.0,) * 4)
    (tmp_path / "run").mkdir()
    task, state_, rows, settings = start("gan")
    life = training(tmp_path / "run", rows, settings, 200, None, state_)
    plain, look_up = checkpoint.write_sealed, loop.look_up

    def write(folder, files):
        plain(folder, files) if state_.step <= 5 else refuse()

    def look_up_and_wait(state, run):
        look_up(state, run)
        run.checkpoints.wait()  # a step lasts longer than a save here, so that the steps below are exact

    monkeypatch.setattr(checkpoint, "write_sealed", write)
    monkeypatch.setattr(loop, "look_up", look_up_and_wait)
    with pytest.raises(MachineError, match=r"no checkpoint could be written \(failures in a row: 5\)"):
        train(task, state_, life)
    told = read_events(tmp_path / "run", "save_failed")
    assert [(event["step"], event["count"]) for event in told] == [(10, 1), (11, 2), (12, 3), (13, 4), (14, 5)]
    assert all("No space left" in event["reason"] for event in told)
    assert restored(Checkpoints(tmp_path / "run"))[0] == 5
    assert not left_aside(tmp_path / "run")


def test_files_that_may_not_grow(tmp_path):
    """A whole run by the command line: the sentence, exit code 4, and nothing half-written."""
    program = "import sys; from deepglass.cli.main import main; main(sys.argv[1:])"
    words = [*XOR, str(tmp_path / "run"), "--json", "model.hidden=[256,256]"]
    ended = subprocess.run(
        [sys.executable, "-c", program, "--lang", "en", *words],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000)),
        capture_output=True,
        text=True,
        env=environment(tmp_path),
    )
    assert ended.returncode == 4, ended.stderr
    assert json.loads(ended.stdout)["error"]["code"] == "train.cannot_save"
    assert "no checkpoint could be written (failures in a row: 1)" in ended.stderr and "File too large" in ended.stderr
    left = [path.name for path in (tmp_path / "run").rglob("*")]
    assert not [name for name in left if name.startswith(("step-", "."))], "a half-written checkpoint was left"
    kinds = [json.loads(line)["kind"] for line in (tmp_path / "run/events.jsonl").read_text().splitlines()]
    assert kinds[-1] == "failed"


def test_a_full_disk_before_the_first_word(shell, small_disk):
    fill(small_disk)
    shell.refused(4, *XOR, small_disk / "run", says=("Cannot write", "No space left on device", "Free some room"))


def test_a_disk_that_fills_up_and_is_freed(shell, small_disk, monkeypatch):
    """A save that fails is told and training goes on; once there is room again, the run ends as if nothing had been."""
    monkeypatch.setattr(checkpoint, "WAITS", (0.0,) * 4)
    plain, saves = checkpoint.write_sealed, []

    def write_sealed(folder, files):
        saves.append(folder.name)
        if len(saves) == 2:
            fill(small_disk)
        if len(saves) == 4:
            (small_disk / "ballast").unlink()
        plain(folder, files)

    monkeypatch.setattr(checkpoint, "write_sealed", write_sealed)
    said = shell(*LONGER, small_disk / "run")
    monkeypatch.undo()
    assert said.code == 0, said.err
    assert said.out.count("A checkpoint could not be written; training goes on and will try again.") == 2
    assert "No space left on device" in said.out
    assert shell(*LONGER, shell.folder / "whole").code == 0
    assert weights(small_disk / "run") == weights(shell.folder / "whole")
    assert history(small_disk / "run") == history(shell.folder / "whole"), "events were lost"


def test_no_room_for_the_bundle(shell, small_disk, monkeypatch):
    """All is trained and saved, only the bundle is not: named; a resume finishes it once there is room."""
    plain = bundle_folder.write_sealed

    def write_sealed(folder, files):
        fill(small_disk)
        plain(folder, files)

    monkeypatch.setattr(bundle_folder, "write_sealed", write_sealed)
    said = shell(*LONGER, small_disk / "run")
    monkeypatch.undo()
    assert said.code == 4 and "Cannot write" in said.err and "bundle: No space left on device" in said.err
    assert not (small_disk / "run/bundle").exists() and not left_aside(small_disk)
    before = state(small_disk / "run/checkpoints")
    (small_disk / "ballast").unlink()
    assert shell("resume", small_disk / "run").code == 0
    assert state(small_disk / "run/checkpoints") == before
    assert shell(*LONGER, shell.folder / "whole").code == 0
    assert weights(small_disk / "run") == weights(shell.folder / "whole")


def weights(run):
    return (run / "bundle/model.safetensors").read_bytes()


def history(run):
    lines = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    return [line["step"] for line in lines if line["kind"] in ("train", "check", "end")]


def test_a_run_that_is_taken_away_while_it_trains(shell, monkeypatch):
    """The folder vanishes after the first save: named, and no traceback."""
    plain = loop.look_up

    def look_up(state, run):
        plain(state, run)
        if state.step == 7:
            run.checkpoints.wait()
            shutil.rmtree(shell.out)
            shell.out.write_text("someone else's file")

    monkeypatch.setattr(loop, "look_up", look_up)
    said = shell("train", "made:xor", "--size", "tiny", "train.steps=60", "train.check_epochs=0.5", "--out", shell.out)
    assert said.code == 4 and "Traceback" not in said.err and "Cannot write" in said.err
    assert shell.out.read_text() == "someone else's file"


def test_the_limit_of_files_is_an_error_and_no_signal():
    """The tests above lean on it: Python takes SIGXFSZ for EFBIG."""
    assert signal.getsignal(signal.SIGXFSZ) == signal.SIG_IGN
