"""Disks that can be filled, and a shell as the tests of errors use it."""

import subprocess

import pytest

from tests.errors.shell import Shell, run_quietly, table


@pytest.fixture
def shell(tmp_path, capsys):
    return Shell(tmp_path, capsys)


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 4 MB of its own, or a skip where nothing may be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", place], capture_output=True).returncode:
        pytest.skip("nothing may be mounted here: it takes root")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A finished run of several checks on a small table, and the table; copied by those who damage it."""
    place = tmp_path_factory.mktemp("finished")
    data = table(place / "data.csv", rows=120)
    words = ("--size", "tiny", "--model", "mlp", "train.steps=12", "train.check_epochs=1", "train.batch=24")
    assert run_quietly("train", data, *words, "train.average=0.9", "--out", place / "run") == 0
    return place
