"""What the gates of recurrent layers say over time, whichever way the network ran.

    gates = probe_gates(network, text)                # called as the network is
    gates["lstm"][0]["l0"]["f"]                        # (B, T, H): how much the first layer kept at each step

Fused kernels tell nothing of their gates. So each recurrent layer's inputs are caught while the network runs, and
handed to its readable path, whose cells have the same weights.
"""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

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


def _catcher(caught: dict[str, list[tuple[Any, ...]]], name: str) -> Callable[[nn.Module, tuple[Any, ...]], None]:
    """A hook that notes what a module is called with."""

    def catch(module: nn.Module, given: tuple[Any, ...]) -> None:
        caught.setdefault(name, []).append(given)

    return catch
