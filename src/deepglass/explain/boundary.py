"""Where a network of two inputs changes its mind: its answer at every place of the plane."""

import numpy as np
import torch

from deepglass.bundle import Bundle
from deepglass.data.example import Batch
from deepglass.explain.method import Explanation, Method, Row, kind_of, labels_of
from deepglass.foundation.words import say
from deepglass.views.scatter import Regions, Scatter

GRID = 160  # places a side
AROUND = 2.6  # standard deviations to each side, where no points are given


def regions(bundle: Bundle, points: np.ndarray | None = None) -> Regions:
    """The answers over the rectangle around the points (N, 2), or around the training part's mean."""
    facts = bundle.task.facts.inputs
    middle, spread = np.array(facts.mean), np.array(facts.std)
    low, high = middle - AROUND * spread, middle + AROUND * spread
    if points is not None and len(points):
        margin = 0.12 * np.maximum(np.ptp(points, axis=0), 1e-6)
        low, high = points.min(0) - margin, points.max(0) + margin
    x, y = (np.linspace(low[axis], high[axis], GRID, dtype=np.float32) for axis in (0, 1))
    grid = torch.from_numpy(np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2))
    scores = bundle.scores(Batch(tuple(map(str, range(len(grid)))), {"input": grid}))
    classes = scores["logits"].argmax(1).cpu().numpy().reshape(GRID, GRID)
    return Regions(classes, (float(x[0]), float(x[-1])), (float(y[0]), float(y[-1])))


def boundary(bundle: Bundle, points: np.ndarray, classes: np.ndarray, title: str = "") -> Scatter:
    """The points (N, 2) with their true classes (N,) on the network's regions."""
    columns = bundle.task.facts.inputs.columns
    return Scatter(
        points,
        classes,
        labels_of(bundle),
        title,
        x_label=columns[0],
        y_label=columns[1],
        regions=regions(bundle, points),
    )


def fits(bundle: Bundle) -> bool:
    """Rows of two numbers, and classes."""
    return kind_of(bundle) == "vector" and len(bundle.task.facts.inputs.columns) == 2 and bool(labels_of(bundle))


def explain(bundle: Bundle, row: Row | None = None) -> Explanation:
    """The plane, with the example in it where one is given."""
    columns, labels = bundle.task.facts.inputs.columns, labels_of(bundle)
    found = regions(bundle)
    points = np.zeros((0, 2)) if row is None else row.prepared.cpu().numpy()[None]
    classes = np.zeros(0, dtype=int) if row is None else np.array([row.number])
    view = Scatter(points, classes, labels, say("explain.boundary_title"), columns[0], columns[1], found)
    shares = [f"{label} {100 * float((found.classes == number).mean()):.3g} %" for number, label in enumerate(labels)]
    words = say("explain.boundary", shares=say("views.list_mark").join(shares))
    return Explanation({"boundary": view}, {"classes": found.classes}, words)


CATALOGUE = {"boundary": Method(fits, explain, rank=1, needs_row=False)}
