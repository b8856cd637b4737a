"""Back-propagation as on paper, for a chain of dense layers and one example: every number, by hand, beside autograd's.

    forward   z = W x + b        a = f(z)            x of the next layer is a
    back      δ = (Wᵀ δ of the next layer) · f'(z)   the chain rule: a product of local derivatives
    update    dL/dW = δ xᵀ       dL/db = δ

The products are made here in float64 from the values that flowed; `difference` is how far they are from autograd.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from deepglass.graph.probe import Capture

DENSE = ("Dense", "Linear")
PASSING = ("Flatten", "Identity")
BENDING = ("Sigmoid", "Tanh", "ScaledTanh", "ReLU", "LeakyReLU", "ELU", "SiLU", "GELU")


class Moved(Protocol):
    """A parameter's numbers in the step."""

    @property
    def before(self) -> Tensor: ...

    @property
    def gradient(self) -> Tensor | None: ...

    @property
    def after(self) -> Tensor: ...


@dataclass(frozen=True)
class Neurons:
    """One dense layer and what bends it, float64; H neurons that read F numbers."""

    name: str
    activation: str  # "" where nothing bends it
    x: Tensor  # (F,)
    weight: Tensor  # (H, F)
    bias: Tensor  # (H,)
    z: Tensor  # (H,)
    a: Tensor  # (H,)
    slope: Tensor  # (H,) f'(z)
    back: Tensor  # (H,) dL/da: Wᵀ δ of the next layer; of the last layer the loss's own derivative
    delta: Tensor  # (H,) dL/dz
    weight_gradient: Tensor  # (H, F)
    bias_gradient: Tensor  # (H,)
    weight_after: Tensor  # (H, F)
    bias_after: Tensor  # (H,)
    difference: float  # the largest, over δ, dL/dW and dL/db, from what autograd found


def chain_of(model: nn.Module, captures: Sequence[Capture], weights: Mapping[str, Moved]) -> list[Neurons]:
    """The network's layers in all their numbers, first to last; nothing where it is no chain of dense layers."""
    pairs = _pairs(captures)
    found: list[Neurons] = []
    for dense, bend in reversed(pairs):
        following = found[0] if found else None
        found.insert(0, _layer(model, dense, bend, weights, following))
    return found


def _pairs(captures: Sequence[Capture]) -> list[tuple[Capture, Capture | None]]:
    """Every dense layer with what bends it; [] where anything else is in the chain, or a gradient did not flow."""
    pairs: list[tuple[Capture, Capture | None]] = []
    for capture in captures:
        if len(capture.calls) != 1 or (capture.kind not in PASSING and capture.gradient is None):
            return []
        if capture.kind in DENSE:
            pairs.append((capture, None))
        elif capture.kind in BENDING and pairs and pairs[-1][1] is None:
            pairs[-1] = (pairs[-1][0], capture)
        elif capture.kind not in PASSING:
            return []
    joined = all(_same(_out(*first), second[0].input.numbers) for first, second in zip(pairs, pairs[1:], strict=False))
    return pairs if joined else []


def _out(dense: Capture, bend: Capture | None) -> Tensor:
    return (bend or dense).value.numbers


def _same(a: Tensor, b: Tensor) -> bool:
    return a.numel() == b.numel() and torch.equal(a.flatten(), b.flatten())


def _layer(
    model: nn.Module, dense: Capture, bend: Capture | None, weights: Mapping[str, Moved], following: Neurons | None
) -> Neurons:
    weight, bias = weights[f"{dense.name}.weight"], weights.get(f"{dense.name}.bias")
    x, z = _row(dense.input.numbers), _row(dense.value.numbers)
    a = _row(_out(dense, bend))
    slope = local_derivative(model.get_submodule(bend.name), z) if bend else torch.ones_like(z)
    # the chain begins with the loss's own derivative, which the probe found at the network's end
    back = following.weight.T @ following.delta if following else _row((bend or dense).gradient.numbers)
    delta = back * slope
    by_weight = torch.outer(delta, x)
    nothing = torch.zeros_like(z)
    pairs = [(delta, dense.gradient.numbers), (by_weight, weight.gradient)]
    pairs += [(delta, bias.gradient)] if bias else []
    return Neurons(
        name=dense.name,
        activation=bend.kind if bend else "",
        x=x,
        weight=weight.before.double(),
        bias=bias.before.double() if bias else nothing,
        z=z,
        a=a,
        slope=slope,
        back=back,
        delta=delta,
        weight_gradient=by_weight,
        bias_gradient=delta if bias else nothing,
        weight_after=weight.after.double(),
        bias_after=bias.after.double() if bias else nothing,
        difference=max(_apart(ours, theirs) for ours, theirs in pairs),
    )


def local_derivative(activation: nn.Module, z: Tensor) -> Tensor:
    """f'(z), of the activation alone. (H,) -> (H,)"""
    with torch.enable_grad():
        at = z.detach().clone().requires_grad_()
        return torch.autograd.grad(activation(at).sum(), at)[0]


def _row(x: Tensor) -> Tensor:
    """One example's numbers in a row. (1, ...) -> (F,)"""
    return x.detach().flatten().double().cpu()


def _apart(ours: Tensor, theirs: Tensor | None) -> float:
    return 0.0 if theirs is None else float((ours - theirs.double().cpu().view_as(ours)).abs().max())
