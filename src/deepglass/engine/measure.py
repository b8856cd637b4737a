"""A few real steps of each sensible plan, timed on copies; the fastest that agrees with plain fp32 is kept.

Trials train a deep copy of task and state together, with every turn's real backward and update, so nothing that the
run will compute is left out and nothing of the run is touched. A plan agrees where the first losses and gradients do.
"""

import contextlib
import copy
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from deepglass.engine.checkpoint import seconds_of_a_save
from deepglass.engine.compiled import cannot_compile, graphs_compiled, networks, within_limits
from deepglass.engine.forecast import costs, forecast
from deepglass.engine.loop import Training, backward, one_step, present
from deepglass.engine.plan import Plan, look_every, plain_plan, steps_within
from deepglass.engine.remembered import Known, forget, recall, remember
from deepglass.engine.settings import TrainSettings
from deepglass.engine.state import State
from deepglass.foundation.device import same_threads, synchronize
from deepglass.foundation.ports import Image, Volume
from deepglass.foundation.settings import to_json
from deepglass.foundation.words import say
from deepglass.tasks.task import Task

TRIAL_SECONDS = 1.5
LEAST_STEPS = 2  # timed, after one that warms up ...
LEAST_RAGGED = 12  # ... and of batches of unequal length, some of which take ten times as long as others
FINALISTS = 3  # the fastest, whose copies are kept to be timed again
ROUNDS = 3  # in which these take turns
WORTH_SAYING = 60  # seconds; of a longer run the plan says what it will take
ALL_DAY = 86400.0  # seconds
SHARE = 0.05  # of the expected run, for all trials but the first, without which nothing can be expected
FEW = 80  # steps; of a shorter run even the first trial would take more than its share
LOSS_TOLERANCE = 0.02  # how far, relatively, a plan's first loss may lie from that of plain fp32 ...
GRADIENT_TOLERANCE = 0.2  # ... and, as vectors, the gradients of every turn's first step
SMALL_STEP = 0.02  # seconds; below it a second thread may cost more than it computes
DENSE_SHARE = 0.5  # of the weights, from which dense layers may rather stay uncast
COMPILING = (8.0, 0.45)  # seconds that compiling takes when nothing is cached: at least, and for each layer


@dataclass(frozen=True)
class Trial:
    """What one plan did: steps a second, seconds until its first step; loss and gradients of each turn.

    Losses and gradients are all of the first step's weights: an update or two later an untrained ResNet has grown the
    smallest rounding into a difference of several per cent.
    """

    plan: Plan
    speed: float
    first: float
    losses: tuple[float, ...]
    gradients: list[list[Tensor]]  # as large as the network: kept where others are compared with them
    go_on: Callable[[float], float] | None = None  # train the copies for so many seconds more: steps a second
    off: str = ""  # where it differs from what it was compared with by more than is allowed

    def differs(self, losses: Sequence[float], gradients: list[list[Tensor]]) -> str:
        """Where these differ from its own by more than is allowed; empty where they agree."""
        loss = max(abs(a - b) / max(abs(b), 1e-6) for a, b in zip(losses, self.losses, strict=True))
        if not loss <= LOSS_TOLERANCE:
            return say("plan.loss", lang="en", off=f"{loss:.2g}", allowed=LOSS_TOLERANCE)
        for mine, others in zip(gradients, self.gradients, strict=True):
            distance = sum(float((a - b).square().sum()) for a, b in zip(mine, others, strict=True)) ** 0.5
            length = max(sum(float(b.square().sum()) for b in others) ** 0.5, 1e-12)
            if not distance / length <= GRADIENT_TOLERANCE:
                off = f"{distance / length:.2g}"
                return say("plan.gradient", lang="en", off=off, allowed=GRADIENT_TOLERANCE)
        return ""


class Silent:
    """A journal that forgets."""

    def write(self, kind: str, step: int, **values: Any) -> None:
        """Nothing: trials leave no history."""


def try_plan(
    task: Task,
    state: State,
    training: Training,
    plan: Plan,
    seconds: float | None = TRIAL_SECONDS,
    base: Trial | None = None,
) -> Trial:
    """Train copies for a moment; the first step warms up and is not timed. None: nothing but a first step, timed.

    What does not agree with `base` is not timed. A compiled turn that has to be differentiated twice is taken out of
    the plan.
    """
    while True:
        with _as_planned(plan):
            trial = _try(*copy.deepcopy((task, state)), training, plan, seconds, base)
        if isinstance(trial, Trial):
            return trial
        plan = replace(plan, eager_turns=(*plan.eager_turns, trial))


def _try(
    task: Task, state: State, training: Training, plan: Plan, seconds: float | None, base: Trial | None
) -> Trial | int:
    """The trial, or the place of the turn that cannot be compiled because it differentiates twice."""
    settings = replace(training.settings, nonfinite="skip")  # the run itself will say it, and save its own weights
    silent = replace(training, settings=settings, plan=plan, journal=Silent(), log_every=1 << 40)  # pyright: ignore

    least = _least_steps(training)

    def go_on(seconds: float) -> float:
        began, steps = time.perf_counter(), 0
        with _as_planned(plan):
            while steps < least or time.perf_counter() - began < seconds:
                one_step(task, state, silent, training.batch(state.step))
                steps += 1
            synchronize(training.device)
        return steps / (time.perf_counter() - began)

    started = time.perf_counter()
    plan.place(state.model, training.device)
    found = _gradients(task, state, silent)
    if isinstance(found, int):
        return found
    losses, gradients = found
    if base:
        off, gradients = base.differs(losses, gradients), []
        if off:
            return Trial(plan, 0.0, 0.0, tuple(losses), gradients, off=off)
    del found
    if seconds is None:
        first = time.perf_counter() - started
        return Trial(plan, 1 / first, first, tuple(losses), gradients)
    one_step(task, state, silent, training.batch(state.step))
    synchronize(training.device)
    first = time.perf_counter() - started
    return Trial(plan, go_on(seconds), first, tuple(losses), gradients, go_on)


@contextlib.contextmanager
def _as_planned(plan: Plan) -> Iterator[None]:
    """As many threads as the plan says, and no more versions of what it compiles than are kept."""
    with same_threads(), within_limits() if plan.compile != "no" else contextlib.nullcontext():
        torch.set_num_threads(plan.threads or torch.get_num_threads())
        yield


def _gradients(task: Task, state: State, training: Training) -> tuple[list[float], list[list[Tensor]]] | int:
    """Loss and gradients of every turn, all from the same weights; or the turn that differentiates twice."""
    _put_to_sleep(state.tree)
    shards = present(task, state, training, training.batch(state.step))
    losses: list[float] = []
    found: list[list[Tensor]] = []
    for place, turn in enumerate(task.turns()):
        try:
            buffers = backward(state, training, turn, place, shards)
        except RuntimeError as error:
            if "double backward" in str(error) and place not in training.plan.eager_turns:
                return place
            raise
        buffers.restore()
        losses.append(sum(training.losses().values()))
        mine = state.player(turn.updates).mine.values()
        found.append([one.grad.float() for one in mine if one.grad is not None])
        for parameter in mine:
            parameter.grad = None
    return losses, found


def _put_to_sleep(tree: nn.Module) -> None:
    """Plans are compared in evaluation mode, but for torch's recurrent layers, which cuDNN differentiates only awake.

    What dropout silences depends on the memory layout and on the compiler. And through the statistics of a batch an
    untrained network magnifies the smallest rounding: the gradients of a ResNet-50 in bf16, which trains as in fp32,
    then lie 1.3 times their length apart, those of a ResNet-18 0.27.
    """
    tree.eval()
    for module in tree.modules():
        if isinstance(module, nn.RNNBase):
            module.train()


def candidates(settings: TrainSettings, plain: Plan, pictures: bool) -> list[Plan]:
    """What is sensible here without compiling: bf16 and, for pictures, channels last, where the settings allow it."""
    precisions = ("fp32", "bf16") if settings.precision == "auto" else (settings.precision,)
    free_layouts = ("contiguous", "channels_last") if pictures else ("contiguous",)
    layouts = free_layouts if settings.layout == "auto" else (settings.layout,)
    plans = [replace(plain, precision=precision, layout=layout) for precision in precisions for layout in layouts]
    return [plain, *reversed([plan for plan in plans if plan.name != plain.name])]  # the likeliest first


class Contest:
    """The trials of one run: each is entered only where what is left of the run's share can pay for it."""

    def __init__(self, task: Task, state: State, training: Training, expected: Callable[[float], float]):
        self.task, self.state, self.training, self.expected = task, state, training, expected
        self.began = time.perf_counter()
        self.trials: dict[str, Trial] = {}
        self.reasons: list[str] = []
        self.cut = False  # whether a plan was left out for want of time

    @property
    def best(self) -> Trial:
        """The fastest of those that agreed."""
        return max(self.trials.values(), key=lambda trial: trial.speed)

    def enter(self, plan: Plan, extra: float = 0.0) -> None:
        """Try a plan; `extra` is what it takes beside its steps."""
        if not self.trials:
            self.trials[plan.name] = try_plan(self.task, self.state, self.training, plan, seconds=0.0)
            self.began = time.perf_counter()  # first rows are read in it, a GPU is woken: it would eat the whole share
            return
        base = next(iter(self.trials.values()))
        run = self.expected(self.best.speed)
        seconds = min(TRIAL_SECONDS, 0.01 * run)
        guess = extra + max(seconds, _least_steps(self.training) / self.best.speed) + 3 / self.best.speed
        if time.perf_counter() - self.began + guess > SHARE * run:
            self.reasons.append(say("plan.too_short", lang="en", name=plan.name))
            self.cut = True
            return
        try:
            trial = try_plan(self.task, self.state, self.training, plan, seconds, base)
        except RuntimeError as error:  # what this machine cannot do is a reason, not a failure
            self.reasons.append(say("plan.fails", lang="en", name=plan.name, reason=str(error).splitlines()[0][:200]))
            return
        if plan.compile != "no" and not graphs_compiled():
            self.reasons.append(say("plan.not_compiled", lang="en", name=plan.name))
        elif trial.off:
            self.reasons.append(say("plan.disagrees", lang="en", name=plan.name, off=trial.off))
        else:
            self.trials[trial.plan.name] = trial
            for one in self._by_speed()[FINALISTS:]:
                self.trials[one.plan.name] = replace(one, go_on=None)  # its copies can be forgotten

    def alone(self, plan: Plan) -> None:
        """The speed of a plan that is settled, from which the number of steps follows."""
        seconds = min(TRIAL_SECONDS, SHARE * self.expected(1.0))
        self.trials[plan.name] = try_plan(self.task, self.state, self.training, plan, seconds)

    def again(self) -> None:
        """The fastest in turn: while trials follow each other a machine's speed drifts by more than they differ.

        The others stay behind them: they count as slowed down by as much as these were.
        """
        best = [trial for trial in self._by_speed()[:FINALISTS] if trial.go_on]
        run = self.expected(self.best.speed)
        seconds = min(TRIAL_SECONDS, 0.01 * run) / ROUNDS
        least = _least_steps(self.training)
        cost = ROUNDS * sum(max(seconds, least / trial.speed) for trial in best)
        if len(best) < 2 or time.perf_counter() - self.began + cost > SHARE * run:
            return
        rounds = [[trial.go_on(seconds) for trial in best if trial.go_on] for _ in range(ROUNDS)]
        speeds = [statistics.median(each) for each in zip(*rounds, strict=True)]
        now = {trial.plan.name: speed for trial, speed in zip(best, speeds, strict=True)}
        drift = min(speed / self.trials[name].speed for name, speed in now.items())
        for name, trial in self.trials.items():
            self.trials[name] = replace(trial, speed=now.get(name, trial.speed * drift))

    def _by_speed(self) -> list[Trial]:
        return sorted(self.trials.values(), key=lambda trial: -trial.speed)

    def derived(self) -> None:
        """What only makes sense upon the best so far: one thread, dense layers uncast, compilation."""
        best, model = self.best, self.state.model
        if best.plan.threads > 1 and 1 / best.speed < SMALL_STEP:
            self.enter(replace(best.plan, threads=1))
        if best.plan.precision == "bf16" and self.training.device.type == "cpu" and _dense_share(model) > DENSE_SHARE:
            self.enter(replace(best.plan, dense="uncast"))
        if cannot_compile(self.training.device):
            self.reasons.append(say("plan.no_compiler", lang="en"))
            return
        least, each = COMPILING
        layers = sum(1 for network in networks(model) for part in network.modules() if not any(part.children()))
        base = replace(self.best.plan, shapes="dynamic" if _ragged(self.training) else "fixed")
        for mode in ("inductor", "cudagraphs") if self.training.device.type == "cuda" else ("inductor",):
            self.enter(replace(base, compile=mode), extra=least + each * layers)


def decide(task: Task, state: State, training: Training, begin: Plan) -> Plan:
    """The run's plan with its number of steps: as set, measured or remembered, and how long it will take.

    Where time is what is given, or a long run is to be foretold, checks, saves and the evaluation are timed as well.
    """
    settings = training.settings
    free = settings.plan == "auto"
    plan = begin
    if free and not settings.minutes and begin.steps < FEW and not recall(task, state, training):
        plan = shipped_plan(task, state, training, begin)
    elif free or settings.minutes:
        plans = candidates(settings, begin, takes_pictures(task)) if free else [begin]
        allowed = 60 * settings.minutes
        plan = choose_plan(task, state, training, plans, lambda speed: allowed or begin.steps / speed)
    long = plan.speed and begin.steps / plan.speed >= WORTH_SAYING
    if settings.minutes or long:
        check, end = training.beside()
        state.tree.eval()  # as after every check: the first step wakes it
        look = check + seconds_of_a_save(state, training.folder, bool(settings.average))
        plan = replace(plan, look=round(look, 3), end=round(end, 3))
    plan = replace(plan, steps=steps_within(settings, plan, begin.steps, look_every(settings, training.epoch)))
    if not plan.speed or plan.steps / plan.speed < WORTH_SAYING:
        return plan
    return replace(plan, forecast=forecast(task, state, replace(training, plan=plan)))


def shipped_plan(task: Task, state: State, training: Training, plain: Plan) -> Plan:
    """What serves a run too short to measure anything but one step of it: channels last for pictures.

    Precision stays what the settings say, fp32 where they leave it open: bf16 is only for networks whose gradients
    were seen to agree.
    """
    free = takes_pictures(task) and training.settings.layout == "auto"
    plan = replace(plain, layout="channels_last", origin="shipped") if free else plain
    speed = try_plan(task, state, training, plan, seconds=None).speed
    return replace(plan, measured={plan.name: round(speed, 3)}, reasons=(say("plan.few", lang="en", steps=FEW),))


def measure_all(task: Task, state: State, training: Training) -> Plan:
    """Every candidate tried, whatever it takes, and remembered for the runs to come."""
    forget(task, state, training)
    plans = candidates(training.settings, plain_plan(training.settings), takes_pictures(task))
    return choose_plan(task, state, training, plans, lambda speed: ALL_DAY)


def takes_pictures(task: Task) -> bool:
    """Whether memory layouts can differ."""
    return isinstance(task.asks().takes, Image | Volume)


def choose_plan(
    task: Task, state: State, training: Training, plans: list[Plan], expected: Callable[[float], float]
) -> Plan:
    """The fastest plan that agrees with the first one, by trials that beside the first take 5 % of the run.

    `expected(speed)` is the run's length in seconds at that many steps a second. What was measured before for the same
    machine, versions, network and rows is taken as it was, the time to compile counted against it.
    """
    free = len(plans) > 1
    known = recall(task, state, training) if free else []
    if known:
        allowed = 60 * training.settings.minutes
        best = min(known, key=lambda one: _duration(one, allowed, expected))
        measured = {one.plan.name: round(one.speed, 3) for one in known}
        return replace(best.plan, steps=plans[0].steps, origin="remembered", measured=measured)
    contest = Contest(task, state, training, expected)
    if not free:
        contest.alone(plans[0])
    else:
        for plan in plans:
            contest.enter(plan)
        contest.again()
        contest.derived()
        contest.again()
    speeds = {name: round(trial.speed, 3) for name, trial in contest.trials.items()}
    if free and not contest.cut:  # what a short run had no time for is not remembered as the whole choice
        trials = contest.trials.values()
        remember(task, state, training, [Known(plan=one.plan, speed=one.speed, first=one.first) for one in trials])
    origin = "measured" if len(speeds) > 1 else plans[0].origin
    return replace(contest.best.plan, origin=origin, reasons=tuple(contest.reasons), measured=speeds)


def _duration(one: Known, allowed: float, expected: Callable[[float], float]) -> float:
    """Seconds that a run takes with this plan; where seconds are what is given, less the more steps it does in them."""
    return -one.speed * max(0.0, allowed - one.first) if allowed else one.first + expected(one.speed)


def estimate(task: Task, state: State, training: Training, steps: int) -> dict[str, Any]:
    """What `steps` of this training cost: operations of one example, seconds, bytes of memory and disk, the limit."""
    found = costs(task, state, training)
    plan = training.plan
    if not plan.speed:
        trial = try_plan(task, state, training, plan, seconds=0.0)
        plan = replace(plan, measured={plan.name: trial.speed})
    ahead = forecast(task, state, replace(training, plan=replace(plan, steps=steps)))
    known = {"parameters": found.parameters, "macs": found.macs, "steps": steps, "step_seconds": 1 / plan.speed}
    return known | {"plan": plan.name, **to_json(ahead)}


def _ragged(training: Training) -> bool:
    """Whether rows are of unequal length."""
    return any(not isinstance(column, Tensor) for column in training.batch(0).columns.values())


def _least_steps(training: Training) -> int:
    """How many steps tell the speed of the others: of unequal ones as many as a hundredth of the run, up to a dozen."""
    return min(LEAST_RAGGED, max(LEAST_STEPS, training.steps // 100)) if _ragged(training) else LEAST_STEPS


def _dense_share(model: nn.Module) -> float:
    """How much of the weights lies in matrices."""
    counts = [(parameter.ndim == 2, parameter.numel()) for parameter in model.parameters()]
    return sum(count for dense, count in counts if dense) / max(1, sum(count for _, count in counts))
