"""Variants of one run beside each other: what each learned, and what its layers looked like before and after.

Each layer is measured by one more step of slow motion on the same rows: at the untrained network and at the trained.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepglass.bundle import Own
from deepglass.explain.step import take_step
from deepglass.explain.step_health import Remark, remarks, stages
from deepglass.explain.step_subject import subject_of
from deepglass.foundation.settings import Override
from deepglass.run import Run

ROWS = 128  # examples of the step that measures
POINTS = 60  # of a curve: each is the mean of its stretch


@dataclass(frozen=True)
class LayerFigures:
    """A layer with weights at one moment; shares are of its activations."""

    name: str
    gradient: float  # the root mean square of its weights' gradient
    saturated: float
    dead: float
    player: str = ""  # in whose turn it moves, "" where there is but one


@dataclass(frozen=True)
class Moment:
    """All layers of one variant, untrained or trained, and what is to be said of them."""

    layers: list[LayerFigures]
    remarks: list[Remark]

    @property
    def ratio(self) -> float:
        """The first layer's gradient as a share of the last one's; of several players, the first one's."""
        sizes = [layer.gradient for layer in self.layers if layer.player == self.layers[0].player]
        return sizes[0] / sizes[-1] if sizes and sizes[-1] else float("nan")


@dataclass(frozen=True)
class Variant:
    """One value of the setting, and what came of it."""

    value: str
    run: str
    steps: int
    seconds: float
    metric: str
    figure: Any  # of the test part, else of validation: value, low, high, n
    loss: list[tuple[int, float]]
    checks: list[tuple[int, float]]
    start: Moment
    end: Moment


@dataclass(frozen=True)
class Comparison:
    """The setting that was varied, the data, and every variant."""

    path: str
    model: str
    data: str
    variants: list[Variant]


def measure(
    value: str, run: Run, figures: dict[str, Any], events: Sequence[dict[str, Any]], seconds: float, own: Own
) -> Variant:
    """A finished run as a variant; `events` are its journal's, `own` a network of one's own as it was handed in."""
    metric, figure = next(iter(figures.items()))
    train = [(event["step"], sum(event["losses"].values())) for event in events if event["kind"] == "train"]
    looks = [(event["step"], event["figures"][metric]["value"]) for event in events if event["kind"] == "check"]
    return Variant(
        value=value,
        run=str(run.folder),
        steps=max((event["steps"] for event in events if event["kind"] == "start"), default=0),
        seconds=seconds,
        metric=metric,
        figure=figure,
        loss=thinned(train),
        checks=[(step, value) for step, value in looks if value is not None],  # of few examples there may be none
        start=_moment(run.folder, own.fresh(), first=True),
        end=_moment(run.folder, own.fresh(), first=False),
    )


def thinned(points: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """At most `POINTS` points, each the mean of its stretch.

    >>> thinned([(0, 1.0), (1, 3.0)])
    [(0, 1.0), (1, 3.0)]
    """
    width = -(-len(points) // POINTS) or 1
    stretches = [points[start : start + width] for start in range(0, len(points), width)]
    return [(part[-1][0], sum(value for _, value in part) / len(part)) for part in stretches]


def _moment(folder: Path, own: Own, first: bool) -> Moment:
    """One step on the same rows, taken in memory and looked at."""
    chosen = [Override("train.batch", ROWS, "compare")]
    step = take_step(subject_of(str(folder), chosen=chosen, first=first, own=own))
    once = {turn.updates: turn for turn in reversed(step.turns)}  # some moves of a player come every few steps only
    layers = [
        LayerFigures(stage.layer.name, stage.weight.gradient_size, stage.saturated, stage.dead, turn.updates)
        for turn in reversed(once.values())
        for stage in stages(turn)
    ]
    return Moment(layers, [one for one in remarks(step) if one.kind not in ("no_rate", "clipped")])
