"""Integrated gradients (Sundararajan et al. 2017, arXiv:1703.01365): the answer shared out among the inputs.

g_i = (x_i - x'_i) · ∫ dy(x' + t (x - x')) / dx_i dt, t from 0 to 1;   Σ_i g_i = y(x) - y(x')
x' is the mean of the training part, which is 0 after standardising. y is the score of a class, a box or a class'
pixels, or the number that is answered, in its own unit.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from deepglass.bundle import Bundle
from deepglass.explain.maps import inside_words, laid_over
from deepglass.explain.method import Explanation, Method, Row, kind_of, sentences
from deepglass.explain.moments import KINDS, shown_in_time, when_words
from deepglass.explain.target import has_target
from deepglass.explain.words import bars_of
from deepglass.foundation.padded import Padded
from deepglass.foundation.words import say
from deepglass.tasks.forecast import Forecast
from deepglass.views.bars import Bars
from deepglass.views.view import View, number

STEPS = 64
BATCH = 16


def integrated_gradients(score: Callable[[Tensor], Tensor], inputs: Tensor, steps: int = STEPS) -> Tensor:
    """Each input's part of `score`, (B, ...) -> (B,), by Gauss and Legendre's rule. (1, ...) -> the same shape"""
    places, weights = np.polynomial.legendre.leggauss(steps)
    times = torch.tensor((places + 1) / 2, dtype=inputs.dtype, device=inputs.device)
    shares = torch.tensor(weights / 2, dtype=inputs.dtype, device=inputs.device)
    slope = torch.zeros_like(inputs)
    for start in range(0, steps, BATCH):
        some = times[start : start + BATCH].view(-1, *[1] * (inputs.ndim - 1))
        path = (some * inputs.detach()).requires_grad_()
        with torch.enable_grad():
            (found,) = torch.autograd.grad(score(path).sum(), path)
        slope += (found * shares[start : start + BATCH].view_as(some)).sum(0, keepdim=True)
    return slope * inputs.detach()


def fits(bundle: Bundle) -> bool:
    """Pictures, numbers, series, sounds, or texts that one table makes vectors of; one number to be explained."""
    kind = kind_of(bundle)
    return has_target(bundle) and (kind in ("picture", "vector", *KINDS) or kind == "text" and bool(tables(bundle)))


def explain(bundle: Bundle, row: Row | None) -> Explanation:
    """Heat over a picture or over time; a bar for every column of a row or word of a text."""
    assert row is not None and row.target is not None
    score, inputs = path_of(bundle, row)
    parts = integrated_gradients(score, inputs)[0].cpu()
    with torch.no_grad():
        difference = float(score(inputs) - score(torch.zeros_like(inputs)))
    view, more = shown(bundle, row, parts, "part")
    key = "explain.integrated_gradients_number" if row.target.kind == "number" else "explain.integrated_gradients"
    values = {"name": row.target.name, "difference": number(difference), "against": against(bundle)}
    words = say(key, **values, seen=more or view.text())
    return Explanation(
        {"integrated_gradients": view}, {"parts": parts.numpy()}, sentences(words, inside_of(row, parts))
    )


def against(bundle: Bundle) -> str:
    """What the parts are counted from: an average input, an empty text, a series that has not moved."""
    kind = kind_of(bundle)
    return say(
        f"explain.against_{'forecast' if isinstance(bundle.task, Forecast) else 'text' if kind == 'text' else 'mean'}"
    )


def path_of(bundle: Bundle, row: Row) -> tuple[Callable[[Tensor], Tensor], Tensor]:
    """The target's score as a function of one tensor (B, ...) -> (B,), and the tensor of this row (1, ...).

    Of a text that is the vectors of its tokens, 0 where nothing is read.
    """
    assert row.target is not None
    model, score, given = bundle.model.eval(), row.target.score, row.presented
    if not isinstance(given, Padded):
        return lambda inputs: score(model(inputs)), given

    def in_time(values: Tensor) -> Tensor:
        return score(model(Padded(values, given.lengths.repeat(len(values)))))

    if kind_of(bundle) != "text":
        return in_time, given.values
    (table,) = tables(bundle)

    def of_vectors(vectors: Tensor) -> Tensor:
        tokens = Padded(given.values.repeat(len(vectors), 1), given.lengths.repeat(len(vectors)))
        handle = table.register_forward_hook(lambda module, args, found: found.with_values(vectors))
        try:
            return score(model(tokens))
        finally:
            handle.remove()

    with torch.no_grad():
        return of_vectors, table(given).values


def tables(bundle: Bundle) -> list[nn.Module]:
    """The one table by which tokens become vectors (blocks/embedding.py); nothing where there are none or several."""
    found = [module for module in bundle.model.modules() if type(module).__name__ == "Embedding"]
    return found if len(found) == 1 else []


def shown(bundle: Bundle, row: Row, parts: Tensor, label: str) -> tuple[View, str]:
    """What each input counts, and what is to be seen where the view does not say it.

    (C, H, W) as heat over the picture, (F,) as bars, (T, C) over time, (T, E) as bars of words
    """
    assert row.target is not None
    kind = kind_of(bundle)
    unit = say(f"explain.{label}_of_{'answer' if row.target.kind == 'number' else 'score'}")
    if kind == "picture":
        return laid_over(row, parts.sum(0).abs(), row.target.name), ""
    if kind == "vector":
        return Bars(bundle.task.facts.inputs.columns, parts.tolist(), row.target.name, unit), ""
    each = parts.sum(1)[: int(row.presented.lengths[0])].numpy()
    if kind == "text":
        return bars_of(bundle, row, each, unit)
    return shown_in_time(bundle, row, each), say("explain.most_lies", when=when_words(bundle, each))


def inside_of(row: Row, parts: Tensor) -> str:
    """How much of it lies in the box or on the pixels that are explained."""
    return inside_words(row, parts.sum(0).abs()) if parts.ndim == 3 else ""


CATALOGUE = {"integrated_gradients": Method(fits, explain, rank=4)}
