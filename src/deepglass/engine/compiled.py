"""Compilation as a plan may ask for it: by inductor, on a GPU also as one recorded graph; never a wrapper, so that
names, copies and checkpoints stay what they are.
"""

import contextlib
import importlib.util
import logging
import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Literal

import torch
from torch import nn

Compile = Literal["no", "inductor", "cudagraphs"]
VERSIONS = 32  # of one part: networks of the same class, asleep or training, with and without gradients
COMPILERS = ("g++", "clang++", "c++", "cl")


def compile_networks(model: nn.Module, mode: Compile, shapes: Literal["fixed", "dynamic"]) -> None:
    """Have each network of the model compiled when it is first called.

    Shapes are fixed, or all dynamic, never left to the compiler's history: that would change bits. Dropout draws from
    torch's generator as it does without compilation, so a compiled network can be compared with itself.
    """
    torch._dynamo.reset()  # versions are counted by class: those of other runs in this process would count as well
    torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, VERSIONS)  # pyright: ignore
    options: dict[str, Any] = {"fallback_random": True}
    if mode == "cudagraphs":
        options["triton.cudagraphs"] = True
    warnings.filterwarnings("ignore", message="TensorFloat32 tensor cores")  # fp32 means fp32
    for network in networks(model):
        if type(network).__module__.startswith("torch."):  # torch's own Sequential would compile nothing
            network._compiled_call_impl = torch.compile(_caller(network), dynamic=shapes == "dynamic", options=options)
        else:
            network.compile(dynamic=shapes == "dynamic", options=options)


def _caller(network: nn.Module) -> Callable[..., Any]:
    """A call of the network as a function of ours: the compiler looks into it, but not into torch's own modules."""

    def call(*args: Any, **named: Any) -> Any:
        return network._call_impl(*args, **named)

    return call


def networks(model: nn.Module) -> list[nn.Module]:
    """The model itself, or the players in it where it is only what holds them."""
    if type(model).forward is not nn.Module.forward:
        return [model]
    return [network for child in model.children() for network in networks(child)]


def is_compiled(model: nn.Module) -> bool:
    """Whether calls of it go through the compiler."""
    return any(network._compiled_call_impl is not None for network in networks(model))


def eagerly(model: nn.Module) -> contextlib.AbstractContextManager[object]:
    """Inside the `with`, a compiled model computes as if it were not: for evaluation, and for double backward."""
    return torch.compiler.set_stance("force_eager") if is_compiled(model) else contextlib.nullcontext()


@contextlib.contextmanager
def within_limits() -> Iterator[None]:
    """RuntimeError where a part is compiled more often than the compiler keeps versions of it.

    The next version would run eager, so bits would depend on what came first.
    """
    log = logging.getLogger("torch._dynamo.convert_frame")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with torch._dynamo.config.patch(fail_on_recompile_limit_hit=True):  # pyright: ignore
            yield
    except torch._dynamo.exc.FailOnRecompileLimitHit:  # pyright: ignore
        limit = torch._dynamo.config.recompile_limit  # pyright: ignore
        raise RuntimeError(f"a part of it had to be compiled more than {limit} times") from None
    finally:
        log.setLevel(level)


def graphs_compiled() -> int:
    """How many graphs this process has compiled so far; compiling that leaves it unchanged did nothing."""
    return torch._dynamo.utils.counters["stats"]["unique_graphs"]  # pyright: ignore


def cannot_compile(device: torch.device) -> bool:
    """Whether what inductor needs is missing: a C++ compiler for processors, Triton for GPUs."""
    if device.type == "cuda":
        return importlib.util.find_spec("triton") is None
    return not any(shutil.which(name) for name in (os.environ.get("CXX", ""), *COMPILERS) if name)
