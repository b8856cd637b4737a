"""Memory: how much what a recurrent layer knew at each step still counts for what the network says at the end.

‖∂z/∂s_t‖ for every step t, z the score of the answer (of a network that answers at every step: at the last one), s_t
what the layer remembered behind step t: h, of an LSTM h and c together. Beside it the same for the same network with
plain tanh layers that have not learned in the place of its own: there the gradient vanishes step by step (Bengio et al.
1994), which is what gates were made against (Hochreiter and Schmidhuber 1997).
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from deepglass.bundle import Bundle
from deepglass.explain.gates import fits
from deepglass.explain.method import Explanation, Method, Row
from deepglass.foundation.padded import Padded
from deepglass.foundation.words import say
from deepglass.graph.gates import readable
from deepglass.views.curve import Curve, Line

MOST_STEPS = 400  # that are read, from the start
MOST_LINES = 3  # layers that are drawn
VANISHED = 0.01  # of the largest gradient; what has less left hardly counts
FAINTEST = 1e-6  # of the largest gradient; less is not drawn


def faded(model: nn.Module, inputs: tuple[Any, ...], output: int, plain: bool = False) -> dict[str, np.ndarray]:
    """The norm of the gradient at every step, for each layer and direction ("lstm.l0"). Inputs of one row -> (T,) each

    `plain` puts fresh tanh layers of the same shape in the place of the network's own.
    """
    layers: dict[str, list[tuple[Tensor, ...]]] = {}
    with torch.enable_grad(), readable(model, _untrained if plain else _itself) as told:
        score = _score(model(*inputs), output)
        for name, calls in told.items():
            for layer, states in calls[0].states.items():
                layers[f"{name}.{layer}"] = states
        parts = [part for states in layers.values() for state in states for part in state]
        gradients = torch.autograd.grad(score, parts, allow_unused=True)
    squares = iter([0.0 if one is None else float(one.double().square().sum()) for one in gradients])
    found: dict[str, np.ndarray] = {}
    for layer, states in layers.items():
        norms = np.sqrt([sum(next(squares) for _ in state) for state in states])
        found[layer] = norms[::-1].copy() if layer.endswith("_reverse") else norms  # at the steps where they belong
    return found


def explain(bundle: Bundle, row: Row | None) -> Explanation:
    """A line for each layer that reads forward, as far back as it reaches; plain layers beside them."""
    assert row is not None
    inputs = tuple(_begun(one) for one in row.inputs)
    model = bundle.model.eval()
    own, plain = (faded(model, inputs, row.number, plain) for plain in (False, True))
    counts = [layer for layer in own if own[layer].max(initial=0) > 0 and plain[layer].max(initial=0) > 0]
    kept = [layer for layer in counts if not layer.endswith("_reverse")][-MOST_LINES:]
    lines = [_line(layer, own[layer]) for layer in kept]
    for layer in kept[-1:]:
        lines.append(_line(say("explain.memory_plain", layer=layer), plain[layer]))
        lines.append(Line(say("explain.memory_vanished"), [0, len(own[layer]) - 1], [VANISHED, VANISHED]))
    labels = say("explain.memory_back"), say("explain.memory_gradient")
    view = Curve(lines, say("explain.memory_title"), *labels, log_y=True)
    arrays = {**own, **{f"plain.{layer}": norms for layer, norms in plain.items()}}
    return Explanation({"memory": view}, arrays, _words(kept, own, plain))


def reach(norms: np.ndarray) -> int:
    """How many steps before the last the furthest one lies where the gradient has not vanished. (T,)"""
    most = norms.max(initial=0)
    return len(norms) - 1 - int(np.flatnonzero(norms >= VANISHED * most)[0]) if most > 0 else 0


def _words(kept: list[str], own: dict[str, np.ndarray], plain: dict[str, np.ndarray]) -> str:
    """What can be read off the picture: where each of its lines falls below the dotted one."""
    if not kept:
        return say("explain.memory_none")
    layer = kept[-1]
    steps, other = {name: reach(own[name]) for name in kept}, reach(plain[layer])
    reaches = say("explain.memory_and").join(
        say("explain.memory_reach", layer=name, steps=count) for name, count in steps.items()
    )
    key = "explain.memory" if other < steps[layer] else "explain.memory_alike"
    return say(key, of=len(own[layer]) - 1, own=reaches, plain=other)


def _line(name: str, norms: np.ndarray) -> Line:
    """From the last step back, as a share of the largest."""
    shares = norms[::-1] / (norms.max() or 1.0)
    end = 1 + int(np.flatnonzero(shares > FAINTEST)[-1])
    return Line(name, list(range(end)), [float(one) if one > 0 else float("nan") for one in shares[:end]])


def _begun(rows: Padded | Tensor) -> Padded | Tensor:
    """The first steps of a row; a class that goes with it is one number, and stays."""
    if isinstance(rows, Tensor):
        return rows
    return Padded(rows.values[:, :MOST_STEPS], rows.lengths.clamp(max=MOST_STEPS))


def _score(said: Any, output: int) -> Tensor:
    """The answer's score; of a network that says something at every step that of the likeliest at the last one."""
    if isinstance(said, Padded):
        return said.values[0, int(said.lengths[0]) - 1].max()
    return said[0, min(output, said.shape[1] - 1)]


def _itself(layer: nn.Module) -> nn.Module:
    return layer


def _untrained(layer: Any) -> nn.Module:
    """A plain tanh layer of the same shape with torch's usual start, the same every time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        both = {"layers": layer.layers, "bidirectional": len(layer.sides) == 2}
        fresh = type(layer)("rnn_tanh", layer.inputs, layer.hidden, **both)
    return fresh.to(next(layer.parameters()).device)


CATALOGUE = {"memory": Method(fits, explain, rank=6)}
