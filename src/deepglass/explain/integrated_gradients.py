"""Integrated gradients (Sundararajan et al. 2017, arXiv:1703.01365): the answer shared out among the inputs.

g_i = (x_i - x'_i) · ∫ dz_c(x' + t (x - x')) / dx_i dt, t from 0 to 1;   Σ_i g_i = z_c(x) - z_c(x')
x' is the mean of the training part, which is 0 after standardising. z_c is the score of class c, or the number that is
answered, in its own unit.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from deepglass.bundle import Bundle
from deepglass.data.example import Batch
from deepglass.explain.method import Explanation, Method, Row, answers_a_number, kind_of, labels_of, pixels_of
from deepglass.foundation.words import say
from deepglass.views.bars import Bars
from deepglass.views.heat import Heat
from deepglass.views.view import View, number

STEPS = 64
BATCH = 16


def integrated_gradients(scores: Callable[[Tensor], Tensor], inputs: Tensor, target: int, steps: int = STEPS) -> Tensor:
    """Each input's part of output `target` of `scores`, (B, ...) -> (B, K), by Gauss and Legendre's rule.

    (1, ...) -> the same shape
    """
    places, weights = np.polynomial.legendre.leggauss(steps)
    times = torch.tensor((places + 1) / 2, dtype=inputs.dtype, device=inputs.device)
    shares = torch.tensor(weights / 2, dtype=inputs.dtype, device=inputs.device)
    slope = torch.zeros_like(inputs)
    for start in range(0, steps, BATCH):
        some = times[start : start + BATCH].view(-1, *[1] * (inputs.ndim - 1))
        path = (some * inputs.detach()).requires_grad_()
        with torch.enable_grad():
            (found,) = torch.autograd.grad(scores(path)[:, target].sum(), path)
        slope += (found * shares[start : start + BATCH].view_as(some)).sum(0, keepdim=True)
    return slope * inputs.detach()


def fits(bundle: Bundle) -> bool:
    """Pictures or rows of numbers; classes, or one number."""
    return kind_of(bundle) in ("picture", "vector") and (bool(labels_of(bundle)) or answers_a_number(bundle))


def explain(bundle: Bundle, row: Row | None) -> Explanation:
    """Heat over a picture; a bar for every column of a row."""
    assert row is not None
    classes = labels_of(bundle)
    scores = bundle.model.eval() if classes else _number(bundle)
    parts = integrated_gradients(scores, row.presented, row.number)[0].cpu()
    name = str(classes[row.number]) if classes else say("explain.the_answer")
    with torch.no_grad():
        difference = float((scores(row.presented) - scores(torch.zeros_like(row.presented)))[0, row.number])
    view: View
    if kind_of(bundle) == "picture":
        view = Heat(pixels_of(row), parts.sum(0).abs().numpy(), name)
    else:
        columns = bundle.task.facts.inputs.columns
        view = Bars(
            columns, parts.tolist(), name, say("explain.part_of_score" if classes else "explain.part_of_answer")
        )
    key = "explain.integrated_gradients" if classes else "explain.integrated_gradients_number"
    words = say(key, name=name, difference=number(difference), seen=view.text())
    return Explanation({"integrated_gradients": view}, {"parts": parts.numpy()}, words)


def _number(bundle: Bundle) -> Callable[[Tensor], Tensor]:
    """(B, ...) -> (B, 1)"""

    def answered(inputs: Tensor) -> Tensor:
        ids = tuple(map(str, range(len(inputs))))
        return bundle.task.predict(bundle.model, Batch(ids, {"input": inputs}))["values"][:, None]

    bundle.model.eval()
    return answered


CATALOGUE = {"integrated_gradients": Method(fits, explain, rank=4)}
