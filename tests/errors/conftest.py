"""What every test of an error uses: a shell that asks twice, and data of every kind that can go wrong."""

import pytest

from tests.errors.shell import Shell, folders, run_quietly, table


@pytest.fixture
def shell(tmp_path, capsys):
    return Shell(tmp_path, capsys)


@pytest.fixture
def pictures(tmp_path):
    """Two classes of thirty small pictures."""
    return folders(tmp_path / "pictures", "ab", 30)


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A finished run on a small table, and the table; copied by those who damage it."""
    place = tmp_path_factory.mktemp("finished")
    data = table(place / "data.csv")
    code = run_quietly("train", data, "--size", "tiny", "train.steps=8", "train.check_epochs=1", "--out", place / "run")
    assert code == 0
    return place
