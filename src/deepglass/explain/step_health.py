"""How healthy a step is, said in words: gradients that vanish or explode, units that are saturated or dead.

Layers are compared by the size of their weights' gradients, the root of the mean square: it does not depend on how many
weights there are.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from deepglass.explain.step import Layer, Step, TurnSeen, Weight
from deepglass.explain.step_chain import BENDING
from deepglass.foundation.words import say

VANISHED = 0.01  # the first layer's gradient as a share of the last one's; its inverse is an explosion
MANY_SATURATED, MANY_DEAD = 0.3, 0.1  # shares of a layer's values or units that are worth a word
FADED = 0.1
ENOUGH_ROWS = 32  # a unit that is zero for fewer rows than this is silent, not dead


class Stage(NamedTuple):
    """A layer with weights and the activations up to the next one."""

    layer: Layer
    weight: Weight
    activation: str  # class of the first activation behind it, "" where there is none
    saturated: float
    dead: float


class Remark(NamedTuple):
    """Something to be said about a step."""

    kind: str  # a key of foundation/words/step.toml is "remark_" and this
    values: dict[str, Any]

    def sentence(self, lang: str | None = None) -> str:
        """In words."""
        shown = {name: _shown(name, value) for name, value in self.values.items()}
        return say(f"step.remark_{self.kind}", lang, **shown)


def stages(turn: TurnSeen) -> list[Stage]:
    """Every layer with a matrix or kernel of the network whose turn it is, in the order of forward.

    The others are held still in the turn: that no gradient comes to them says nothing. Where a network looks twice, at
    real and at made, a layer is told once, as it was last.
    """
    moving = [weight for weight in turn.weights if weight.moves and weight.before.ndim >= 2]
    kernels = {weight.name.rpartition(".")[0]: weight for weight in moving}
    starts = [place for place, layer in enumerate(turn.layers) if layer.name in kernels]
    found: list[Stage] = []
    for start, end in zip(starts, [*starts[1:], len(turn.layers)], strict=True):
        layer, behind = turn.layers[start], turn.layers[start + 1 : end]
        bent = next((one.kind for one in behind if one.kind in BENDING), "")
        saturated = max((one.value.summary.saturated for one in behind), default=0.0)
        dead = max((one.value.summary.dead for one in behind), default=0.0)
        found.append(Stage(layer, kernels[layer.name], bent, saturated, dead))
    return found


def remarks(step: Step) -> list[Remark]:
    """All that is worth saying about the step, the gravest first."""
    return [remark for turn in step.turns for remark in _of_turn(step, turn)]


def _of_turn(step: Step, turn: TurnSeen) -> Iterator[Remark]:
    found = stages(turn)
    yield from _not_finite(turn)
    yield from _flow(found)
    yield from _units(found, len(step.ids))
    if step.clip and turn.norm > step.clip:
        yield Remark("clipped", {"norm": turn.norm, "clip": step.clip})
    if turn.lr == 0:
        yield Remark("no_rate", {"step": step.step})


def _not_finite(turn: TurnSeen) -> Iterator[Remark]:
    for layer in turn.layers:
        if not layer.value.summary.finite or (layer.gradient and not layer.gradient.summary.finite):
            yield Remark("not_finite", {"layer": layer.name})
            return


def _flow(found: list[Stage]) -> Iterator[Remark]:
    """How the gradient fares on its way from the last layer to the first."""
    sizes = [stage.weight.gradient_size for stage in found]
    if not any(sizes):
        yield Remark("no_gradient", {})
        return
    if len(found) < 2 or not sizes[-1]:
        return
    first, last, ratio = found[0].layer.name, found[-1].layer.name, sizes[0] / sizes[-1]
    if not ratio:
        yield Remark("lost", {"first": first, "last": last, "layers": len(found)})
    elif ratio < VANISHED:
        yield Remark("vanishing", {"first": first, "last": last, "times": 1 / ratio, "layers": len(found)})
    elif ratio > 1 / VANISHED:
        yield Remark("exploding", {"first": first, "last": last, "times": ratio, "layers": len(found)})
    elif len(found) > 2:
        yield Remark(
            "even" if ratio >= FADED else "fading", {"first": first, "last": last, "ratio": ratio, "layers": len(found)}
        )


def _units(found: list[Stage], rows: int) -> Iterator[Remark]:
    for stage in found:
        values = {"layer": stage.layer.name, "activation": stage.activation}
        if stage.saturated >= MANY_SATURATED:
            yield Remark("saturated", values | {"share": stage.saturated})
        if stage.dead >= MANY_DEAD:
            kind = "dead" if rows >= ENOUGH_ROWS else "silent"
            yield Remark(kind, values | {"share": stage.dead, "rows": rows})


def _shown(name: str, value: Any) -> str:
    """A share in percent, other numbers to three digits."""
    if name == "share":
        return f"{value:.0%}"
    if not isinstance(value, float):
        return str(value)
    return f"{float(f'{value:.3g}'):,.0f}" if 1000 <= value < 1e9 else f"{value:.3g}"
