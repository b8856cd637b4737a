"""Optimizers over named parameters: SGD, AdamW and Muon, with decay groups and a rate for each stage.

Muon (Jordan 2024) moves every matrix and kernel by its momentum made orthogonal; the rest by AdamW.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer

from deepglass.engine.settings import TrainSettings

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


def build_optimizer(settings: TrainSettings, named: Mapping[str, nn.Parameter], stages: Sequence[str]) -> Optimizer:
    """The optimizer of one player's parameters. Each group's `scale` is what the schedule's rate is multiplied with."""
    groups = _groups(settings, named, stages)
    fused = all(parameter.device.type in ("cpu", "cuda") for parameter in named.values())
    if settings.optimizer == "sgd":
        momentum = settings.momentum
        return SGD(groups, lr=settings.lr, momentum=momentum, nesterov=momentum > 0, fused=fused)
    if settings.optimizer == "adamw":
        return AdamW(groups, lr=settings.lr, betas=(settings.momentum, 0.999), fused=fused)
    return Muon(groups, lr=settings.lr, momentum=settings.momentum)


def set_rate(optimizer: Optimizer, rate: float) -> None:
    """The schedule's rate for this step, times each group's own scale."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["scale"]


def _groups(settings: TrainSettings, named: Mapping[str, nn.Parameter], stages: Sequence[str]) -> list[dict[str, Any]]:
    """Parameters with and without decay, apart for each stage where rates differ by stage; in the model's order."""
    groups: dict[tuple[bool, float], dict[str, Any]] = {}
    for name, parameter in named.items():
        decays = parameter.ndim >= 2
        scale = settings.layer_decay ** _depth_from_top(name, stages) if settings.layer_decay < 1 else 1.0
        decay = settings.weight_decay if decays else 0.0
        group = groups.setdefault(
            (decays, scale), {"params": [], "weight_decay": decay, "scale": scale, "hidden": decays}
        )
        group["params"].append(parameter)
    return list(groups.values())


def _depth_from_top(name: str, stages: Sequence[str]) -> int:
    """How many stages lie above this parameter's: 0 in the last, which is the head; all for what precedes the first."""
    for place, stage in enumerate(stages):
        if name == stage or name.startswith(stage + "."):
            return len(stages) - 1 - place
    return len(stages)


class Muon(Optimizer):
    """Momentum, then the nearest orthogonal matrix by five Newton-Schulz steps; a kernel is a matrix (K, C·H·W).

    W <- W - lr · sqrt(max(1, rows / columns)) · orthogonal(g + μ m);  vectors and scalars move by AdamW.
    """

    def __init__(self, groups: list[dict[str, Any]], lr: float, momentum: float, adam_share: float = 0.1):
        super().__init__(groups, {"lr": lr, "momentum": momentum, "adam_share": adam_share})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # pyright: ignore
        """One update of every parameter that has a gradient."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                if group["hidden"]:
                    self._move_matrix(parameter, group)
                else:
                    self._move_vector(parameter, group)

    def _move_matrix(self, parameter: Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        state["momentum"].lerp_(parameter.grad, 1 - group["momentum"])  # pyright: ignore
        ahead = torch.lerp(parameter.grad, state["momentum"], group["momentum"])  # pyright: ignore
        matrix = ahead.reshape(len(ahead), -1)
        step = orthogonal(matrix) * max(1, matrix.shape[0] / matrix.shape[1]) ** 0.5
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        parameter.add_(step.reshape(parameter.shape), alpha=-group["lr"])

    def _move_vector(self, parameter: Tensor, group: dict[str, Any]) -> None:
        state, grad = self.state[parameter], parameter.grad
        if not state:
            state |= {
                "step": torch.zeros(()),
                "mean": torch.zeros_like(parameter),
                "square": torch.zeros_like(parameter),
            }
        state["step"] += 1
        count = float(state["step"])
        state["mean"].lerp_(grad, 0.1)
        state["square"].lerp_(grad * grad, 0.001)  # pyright: ignore
        spread = (state["square"] / (1 - 0.999**count)).sqrt() + 1e-8
        parameter.addcdiv_(state["mean"] / (1 - 0.9**count), spread, value=-group["lr"] * group["adam_share"])


def orthogonal(matrix: Tensor, steps: int = 5) -> Tensor:
    """The matrix with its singular values moved near 1, by a fifth-order polynomial iteration. (R, C) -> (R, C)"""
    a, b, c = NEWTON_SCHULZ
    wide = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    wide = wide / (wide.norm() + 1e-7)
    for _ in range(steps):
        gram = wide @ wide.T
        wide = a * wide + (b * gram + c * gram @ gram) @ wide
    return wide.T if matrix.shape[0] > matrix.shape[1] else wide
