"""Walk all that a training holds on to, and say what of it changes from step to step without being State's.

Everything reachable counts: attributes, slots, lists, closures, generators that wait, tensors that are no buffers,
buffers that are not saved, and the states of random generators.
"""

import collections
import hashlib
import itertools
import random
import types
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from deepglass.engine.state import State

TELLING = {"saved_at", "seen", "journal", "checkpoints"}  # of Training: what is told and when; no step depends on it
OF_TORCH = ("torch.", "torch")


def memory(state: State, **roots: Any) -> dict[str, str]:
    """Everything reachable from the roots that State does not own, by its path: what it is now."""
    owned = {id(tensor) for tensor in state.tree.state_dict(keep_vars=True).values()}
    owned |= {id(tensor.grad) for tensor in state.tree.parameters() if tensor.grad is not None}
    owned |= {id(tensor) for held in (state.averages, state.carry) for tensor in held.values()}
    owned |= {id(thing) for thing in (state, state.optimizers, state.averages, state.carry, state.scores)}
    found: dict[str, str] = {}
    seen: set[int] = set()
    waiting = [(name, thing) for name, thing in roots.items()]
    while waiting:
        path, thing = waiting.pop()
        if id(thing) in owned or id(thing) in seen:
            continue
        leaf = value_of(thing)
        if leaf is not None:
            found[path] = leaf
            continue
        seen.add(id(thing))
        inside = [(f"{path}{name}", one) for name, one in held_by(thing)]
        found[path] = f"{type(thing).__qualname__} of {len(inside)}"
        waiting += inside
    return found


def changed(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """The paths at which something came, went or became another."""
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))


def value_of(thing: Any) -> str | None:
    """What can be said of a thing that holds nothing else."""
    if thing is None or isinstance(thing, bool | int | float | complex | str | bytes | type | types.ModuleType):
        return repr(thing)[:200]
    if isinstance(thing, Tensor):
        raw = thing.detach().cpu().contiguous().reshape(-1).view(torch.uint8) if thing.numel() else thing
        return hashlib.sha256(raw.numpy().tobytes()).hexdigest() if thing.numel() else "empty"
    if isinstance(thing, np.ndarray):
        return hashlib.sha256(np.ascontiguousarray(thing).tobytes()).hexdigest() if thing.dtype != object else None
    if isinstance(thing, torch.Generator):
        return hashlib.sha256(thing.get_state().numpy().tobytes()).hexdigest()
    if isinstance(thing, np.random.Generator | np.random.RandomState):
        return str(thing.bit_generator.state if isinstance(thing, np.random.Generator) else thing.get_state())
    if isinstance(thing, random.Random):
        return hashlib.sha256(repr(thing.getstate()).encode()).hexdigest()
    return repr(thing) if isinstance(thing, itertools.count) else None


def held_by(thing: Any) -> Iterator[tuple[str, Any]]:
    """What a thing holds on to, with the step of the path that leads there."""
    if isinstance(thing, dict):
        yield from ((f"[{key!r}]", value) for key, value in list(thing.items()))
    elif isinstance(thing, list | tuple | collections.deque):
        yield from ((f"[{place}]", value) for place, value in enumerate(thing))
    elif isinstance(thing, set | frozenset):
        yield from (("{}", value) for value in sorted(thing, key=repr))
    elif isinstance(thing, types.MethodType):
        yield ".__self__", thing.__self__
        yield ".__func__", thing.__func__
    elif isinstance(thing, types.FunctionType):
        for name, cell in zip(thing.__code__.co_freevars, thing.__closure__ or (), strict=True):
            yield f"<{name}>", cell.cell_contents
        yield "<defaults>", thing.__defaults__
        yield ".__dict__", thing.__dict__
    elif isinstance(thing, types.GeneratorType):
        yield "<locals>", dict(thing.gi_frame.f_locals) if thing.gi_frame else None
    else:
        yield from attributes(thing)


def attributes(thing: Any) -> Iterator[tuple[str, Any]]:
    """Attributes and slots; of Training without what it only tells, of modules without torch's own bookkeeping."""
    skipped = TELLING if type(thing).__name__ == "Training" else set()
    of_module = isinstance(thing, nn.Module)
    for name, value in list(getattr(thing, "__dict__", {}).items()):
        if name in skipped or (of_module and name == "training"):  # which mode: set anew before each turn
            continue
        yield f".{name}", value
    for kind in type(thing).__mro__:
        for name in getattr(kind, "__slots__", ()):
            if hasattr(thing, name) and name not in ("__dict__", "__weakref__"):
                yield f".{name}", getattr(thing, name)
