"""Each peer in an environment of its own, made by pip from the names below, in a folder outside the checkout."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
CONSTRAINTS = HERE.parents[1] / "constraints.txt"  # the torch that deepglass is tested with


@dataclass(frozen=True)
class Peer:
    """A framework: its packages, the file that drives it, and the environment variables that choose its backend."""

    packages: tuple[str, ...]
    script: str
    variables: tuple[tuple[str, str], ...] = ()
    constrained: bool = True


PEERS = {
    "pytorch": Peer(("torch", "numpy"), "with_pytorch.py"),
    "lightning": Peer(("torch", "numpy", "lightning"), "with_lightning.py"),
    "keras-tensorflow": Peer(
        ("keras", "tensorflow-cpu", "numpy"), "with_keras.py", (("KERAS_BACKEND", "tensorflow"),), False
    ),
    "keras-jax": Peer(("keras", "jax", "numpy"), "with_keras.py", (("KERAS_BACKEND", "jax"),), False),
    "keras-torch": Peer(("keras", "torch", "numpy"), "with_keras.py", (("KERAS_BACKEND", "torch"),)),
}
OURS = Peer((), "with_deepglass.py")


def peer(name: str) -> Peer:
    """A contestant's framework, by its name without flags."""
    return OURS if name == "deepglass" else PEERS[name]


def python(name: str, cache: Path) -> Path:
    """The interpreter that runs the framework; deepglass runs in the one that runs this benchmark."""
    return Path(sys.executable) if name == "deepglass" else cache / "venvs" / name / "bin" / "python"


def install(name: str, cache: Path) -> None:
    """Make the environment unless it is there; a half-made one is made again."""
    chosen, folder = peer(name), cache / "venvs" / name
    done = folder / "installed.json"
    if name == "deepglass" or done.exists():
        return
    print(f"installing {name}: {', '.join(chosen.packages)}", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    limits = ["-c", str(CONSTRAINTS)] if chosen.constrained else []
    pip = [str(python(name, cache)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *limits, *chosen.packages], check=True)
    done.write_text(json.dumps(chosen.packages))
