"""The loop: one screen, and it knows only turns. A classifier has one turn a step, a GAN two; nothing hooks in."""

import contextlib
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from deepglass.engine.checkpoint import Checkpoints
from deepglass.engine.journal import Journal
from deepglass.engine.optimizers import all_finite, move, set_rate
from deepglass.engine.plan import Plan
from deepglass.engine.schedules import out_of_patience, rate
from deepglass.engine.settings import TrainSettings
from deepglass.engine.state import Score, Setback, State, average, averaged, wake
from deepglass.foundation.errors import RunFailed
from deepglass.foundation.seeds import seed_torch
from deepglass.tasks.task import Alarm, Batch, Task, Turn, means, summed


@dataclass
class Training:
    """What the loop needs beside task and state: settings, the data as a function of the step, and where to write."""

    settings: TrainSettings
    plan: Plan
    seed: int
    steps: int
    epoch: float  # steps of one epoch
    check_every: int
    device: torch.device
    batch: Callable[[int], Batch]
    check: Callable[[], dict[str, Any]]  # the validation figures of the model as it is now
    journal: Journal
    checkpoints: Checkpoints
    folder: Path
    part: str = "val"  # the part that the checks look at
    alarms: Callable[[Sequence[Score]], list[Alarm]] = lambda scores: []  # what goes wrong at the last of these checks
    asked_to_stop: Callable[[], bool] = lambda: False
    tidy: Callable[[int], None] = lambda step: None  # what is to be cleared away behind a step
    beside: Callable[[], tuple[float, float]] = lambda: (0.0, 0.0)  # seconds of a check, and of the evaluation
    log_every: int = 20
    saved_at: tuple[int, float] = (-1, 0.0)  # the step of the last checkpoint, and when it or this life began
    seen: dict[str, Tensor] = field(default_factory=dict)

    def losses(self) -> dict[str, float]:
        """The last turn's losses as numbers; on a GPU this waits for them, so only the log asks."""
        return {name: float(value) for name, value in self.seen.items()}


def train(task: Task, state: State, run: Training) -> State:
    """Look up; draw a batch; each player takes its turn."""
    while True:
        try:
            look_up(state, run)  # the check due here and not yet in scores, then the save
            if finished(state, run):  # last step, stopped early, or asked to stop
                save(state, run)  # asked to stop after we looked up
                run.checkpoints.settle()
                return state
            one_step(task, state, run, run.batch(state.step))  # a batch is a function of the step
        except Diverged as trouble:
            go_back(state, run, trouble.reason)
        run.tidy(state.step)


def one_step(task: Task, state: State, run: Training, batch: Batch) -> None:
    """Each player takes its turn on the same rows, then the averages follow."""
    if run.settings.freeze_later and state.step >= run.settings.freeze_from * run.steps:
        state.rest(run.settings.freeze_later)
    if not state.tree.training:  # at the start, and after every check
        wake(state.tree)
    shards = present(task, state, run, batch)
    for place, turn in enumerate(task.turns()):
        if state.step % turn.every == 0:
            buffers = backward(state, run, turn, place, shards)
            update(state, run, turn, shards, buffers, first=place == 0)
    average(state, run.settings.average)
    state.step += 1


def look_up(state: State, run: Training) -> None:
    """Check on the validation part where a check is due, then save; a check that a kill cut short is done again."""
    tell_failures(run)
    last = state.step == run.steps
    regular = state.step % run.check_every == 0 and run.steps - state.step >= run.check_every / 2
    due = state.step > 0 and (regular or last)  # a check just before the last one would tell nothing new
    if due and not any(score.step == state.step for score in state.scores):
        with averaged(state) if state.averages else contextlib.nullcontext():
            figures = run.check()
        state.tree.eval()
        (name, figure), *others = figures.items()
        values = {key: float(value.value) for key, value in figures.items()}
        second = (1 if others[0][1].better == "up" else -1) * float(others[0][1].value) if others else 0.0
        state.scores.append(Score(state.step, name, float(figure.value), figure.better, values, second))
        run.journal.write(
            "check", state.step, part=run.part, figures={key: value._asdict() for key, value in figures.items()}
        )
        tell_alarms(state, run)
    step, moment = run.saved_at
    overdue = time.monotonic() - moment > run.settings.save_minutes * 60 and moment > 0
    begins = run.settings.rollback > 0 and state.step == 0  # to be gone back to where the first check is never reached
    if run.checkpoints.due(due or overdue or begins) or run.asked_to_stop():
        save(state, run)
    elif moment == 0:
        run.saved_at = (step, time.monotonic())


def tell_alarms(state: State, run: Training) -> None:
    """What goes wrong now and did not at the check before, once for each time that it begins."""
    before = {alarm.name for alarm in run.alarms(state.scores[:-1])}
    new = [alarm for alarm in run.alarms(state.scores) if alarm.name not in before]
    for alarm in new:
        run.journal.write("alarm", state.step, **alarm._asdict())
    for alarm in new:
        if alarm.back and may_go_back(state, run):
            raise Diverged(alarm.name)


class Diverged(Exception):  # noqa: N818 -- no error: the loop goes back and on
    """What the training is to be taken back from."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


def may_go_back(state: State, run: Training) -> bool:
    """Whether the settings allow one more setback."""
    return len(state.setbacks) < run.settings.rollback


def go_back(state: State, run: Training, reason: str) -> None:
    """To the best check before this moment, or to the beginning; the rate is smaller from there on.

    Which check that is follows from the scores, and its checkpoint is never pruned, so a resumed run goes back to the
    same one. What was saved after it is taken away.
    """
    at, setbacks = state.step, state.setbacks
    run.checkpoints.wait()
    run.checkpoints.back(state, at)
    state.setbacks = [*setbacks, Setback(reason, at, state.step)]
    run.journal.again()
    run.journal.write("rollback", state.step, setbacks=[setback._asdict() for setback in state.setbacks])
    run.saved_at = (-1, run.saved_at[1])
    save(state, run)


def slower(state: State, run: Training) -> float:
    """Times the rate, after the setbacks so far."""
    return run.settings.rollback_rate ** len(state.setbacks)


def save(state: State, run: Training) -> None:
    """A checkpoint of this step, unless there is one; a save that failed is told, and a later one tries again."""
    if run.saved_at[0] == state.step:
        return
    run.checkpoints.wait()
    tell_failures(run)
    run.checkpoints.save(state)
    run.journal.write("save", state.step)
    run.saved_at = (state.step, time.monotonic())


def tell_failures(run: Training) -> None:
    """What became of saves that failed since we last looked; too many in a row end the training."""
    for count, failure in run.checkpoints.news():
        run.journal.write("save_failed", run.saved_at[0], reason=str(failure), count=count)
    run.checkpoints.endure()


def finished(state: State, run: Training) -> bool:
    """Whether this is the end: the last step, no patience left, or the user asked to stop."""
    return learned_all(state, run) or run.asked_to_stop()


def learned_all(state: State, run: Training) -> bool:
    """Whether nothing is left to be trained: the last step, or no patience left."""
    return state.step >= run.steps or out_of_patience(state.scores, run.settings.patience)


def present(task: Task, state: State, run: Training, batch: Batch) -> list[Batch]:
    """The step's rows in V shards on the device, standardised and augmented by their own draws."""
    count = run.settings.shards
    batch = replace(batch, carry=state.carry) if state.carry else batch
    shards = [batch.shard(index, count).to(run.device) for index in range(count)]
    with torch.no_grad():
        return [task.present(shard, shard.draws("augment")) for shard in shards if len(shard)]


def backward(state: State, run: Training, turn: Turn, place: int, shards: list[Batch]) -> "SharedBuffers":
    """Gradients of the turn's loss into the turn's own parameters; sums over all shards' counts, as one batch.

    Returns the buffers as they were, for the case that the turn is refused.
    """
    mine, others = state.player(turn.updates)
    counts = _all_counts(turn, shards)
    buffers = SharedBuffers(state, len(shards))
    carried: list[Mapping[str, Tensor]] = []
    with frozen(others), run.plan.turn(state.model, place):
        for index, shard in enumerate(shards):
            buffers.start()
            seed_torch(run.seed, "dropout", state.step, place, index)
            with run.plan.forward(run.device):
                losses = turn.loss(state.model, shard)
            parts = means(losses, counts)
            loss = summed(parts)
            (loss * turn.every if turn.every > 1 else loss).backward(inputs=list(mine.values()))
            buffers.finish(len(shard))
            carried.append(losses.carry)
            _note(run, parts, index)
    buffers.merge()
    _carry(state, carried)
    return buffers


def update(
    state: State, run: Training, turn: Turn, shards: list[Batch], buffers: "SharedBuffers", *, first: bool = True
) -> None:
    """Refuse what is not finite, clip, move the weights, forget the gradients."""
    mine = state.player(turn.updates).mine
    grads = [parameter.grad for parameter in mine.values() if parameter.grad is not None]
    logged = state.step % run.log_every == 0 or state.step == run.steps - 1
    norm = torch.nn.utils.get_total_norm(grads) if logged or run.settings.clip else None
    optimizer = state.optimizers[turn.updates]
    lr = rate(run.settings, state.step, run.steps, state.scores) * turn.rate(state.step / run.steps)
    lr *= slower(state, run)
    if all_finite(grads) if norm is None else math.isfinite(float(norm)):
        if run.settings.clip and norm is not None:
            torch.nn.utils.clip_grads_with_norm_(mine.values(), run.settings.clip, norm)
        set_rate(optimizer, lr)
        move(optimizer)
    else:
        buffers.restore()  # a poisoned batch must not stay in BatchNorm's statistics either
        refuse(state, run, turn, shards, first)
    for parameter in mine.values():
        parameter.grad = None
    if norm is not None and logged:
        run.journal.write("train", state.step, turn=turn.updates, losses=run.losses(), lr=lr, norm=float(norm))


def refuse(state: State, run: Training, turn: Turn, shards: list[Batch], first: bool) -> None:
    """A loss or gradient that is not finite never reaches the weights; the step's rows are written down.

    The state is saved where the step's first turn was refused; later turns find it in the middle of a step.
    """
    ids = [row for shard in shards for row in shard.ids]
    losses = run.losses()
    run.journal.write("nonfinite", state.step, turn=turn.updates, losses=losses, ids=ids)
    if run.settings.nonfinite == "stop":
        if may_go_back(state, run):
            raise Diverged("nonfinite")
        if first:
            save(state, run)
        run.checkpoints.settle()
        said = ", ".join(f"{name} {value:g}" for name, value in losses.items())
        raise RunFailed("train.nonfinite", step=state.step, folder=run.folder, losses=said, first=ids[0])


class frozen:  # noqa: N801 -- reads as a verb: with frozen(others): backward
    """Inside the `with`, no gradients are wanted of these parameters."""

    def __init__(self, parameters: list[nn.Parameter]):
        self.parameters = parameters

    def __enter__(self) -> None:
        for parameter in self.parameters:
            parameter.requires_grad_(False)

    def __exit__(self, *_: object) -> None:
        for parameter in self.parameters:
            parameter.requires_grad_(True)


class SharedBuffers:
    """Shards start from the step's buffers; afterwards float ones are averaged by rows, others are shard 0's."""

    def __init__(self, state: State, shards: int):
        self.shards = shards
        self.live = state.buffers()
        self.begun = [buffer.clone() for buffer in self.live]
        self.ended: list[tuple[int, list[Tensor]]] = []
        self.carry, self.carried = state.carry, dict(state.carry)

    def restore(self) -> None:
        """The buffers, and what rows carry, as they were before the turn."""
        self._restart()
        self.carry.clear()
        self.carry.update(self.carried)

    def start(self) -> None:
        """Every shard sees the buffers that the step began with."""
        if self.shards > 1:
            self._restart()

    def _restart(self) -> None:
        for buffer, begun in zip(self.live, self.begun, strict=True):
            buffer.copy_(begun)

    def finish(self, rows: int) -> None:
        """Remember what this shard made of them."""
        if self.shards > 1:
            self.ended.append((rows, [buffer.clone() for buffer in self.live]))

    def merge(self) -> None:
        """Put the shards' buffers together."""
        if not self.ended:
            return
        rows = sum(count for count, _ in self.ended)
        for place, buffer in enumerate(self.live):
            if buffer.is_floating_point():
                buffer.copy_(sum(ended[place] * (count / rows) for count, ended in self.ended))  # pyright: ignore
            else:
                buffer.copy_(self.ended[0][1][place])


def _all_counts(turn: Turn, shards: list[Batch]) -> dict[str, float]:
    together: dict[str, float] = {}
    for shard in shards:
        for name, count in turn.counts(shard).items():
            together[name] = together.get(name, 0.0) + count
    return together


def _note(run: Training, parts: Mapping[str, Tensor], index: int) -> None:
    """The turn's losses for the journal, left on the device."""
    if index == 0:
        run.seen.clear()
    for name, value in parts.items():
        run.seen[name] = value.detach() + run.seen[name] if name in run.seen else value.detach()


def _carry(state: State, carried: list[Mapping[str, Tensor]]) -> None:
    for name in carried[0] if carried else ():
        state.carry[name] = torch.cat([shard[name].detach() for shard in carried])
