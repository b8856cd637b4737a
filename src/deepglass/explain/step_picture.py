"""A step as a picture: neurons and weights with their numbers for a small network, bars by layer for a large one.

Blue is above zero and orange below, as everywhere in the house; a line's width is how far.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from matplotlib.axes import Axes
from torch import Tensor

from deepglass.explain.step import Step, TurnSeen
from deepglass.explain.step_chain import Neurons
from deepglass.explain.step_health import Stage, remarks, stages
from deepglass.explain.step_words import answered, condition, n, right
from deepglass.foundation.words import say
from deepglass.views import chart
from deepglass.views.palette import OKABE_ITO

ABOVE, BELOW = OKABE_ITO[0], OKABE_ITO[5]
PANEL, ROW, RADIUS, TOP = 560.0, 96.0, 27.0, 62.0  # width of a panel, height of a neuron, of its circle, of a heading
ALONG = (0.5, 0.62, 0.38, 0.7, 0.3, 0.74, 0.26)  # where on its line a number may stand, the best place first
APART = 26.0  # between two numbers
LABELLED = 20  # weights between two layers up to which each shows its number
BAR = 30  # height of a layer's two bars


@dataclass(frozen=True)
class StepPicture:
    """A step to look at: `svg`, `png`, and a sentence."""

    step: Step

    def svg(self) -> str:
        """For a page."""
        return chart.svg(self._draw, self._title(), self.text(), self._size())

    def png(self) -> bytes:
        """As a picture file."""
        return chart.png(self._draw, self._title(), self._size())

    def text(self) -> str:
        """What is to be seen."""
        return " ".join([self._title(), *(one.sentence() for one in remarks(self.step))])

    def _title(self) -> str:
        return say("step.title", name=self.step.name, step=self.step.step)

    def _size(self) -> tuple[int, int]:
        turn = self.step.turns[0]
        if turn.neurons:
            return round(2 * PANEL), round(2 * _height(turn) + 40)
        count = sum(len(stages(turn)) for turn in self.step.turns)
        return 880, 130 + BAR * count

    def _draw(self, axes: Axes) -> None:
        turn = self.step.turns[0]
        if turn.neurons:
            _draw_neurons(axes, self.step, turn)
        else:
            _draw_layers(axes, [stage for one in self.step.turns for stage in stages(one)])


class Panel(NamedTuple):
    """One drawing of the net: what stands in the circles, over them, and on the lines between."""

    title: str
    formula: str
    inputs: Sequence[str]
    inside: Callable[[Neurons, int], float]
    over: Callable[[Neurons, int], str]
    line: Callable[[Neurons], Tensor]
    label: Callable[[Neurons, int, int], str]


def _panels(step: Step, turn: TurnSeen) -> list[Panel]:
    x = [n(float(value)) for value in turn.neurons[0].x]
    names = [f"x{place + 1}" for place in range(len(x))]
    last = turn.neurons[-1]
    return [
        Panel(
            say("step.panel_forward"),
            "z = W x + b,  a = f(z)" if any(layer.activation for layer in turn.neurons) else "z = w·x + b",
            x,
            lambda layer, i: float(layer.a[i]),
            lambda layer, i: f"z = {n(_short(layer.z[i]))}" if layer.activation else "",
            lambda layer: layer.weight,
            lambda layer, i, j: n(_short(layer.weight[i, j])),
        ),
        Panel(
            say("step.panel_back"),
            "δ = (Wᵀ δ) · f′(z),  dL/dW = δ xᵀ" if len(turn.neurons) > 1 else "δ = dL/dz,  dL/dw = δ x",
            names,
            lambda layer, i: float(layer.delta[i]),
            lambda layer, i: (
                f"f′ = {n(_short(layer.slope[i]))}" if layer.activation else ("δ" if layer is last else "")
            ),
            lambda layer: layer.weight_gradient,
            lambda layer, i, j: n(_short(layer.weight_gradient[i, j])),
        ),
        Panel(
            say("step.panel_update"),
            f"w ← w − η · dL/dw,  η = {n(turn.lr)}"
            if step.optimizer == "sgd"
            else f"{step.optimizer}, η = {n(turn.lr)}",
            names,
            lambda layer, i: float(layer.bias_after[i]),
            lambda layer, i: "b",
            lambda layer: layer.weight_after,
            lambda layer, i, j: n(_short(layer.weight_after[i, j])),
        ),
    ]


def _short(value: Tensor) -> float:
    """Three digits: the picture has less room than the text."""
    return float(f"{float(value):.3g}")


def _height(turn: TurnSeen) -> float:
    most = max(len(turn.neurons[0].x), *(len(layer.z) for layer in turn.neurons))
    return TOP + ROW * max(2, most)


def _draw_neurons(axes: Axes, step: Step, turn: TurnSeen) -> None:
    """Forward, back, update, and what came of it, each in its quarter."""
    height = _height(turn)
    axes.set_xlim(0, 2 * PANEL)
    axes.set_ylim(2 * height, 0)
    axes.set_aspect("equal")
    axes.axis("off")
    corners = [(0.0, 0.0), (PANEL, 0.0), (0.0, height), (PANEL, height)]
    for panel, corner in zip(_panels(step, turn), corners, strict=False):
        _draw_panel(axes, panel, turn, corner, height)
    _draw_outcome(axes, step, turn, corners[3])


def _draw_panel(axes: Axes, panel: Panel, turn: TurnSeen, corner: tuple[float, float], height: float) -> None:
    left, top = corner
    axes.text(left + 16, top + 14, panel.title, fontsize=14, fontweight="bold", va="center")
    axes.text(left + 16, top + 36, panel.formula, fontsize=12, va="center", alpha=0.75)
    columns = [len(panel.inputs), *(len(layer.z) for layer in turn.neurons)]
    apart = (PANEL - 130) / (len(columns) - 1)
    places = [
        [(left + 58 + apart * column, top + TOP + (height - TOP) * (row + 0.5) / count) for row in range(count)]
        for column, count in enumerate(columns)
    ]
    for layer, before, here in zip(turn.neurons, places, places[1:], strict=False):
        _draw_lines(axes, panel, layer, before, here)
    for place, text in zip(places[0], panel.inputs, strict=True):
        _draw_circle(axes, place, text, 0.0)
    for layer, here in zip(turn.neurons, places[1:], strict=True):
        most = max((abs(panel.inside(layer, i)) for i in range(len(here))), default=0) or 1
        for i, place in enumerate(here):
            value = panel.inside(layer, i)
            _draw_circle(axes, place, n(float(f"{value:.3g}")), value / most)
            axes.text(place[0], place[1] - RADIUS - 9, panel.over(layer, i), fontsize=10, ha="center", va="center")


def _draw_lines(
    axes: Axes, panel: Panel, layer: Neurons, before: list[tuple[float, float]], here: list[tuple[float, float]]
) -> None:
    """The weights between two columns; each number stands on its line, where no other number is near."""
    values = panel.line(layer)
    most = float(values.abs().max()) or 1.0
    taken: list[tuple[float, float]] = []
    for i, (x2, y2) in enumerate(here):
        for j, (x1, y1) in enumerate(before):
            value = float(values[i, j])
            share = abs(value) / most
            length = math.hypot(x2 - x1, y2 - y1)
            dx, dy = (x2 - x1) / length, (y2 - y1) / length
            ends = (x1 + dx * RADIUS, x2 - dx * RADIUS), (y1 + dy * RADIUS, y2 - dy * RADIUS)
            look = {"color": _colour(value), "linewidth": 0.8 + 3.2 * share, "alpha": 0.25 + 0.65 * share}
            axes.plot(*ends, **look, zorder=1)
            if values.numel() <= LABELLED:
                spots = [(x1 + (x2 - x1) * t + dy * 9, y1 + (y2 - y1) * t - dx * 9) for t in ALONG]
                taken.append(_free(spots, taken))
                angle = -math.degrees(math.atan2(dy, dx))
                axes.text(*taken[-1], panel.label(layer, i, j), fontsize=10, ha="center", va="center", rotation=angle)


def _free(spots: Sequence[tuple[float, float]], taken: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The first spot with room around it; where there is none, the one with the most."""

    def room(spot: tuple[float, float]) -> float:
        return min((math.hypot((spot[0] - x) / 1.6, spot[1] - y) for x, y in taken), default=math.inf)

    return next((spot for spot in spots if room(spot) >= APART), None) or max(spots, key=room)


def _colour(value: float) -> str:
    return ABOVE if value > 0 else BELOW if value < 0 else chart.INK


def _draw_circle(axes: Axes, place: tuple[float, float], text: str, share: float) -> None:
    """A neuron; the fuller its colour, the larger its number among its layer's."""
    angles = [2 * math.pi * part / 48 for part in range(49)]
    x = [place[0] + RADIUS * math.cos(angle) for angle in angles]
    y = [place[1] + RADIUS * math.sin(angle) for angle in angles]
    colour = _colour(share)
    axes.fill(x, y, color=colour, alpha=0.30 * abs(share), linewidth=0, zorder=2)
    axes.plot(x, y, color=colour, linewidth=1.4, zorder=3)
    axes.text(*place, text, fontsize=11, ha="center", va="center", zorder=4)


def _draw_outcome(axes: Axes, step: Step, turn: TurnSeen, corner: tuple[float, float]) -> None:
    left, top = corner
    axes.text(left + 16, top + 14, say("step.panel_outcome"), fontsize=14, fontweight="bold", va="center")
    lines = [say("step.picture_target", target=right(step))] if step.targets else []
    lines += [
        say("step.picture_loss", name=name, before=n(value), after=n(turn.losses_after.get(name, value)))
        for name, value in turn.losses.items()
    ]
    for when, answers in (("before", step.before), ("after", step.after)):
        if answers and "confidence" in answers[0]:  # a number has none
            answer = {"label": answered(step, answers[0]), "share": f"{answers[0]['confidence']:.1%}"}
            lines.append(say(f"step.picture_{when}", **answer))
    for place, line in enumerate(lines):
        axes.text(left + 16, top + 48 + 30 * place, line, fontsize=13, va="center")
    for place, (colour, key) in enumerate(((ABOVE, "above"), (BELOW, "below"))):
        at = top + 58 + 30 * len(lines) + 24 * place
        axes.plot([left + 16, left + 56], [at, at], color=colour, linewidth=4)
        axes.text(left + 66, at, say(f"step.picture_{key}"), fontsize=11, va="center")


def _draw_layers(axes: Axes, found: Sequence[Stage]) -> None:
    """Two bars a layer on one logarithmic scale: what flows forward, and the gradient of its weights."""
    chart.dress(axes, x_label=say("step.picture_scale"), grid="x")
    forward = [stage.layer.value.size for stage in found]
    back = [stage.weight.gradient_size for stage in found]
    positive = [value for value in (*forward, *back) if value > 0] or [1.0]
    floor, ceiling = min(positive) / 3, max(positive) * 8
    places = range(len(found))
    for shift, values, colour, key in ((-0.2, forward, ABOVE, "values"), (0.2, back, BELOW, "gradients")):
        widths = [max(value, floor) - floor for value in values]
        at = [place + shift for place in places]
        axes.barh(at, widths, left=floor, height=0.36, color=colour, label=say(f"step.picture_{key}"))
        for place, value in zip(at, values, strict=True):
            text = f"{value:.2g}" if value else "0"
            axes.annotate(text, (max(value, floor), place), (4, 0), textcoords="offset points", va="center", size=9)
    for place, stage in zip(places, found, strict=True):
        text = condition(stage.saturated, stage.dead)
        axes.annotate(text, (1, place), xycoords=("axes fraction", "data"), ha="right", va="center", size=9)
    axes.set_yticks(list(places), [f"{stage.layer.name}  {stage.activation}".strip() for stage in found])
    axes.set_ylim(len(found) - 0.4, -0.6)
    axes.set_xlim(floor, ceiling)
    chart.number_axis(axes, "x", log=True)
    chart.legend(axes, [say("step.picture_values"), say("step.picture_gradients")])
