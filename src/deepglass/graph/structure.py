"""A network as a list of operations: what each is, where it stands in the code, what it reads, what it costs."""

from dataclasses import dataclass
from math import prod

from deepglass.graph.shape import Shape


@dataclass(frozen=True, slots=True)
class Node:
    """One operation. Costs are those of the batch that was traced; a tied parameter counts where it is first used."""

    index: int
    name: str  # "layer1.0.conv1" where a module does one thing, "layer1.0.add" for what is written in its forward
    kind: str  # "conv2d", "batch_norm", "add", "input"
    module: str  # path of the submodule whose forward called it; "" is the whole network
    layer: str  # class of that submodule
    leaf: bool  # whether that submodule has no submodules
    inputs: tuple[int, ...]
    shape: Shape  # of its (first) output, batch included
    parameters: tuple[str, ...]  # first used here
    shared: tuple[str, ...]  # used here, counted at an earlier node
    count: int  # numbers in `parameters`
    macs: int  # multiply-accumulate steps of convolutions and matrix products; the rest is small beside them
    bytes: int  # fresh memory of its outputs: 0 for a view or an operation in place
    kernel: Shape = ()
    stride: Shape = ()
    groups: int = 1

    @property
    def values(self) -> int:
        """How many numbers come out."""
        return prod(self.shape)


@dataclass(frozen=True, slots=True)
class Graph:
    """Operations in the order in which they ran; every edge leads from a lower to a higher index."""

    nodes: tuple[Node, ...]
    outputs: tuple[int, ...]
    unused: tuple[str, ...]  # parameters that no operation touched
    parameter_bytes: int

    def parameters(self) -> list[str]:
        """Every parameter that an operation uses, once."""
        return [name for node in self.nodes for name in node.parameters]

    def consumers(self) -> list[list[int]]:
        """For each node the nodes that read it."""
        readers: list[list[int]] = [[] for _ in self.nodes]
        for node in self.nodes:
            for source in node.inputs:
                readers[source].append(node.index)
        return readers

    def edges(self) -> list[tuple[int, int]]:
        """Every (from, to)."""
        return [(source, node.index) for node in self.nodes for source in node.inputs]
