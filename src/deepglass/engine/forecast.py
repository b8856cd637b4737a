"""What a run will take: seconds, memory, disk, and which of data, arithmetic and memory limits it."""

import time
from collections.abc import Callable
from typing import Any

import torch

from deepglass.engine.compiled import eagerly
from deepglass.engine.loop import Training, present
from deepglass.engine.plan import Forecast, look_every
from deepglass.engine.state import State
from deepglass.foundation.device import synchronize
from deepglass.graph.cost import Cost, cost
from deepglass.graph.trace import trace
from deepglass.tasks.task import Task, fed


def costs(task: Task, state: State, training: Training) -> Cost:
    """What one example costs the network, from its graph."""
    one = task.present(training.batch(0).rows(0, 1).to(training.device))
    with eagerly(state.model):
        return cost(trace(state.model, *fed(task, one)))


def forecast(task: Task, state: State, training: Training) -> Forecast:
    """Seconds, memory, disk and what limits a run whose speed was measured.

    What limits it is the slowest of three: drawing and presenting the rows (timed); multiplying (a matrix product of
    the same precision, timed); moving weights and activations (a copy, timed): each activation is written and read on
    both ways, each weight read twice, its gradient and moments written and read.
    """
    found = costs(task, state, training)
    plan, settings = training.plan, training.settings
    copies = 4 + bool(settings.average)  # weights, gradients, two moments, averages
    activations = settings.batch * found.activation_bytes
    data = _timed(lambda: present(task, state, training, training.batch(1)), training.device)
    kind = torch.bfloat16 if plan.precision == "bf16" else torch.float32
    square = torch.ones(1024, 1024, dtype=kind, device=training.device)
    product = _timed(lambda: square @ square, training.device) / 1024**3
    block = torch.ones(2, 1 << 23, device=training.device)
    copied = _timed(lambda: block[0].copy_(block[1]), training.device) / block.nbytes
    moved = activations * (4 if kind == torch.float32 else 2) + 2 * copies * found.parameter_bytes
    times = {"data": data, "arithmetic": 3 * settings.batch * found.macs * product, "memory": moved * copied}
    return Forecast(
        seconds=plan.seconds(plan.steps, look_every(settings, training.epoch)),
        memory_bytes=copies * found.parameter_bytes + activations,
        disk_bytes=3 * copies * found.parameter_bytes,
        limit=max(times, key=lambda name: times[name]),  # pyright: ignore
    )


def _timed(work: Callable[[], Any], device: torch.device) -> float:
    """The quickest of three, in seconds."""
    found: list[float] = []
    for _ in range(3):
        began = time.perf_counter()
        work()
        synchronize(device)
        found.append(time.perf_counter() - began)
    return min(found)
