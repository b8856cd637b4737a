"""A graph to look at: a table for terminals, an SVG for pages, a dictionary for JSON."""

import unicodedata
from dataclasses import asdict

from deepglass.foundation.words import has, say
from deepglass.graph.boxes import Box, boxes
from deepglass.graph.cost import cost
from deepglass.graph.paint import paint
from deepglass.graph.structure import Graph


def data(graph: Graph) -> dict[str, object]:
    """Everything about a graph in plain values: nodes, edges, totals."""
    total = cost(graph)
    return {
        "nodes": [asdict(node) for node in graph.nodes],
        "edges": [list(edge) for edge in graph.edges()],
        "outputs": list(graph.outputs),
        "unused": list(graph.unused),
        "cost": total._asdict() | {"flops": total.flops},
    }


def text(graph: Graph, *, fold: bool = True) -> str:
    """A table: one line per box, repeated units once, and a line of totals."""
    found = boxes(graph, fold=fold)
    head = [say(f"graph.{key}") for key in ("layer", "operation", "output", "reads", "parameters", "macs")]
    rows = [head, *(_row(found, i) for i in range(len(found)))]
    widths = [max(_width(row[column]) for row in rows) for column in range(len(head))]
    lines = ["  ".join(_padded(row, widths)).rstrip() for row in rows]
    lines.insert(1, "─" * (sum(widths) + 2 * (len(widths) - 1)))
    return "\n".join([*lines, "", totals(graph), *_unused(graph)])


def svg(graph: Graph, *, title: str = "", fold: bool = True) -> str:
    """A drawing that scales, light or dark as the page is; residual arcs on the left, side branches on the right."""
    found = boxes(graph, fold=fold)
    first, last = found[0].shape, found[-1].shape
    total = totals(graph)
    said = say("graph.described", boxes=len(found) - 1, input=shape_text(first), output=shape_text(last), total=total)
    notes = [total, say("graph.legend"), *_unused(graph)]
    return paint(found, [(operation(box), numbers(box)) for box in found], title=title, notes=notes, described=said)


def totals(graph: Graph) -> str:
    """One sentence of costs."""
    all_of_it = cost(graph)
    return say(
        "graph.total",
        parameters=f"{all_of_it.parameters:,}",
        macs=short(all_of_it.macs),
        weights=_memory(all_of_it.parameter_bytes),
        activations=_memory(all_of_it.activation_bytes),
        rows=graph.nodes[0].shape[0] if graph.nodes and graph.nodes[0].shape else 1,
    )


def operation(box: Box) -> str:
    """ "convolution 3×3 stride 2 · batch norm · ReLU" """
    title = [" ".join((_kind(box.kind), "×".join(map(str, box.kernel)))).strip()]
    if any(step != 1 for step in box.stride) and (box.kind.startswith("conv") or box.stride != box.kernel):
        title.append(say("graph.stride", stride="×".join(map(str, dict.fromkeys(box.stride)))))
    if box.groups > 1:
        title.append(say("graph.groups", groups=box.groups))
    return " · ".join((", ".join(title), *map(_kind, box.follow)))


def numbers(box: Box) -> str:
    """ "36.9k parameters · 116M MACs", or nothing where there is nothing to say"""
    said = [
        f"{short(value)} {say(f'graph.{word}')}"
        for value, word in ((box.count, "parameters"), (box.macs, "macs"))
        if value
    ]
    return " · ".join(said)


def short(value: float) -> str:
    """Three significant digits: 36864 -> "36.9k"."""
    for limit, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit * 0.9995:
            return f"{value / limit:.3g}{letter}" if value < 999.5 * limit else f"{value / limit:.0f}{letter}"
    return f"{value:g}"


def shape_text(shape: tuple[int, ...]) -> str:
    """The shape of one row, without the batch: "64×56×56"."""
    return "×".join(map(str, shape[1:])) or "1"


def _row(found: list[Box], i: int) -> list[str]:
    box = found[i]
    name = f"{box.name} ({say('graph.times', times=box.times)})" if box.times > 1 else box.name
    reads = "" if box.inputs in ((), (i - 1,)) else ", ".join(found[source].name for source in box.inputs)
    counts = [f"{value:,}" if value else "" for value in (box.count, box.macs)]
    return [name, operation(box), shape_text(box.shape), reads, *counts]


def _kind(kind: str) -> str:
    return say(f"graph.kind_{kind}") if has(f"graph.kind_{kind}") else kind.replace("_", " ")


def _unused(graph: Graph) -> list[str]:
    return [say("graph.unused", names=", ".join(graph.unused))] if graph.unused else []


def _memory(size: int) -> str:
    return f"{short(size)}B"


def _width(cell: str) -> int:
    """Columns of a terminal: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in cell)


def _padded(row: list[str], widths: list[int]) -> list[str]:
    """Words to the left, numbers to the right."""
    spaces = [" " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)]
    return [
        space + cell if column >= 4 else cell + space
        for column, (cell, space) in enumerate(zip(row, spaces, strict=True))
    ]
