"""The plan: precision, memory layout, compilation and threads for this machine, decided once, kept in plan.json."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode

from deepglass.engine.compiled import Compile, compile_networks, eagerly
from deepglass.engine.settings import TrainSettings
from deepglass.foundation.errors import UsageError
from deepglass.foundation.sealed import read_document, write_document
from deepglass.foundation.settings import from_json, to_json

REPORTED = 0.9  # share of `train.minutes` in which steps, checks and evaluation are to be done


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """What a run will take on this machine, and what keeps it from going faster."""

    seconds: float
    memory_bytes: int
    disk_bytes: int
    limit: Literal["data", "memory", "arithmetic"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """How the arithmetic is done; the same plan on the same machine gives the same bits."""

    precision: Literal["fp32", "bf16"] = "fp32"
    layout: Literal["contiguous", "channels_last"] = "contiguous"
    dense: Literal["cast", "uncast"] = "cast"  # bf16: dense weights cast at each step, or fp32 with products in bf16
    compile: Compile = "no"
    shapes: Literal["fixed", "dynamic"] = "fixed"  # of what is compiled
    eager_turns: tuple[int, ...] = ()  # turns that are not compiled: those that differentiate twice
    threads: int = 0
    steps: int = 0
    origin: Literal["plain", "shipped", "measured", "remembered"] = "plain"
    reasons: tuple[str, ...] = ()
    measured: dict[str, float] | None = None  # steps a second of every candidate that was tried
    look: float = 0.0  # seconds of a check and the save behind it, as they were measured; 0 where they were not
    end: float = 0.0  # ... and of the evaluation behind the last step
    forecast: Forecast | None = None

    @property
    def name(self) -> str:
        """What sets it apart, as in `measured`: "bf16 channels_last inductor"."""
        extras = [self.dense if self.dense != "cast" else "", self.compile if self.compile != "no" else ""]
        words = [self.precision, self.layout, *extras, f"{self.threads} threads" if self.threads else ""]
        return " ".join(word for word in words if word)

    @property
    def speed(self) -> float:
        """Steps a second as they were measured; 0 where they were not."""
        return (self.measured or {}).get(self.name, 0.0)

    def seconds(self, steps: int, every: int) -> float:
        """What so many steps take with a check after every so many of them and the evaluation; 0 where not measured."""
        if not self.speed:
            return 0.0
        return steps / self.speed + max(1, round(steps / every)) * self.look + self.end

    def place(self, model: torch.nn.Module, device: torch.device) -> None:
        """Bring the model to the device in this plan's memory layout, to be compiled when it is first called."""
        deep = any(parameter.ndim == 5 for parameter in model.parameters())  # convolutions in three dimensions
        last = torch.channels_last_3d if deep else torch.channels_last
        form = last if self.layout == "channels_last" else torch.contiguous_format
        model.to(device=device, memory_format=form)  # pyright: ignore
        if self.compile != "no":
            compile_networks(model, self.compile, self.shapes)

    @contextlib.contextmanager
    def turn(self, model: torch.nn.Module, place: int) -> Iterator[None]:
        """One turn, forward and backward: eager where the plan says so, oneDNN multiplying as it says."""
        products = torch.backends.mkldnn.matmul  # pyright: ignore
        with eagerly(model) if place in self.eager_turns else contextlib.nullcontext():
            if self.dense == "cast":
                yield
                return
            before = products.fp32_precision
            products.fp32_precision = "bf16"
            try:
                yield
            finally:
                products.fp32_precision = before

    @contextlib.contextmanager
    def forward(self, device: torch.device) -> Iterator[None]:
        """A forward pass in this plan's precision."""
        if self.precision == "fp32":
            yield
            return
        with torch.autocast(device.type, dtype=torch.bfloat16), _Uncast() if self.dense == "uncast" else _nothing:
            yield


class _Uncast(TorchFunctionMode):
    """Dense layers keep their fp32 weights: casting those of AlexNet takes longer than multiplying with them."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is not F.linear:
            return func(*args, **(kwargs or {}))
        x, *rest = args
        with torch.autocast(x.device.type, enabled=False):
            return func(x.float(), *rest, **(kwargs or {}))


_nothing = contextlib.nullcontext()


def plain_plan(settings: TrainSettings) -> Plan:
    """What the settings ask for, fp32 and contiguous where they say "auto"."""
    return Plan(
        precision="fp32" if settings.precision == "auto" else settings.precision,
        layout="contiguous" if settings.layout == "auto" else settings.layout,
        threads=torch.get_num_threads(),
    )


def write_plan(plan: Plan, folder: Path) -> None:
    """plan.json of a run."""
    write_document(folder / "plan.json", to_json(plan))


def read_plan(file: Path) -> Plan:
    """A plan.json, checked."""
    try:
        document = read_document(file)
        if unknown := sorted(document.keys() - {field.name for field in fields(Plan)}):
            raise ValueError(", ".join(unknown))
    except OSError as error:
        raise UsageError("train.bad_plan", file=file, reason=error.strerror or error) from None
    except ValueError as error:
        raise UsageError("train.bad_plan", file=file, reason=error) from None
    return from_json(Plan, document, str(file))


def look_every(settings: TrainSettings, epoch: float) -> int:
    """Steps between two checks, by those of one epoch."""
    return max(1, round(settings.check_epochs * epoch))


def steps_within(settings: TrainSettings, plan: Plan, steps: int, every: int) -> int:
    """The number of steps: as set, or as many as fit into `train.minutes` with their checks and the evaluation.

    A tenth of the time is kept for the report, and of the rest half for steps, however long the evaluation takes; of
    that half again, however long a check takes.
    """
    if not settings.minutes or not plan.speed:
        return steps
    allowed = 60 * REPORTED * settings.minutes
    plan = replace(plan, end=min(plan.end, allowed / 2))
    plan = replace(plan, look=min(plan.look, (allowed - plan.end) / 2))
    steps = int(allowed * plan.speed)
    while steps > 1 and plan.seconds(steps, every) > allowed:
        steps -= max(1, steps // 200)
    return max(1, steps)
