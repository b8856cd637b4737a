"""What every contestant reports, measured in the same way: time to the first step, steady state, memory, losses.

The steady state begins when the first epoch and the warm-up are over and ends after `seconds` and `LEAST_STEPS`. The
module needs nothing but Python, because it runs inside every peer's own environment.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LEAST_STEPS = 10
FEWEST_STEPS = 3  # of a contestant so slow that LEAST_STEPS would take longer than PATIENCE windows
PATIENCE = 4
WARM_UP = 1.0  # seconds after the first step


@dataclass
class Job:
    """One contestant's task, handed over as JSON on its command line."""

    row: str
    data: str
    flags: list[str]
    seconds: float
    result: str
    began: float  # time.time() just before the process was started
    epochs: int = 0  # train so many epochs and report each one's mean loss instead of measuring

    @classmethod
    def from_command_line(cls) -> "Job":
        return cls(**json.loads(sys.argv[1]))


@dataclass
class Clock:
    """Is told of every step (or of some), says when it is enough, and writes the result."""

    job: Job
    batch: int
    epoch_steps: int
    now: Callable[[], float] = time.time
    first: float = 0.0
    begun: tuple[int, float] | None = None
    last: tuple[int, float] | None = None
    losses: list[float] = field(default_factory=list)
    marks: dict[str, float] = field(default_factory=dict)
    work: tuple[float, float] = (0.0, 0.0)  # processor time in the steady state: ours, everybody's

    def mark(self, name: str) -> None:
        """A moment before the first step: "imported", "read", "built"."""
        self.marks[name] = self.now() - self.job.began

    def tick(self, steps: int, loss: Callable[[], float]) -> bool:
        """`steps` are done; True when nothing more is wanted. The loss is only asked for where it is reported."""
        moment = self.now()
        if not self.first:
            self.first = moment
        if self.job.epochs:
            self.losses.append(loss())
            return steps >= self.job.epochs * self.epoch_steps
        if self.begun is None:
            if not self.losses:
                self.losses.append(loss())
            if steps >= self.epoch_steps and moment - self.first >= WARM_UP:
                self.begun, self.work = (steps, moment), worked()
            return False
        self.last = steps, moment
        if self._enough():
            mine, all_ = worked()
            self.work = mine - self.work[0], all_ - self.work[1]
            self.losses.append(loss())
            return True
        return False

    def _enough(self) -> bool:
        steps, seconds = self._window()
        patient = seconds < PATIENCE * self.job.seconds
        return seconds >= self.job.seconds and steps >= (LEAST_STEPS if patient else FEWEST_STEPS)

    def _window(self) -> tuple[int, float]:
        (before, began), (after, ended) = self.begun, self.last  # pyright: ignore
        return after - before, ended - began

    def write(self, **about: Any) -> None:
        """The result as JSON; `about` is the number of parameters, versions and what else the contestant knows."""
        found: dict[str, Any] = {
            "first_step": round(self.first - self.job.began, 3),
            "marks": {name: round(value, 3) for name, value in self.marks.items()},
            "memory": peak_memory(),
            **about,
        }
        if self.job.epochs:
            each = self.epoch_steps
            means = [sum(self.losses[at : at + each]) / each for at in range(0, self.job.epochs * each, each)]
            found["epoch_losses"] = [round(mean, 4) for mean in means]
        else:
            steps, seconds = self._window()
            found |= {"began": self.begun[1], "ended": self.last[1]}  # pyright: ignore
            found |= {"steps": steps, "seconds": round(seconds, 3), "speed": round(steps * self.batch / seconds, 2)}
            mine, all_ = self.work
            found |= {"cores": round(mine / seconds, 2), "others": round((all_ - mine) / seconds, 2)}
            found["losses"] = [round(loss, 4) for loss in self.losses]
        Path(self.job.result).write_text(json.dumps(found))


def worked() -> tuple[float, float]:
    """Seconds of processor time, over all cores: of this process, and of all that ran on the machine."""
    ticks = list(map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]))
    idle = ticks[3] + ticks[4]
    return time.process_time(), (sum(ticks) - idle) / os.sysconf("SC_CLK_TCK")


def peak_memory() -> int:
    """The most bytes of memory that this process held at one time."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    return 0
