"""What a network costs: numbers learned, multiplications, memory; all exact, read from its graph."""

from typing import NamedTuple

from deepglass.graph.structure import Graph


class Cost(NamedTuple):
    """The whole network, for the batch that was traced."""

    parameters: int
    macs: int  # multiply-accumulate steps of convolutions and matrix products
    activations: int  # numbers that the operations write
    parameter_bytes: int
    activation_bytes: int  # all outputs together: what training keeps for the way back, at most
    peak_bytes: int  # the most that is alive at one time in a forward pass alone

    @property
    def flops(self) -> int:
        """Floating-point operations: a multiply and an add for every step."""
        return 2 * self.macs


def cost(graph: Graph) -> Cost:
    """Totals over the nodes, a tied parameter counted once."""
    worked = [node for node in graph.nodes if node.kind != "input"]
    return Cost(
        parameters=sum(node.count for node in worked),
        macs=sum(node.macs for node in worked),
        activations=sum(node.values for node in worked if node.bytes),
        parameter_bytes=graph.parameter_bytes,
        activation_bytes=sum(node.bytes for node in worked),
        peak_bytes=_peak(graph),
    )


def _peak(graph: Graph) -> int:
    """Walk through the operations, freeing each output after the last that reads it or a view of it."""
    last_use = {index: len(graph.nodes) for index in graph.outputs}
    for node in reversed(graph.nodes):
        until = last_use.setdefault(node.index, node.index)
        for source in node.inputs:
            reach = node.index if node.bytes else until  # a view keeps what it looks at alive
            last_use[source] = max(last_use.get(source, 0), reach)
    alive = peak = 0
    ends: dict[int, int] = {}
    for node in graph.nodes:
        alive += node.bytes
        peak = max(peak, alive)
        ends[last_use[node.index]] = ends.get(last_use[node.index], 0) + node.bytes
        alive -= ends.pop(node.index, 0)
    return peak
