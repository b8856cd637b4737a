"""A step in words and numbers for the terminal: as on paper for a small network, layer by layer for a large one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from torch import Tensor

from deepglass.explain.step import Step, TurnSeen
from deepglass.explain.step_chain import Neurons
from deepglass.explain.step_health import remarks, stages
from deepglass.foundation.words import say
from deepglass.views.table import Table

FORMULAS = {
    "": "a = z",
    "Sigmoid": "a = 1 / (1 + exp(−z))",
    "Tanh": "a = tanh(z)",
    "ScaledTanh": "a = 1.7159 tanh(2z / 3)",
    "ReLU": "a = max(0, z)",
}


class Rosenblatt(NamedTuple):
    """One step of the perceptron as its inventor wrote it: w ← w + η y x on a mistake, else nothing."""

    y: int  # +1 for the second class, −1 for the first
    score: float  # w·x + b
    mistake: bool
    weight: Tensor  # (F,) by the rule
    bias: float
    difference: float  # from what the engine made of it


def rosenblatt(step: Step) -> Rosenblatt | None:
    """The rule beside the step, where the step is one neuron's with the perceptron's criterion and plain descent."""
    turn = step.turns[0]
    if step.loss != "perceptron" or step.optimizer != "sgd" or len(turn.neurons) != 1 or len(turn.neurons[0].z) != 1:
        return None
    neuron = turn.neurons[0]
    y, score = 2 * step.classes[0] - 1, float(neuron.z)
    mistake = y * score <= 0
    eta = turn.lr if mistake else 0.0
    weight, bias = neuron.weight[0] + eta * y * neuron.x, float(neuron.bias) + eta * y
    apart = max(float((weight - neuron.weight_after[0]).abs().max()), abs(bias - float(neuron.bias_after)))
    return Rosenblatt(y, score, mistake, weight, bias, apart)


def text(step: Step) -> str:
    """The whole step."""
    lines = [say("step.title", name=step.name, step=step.step), *_example(step)]
    for turn in step.turns:
        if len(step.turns) > 1:
            lines += ["", say("step.turn", name=turn.updates)]
        lines += _exact(step, turn) if turn.neurons else _layers(turn)
        lines += ["", *_outcome(step, turn)]
    said = [remark.sentence() for remark in remarks(step)]
    return "\n".join([*lines, *(f"· {sentence}" for sentence in said)])


def sequence(steps: Sequence[Step]) -> str:
    """Several steps, a line each: by Rosenblatt's rule where it is that, else by the loss."""
    rules = [rosenblatt(step) for step in steps]
    if any(rule is None for rule in rules):
        lines = []
        for step in steps:
            losses = ", ".join(f"{name} {n(value)}" for turn in step.turns for name, value in turn.losses.items())
            lines.append(say("step.loss_of", step=step.step, losses=losses))
        return "\n".join(lines)
    head = [say(f"step.column_{name}") for name in ("step", "x", "y", "score", "verdict", "new")]
    rows = [_rule_row(step, rule) for step, rule in zip(steps, rules, strict=True) if rule]
    return Table(head, rows, title=say("step.sequence", count=len(steps))).terminal()


def _rule_row(step: Step, rule: Rosenblatt) -> list[str]:
    verdict = say("step.mistake" if rule.mistake else "step.hit")
    x, new = row(step.inputs[0].flatten()), row([*rule.weight.tolist(), rule.bias])
    return [str(step.step), x, _signed(rule.y), n(rule.score), verdict, new]


def n(value: float) -> str:
    """Four significant digits and a true minus sign.

    >>> n(-0.123456), n(0.0), n(2.0)
    ('−0.1235', '0', '2')
    """
    return f"{value:.4g}".replace("-", "−") if value else "0"


def row(values: Iterable[float] | Tensor) -> str:
    """(1, −2, 0.5)"""
    return f"({', '.join(n(float(value)) for value in values)})"


def _example(step: Step) -> Iterator[str]:
    if len(step.ids) > 1:
        yield say(
            "step.examples", count=len(step.ids), first=step.ids[0], shape="×".join(map(str, step.inputs.shape[1:]))
        )
        return
    first = step.inputs[0].flatten()
    numbers = row(first) if first.numel() <= 12 else "×".join(map(str, step.inputs.shape[1:]))
    target = right(step) or "–"
    yield say("step.example", id=next(iter(step.ids)), x=numbers, target=target)


def _exact(step: Step, turn: TurnSeen) -> Iterator[str]:
    yield from ("", say("step.forward"))
    for layer in turn.neurons:
        yield from _forward(layer)
    yield from _loss(step, turn)
    yield from ("", say("step.back"))
    for layer in reversed(turn.neurons):
        yield from _back(step, layer, last=layer is turn.neurons[-1])
    yield from ("", say("step.update"))
    yield from _update(step, turn)


def _forward(layer: Neurons) -> Iterator[str]:
    bent = FORMULAS.get(layer.activation, f"a = {layer.activation}(z)") if layer.activation else ""
    yield f"  {layer.name}    z = W x + b{',   ' + bent if bent else ''}"
    lines = [
        f"    z{i + 1} = {_sum(layer.weight[i], layer.x, float(layer.bias[i]))} = {n(float(layer.z[i]))}"
        for i in range(len(layer.z))
    ]
    width = max(map(len, lines))
    for i, line in enumerate(lines):
        yield f"{line:<{width}}    a{i + 1} = {n(float(layer.a[i]))}" if bent else line


def _sum(weights: Tensor, x: Tensor, bias: float) -> str:
    """ "0.5·1 − 0.3·0 + 0.1" """
    terms = [(float(w), f"{n(abs(float(w)))}·{_bracketed(float(value))}") for w, value in zip(weights, x, strict=True)]
    terms.append((bias, n(abs(bias))))
    first = ("−" if terms[0][0] < 0 else "") + terms[0][1]
    return first + "".join(f" {'−' if sign < 0 else '+'} {term}" for sign, term in terms[1:])


def _bracketed(value: float) -> str:
    return f"({n(value)})" if value < 0 else n(value)


def _loss(step: Step, turn: TurnSeen) -> Iterator[str]:
    losses = ", ".join(f"{name} = {n(value)}" for name, value in turn.losses.items())
    rule = rosenblatt(step)
    if rule is not None:
        yield say("step.loss_perceptron", y=_signed(rule.y), s=n(rule.score), ys=n(rule.y * rule.score), loss=losses)
    elif step.loss == "cross_entropy" and step.classes:
        p = turn.neurons[-1].a.softmax(0)
        yield say("step.loss_cross_entropy", p=row(p), t=row(_one_hot(step, len(p))), loss=losses)
    else:
        yield say("step.loss_other", kind=step.loss or "–", loss=losses)


def _one_hot(step: Step, classes: int) -> list[float]:
    return [float(number == step.classes[0]) for number in range(classes)]


def _back(step: Step, layer: Neurons, last: bool) -> Iterator[str]:
    yield f"  {layer.name}"
    start = {"cross_entropy": "p − t", "perceptron": "−y · [y·s ≤ 0]"}.get(step.loss, "") if last else "Wᵀ δ"
    if layer.activation:
        yield f"    dL/da = {f'{start} = ' if start else ''}{row(layer.back)}"
        yield f"    f′(z) = {row(layer.slope)}"
        yield f"    δ = dL/da · f′(z) = {row(layer.delta)}"
    else:
        yield f"    δ = dL/dz = {f'{start} = ' if start else ''}{row(layer.delta)}"
    yield f"    dL/dW = δ xᵀ = {'; '.join(row(one) for one in layer.weight_gradient)}    dL/db = δ"


def _update(step: Step, turn: TurnSeen) -> Iterator[str]:
    rule = rosenblatt(step)
    if rule is not None:
        yield say("step.rule_mistake" if rule.mistake else "step.rule_hit", eta=n(turn.lr), y=_signed(rule.y))
    elif step.optimizer == "sgd":
        yield say("step.rule_sgd", eta=n(turn.lr))
    else:
        yield say("step.rule_other", optimizer=step.optimizer, eta=n(turn.lr))
    head = [say(f"step.column_{name}") for name in ("weight", "before", "gradient", "after")]
    rows = [numbers for layer in turn.neurons for numbers in _moves(layer)]
    yield from (f"  {line}" for line in Table(head, rows).terminal().split("\n"))


def _moves(layer: Neurons) -> Iterator[list[str]]:
    for i in range(len(layer.z)):
        for j in range(len(layer.x)):
            at = (i, j)
            numbers = (layer.weight[at], layer.weight_gradient[at], layer.weight_after[at])
            yield [f"{layer.name} w{i + 1}{j + 1}", *(n(float(number)) for number in numbers)]
        numbers = (layer.bias[i], layer.bias_gradient[i], layer.bias_after[i])
        yield [f"{layer.name} b{i + 1}", *(n(float(number)) for number in numbers)]


def _layers(turn: TurnSeen) -> Iterator[str]:
    """A line for each layer with weights."""
    names = ("layer", "kind", "shape", "mean", "spread", "state", "gradient", "change")
    rows = []
    for stage in stages(turn):
        layer, summary = stage.layer, stage.layer.value.summary
        shape = "×".join(map(str, layer.value.shape[1:]))
        kind = " · ".join(filter(None, (layer.kind, stage.activation)))
        numbers = (n(summary.mean), n(summary.spread), condition(stage.saturated, stage.dead))
        rows.append(
            [layer.name, kind, shape, *numbers, f"{stage.weight.gradient_size:.2e}", f"{stage.weight.change:.2e}"]
        )
    yield from ("", say("step.layers"), "")
    yield Table([say(f"step.column_{name}") for name in names], rows).terminal(width=130)


def condition(saturated: float, dead: float) -> str:
    """What is wrong with a layer's units, in a word; nothing where nothing is."""
    said = [("saturated", saturated), ("dead", dead)]
    return ", ".join(say(f"step.share_{name}", share=f"{share:.0%}") for name, share in said if share >= 0.005)


def _outcome(step: Step, turn: TurnSeen) -> Iterator[str]:
    for name, value in turn.losses.items():
        yield say("step.loss_moved", name=name, before=n(value), after=n(turn.losses_after.get(name, value)))
    if step.before and step.targets and turn is step.turns[-1]:
        yield say("step.answer_moved", target=right(step), **_answers(step))
    if turn.neurons:
        yield say("step.equal", difference=f"{max(layer.difference for layer in turn.neurons):.1e}")
    rule = rosenblatt(step)
    if rule is not None:
        yield say("step.equal_rule", difference=f"{rule.difference:.1e}")


def _answers(step: Step) -> dict[str, str]:
    found: dict[str, str] = {}
    for when, answers in (("before", step.before), ("after", step.after)):
        found[when] = f"{answered(step, answers[0])} ({answers[0]['confidence']:.1%})"
    return found


def right(step: Step) -> str:
    """The right answer for the first example, "" where there is none."""
    first = next(iter(step.targets), "")
    return say(f"step.taken_{first}") if step.verdicts and first else first


def answered(step: Step, answer: Mapping[str, Any]) -> str:
    """The class that is answered, or all labels that are; or what the example is taken for."""
    said = answer["prediction"]
    if step.verdicts:
        return say(f"step.taken_{said}")
    return (say("views.list_mark").join(said) or "–") if isinstance(said, list) else str(said)


def _signed(y: int) -> str:
    return "+1" if y > 0 else "−1"
