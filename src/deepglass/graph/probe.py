"""Look inside any network while it works: the values that flow forward and the gradients that flow back.

    with Probe(network, ["layer1", "layer4"]) as probe:
        network(pictures).sum().backward()
    probe["layer4"].value, probe["layer4"].gradient        # (B, C, H, W) each

Results are unchanged: what is kept is a copy, and every hook is gone when the block is left, errors included. A module
that is called several times (a recurrent cell) has one `Call` per call. Probe the network itself, not a compiled copy:
compiled code no longer calls its submodules.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from deepglass.foundation.catalogue import nearest

Keep = Callable[[Tensor, str], Any]

# Where the slope of a squashing function is below a twentieth of its steepest: (low, high) of its output.
SATURATED = {"Sigmoid": (0.0127, 0.9873), "Tanh": (-0.9747, 0.9747), "ScaledTanh": (-1.6725, 1.6725)}
RECTIFIERS = ("ReLU",)


def copied(x: Tensor, kind: str = "") -> Tensor:
    """A copy that no later in-place operation can change, whatever kind of module it came from."""
    return x.detach().clone()


@dataclass(slots=True)
class Call:
    """One call of one module: its output, and the gradient that the latest backward pass brought to that output."""

    value: Any
    gradient: Any = None
    input: Any = None


@dataclass(slots=True)
class Capture:
    """All calls of one module, in order."""

    name: str
    kind: str
    calls: list[Call] = field(default_factory=list)

    @property
    def value(self) -> Any:
        """The output of the last call."""
        return self.calls[-1].value

    @property
    def gradient(self) -> Any:
        """The gradient that reached the output of the last call; None where none did."""
        return self.calls[-1].gradient

    @property
    def input(self) -> Any:
        """The first tensor that went into the last call; kept only with `inputs=True`."""
        return self.calls[-1].input


class Probe:
    """Captures what flows through the named submodules of a network ("" is the whole of it; None: every leaf).

    `keep` decides what is remembered of each tensor: a copy, or for large networks a statistic (`summarise`). It is
    told the kind of the module for outputs, and "" for inputs and gradients.
    """

    def __init__(
        self, network: nn.Module, names: Iterable[str] | None = None, *, keep: Keep = copied, inputs: bool = False
    ):
        modules = dict(network.named_modules())
        self.names = leaves(network) if names is None else list(names)
        for name in self.names:
            if name not in modules:
                raise ValueError(f"The network has no submodule '{name}'.{nearest(name, modules)}")
        self.network, self.keep, self.inputs = network, keep, inputs
        self.captures: dict[str, Capture] = {}
        self._handles: list[RemovableHandle] = []

    def __enter__(self) -> Self:
        modules = dict(self.network.named_modules())
        for name in self.names:
            self._handles.append(modules[name].register_forward_hook(self._hook(name)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._handles:
            self._handles.pop().remove()

    def __getitem__(self, name: str) -> Capture:
        if name not in self.captures:
            seen = ", ".join(self.captures) or "nothing"
            raise KeyError(f"'{name}' was not called while the probe was open; called were: {seen}.")
        return self.captures[name]

    def __iter__(self) -> Iterator[Capture]:
        """The captures in the order in which modules were first called."""
        return iter(self.captures.values())

    def __contains__(self, name: object) -> bool:
        return name in self.captures

    def __len__(self) -> int:
        return len(self.captures)

    def _hook(self, name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(module: nn.Module, args: Any, output: Any) -> None:
            tensor = first_tensor(output)
            if tensor is None:
                return
            capture = self.captures.setdefault(name, Capture(name, type(module).__name__))
            call = Call(self.keep(tensor, capture.kind), input=self._input(args))
            capture.calls.append(call)
            if tensor.requires_grad:
                # on the tensor, not the module: a module's backward hook forbids later in-place operations
                self._handles.append(tensor.register_hook(lambda gradient: self._back(call, gradient)))

        return hook

    def _input(self, args: Any) -> Any:
        tensor = first_tensor(args) if self.inputs else None
        return None if tensor is None else self.keep(tensor, "")

    def _back(self, call: Call, gradient: Tensor) -> None:
        call.gradient = self.keep(gradient, "")


class Summary(NamedTuple):
    """A tensor in a few numbers; shares are between 0 and 1."""

    mean: float
    spread: float  # standard deviation
    smallest: float
    largest: float
    norm: float
    saturated: float  # share of values on the flat ends of a sigmoid or tanh
    dead: float  # share of a rectifier's units that are zero for every row
    finite: bool


def summarise(x: Tensor, kind: str = "") -> Summary:
    """Mean, spread and range of a tensor; with the kind of module it came from ("Tanh", "ReLU") also its health."""
    x = x.detach()
    if not x.numel():
        return Summary(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, True)
    x = x.double()
    low, high = SATURATED.get(kind, (-torch.inf, torch.inf))
    saturated = ((x < low) | (x > high)).double().mean()
    figures = torch.stack((x.mean(), x.std(correction=0), x.min(), x.max(), x.norm(), saturated)).tolist()
    return Summary(*figures, dead=_dead(x) if kind in RECTIFIERS else 0.0, finite=bool(torch.isfinite(x).all()))


def leaves(network: nn.Module) -> list[str]:
    """The submodules without submodules, in the order in which they were defined; the network itself if it has none."""
    return [name for name, module in network.named_modules() if not any(module.children())]


def first_tensor(thing: Any) -> Tensor | None:
    """The first tensor in a nest of tuples, lists and dictionaries: what a module's output is judged by."""
    if isinstance(thing, Tensor):
        return thing
    parts = thing.values() if isinstance(thing, dict) else thing if isinstance(thing, tuple | list) else ()
    return next((found for part in parts if (found := first_tensor(part)) is not None), None)


def _dead(x: Tensor) -> float:
    """Share of units that are zero in every row; in a map one channel is one unit. (B, C, ...)"""
    silent = x == 0
    by_unit = silent.transpose(0, 1).flatten(1) if x.ndim > 1 else silent[:, None]  # (C, everything else)
    return float(by_unit.all(dim=1).double().mean())
