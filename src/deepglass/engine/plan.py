"""The plan: precision, memory layout and threads for this machine, decided once per run and written to plan.json."""

import contextlib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

import torch

from deepglass.engine.settings import TrainSettings
from deepglass.foundation.errors import UsageError
from deepglass.foundation.sealed import read_document, write_document
from deepglass.foundation.settings import from_json, to_json


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """How the arithmetic is done; the same plan on the same machine gives the same bits."""

    precision: Literal["fp32", "bf16"] = "fp32"
    layout: Literal["contiguous", "channels_last"] = "contiguous"
    threads: int = 0
    steps: int = 0
    origin: str = "plain"
    reasons: tuple[str, ...] = ()
    measured: dict[str, float] | None = None  # steps a second of every candidate that was tried

    def precision_of(self, device: torch.device) -> contextlib.AbstractContextManager[object]:
        """The context in which forward passes are computed."""
        if self.precision == "fp32":
            return contextlib.nullcontext()
        return torch.autocast(device.type, dtype=torch.bfloat16)

    def place(self, model: torch.nn.Module, device: torch.device) -> torch.nn.Module:
        """The model on the device in this plan's memory layout."""
        form = torch.channels_last if self.layout == "channels_last" else torch.contiguous_format
        return model.to(device=device, memory_format=form)  # pyright: ignore


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


def steps_within(settings: TrainSettings, plan: Plan, steps: int) -> int:
    """The number of steps: as set, or as many as fit into `train.minutes` at the speed that was measured.

    A tenth of the time is kept for checks, saving and the report.
    """
    if not settings.minutes or not plan.measured:
        return steps
    speed = plan.measured[f"{plan.precision} {plan.layout}"]
    return max(1, int(settings.minutes * 60 * 0.9 * speed))
