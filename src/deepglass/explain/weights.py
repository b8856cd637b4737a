"""What was learned, as it stands in the first layer: weights as pictures, or as bars with the names of the columns."""

import numpy as np
from torch import nn

from deepglass.bundle import Bundle
from deepglass.explain.method import Explanation, Method, Row, kind_of, labels_of
from deepglass.foundation.ports import Image, Vector
from deepglass.foundation.words import say
from deepglass.graph.trace import example
from deepglass.views.bars import Bars
from deepglass.views.picture import Gallery, Picture
from deepglass.views.view import View

MOST = 24  # kernels or neurons that are shown
MOST_COLUMNS = 40
BLUE, RED = np.array((0, 114, 178)) / 255, np.array((213, 94, 0)) / 255  # for and against, told apart by all eyes


def first_layer(model: nn.Module) -> nn.Module | None:
    """The first module with a matrix or kernels as its weight, in the order of definition."""
    found = (module for module in model.modules() if getattr(module, "weight", None) is not None)
    return next((module for module in found if module.weight.ndim in (2, 4)), None)  # pyright: ignore


def fits(bundle: Bundle) -> bool:
    """Networks whose first layer reads the input itself."""
    layer, takes = first_layer(bundle.model), bundle.task.asks().takes
    if layer is None or not kind_of(bundle) or not isinstance(takes, Vector | Image):
        return False
    return layer.weight.ndim == 4 or layer.weight.shape[1] == example(takes)[0].numel()  # pyright: ignore


def explain(bundle: Bundle, row: Row | None = None) -> Explanation:
    """The first layer's weights; no example is needed."""
    layer = first_layer(bundle.model)
    assert layer is not None
    weight = layer.weight.detach().float().cpu().numpy()  # pyright: ignore
    facts = bundle.task.facts.inputs
    if weight.ndim == 4:
        view, words = _gallery(weight), say("explain.weights_kernels", count=len(weight))
    elif facts.kind == "picture":
        shaped = weight.reshape(len(weight), facts.channels, facts.height, facts.width)
        view, words = _gallery(shaped), say("explain.weights_neurons", count=len(weight))
    else:
        view, words = _bars(weight, facts.columns, bool(labels_of(bundle)))
    return Explanation({"weights": view}, {"weights": weight}, words)


def signed(values: np.ndarray) -> np.ndarray:
    """Numbers as colours on white: blue speaks for, orange against. (H, W) -> floats (H, W, 3)"""
    strength = (np.abs(values) / (np.abs(values).max() or 1))[:, :, None]
    return 1 - strength * (1 - np.where(values[:, :, None] > 0, BLUE, RED))


def _gallery(kernels: np.ndarray) -> Gallery:
    """(K, C, h, w): kernels over three channels as colours, others as the mean over their channels."""
    pictures: list[Picture] = []
    for place, kernel in enumerate(kernels[:MOST]):
        if len(kernel) == 3:
            pixels = ((kernel / (np.abs(kernel).max() or 1) + 1) / 2).transpose(1, 2, 0)
        else:
            pixels = signed(kernel.mean(0))
        pictures.append(Picture(pixels, str(place + 1)))
    return Gallery(pictures, say("explain.first_layer"))


def _bars(weight: np.ndarray, columns: tuple[str, ...], classes: bool) -> tuple[View, str]:
    """One neuron: its weights. Several: how strongly each column is read by all of them together."""
    one = len(weight) == 1
    values = weight[0] if one else np.sqrt((weight**2).sum(0))
    kept = np.sort(np.argsort(-np.abs(values), kind="stable")[:MOST_COLUMNS])
    names = [columns[place] for place in kept]
    label = say("explain.weight") if one else say("explain.strength")
    view = Bars(names, values[kept].tolist(), say("explain.first_layer"), label)
    if one:
        return view, say("explain.weights_one" if classes else "explain.weights_number")
    return view, say("explain.weights_many", count=len(weight))


CATALOGUE = {"weights": Method(fits, explain, rank=2, needs_row=False)}
