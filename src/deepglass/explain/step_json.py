"""A step as plain data, for programs: the same that is told and drawn."""

from typing import Any

from deepglass.explain.step import Layer, Step, TurnSeen, Weight
from deepglass.explain.step_chain import Neurons
from deepglass.explain.step_health import remarks
from deepglass.explain.step_words import rosenblatt


def document(step: Step) -> dict[str, Any]:
    """Everything about a step; numbers of single weights only where the network is small."""
    return {
        "name": step.name,
        "step": step.step,
        "ids": list(step.ids),
        "input": step.inputs.tolist() if step.inputs[0].numel() <= 12 else None,
        "shape": list(step.inputs.shape),
        "targets": step.targets,
        "answers": {"before": step.before, "after": step.after},
        "optimizer": step.optimizer,
        "turns": [_turn(turn) for turn in step.turns],
        "rosenblatt": _rule(step),
        "remarks": [{"kind": one.kind, **one.values, "text": one.sentence()} for one in remarks(step)],
    }


def _turn(turn: TurnSeen) -> dict[str, Any]:
    return {
        "updates": turn.updates,
        "losses": {"before": turn.losses, "after": turn.losses_after},
        "lr": turn.lr,
        "gradient_norm": turn.norm,
        "layers": [_layer(layer) for layer in turn.layers],
        "weights": [_weight(weight, bool(turn.neurons)) for weight in turn.weights],
        "neurons": [_neurons(layer) for layer in turn.neurons],
    }


def _layer(layer: Layer) -> dict[str, Any]:
    gradient = layer.gradient
    return {
        "name": layer.name,
        "kind": layer.kind,
        "shape": list(layer.value.shape),
        "value": layer.value.summary._asdict() | {"size": layer.value.size},
        "gradient": None if gradient is None else gradient.summary._asdict() | {"size": gradient.size},
    }


def _weight(weight: Weight, exact: bool) -> dict[str, Any]:
    figures = {"gradient_size": weight.gradient_size, "change": weight.change}
    told: dict[str, Any] = {"name": weight.name, "shape": list(weight.before.shape), **figures}
    if exact:
        told |= {"before": weight.before.tolist(), "after": weight.after.tolist()}
        told["gradient"] = None if weight.gradient is None else weight.gradient.tolist()
    return told


def _neurons(layer: Neurons) -> dict[str, Any]:
    names = ("x", "weight", "bias", "z", "a", "slope", "back", "delta", "weight_gradient", "bias_gradient")
    numbers = {name: getattr(layer, name).tolist() for name in names}
    told = {"name": layer.name, "activation": layer.activation, **numbers}
    return told | {
        "weight_after": layer.weight_after.tolist(),
        "bias_after": layer.bias_after.tolist(),
        "difference": layer.difference,
    }


def _rule(step: Step) -> dict[str, Any] | None:
    rule = rosenblatt(step)
    return None if rule is None else rule._asdict() | {"weight": rule.weight.tolist()}
