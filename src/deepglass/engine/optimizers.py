"""Optimizers over named parameters: SGD, AdamW and Muon, with decay groups and a rate for each stage.

Muon (Jordan 2024) moves every matrix and kernel by its momentum made orthogonal; the rest by AdamW.
"""

import contextlib
import inspect
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer

from deepglass.engine.settings import MuonSettings, TrainSettings

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
SMALL = 1e-7  # keeps a matrix of zeros from being divided by its norm
ADAM_SHARE = 0.1  # of Muon's rate, where the rest has no rate of its own


def build_optimizer(settings: TrainSettings, named: Mapping[str, nn.Parameter], stages: Sequence[str]) -> Optimizer:
    """The optimizer of one player's parameters. Each group's `scale` is what the schedule's rate is multiplied with."""
    with _without_compiler():
        return _optimizer(settings, named, _groups(settings, named, stages))


def move(optimizer: Optimizer) -> None:
    """One step of it, by its own class and not by what torch has put around it, which loads torch's compiler first."""
    with torch.no_grad():
        inspect.unwrap(type(optimizer).step)(optimizer)


def _optimizer(settings: TrainSettings, named: Mapping[str, nn.Parameter], groups: list[dict[str, Any]]) -> Optimizer:
    fused = all(parameter.device.type in ("cpu", "cuda") for parameter in named.values())
    if settings.optimizer == "sgd":
        momentum = settings.momentum
        return SGD(groups, lr=settings.lr, momentum=momentum, nesterov=momentum > 0, fused=fused)
    if settings.optimizer == "adamw":
        return AdamW(groups, lr=settings.lr, betas=(settings.momentum, 0.999), fused=fused)
    return Muon(groups, lr=settings.lr, momentum=settings.momentum, settings=settings.muon)


@contextlib.contextmanager
def _without_compiler() -> Iterator[None]:
    """An optimizer takes its groups by a method that loads torch's compiler only to tell it to keep out of it.

    That is 0.9 s and 60 MB of every start that compiles nothing. Where torch keeps it otherwise, it is loaded as ever.
    """
    plain, mark = inspect.unwrap(Optimizer.add_param_group), "__dynamo_disable"
    if "torch._dynamo" in sys.modules or hasattr(plain, mark):
        yield
        return
    setattr(plain, mark, plain)
    try:
        yield
    finally:
        delattr(plain, mark)


def set_rate(optimizer: Optimizer, rate: float) -> None:
    """The schedule's rate for this step, times each group's own scale."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["scale"]


def all_finite(grads: Sequence[Tensor]) -> bool:
    """Whether every number of these gradients is finite; they are left as they are.

    Mixed precision's own check, which reads them once: a norm takes two to seven times as long for a small network.
    """
    if any(grad.device.type not in ("cpu", "cuda") or grad.is_complex() for grad in grads) or not grads:
        return all(bool(torch.isfinite(grad).all()) for grad in grads)
    found, one = (torch.full((1,), value, device=grads[0].device, dtype=torch.float32) for value in (0, 1))
    torch._amp_foreach_non_finite_check_and_unscale_(list(grads), found, one)  # pyright: ignore
    return not found.item()


def _groups(settings: TrainSettings, named: Mapping[str, nn.Parameter], stages: Sequence[str]) -> list[dict[str, Any]]:
    """Parameters that are moved alike: apart where decay or rates differ; in the model's order."""
    groups: dict[tuple[Any, ...], dict[str, Any]] = {}
    for name, parameter in named.items():
        decay = settings.weight_decay if parameter.ndim >= 2 else 0.0
        scale = settings.layer_decay ** _depth_from_top(name, stages) if settings.layer_decay < 1 else 1.0
        moved, rate = _mover(settings, parameter, head=bool(stages) and name.startswith(f"{stages[-1]}."))
        kind = {"weight_decay": decay, "scale": scale * rate / settings.lr, "base": rate, "moved": moved}
        groups.setdefault(tuple(kind.values()), {"params": [], **kind})["params"].append(parameter)
    return list(groups.values())


def _mover(settings: TrainSettings, parameter: nn.Parameter, head: bool) -> tuple[str, float]:
    """What moves a parameter, and at which rate."""
    muon = settings.muon
    if settings.optimizer != "muon":
        return settings.optimizer, settings.lr
    if head and muon.head_lr:
        return muon.rest, muon.head_lr
    if parameter.ndim >= 2:
        return "muon", settings.lr
    return muon.rest, muon.rest_lr or ADAM_SHARE * settings.lr


def _depth_from_top(name: str, stages: Sequence[str]) -> int:
    """How many stages lie above this parameter's: 0 in the last, which is the head; all for what precedes the first."""
    for place, stage in enumerate(stages):
        if name == stage or name.startswith(stage + "."):
            return len(stages) - 1 - place
    return len(stages)


class Muon(Optimizer):
    """Momentum, then the nearest orthogonal matrix by Newton-Schulz steps; a kernel is a matrix (K, C·H·W).

    W <- W - lr · sqrt(max(1, rows / columns)) · orthogonal(g + μ m)
    With `unit` W is first brought to the norm √rows instead of decaying, and the step is not scaled by its shape, as in
    the trainings of arXiv:2404.00498. A group says by `moved` what moves it: "muon", "adamw" or "sgd".
    """

    def __init__(self, groups: list[dict[str, Any]], lr: float, momentum: float, settings: MuonSettings):
        super().__init__(groups, {"lr": lr, "momentum": momentum, "muon": settings})  # a copy keeps groups alone

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # pyright: ignore
        """One update of every parameter that has a gradient."""
        movers = {"muon": self._move_matrix, "adamw": self._move_by_adamw, "sgd": self._move_by_sgd}
        for group in self.param_groups:
            move = movers[group["moved"]]
            for parameter in group["params"]:
                if parameter.grad is not None:
                    move(parameter, parameter.grad, group)

    def _move_matrix(self, parameter: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        state["momentum"].lerp_(grad, 1 - group["momentum"])
        ahead = torch.lerp(grad, state["momentum"], group["momentum"])
        matrix = ahead.reshape(len(ahead), -1)
        step = orthogonal(matrix, group["muon"].iterations)
        if group["muon"].unit:
            parameter.mul_(matrix.shape[0] ** 0.5 / (parameter.norm() + SMALL))
        else:
            step = step * max(1, matrix.shape[0] / matrix.shape[1]) ** 0.5
            parameter.mul_(1 - group["lr"] * group["weight_decay"])
        parameter.add_(step.reshape(parameter.shape), alpha=-group["lr"])

    def _move_by_adamw(self, parameter: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if not state:
            state |= {
                "step": torch.zeros(()),
                "mean": torch.zeros_like(parameter),
                "square": torch.zeros_like(parameter),
            }
        state["step"] += 1
        count = float(state["step"])
        state["mean"].lerp_(grad, 0.1)
        state["square"].lerp_(grad * grad, 0.001)
        spread = (state["square"] / (1 - 0.999**count)).sqrt() + 1e-8
        parameter.addcdiv_(state["mean"] / (1 - 0.9**count), spread, value=-group["lr"])

    def _move_by_sgd(self, parameter: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        """Nesterov's momentum over the gradient and the decay together, as torch's SGD has it."""
        state, momentum = self.state[parameter], group["muon"].rest_momentum
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        grad = grad.add(parameter, alpha=group["muon"].rest_decay / group["base"])
        state["momentum"].mul_(momentum).add_(grad)
        parameter.add_(grad.add(state["momentum"], alpha=momentum), alpha=-group["lr"])


def orthogonal(matrix: Tensor, steps: int = 5) -> Tensor:
    """The matrix with its singular values moved near 1, by a fifth-order polynomial iteration. (R, C) -> (R, C)"""
    a, b, c = NEWTON_SCHULZ
    wide = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    wide = wide / (wide.norm() + SMALL)
    for _ in range(steps):
        gram = wide @ wide.T
        wide = torch.addmm(wide, torch.addmm(gram, gram, gram, beta=b, alpha=c), wide, beta=a)  # few kernels on a GPU
    return wide.T if matrix.shape[0] > matrix.shape[1] else wide
