"""Places that cannot be written to, disks that are full: exit code 4, the sentence, and nothing half-written."""

import contextlib
import json
import os
import resource
import shutil
import subprocess
import sys

import pytest

from tests.errors.shell import TINY, state

XOR = ("train", "made:xor", *TINY, "--out")


def test_a_file_where_the_folder_should_be(shell, tmp_path):
    (tmp_path / "file").write_text("mine")
    shell.refused(4, *XOR, tmp_path / "file", says=("Cannot write", "File exists", "choose another place with --out"))
    shell.refused(4, *XOR, tmp_path / "file/run", says=("Not a directory", "choose another place with --out"))


def test_a_place_without_permission(shell, tmp_path, monkeypatch):
    """As root no mode forbids writing, so the system call itself is made to refuse."""
    closed = tmp_path / "closed"
    closed.mkdir()
    plain = os.mkdir

    def mkdir(path, *rest, **more):
        if str(path).startswith(str(closed)):
            raise PermissionError(13, "Permission denied", str(path))
        return plain(path, *rest, **more)

    monkeypatch.setattr(os, "mkdir", mkdir)
    said = ("Cannot write", "Permission denied", "mend the permission, or choose another place with --out")
    shell.refused(4, *XOR, closed / "run", says=said)


def test_the_kernel_refuses(shell):
    shell.refused(4, *XOR, "/proc/deepglass", says=("Cannot write /proc/deepglass",))


def test_a_folder_that_holds_a_run(shell, finished):
    before = state(finished)
    said = ("already holds a run", f"deepglass resume {finished}/run", "another place with --out")
    shell.refused(2, *XOR, finished / "run", says=said)
    assert state(finished) == before


def test_answers_that_cannot_be_written(shell, finished):
    words = ("predict", finished / "run", finished / "data.csv", "--out", "/proc/answers.csv")
    said = shell(*words)
    assert said.code == 4 and "Cannot write /proc/answers.csv" in said.err


def test_files_that_may_not_grow(tmp_path):
    """A limit on the size of a file stands in for a full disk where none can be mounted."""
    program = "import sys; from deepglass.cli.main import main; main(sys.argv[1:])"
    words = [
        sys.executable,
        "-c",
        program,
        "--lang",
        "en",
        *XOR,
        str(tmp_path / "run"),
        "--json",
        "model.hidden=[256,256]",
    ]

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))

    ended = subprocess.run(
        words, preexec_fn=limit, capture_output=True, text=True, timeout=60, env=environment(tmp_path)
    )
    assert ended.returncode == 4, ended.stderr
    assert json.loads(ended.stdout)["error"]["code"] == "train.cannot_save"
    assert "no checkpoint could be written (failures in a row: 1)" in ended.stderr and "File too large" in ended.stderr
    left = [path.name for path in (tmp_path / "run").rglob("*")]
    assert not [name for name in left if name.startswith(("step-", "."))], "a half-written checkpoint was left"
    kinds = [json.loads(line)["kind"] for line in (tmp_path / "run/events.jsonl").read_text().splitlines()]
    assert kinds[-1] == "failed"


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 1 MB, or a skip where nothing may be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", place], capture_output=True).returncode:
        pytest.skip("nothing may be mounted here")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_a_full_disk_before_the_first_word(shell, small_disk):
    fill(small_disk)
    shell.refused(4, *XOR, small_disk / "run", says=("Cannot write", "No space left on device", "Free some room"))


def test_a_disk_that_fills_up_and_is_freed(shell, small_disk, monkeypatch):
    """A save that fails is told and training goes on; once there is room again, the run ends as if nothing had been."""
    from deepglass.engine import checkpoint

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
    words = ("train", "made:xor", "--size", "tiny", "train.steps=60", "train.check_epochs=0.7", "--out")
    said = shell(*words, small_disk / "run")
    monkeypatch.undo()
    assert said.code == 0, said.err
    assert said.out.count("A checkpoint could not be written; training goes on and will try again.") == 2
    assert "No space left on device" in said.out
    assert shell(*words, shell.folder / "whole").code == 0
    weights = [
        (place / "bundle/model.safetensors").read_bytes() for place in (small_disk / "run", shell.folder / "whole")
    ]
    assert weights[0] == weights[1]
    steps = [event("step", small_disk / "run"), event("step", shell.folder / "whole")]
    assert steps[0] == steps[1], "events were lost"


def event(name, run):
    lines = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    return [line[name] for line in lines if line["kind"] in ("train", "check", "end")]


def fill(disk):
    with contextlib.suppress(OSError), (disk / "ballast").open("wb") as stream:
        while True:
            stream.write(b"0" * 4096)
            stream.flush()


def environment(folder):
    return {**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "OMP_NUM_THREADS": "1"}


def test_a_packed_copy_that_cannot_be_kept_is_no_error(shell, tmp_path, monkeypatch, pictures):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("deepglass.data.prepare.WORTH_KEEPING", -1.0)
    assert shell("check", pictures).code == 0


def test_a_run_that_is_taken_away_while_it_trains(shell, monkeypatch):
    """The folder vanishes after the first save: named, and no traceback."""
    from deepglass.engine import loop

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
