"""Attention: where a network looked while it made each token of its answer, as a picture and as arrays.

weights_ut is how much of step t of what was read is in what was said at step u; each row sums to one. A network of
several layers that look has an array for each, and the picture shows their mean. Of what is told of a picture each word
has a map of it.
"""

import numpy as np
import torch
from torch import nn

from deepglass.bundle import Bundle
from deepglass.explain.method import Explanation, Method, Row, kind_of, visible
from deepglass.foundation.words import say
from deepglass.graph.probe import Probe
from deepglass.tasks.caption import Caption
from deepglass.views.alignment import Alignment
from deepglass.views.looked import Looked

MOST = 60  # tokens of either side that are shown; the arrays hold all


def looks_of(model: nn.Module) -> list[str]:
    """The parts of a network that turn scores of steps into weights (blocks/attention.py)."""
    return [name for name, module in model.named_modules() if type(module).__name__ == "Looks"]


def fits(bundle: Bundle) -> bool:
    """Texts, or pictures that something is told of, and a part that looks."""
    return (kind_of(bundle) == "text" or isinstance(bundle.task, Caption)) and bool(looks_of(bundle.model))


@torch.no_grad()
def explain(bundle: Bundle, row: Row | None) -> Explanation:
    """Every layer's weights (U, T) for the answer that the network gives."""
    assert row is not None
    if isinstance(bundle.task, Caption):
        return _of_picture(row)
    names = looks_of(bundle.model)
    with Probe(bundle.model.eval(), names) as probe:
        bundle.model(*row.inputs)
    arrays = {name.removesuffix(".looks"): probe[name].value[0].float().cpu().numpy() for name in names}
    read = visible(bundle.task.facts.inputs.vocabulary, row.inputs[0].values[0].tolist())
    weights = np.mean(list(arrays.values()), axis=0)  # (U, T)
    written = _written(bundle, row, read, len(weights))
    view = Alignment(weights[:MOST, :MOST], written[:MOST], read[:MOST], say("views.alignment_title"))
    words = say("explain.attention", layers=len(names), seen=view.text()) if len(names) > 1 else view.text()
    return Explanation({"attention": view}, arrays, words)


def _of_picture(row: Row) -> Explanation:
    """The words of the answer and the map of each (L, h, w)."""
    words = [one["word"] for one in row.answer["words"]]
    maps = np.array([one["looked"] for one in row.answer["words"]])
    pixels = row.prepared.cpu().numpy().transpose(1, 2, 0)
    view = Looked(pixels, words, maps, say("tasks.looked_at_picture"))
    return Explanation({"attention": view}, {"attention": maps}, view.text())


def _written(bundle: Bundle, row: Row, read: list[str], count: int) -> list[str]:
    """Names of the rows: the tokens that were written and their end, the tokens that were read, or just numbers."""
    if len(row.inputs) > 1:
        vocabulary = bundle.task.target  # pyright: ignore
        return visible(vocabulary, [*row.inputs[1].values[0, 1:].tolist(), vocabulary.mark("end")])
    return read if count == len(read) else [str(place + 1) for place in range(count)]


CATALOGUE = {"attention": Method(fits, explain, rank=4)}
