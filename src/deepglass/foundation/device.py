"""The machine: which device to compute on, and what has to be written down so that a result can be repeated."""

import contextlib
import functools
import os
import platform
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from deepglass.foundation.errors import MachineError, RunFailed
from deepglass.foundation.memory import memory_bytes
from deepglass.foundation.sealed import read_document


def choose_device(wanted: str = "auto") -> torch.device:
    """The device for "auto", "cpu", "cuda", "cuda:1" or "mps"; MachineError where it is not there."""
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    device = torch.device("cpu")
    try:
        device = torch.device(wanted)
        repeat_exactly()
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError):
        raise MachineError("device.missing", wanted=wanted, offered=", ".join(available())) from None
    return device


@functools.cache
def repeat_exactly() -> None:
    """Kernels that repeat themselves, and on a GPU fp32 that is fp32; once a process, before anything is computed.

    By default sums are added in the order in which threads end, on a processor those of the gradients of `table[rows]`;
    cuDNN times its algorithms in every process and takes another one the next time; and fp32 convolutions are computed
    with ten bits of mantissa.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when cuBLAS starts
    torch.use_deterministic_algorithms(True, warn_only=True)  # what has no exact form warns and goes on
    torch.utils.deterministic.fill_uninitialized_memory = False  # pyright: ignore
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = False


@contextlib.contextmanager
def same_threads() -> Iterator[None]:
    """Whatever number of threads is set inside the `with`, afterwards it is as before."""
    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)


def synchronize(device: torch.device) -> None:
    """Wait until a GPU has done all it was asked for; a processor always has."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def available() -> list[str]:
    """The devices of this machine by name."""
    cuda = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    return ["cpu", *cuda, *(["mps"] if torch.backends.mps.is_available() else [])]


def machine() -> dict[str, Any]:
    """What a result depends on: versions, processor, instruction set, threads, devices (machine.json)."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "system": f"{platform.system()} {platform.release()}",
        "processor": processor(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory_bytes": memory_bytes(),
        "devices": available(),
        "gpus": [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())],
        "executable": sys.executable.rsplit(os.sep, 1)[-1],
    }


def differs(file: Path) -> list[str]:
    """What of this machine is no longer as in a machine.json, so that bits may differ: "threads: 2 -> 1"."""
    now = machine()
    try:
        then = read_document(file)
    except (OSError, ValueError, RunFailed):
        return [file.name]
    names = ("torch", "processor", "instructions", "threads")
    return [f"{name}: {then.get(name)} -> {now[name]}" for name in names if then.get(name) != now[name]]


def cache_folder() -> Path:
    """Where packed copies and remembered plans lie: $XDG_CACHE_HOME/deepglass or ~/.cache/deepglass."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "deepglass"


def processor() -> str:
    """The processor's name as its maker writes it."""
    try:
        return re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text()).group(1)  # pyright: ignore
    except (OSError, AttributeError):
        return platform.processor() or platform.machine()
