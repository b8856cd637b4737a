"""Any nn.Module -> its graph, found by running it once and watching every tensor operation.

    graph = trace(network, *example(Image(3, 224, 224)))

The run is made on the meta device, where tensors have shapes and no numbers: nothing is computed and nothing of the
network changes. Where forward needs real numbers (it branches on a value), the run is made again with them, on copies
of the buffers. Python control flow is followed as it happens for this input. The network is traced as in evaluation.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode

from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import (
    Captions,
    Image,
    Latent,
    LatentSteps,
    Port,
    Series,
    Tokens,
    Translation,
    Vector,
    Volume,
)
from deepglass.graph.operations import SILENT, geometry, kind_of, makes_constant, tensors_in
from deepglass.graph.structure import Graph, Node

STEPS = 16  # of an example's rows, where a port does not say how many


def example(port: Port, rows: int = 1, *, device: torch.device | str = "meta") -> tuple[Any, ...]:
    """What a network that takes this port is called with, all zeros; rows of steps have `STEPS` of them."""

    def numbers(*shape: int) -> Tensor:
        return torch.zeros(rows, *shape, device=device)

    match port:
        case Vector() | Image() | Volume():
            return (numbers(*astuple(port)),)
        case Series(channels):
            return (_steps(numbers(STEPS, channels)),)
        case Tokens():
            return (_steps(numbers(STEPS).long()),)
        case Translation():
            return _steps(numbers(STEPS).long()), _steps(numbers(STEPS).long())
        case Captions(picture):
            return numbers(*astuple(picture)), _steps(numbers(STEPS).long())
        case Latent() | LatentSteps():
            return _drawn(port, rows, device)
    raise ValueError(f"No network takes a {type(port).__name__}; hand `trace` what yours is called with.")


def _drawn(port: Latent | LatentSteps, rows: int, device: torch.device | str) -> tuple[Any, ...]:
    """What is drawn at random for each row, or for each of its steps, and the row's class where there are any."""
    label = (torch.zeros(rows, dtype=torch.int64, device=device),) if port.classes else ()
    if isinstance(port, Latent):
        return torch.zeros(rows, port.size, device=device), *label
    return _steps(torch.zeros(rows, STEPS, port.size, device=device)), *label


def _steps(values: Tensor) -> Padded:
    """Rows that are all as long as they can be. (B, T, ...)"""
    return Padded(values, torch.full((len(values),), STEPS, device=values.device))


def trace(network: nn.Module, *inputs: Any) -> Graph:
    """The graph of `network` for these inputs; it covers every parameter that forward uses."""
    if not any(tensor.is_meta for tensor in tensors_in(inputs)):
        try:
            return _run(network, _converted(inputs, _meta), on_meta=True)
        except Exception:  # noqa: BLE001  forward needs real numbers; the real run shows any true mistake
            return _run(network, _converted(inputs, torch.clone), on_meta=False)
    return _run(network, inputs, on_meta=True)


def _run(network: nn.Module, inputs: Sequence[Any], *, on_meta: bool) -> Graph:
    state, names = _borrowed(network, on_meta)
    counter = FlopCounterMode(display=False)
    recorder = _Recorder(network, names, counter)
    for position, tensor in enumerate(_data_in(inputs)):
        recorder.add_input(tensor, position)
    with _evaluating(network), torch.random.fork_rng(devices=[]), torch.no_grad(), recorder.follow_modules():
        with counter, recorder:
            result = functional_call(network, state, tuple(inputs))
    return recorder.graph(result)


def _data_in(inputs: Sequence[Any]) -> Iterator[Tensor]:
    """The tensors of what forward is called with; the lengths of rows are no data, what is made of them is constant."""
    for thing in inputs:
        yield from tensors_in(thing.values if isinstance(thing, Padded) else thing)


def _borrowed(network: nn.Module, on_meta: bool) -> tuple[dict[str, Tensor], dict[int, str]]:
    """Stand-ins for every parameter and buffer, a tied one once, and the name that each parameter's stand-in has."""
    stand_ins: dict[int, Tensor] = {}
    state: dict[str, Tensor] = {}
    names: dict[int, str] = {}
    for name, tensor in network.named_parameters(remove_duplicate=False):
        if id(tensor) not in stand_ins:
            stand_ins[id(tensor)] = _meta(tensor) if on_meta else tensor.detach()
            names[id(stand_ins[id(tensor)])] = name
        state[name] = stand_ins[id(tensor)]
    for name, tensor in network.named_buffers(remove_duplicate=False):
        state[name] = stand_ins.setdefault(id(tensor), _meta(tensor) if on_meta else tensor.clone())
    return state, names


def _meta(tensor: Tensor) -> Tensor:
    return torch.empty_like(tensor, device="meta", requires_grad=False)


def _converted(thing: Any, convert: Callable[[Tensor], Tensor]) -> Any:
    """The same nest with every tensor converted."""
    if isinstance(thing, Tensor):
        return convert(thing)
    if isinstance(thing, dict):
        return {key: _converted(part, convert) for key, part in thing.items()}
    if isinstance(thing, tuple | list):
        parts = [_converted(part, convert) for part in thing]
        return type(thing)(*parts) if hasattr(thing, "_fields") else type(thing)(parts)
    return thing


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training


@dataclass(slots=True)
class _Place:
    """Where in the code we are: the submodule whose forward runs now."""

    path: str
    module: nn.Module
    leaf: bool = field(init=False)

    def __post_init__(self) -> None:
        self.leaf = not any(self.module.children())


class _Recorder(TorchFunctionMode):
    """Sees every call of a torch function and writes it down as a node."""

    def __init__(self, network: nn.Module, names: dict[int, str], counter: FlopCounterMode):
        super().__init__()
        self.network, self.names, self.counter = network, names, counter
        self.sizes = {name: parameter.numel() for name, parameter in network.named_parameters(remove_duplicate=False)}
        self.places = [_Place("", network)]
        self.nodes: list[Node] = []
        self.made_by: dict[int, int] = {}  # id of a tensor -> index of its node
        self.alive: list[Any] = []  # every tensor met stays alive, so that no id is used twice
        self.taken: set[str] = set()

    @contextmanager
    def follow_modules(self) -> Iterator[None]:
        """Hooks on every submodule keep `places` true while forward runs."""
        handles = []
        for path, module in self.network.named_modules():
            if path:
                place = _Place(path, module)
                handles.append(module.register_forward_pre_hook(lambda *_, place=place: self.places.append(place)))
                handles.append(module.register_forward_hook(lambda *_: self._leave(), always_call=True))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _leave(self) -> None:
        self.places.pop()

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        named = kwargs or {}
        given = list(tensors_in((args, named)))
        versions = [tensor._version for tensor in given]
        before = self.counter.get_total_flops()
        result = func(*args, **named)
        flops = self.counter.get_total_flops() - before
        changed = [tensor for tensor, version in zip(given, versions, strict=True) if tensor._version != version]
        out = [*tensors_in(result), *changed]
        self.alive.append((given, out))
        if out and not makes_constant(kind_of(func)):
            self._write(func, (args, named), given, out, flops // 2)
        return result

    def _write(
        self, func: Callable[..., Any], call: tuple[Any, Any], given: list[Tensor], out: list[Tensor], macs: int
    ) -> None:
        kind = kind_of(func)
        inputs = tuple(dict.fromkeys(self.made_by[id(tensor)] for tensor in given if id(tensor) in self.made_by))
        used = tuple(dict.fromkeys(self.names[id(tensor)] for tensor in given if id(tensor) in self.names))
        if not inputs and not used:
            return  # a constant: no data and nothing learned went in
        if kind in SILENT and not used:
            self._remember(out, inputs[0])
            return
        fresh = tuple(name for name in used if name not in self.taken)
        self.taken.update(fresh)
        kernel, stride, groups = geometry(kind, *call)
        place = self.places[-1]
        node = Node(
            index=len(self.nodes),
            name=self._name(place, kind),
            kind=kind,
            module=place.path,
            layer=type(place.module).__name__,
            leaf=place.leaf,
            inputs=inputs,
            shape=tuple(out[0].shape),
            parameters=fresh,
            shared=tuple(name for name in used if name not in fresh),
            count=sum(self.sizes[name] for name in fresh),
            macs=macs,
            bytes=_fresh_bytes(given, out),
            kernel=kernel,
            stride=stride,
            groups=groups,
        )
        self.nodes.append(node)
        self._remember(out, node.index)

    def add_input(self, tensor: Tensor, position: int) -> None:
        """What the user hands in is a node too."""
        node = Node(
            index=len(self.nodes),
            name="input" if not position else f"input{position + 1}",
            kind="input",
            module="",
            layer="",
            leaf=False,
            inputs=(),
            shape=tuple(tensor.shape),
            parameters=(),
            shared=(),
            count=0,
            macs=0,
            bytes=tensor.numel() * tensor.element_size(),
        )
        self.nodes.append(node)
        self._remember([tensor], node.index)

    def _remember(self, out: list[Tensor], index: int) -> None:
        self.made_by.update((id(tensor), index) for tensor in out)

    def _name(self, place: _Place, kind: str) -> str:
        """A leaf's first operation has the leaf's name; later ones and those of a larger module add what they do."""
        names = {node.name for node in self.nodes if node.module == place.path}
        name = place.path if place.leaf and place.path else ".".join(filter(None, (place.path, kind)))
        if name in names and place.leaf and place.path:
            name = f"{place.path}.{kind}"
        number = 2
        unique = name
        while unique in names:
            unique, number = f"{name}{number}", number + 1
        return unique

    def graph(self, result: Any) -> Graph:
        """All that was written down; `result` is what forward returned."""
        outputs = dict.fromkeys(self.made_by[id(t)] for t in tensors_in(result) if id(t) in self.made_by)
        parameters = dict(self.network.named_parameters())
        return Graph(
            nodes=tuple(self.nodes),
            outputs=tuple(outputs),
            unused=tuple(name for name in parameters if name not in self.taken),
            parameter_bytes=sum(p.numel() * p.element_size() for p in parameters.values()),
        )


def _fresh_bytes(given: list[Tensor], out: list[Tensor]) -> int:
    """Memory of those outputs that do not share it with an input."""
    old = {tensor.untyped_storage()._cdata for tensor in given}
    return sum(t.numel() * t.element_size() for t in out if t.untyped_storage()._cdata not in old)
