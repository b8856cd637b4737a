"""Every benchmark can at least be asked what it does: what it imports is there, and its examples are true."""

import doctest
import sys
from importlib import import_module
from pathlib import Path

import pytest

SCRIPTS = sorted(path.stem for path in (Path(__file__).parents[2] / "benchmarks").glob("*.py"))


@pytest.mark.parametrize("name", SCRIPTS)
def test_it_says_how_it_is_called(name, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit) as ended:
        import_module(name).main()
    assert ended.value.code == 0 and "usage" in capsys.readouterr().out


@pytest.mark.parametrize("name", SCRIPTS)
def test_its_examples_are_true(name):
    assert not doctest.testmod(import_module(name)).failed
