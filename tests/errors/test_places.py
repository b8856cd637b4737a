"""Places that cannot be written to, disks that are full: exit code 4, the sentence, and nothing half-written."""

import os

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


def environment(folder):
    return {**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "OMP_NUM_THREADS": "1"}


def test_a_packed_copy_that_cannot_be_kept_is_no_error(shell, tmp_path, monkeypatch, pictures):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("deepglass.data.prepare.WORTH_KEEPING", -1.0)
    assert shell("check", pictures).code == 0
