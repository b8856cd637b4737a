"""`import deepglass`, `--help` and `ls` load no large library."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "numpy", "pydantic", "matplotlib", "PIL")


def loaded_by(code: str) -> set[str]:
    program = f"import sys\n{code}\nprint('|'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stdout.splitlines()[-1].split("|")}


def test_the_package_is_a_command_as_well():
    done = subprocess.run([sys.executable, "-m", "deepglass", "--help"], capture_output=True, text=True, check=True)
    assert "deepglass" in done.stdout and " explain " in done.stdout


@pytest.mark.parametrize(
    "code",
    [
        "import deepglass",
        "import deepglass.__main__",
        "from deepglass.cli.main import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass",
        "from deepglass.foundation import catalogue\ncatalogue.entries('models')",
    ],
    ids=["import", "main", "help", "list"],
)
def test_nothing_heavy_is_loaded(code):
    assert not set(HEAVY) & loaded_by(code)
