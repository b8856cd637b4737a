"""The network drawn with shapes, parameters and cost."""

from typing import Any

from deepglass.foundation.words import say
from deepglass.graph import draw
from deepglass.graph.boxes import boxes
from deepglass.graph.cost import cost
from deepglass.graph.structure import Graph
from deepglass.graph.trace import example, trace
from deepglass.report.case import Case
from deepglass.report.section import Exhibit, Section
from deepglass.views.table import Table


class Drawing:
    """A traced graph as a view."""

    def __init__(self, graph: Graph):
        self.graph = graph

    def terminal(self) -> str:
        """The table of layers."""
        return draw.text(self.graph)

    def svg(self) -> str:
        """The drawing."""
        return draw.svg(self.graph)

    def json(self) -> dict[str, Any]:
        """Nodes, edges, totals."""
        return {"kind": "graph", **draw.data(self.graph)}

    def text(self) -> str:
        """The totals."""
        return draw.totals(self.graph)


def network(case: Case) -> Section:
    """Its layers, drawn and in a table; a network for rows of unequal length as it is for a few steps."""
    graph = trace(case.model, *example(case.task.asks().takes))
    found = boxes(graph)
    rows = [
        [f"{box.name} ×{box.times}" if box.times > 1 else box.name, draw.operation(box), draw.shape_text(box.shape)]
        + [box.count or None, box.macs or None]
        for box in found
    ]
    heads = [say(f"graph.{name}") for name in ("layer", "operation", "output", "parameters", "macs")]
    total = cost(graph)
    exhibit = Exhibit(Drawing(graph), "", Table(heads, rows), wide=True)
    layers = [
        {"name": box.name, "times": box.times, "shape": list(box.shape[1:]), "parameters": box.count, "macs": box.macs}
        for box in found
    ]
    figures = {
        "model": case.run.settings.model.name,
        "cost": {**total._asdict(), "flops": total.flops},
        "layers": layers,
    }
    lead = say("report.words_network", model=case.run.settings.model.name)
    return Section("network", lead, [exhibit], figures=figures)
