"""The examples run as they stand."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(name, folder):
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name)], cwd=folder, capture_output=True, text=True, env=dict(os.environ)
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", sorted(file.name for file in EXAMPLES.glob("own_*.py")))
def test_example(name, tmp_path):
    assert "accuracy" in run(name, tmp_path) and (tmp_path / "runs").is_dir()


def test_every_shape_of_a_recurrent_network_learns(tmp_path):
    lines = run("rnn_shapes.py", tmp_path).splitlines()
    found = {line.split()[0]: float(line.split("accuracy")[1].split()[0]) for line in lines}
    assert list(found) == ["one-to-one", "one-to-many", "many-to-one", "many-to-many", "encoder-decoder"]
    assert min(found.values()) > 0.95
    shapes = [line.split("accuracy")[0].split(maxsplit=1)[1].strip() for line in lines]
    assert shapes == ["(200,) -> (200,)", "(200,) -> (200, 6)", "(200, 6) -> (200,)", "(200, 6) -> (200, 6)"] + [
        "(200, 6) -> (200, 7)"
    ]


def test_every_example_is_in_the_list():
    told = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert all(f"`{file.name}`" in told for file in EXAMPLES.glob("*.py"))
