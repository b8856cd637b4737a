"""What every test and doctest may use."""

import os

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two test processes share two cores


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """Tests write no packed copies into the user's cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(autouse=True)
def _doctest_folder(doctest_namespace, tmp_path):
    doctest_namespace["tmp"] = tmp_path
