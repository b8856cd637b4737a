"""A few real steps of each sensible plan, timed on copies; the fastest whose loss agrees with plain fp32 is kept.

Trials train a deep copy of task and state together, with every turn's real backward and update, so nothing that the
run will compute is left out and nothing of the run is touched.
"""

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch

from deepglass.engine.loop import Training, one_step
from deepglass.engine.plan import Plan
from deepglass.engine.settings import TrainSettings
from deepglass.engine.state import State
from deepglass.foundation.words import say
from deepglass.graph.cost import cost
from deepglass.graph.trace import trace
from deepglass.tasks.task import Task

TRIAL_SECONDS = 1.5
LEAST_STEPS = 3
WORTH_MEASURING = 30  # seconds; a shorter run is done before trials could pay
TOLERANCE = 0.02  # how far, relatively, a plan's first losses may lie from those of plain fp32


@dataclass(frozen=True)
class Trial:
    """What one plan did: steps a second, and the losses of its first steps."""

    speed: float
    losses: tuple[float, ...]


class Silent:
    """A journal that forgets."""

    def write(self, kind: str, step: int, **values: Any) -> None:
        """Nothing: trials leave no history."""


def try_plan(task: Task, state: State, training: Training, plan: Plan, seconds: float = TRIAL_SECONDS) -> Trial:
    """Train copies for a moment; the first step warms up and is not timed."""
    task, state = copy.deepcopy((task, state))
    plan.place(state.model, training.device)
    settings = replace(training.settings, nonfinite="skip")  # the run itself will say it, and save its own weights
    silent = replace(training, settings=settings, plan=plan, journal=Silent(), log_every=1 << 40)  # pyright: ignore
    losses: list[float] = []
    began, steps = 0.0, 0
    while steps < LEAST_STEPS or time.perf_counter() - began < seconds:
        if steps == 1:
            began = time.perf_counter()
        one_step(task, state, silent, training.batch(state.step))
        if len(losses) < LEAST_STEPS:
            losses.append(sum(silent.losses().values()))
        steps += 1
    _wait(training.device)
    return Trial((steps - 1) / (time.perf_counter() - began), tuple(losses))


def candidates(settings: TrainSettings, plain: Plan, pictures: bool) -> list[Plan]:
    """What is sensible here: bf16 and, for pictures, channels last, as far as the settings leave them open."""
    precisions = ("fp32", "bf16") if settings.precision == "auto" else (settings.precision,)
    free_layouts = ("contiguous", "channels_last") if pictures else ("contiguous",)
    layouts = free_layouts if settings.layout == "auto" else (settings.layout,)
    return [replace(plain, precision=precision, layout=layout) for precision in precisions for layout in layouts]


def choose_plan(
    task: Task, state: State, training: Training, plans: list[Plan], expected: Callable[[float], float]
) -> Plan:
    """The fastest plan whose losses agree with the first one's; tries no more than 5 % of the run can pay for.

    `expected(speed)` is the run's length in seconds at that many steps a second.
    """
    plain, *others = plans
    glance = try_plan(task, state, training, plain, seconds=0.0).speed
    if expected(glance) < WORTH_MEASURING:
        reason = say("plan.short", lang="en", seconds=WORTH_MEASURING)
        return replace(plain, reasons=(reason,), measured={_name(plain): round(glance, 3)})
    base = try_plan(task, state, training, plain)
    speeds = {_name(plain): base.speed}
    best, best_speed = plain, base.speed
    reasons: list[str] = []
    for plan in others:
        if expected(best_speed) * 0.05 < (len(speeds) + 1) * TRIAL_SECONDS:
            reasons.append(say("plan.too_short", lang="en", name=_name(plan)))
            continue
        trial = try_plan(task, state, training, plan)
        speeds[_name(plan)] = trial.speed
        off = max(abs(a - b) / max(abs(b), 1e-6) for a, b in zip(trial.losses, base.losses, strict=True))
        if not off <= TOLERANCE:
            reasons.append(say("plan.disagrees", lang="en", name=_name(plan), off=f"{off:.2g}", allowed=TOLERANCE))
        elif trial.speed > best_speed:
            best, best_speed = plan, trial.speed
    speeds = {name: round(speed, 3) for name, speed in speeds.items()}
    return replace(best, origin="measured", reasons=tuple(reasons), measured=speeds)


def estimate(task: Task, state: State, training: Training, steps: int) -> dict[str, Any]:
    """What `steps` of this training cost: operations of one example, seconds, bytes of memory and disk."""
    one = task.present(training.batch(0).rows(0, 1).to(training.device))
    found = cost(trace(state.model, one[next(iter(one.columns))]))
    speed = try_plan(task, state, training, training.plan, seconds=0.0).speed
    copies = 4 + bool(training.settings.average)  # weights, gradients, two moments, averages
    return {
        "parameters": found.parameters,
        "macs": found.macs,
        "steps": steps,
        "step_seconds": 1 / speed,
        "seconds": steps / speed,
        "memory_bytes": copies * found.parameter_bytes + training.settings.batch * found.activation_bytes,
        "disk_bytes": 3 * copies * found.parameter_bytes,
    }


def _name(plan: Plan) -> str:
    return f"{plan.precision} {plan.layout}"


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
