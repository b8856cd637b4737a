"""One training step in slow motion: what flows forward, the loss, what flows back, and what the optimizer makes of it.

The step is the engine's own (`present`, `backward` and `update` of engine/loop.py); a probe looks on.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor

from deepglass.data.example import Batch
from deepglass.engine.loop import backward, present, update
from deepglass.explain.step_chain import Neurons, chain_of
from deepglass.explain.step_subject import Subject
from deepglass.foundation.padded import Padded
from deepglass.foundation.seeds import seed_torch
from deepglass.foundation.words import say
from deepglass.graph.probe import Capture, Probe, Summary, leaves, summarise
from deepglass.tasks.of_class import REAL
from deepglass.tasks.task import Task, Turn, total


class Seen(NamedTuple):
    """A tensor that flowed past: its shape, its figures, and for a small network its numbers."""

    shape: tuple[int, ...]
    summary: Summary
    numbers: Tensor | None

    @property
    def size(self) -> float:
        """The root of the mean square: how large its numbers are, however many they are."""
        count = 1
        for length in self.shape:
            count *= length
        return self.summary.norm / max(1, count) ** 0.5


@dataclass(frozen=True)
class Layer:
    """One layer: what came out of it, and the gradient that came back to that; None where none came."""

    name: str
    kind: str
    value: Seen
    gradient: Seen | None


@dataclass(frozen=True)
class Weight:
    """One parameter in the step; the tensors are float32 copies."""

    name: str
    before: Tensor
    gradient: Tensor | None
    after: Tensor
    moves: bool = True  # whether it is of the network whose turn it is

    @property
    def gradient_size(self) -> float:
        """The root of the gradient's mean square."""
        return 0.0 if self.gradient is None else float(self.gradient.double().square().mean().sqrt())

    @property
    def change(self) -> float:
        """How far it moved, as a share of how large it was; of how far alone where it was zero."""
        moved, was = float((self.after - self.before).norm()), float(self.before.norm())
        return moved / was if was else moved


@dataclass(frozen=True)
class TurnSeen:
    """One player's move: what the engine said of it, and what the probe saw."""

    updates: str
    losses: dict[str, float]
    losses_after: dict[str, float]
    lr: float
    norm: float
    layers: list[Layer]
    weights: list[Weight]
    neurons: list[Neurons] = field(default_factory=list)  # a small chain of dense layers in all its numbers


@dataclass(frozen=True)
class Step:
    """A step taken apart."""

    name: str
    step: int
    ids: tuple[str, ...]
    inputs: Tensor  # as the network saw them, (B, ...)
    targets: list[str]  # the right answers in words, and by number; empty where the task has none
    classes: list[int]
    before: list[dict[str, Any]]  # the network's answers, one a row
    after: list[dict[str, Any]]
    turns: list[TurnSeen]
    loss: str  # which loss the task was told to use, "" where it does not say
    optimizer: str
    clip: float
    verdicts: bool = False  # whether the answers say what is real and what is made, and not a class


def take_step(subject: Subject) -> Step:
    """The subject's next step, taken by the engine and looked at; the subject is one step further afterwards."""
    state, training, task = subject.state, subject.training, subject.task
    batch = training.batch(state.step)
    shards = present(task, state, training, batch)
    before = _answers(subject, batch)
    targets, classes = _right_answers(task, batch)
    turns = [
        _turn(subject, turn, place, shards) for place, turn in enumerate(task.turns()) if state.step % turn.every == 0
    ]
    seen = Step(
        name=subject.name,
        step=state.step,
        ids=tuple(batch.ids),
        inputs=_inputs(shards),
        targets=targets,
        classes=classes,
        before=before,
        after=_answers(subject, batch),
        turns=turns,
        loss=str(getattr(getattr(task, "settings", None), "loss", "")),
        optimizer=training.settings.optimizer,
        clip=training.settings.clip,
        verdicts=tells_real(task),
    )
    state.step += 1
    return seen


def tells_real(task: Task) -> bool:
    """Whether the network's answers are what it takes for real and what for made."""
    return "taken_real" in task.metrics()


def _right_answers(task: Task, batch: Batch) -> tuple[list[str], list[int]]:
    """In words, and by number where a row has one class; of several labels only the words.

    Where the network tells real from made, the rows are real: their class is nothing that it answers.
    """
    if tells_real(task):
        return [REAL] * len(batch), []
    labels = list(getattr(task.facts, "labels", []))
    target = batch["target"] if labels and "target" in batch else None
    if not isinstance(target, Tensor):
        return [], []
    if target.is_floating_point():  # 1 where a label applies, (B, K)
        named = [[label for label, there in zip(labels, row, strict=True) if there] for row in target.tolist()]
        return [say("views.list_mark").join(names) or "–" for names in named], []
    classes = target.flatten().tolist()
    return [labels[number] for number in classes], classes


def _inputs(shards: list[Batch]) -> Tensor:
    """What the network saw, rows of unequal length with zeros behind. (B, ...)"""
    given = [shard["input"] for shard in shards]
    padded = [one.values for one in given if isinstance(one, Padded)]
    if padded:
        longest = max(one.shape[1] for one in padded)
        given = [torch.cat([one, one.new_zeros(len(one), longest - one.shape[1], *one.shape[2:])], 1) for one in padded]
    return torch.cat(given).detach().cpu()


def _turn(subject: Subject, turn: Turn, place: int, shards: list[Batch]) -> TurnSeen:
    model = subject.state.model
    before = _weights(subject)
    exact = subject.small and sum(map(len, shards)) == 1

    def keep(x: Tensor, kind: str) -> Seen:
        return Seen(tuple(x.shape), summarise(x, kind), x.detach().clone() if exact else None)

    with Probe(model, leaves(model), keep=keep, inputs=exact) as probe:
        buffers = backward(subject.state, subject.training, turn, place, shards)
    gradients = {
        name: parameter.grad.detach().clone()
        for name, parameter in model.named_parameters()
        if parameter.grad is not None
    }
    update(subject.state, subject.training, turn, shards, buffers)
    said = next(event for event in reversed(subject.heard.events) if event["kind"] == "train")
    own = {id(parameter) for parameter in model.get_submodule(turn.updates).parameters()}
    moves = [id(parameter) in own for _, parameter in model.named_parameters()]
    weights = [
        Weight(name, old, gradients.get(name), after, moving)
        for (name, old), after, moving in zip(before.items(), _weights(subject).values(), moves, strict=True)
    ]
    return TurnSeen(
        updates=turn.updates,
        losses=said["losses"],
        losses_after=_losses(subject, turn, place, shards),
        lr=said["lr"],
        norm=said["norm"],
        layers=[_layer(capture) for capture in probe],
        weights=weights,
        neurons=chain_of(model, list(probe), {weight.name: weight for weight in weights}) if exact else [],
    )


def _layer(capture: Capture) -> Layer:
    return Layer(capture.name, capture.kind, capture.value, capture.gradient)


def _weights(subject: Subject) -> dict[str, Tensor]:
    return {name: parameter.detach().clone() for name, parameter in subject.state.model.named_parameters()}


def _losses(subject: Subject, turn: Turn, place: int, shards: list[Batch]) -> dict[str, float]:
    """The turn's losses on the same rows, with the same dropout, by the weights as they are now.

    Gradients stay possible, for a loss may itself be made of some: a slope at real pictures.
    """
    model = subject.state.model
    buffers = [buffer.clone() for buffer in subject.state.buffers()]
    counts: dict[str, float] = {}
    for shard in shards:
        for name, count in turn.counts(shard).items():
            counts[name] = counts.get(name, 0.0) + count
    found: dict[str, float] = {}
    for index, shard in enumerate(shards):
        seed_torch(subject.training.seed, "dropout", subject.state.step, place, index)
        losses = turn.loss(model, shard)
        for name, value in losses.sums.items():
            one = losses._replace(sums={name: value.detach()})
            found[name] = found.get(name, 0.0) + float(total(one, counts))
    for buffer, was in zip(subject.state.buffers(), buffers, strict=True):
        buffer.copy_(was)  # what the task remembers too: nothing was learned from this look
    return found


@torch.no_grad()
def _answers(subject: Subject, batch: Batch) -> list[dict[str, Any]]:
    """What the network says of the rows, as it would when asked: in evaluation, not augmented."""
    model = subject.state.model
    was = model.training
    model.eval()
    try:
        presented = subject.task.present(batch.to(subject.training.device))
        return subject.task.answers(subject.task.predict(model, presented))
    finally:
        model.train(was)
