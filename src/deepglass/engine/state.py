"""All that must survive a kill: weights, optimizers, averages, carried memory, step, scores and setbacks. No more.

Schedules, the order of the data and every random draw are functions of the step; plateau, patience and the best
checkpoint are functions of (step, scores).
"""

import math
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from deepglass.foundation.errors import UsageError


class Score(NamedTuple):
    """One check: the first metric decides; `better` says which way is up."""

    step: int
    metric: str
    value: float
    better: str
    figures: dict[str, float]
    second: float = 0.0  # the second metric, signed so that more is better: it decides between equals


class Setback(NamedTuple):
    """That the training went back: why, from which step and to which."""

    reason: str  # the alarm's name, or "nonfinite"
    at: int
    to: int


class Player(NamedTuple):
    """What a turn may change, and the other weights, which it must leave as they are."""

    mine: dict[str, nn.Parameter]
    others: list[nn.Parameter]


@dataclass
class State:
    """The single state object; `tree` holds "model" and, where it remembers anything, "task"."""

    tree: nn.ModuleDict
    optimizers: dict[str, Optimizer]
    averages: dict[str, Tensor] = field(default_factory=dict)
    carry: dict[str, Tensor] = field(default_factory=dict)
    step: int = 0
    scores: list[Score] = field(default_factory=list)
    setbacks: list[Setback] = field(default_factory=list)  # each makes the rate smaller
    players: dict[str, Player] = field(default_factory=dict)  # by what they update; follows from the model, not saved
    holders: list[nn.Module] | None = None  # the modules that have buffers; follows from the tree, not saved
    resting: list[str] | None = None  # what `rest` froze; follows from the step, not saved

    def __post_init__(self) -> None:
        self.tree.eval()  # the first step wakes it, all but what is frozen

    def player(self, updates: str) -> Player:
        """The turn's own parameters and the others; worked out once, until `rest` freezes more.

        Walking the modules of a small network takes longer than its arithmetic.
        """
        if updates not in self.players:
            mine = self.trainable(updates)
            chosen = {id(parameter) for parameter in mine.values()}
            others = [one for one in self.model.parameters() if one.requires_grad and id(one) not in chosen]
            self.players[updates] = Player(mine, others)
        return self.players[updates]

    def trainable(self, updates: str) -> dict[str, nn.Parameter]:
        """What a turn may change; where that is the whole model, what the task itself learns as well: its proxies."""
        mine = trainable(self.model, updates)
        if updates or "task" not in self.tree:
            return mine
        own = trainable(self.tree["task"], "")
        return mine | {f"task/{name}": parameter for name, parameter in own.items()}  # no part of a model has a slash

    def rest(self, beginnings: tuple[str, ...]) -> None:
        """These parameters stay as they are from now on: done when first asked, in every life of a run."""
        if self.resting is not None:
            return
        self.resting = freeze(self.model, beginnings)
        for name in self.resting:
            for optimizer in self.optimizers.values():
                optimizer.state.pop(self.model.get_parameter(name), None)
        self.players.clear()
        self.tree.eval()  # the step wakes it again, all but what is frozen

    def unrest(self) -> None:
        """As before `rest`: the step to go on from may lie before it."""
        for name in self.resting or ():
            self.model.get_parameter(name).requires_grad_(True)
        self.resting = None
        self.players.clear()

    def buffers(self) -> list[Tensor]:
        """What model and task remember beside weights, as it is now: running means, counts, a task's own memory."""
        if self.holders is None:
            self.holders = [module for module in self.tree.modules() if module._buffers]
        return [buffer for module in self.holders for buffer in module._buffers.values() if buffer is not None]

    @property
    def model(self) -> nn.Module:
        """The network alone."""
        return self.tree["model"]

    def best(self, among: Container[int] | None = None) -> Score | None:
        """The check with the best score, of all steps or of these."""
        return best_of(self.scores, among)


def best_of(scores: Iterable[Score], among: Container[int] | None = None) -> Score | None:
    """The best of these checks, of all steps or of some."""
    found: Score | None = None
    for score in scores:
        if among is not None and score.step not in among:
            continue
        if found is None or improves(score, found):
            found = score
    return found


def improves(score: Score, over: Score) -> bool:
    """Whether one check is better than another: by its metric, of equals by the second one.

    A figure that is not a number is worse than any that is.
    """
    if math.isnan(over.value):
        return not math.isnan(score.value)
    if score.value == over.value:
        return score.second > over.second
    return score.value > over.value if score.better == "up" else score.value < over.value


def part(model: nn.Module, updates: str) -> nn.Module:
    """The submodule that a turn updates, by name and not by prefix; "" is the whole model."""
    return model.get_submodule(updates) if updates else model


def trainable(model: nn.Module, updates: str) -> dict[str, nn.Parameter]:
    """The parameters a turn may change, under their full names; frozen ones are not among them.

    To be asked between turns: inside a turn the loop freezes what others own.
    """
    prefix = f"{updates}." if updates else ""
    named = part(model, updates).named_parameters()
    return {prefix + name: parameter for name, parameter in named if parameter.requires_grad}


def freeze(model: nn.Module, beginnings: tuple[str, ...], later: tuple[str, ...] = ()) -> list[str]:
    """Freeze the parameters whose names begin so; returns their names.

    A beginning that fits none is an error, also among those that will be frozen later.
    """
    frozen: list[str] = []
    for beginning in (*later, *beginnings):
        found = [name for name, _ in model.named_parameters() if f"{name}.".startswith(f"{beginning}.")]
        if not found:
            parts = ", ".join(name for name, part in model.named_children() if any(True for _ in part.parameters()))
            raise UsageError("train.no_such_part", name=beginning, parts=parts)
        frozen += found if beginning in beginnings else []
    for name in frozen:
        model.get_parameter(name).requires_grad_(False)
    return frozen


def wake(tree: nn.Module) -> None:
    """Training mode, but for modules all of whose parameters are frozen: their BatchNorm and dropout stay asleep."""
    tree.train()
    for module in tree.modules():
        parameters = list(module.parameters())
        if parameters and not any(parameter.requires_grad for parameter in parameters):
            module.eval()


def start_averages(model: nn.Module) -> dict[str, Tensor]:
    """The averaged weights as they begin: a copy of all that the model's state dictionary holds."""
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


@torch.no_grad()
def average(state: State, decay: float) -> None:
    """averages += (1 - d) (weights - averages), with d = min(decay, (1 + t) / (10 + t)) so that the start is forgotten.

    Parameters and float buffers are averaged, the rest is copied.
    """
    if not state.averages:
        return
    now = min(decay, (1 + state.step) / (10 + state.step))
    live = state.model.state_dict()
    floating = [name for name, tensor in live.items() if tensor.is_floating_point()]
    torch._foreach_lerp_(  # pyright: ignore[reportPrivateImportUsage]  -- torch's own optimizers use it
        [state.averages[name] for name in floating], [live[name] for name in floating], 1 - now
    )
    for name in live.keys() - set(floating):
        state.averages[name].copy_(live[name])


class averaged:  # noqa: N801 -- reads as a verb: with averaged(state): evaluate
    """The model with its averaged weights inside the `with`, its own ones again afterwards."""

    def __init__(self, state: State):
        self.state = state

    def __enter__(self) -> None:
        self._swap()

    def __exit__(self, *_: object) -> None:
        self._swap()

    @torch.no_grad()
    def _swap(self) -> None:
        live = self.state.model.state_dict()
        swapped: set[int] = set()
        for name, other in self.state.averages.items():
            if live[name].data_ptr() in swapped:  # tied: the same memory under a second name
                continue
            swapped.add(live[name].data_ptr())
            kept = live[name].clone()
            live[name].copy_(other)
            other.copy_(kept)
