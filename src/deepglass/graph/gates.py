"""What the gates of recurrent layers say over time, whichever way the network ran.

    gates = probe_gates(network, text)                # called as the network is
    gates["lstm"][0]["l0"]["f"]                        # (B, T, H): how much the first layer kept at each step

Fused kernels tell nothing of their gates. So each recurrent layer's inputs are caught while the network runs, and
handed to its readable path, whose cells have the same weights.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

Told = dict[str, list[Any]]  # each layer's name -> what it told (blocks/recurrent.py), call by call
Gates = dict[str, dict[str, Tensor]]
"""Layer and direction ("l0", "l1_reverse") -> letter of the textbook ("i", "f", "g", "o", "c", "h") -> (B, T, H)"""


@torch.no_grad()
def probe_gates(network: nn.Module, *inputs: Any) -> dict[str, list[Gates]]:
    """Each module that can `tell` its gates -> what they said, call by call; as in evaluation, nothing is changed."""
    tellers = {name: module for name, module in network.named_modules() if hasattr(module, "tell")}
    caught: dict[str, list[tuple[Any, ...]]] = {}
    was_training = [module for module in network.modules() if module.training]
    with ExitStack() as stack:
        for name, module in tellers.items():
            handle = module.register_forward_pre_hook(_catcher(caught, name))
            stack.callback(handle.remove)
        network.eval()
        try:
            network(*inputs)
        finally:
            for module in was_training:
                module.training = True
    return {name: [tellers[name].tell(*given).gates for given in calls] for name, calls in caught.items()}  # pyright: ignore


@contextmanager
def readable(network: nn.Module, stand_in: Callable[[nn.Module], nn.Module] = lambda module: module) -> Iterator[Told]:
    """As long as it is open, recurrent layers run step by step by their readable path; what each told, call by call.

    Gradients go through it, so what a layer remembered at a step can be asked for its own. `stand_in` may put another
    layer of the same shape in a layer's place.
    """
    told: Told = {}
    tellers = {name: module for name, module in network.named_modules() if hasattr(module, "tell")}
    try:
        for name, module in tellers.items():
            module.forward = _teller(stand_in(module), module.kind == "lstm", told.setdefault(name, []))  # pyright: ignore
        yield told
    finally:
        for module in tellers.values():
            vars(module).pop("forward", None)


def _teller(layer: Any, two: bool, calls: list[Any]) -> Callable[..., Any]:
    """A layer's readable path as a forward; with a state of two parts where the network knows two."""
    own = 2 if layer.kind == "lstm" else 1

    def forward(x: Any, state: Any = None) -> Any:
        if not x.values.requires_grad:
            x = x._replace(values=x.values.detach().requires_grad_())  # frozen layers have gradients, too
        told = layer.tell(x, None if state is None else state[:own])
        calls.append(told)
        return told.outputs, (told.state * 2)[: 2 if two else 1]

    return forward


def _catcher(caught: dict[str, list[tuple[Any, ...]]], name: str) -> Callable[[nn.Module, tuple[Any, ...]], None]:
    """A hook that notes what a module is called with."""

    def catch(module: nn.Module, given: tuple[Any, ...]) -> None:
        caught.setdefault(name, []).append(given)

    return catch
