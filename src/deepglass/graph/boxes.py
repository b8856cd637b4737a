"""A graph made readable: what belongs together becomes one box, and a unit that repeats is drawn once.

Three steps: operations of one small submodule -> one box; normalisation, activation and dropout join the box before
them; equal neighbouring units (layer3.1 ... layer3.35) -> the first, marked with how often it comes.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import groupby

from deepglass.graph.shape import Shape
from deepglass.graph.structure import Graph, Node

FOLLOWERS = {
    *("batch_norm", "TimeNorm", "layer_norm", "group_norm", "instance_norm", "rms_norm", "local_response_norm"),
    *("relu", "sigmoid", "tanh", "ScaledTanh", "leaky_relu", "elu", "silu", "gelu", "softmax", "log_softmax"),
    *("dropout", "dropout1d", "dropout2d", "dropout3d", "hardtanh", "relu6", "selu", "mish", "softplus", "prelu"),
}
"""These act on what another operation made, number by number, and keep its shape."""


@dataclass(frozen=True, slots=True)
class Box:
    """One thing to draw: an operation with what follows it. `inputs` are places in the list of boxes."""

    name: str
    kind: str
    follow: tuple[str, ...]
    inputs: tuple[int, ...]
    shape: Shape
    count: int
    macs: int
    kernel: Shape
    stride: Shape
    groups: int
    block: str = ""  # the unit it stands in: "layer1.0", or "layer3.1 … 35" where several are drawn as one
    times: int = 1  # how many equal units this one stands for


@dataclass(slots=True)
class _Draft:
    """A box while it grows."""

    nodes: list[Node]
    follow: list[str] = field(default_factory=list)

    @property
    def main(self) -> Node:
        """The operation that the box is named after: the costliest, else the first."""
        return max(self.nodes[: self.size], key=lambda node: node.macs)

    size: int = 0  # how many nodes stood in the box before followers joined


def boxes(graph: Graph, *, fold: bool = True) -> list[Box]:
    """The boxes of a graph in order; with `fold` repeated units appear once."""
    drafts = _join_followers(graph, _gather(graph.nodes))
    place = {node.index: i for i, draft in enumerate(drafts) for node in draft.nodes}
    found = [_box(draft, place, i) for i, draft in enumerate(drafts)]
    return _fold(found) if fold else found


def _gather(nodes: Iterable[Node]) -> list[_Draft]:
    """One draft per call of a submodule without submodules; what a larger forward does itself stands alone."""
    drafts: list[_Draft] = []
    for node in nodes:
        last = drafts[-1].nodes[-1] if drafts else None
        if last is not None and node.leaf and node.module and node.module == last.module:
            drafts[-1].nodes.append(node)
        else:
            drafts.append(_Draft([node]))
    for draft in drafts:
        draft.size = len(draft.nodes)
    return drafts


def _kind(draft: _Draft) -> str:
    """What the box does: its one operation, its costliest one, or the name of its class."""
    own = draft.nodes[: draft.size]
    return draft.main.kind if len(own) == 1 or draft.main.macs else draft.main.layer


def _join_followers(graph: Graph, drafts: list[_Draft]) -> list[_Draft]:
    readers = graph.consumers()
    owner = {node.index: draft for draft in drafts for node in draft.nodes}
    kept: list[_Draft] = []
    for draft in drafts:
        inside = {node.index for node in draft.nodes}
        sources = {i for node in draft.nodes for i in node.inputs} - inside
        source = next(iter(sources)) if len(sources) == 1 else None
        before = owner[source] if source is not None else None
        if before is not None and _kind(draft) in FOLLOWERS and _kind(before) != "input" and source is not None:
            if set(readers[source]) <= inside:
                before.follow.append(_kind(draft))
                before.nodes.extend(draft.nodes)
                owner.update((index, before) for index in inside)
                continue
        kept.append(draft)
    return kept


def _box(draft: _Draft, place: dict[int, int], here: int) -> Box:
    own = draft.nodes[: draft.size]
    main = draft.main
    sources = dict.fromkeys(place[i] for node in draft.nodes for i in node.inputs)
    return Box(
        name=own[0].module if own[0].leaf and own[0].module else main.name,
        kind=_kind(draft),
        follow=tuple(draft.follow),
        inputs=tuple(i for i in sources if i != here),
        shape=draft.nodes[-1].shape,
        count=sum(node.count for node in draft.nodes),
        macs=sum(node.macs for node in draft.nodes),
        kernel=main.kernel,
        stride=main.stride,
        groups=main.groups,
        block=_unit(own[0].module),
    )


def _unit(path: str) -> str:
    """The outermost numbered submodule on the path: "layer1.0" of "layer1.0.conv1"; "" if there is none."""
    parts = path.split(".")
    at = next((i for i, part in enumerate(parts) if part.isdigit()), None)
    return "" if at is None else ".".join(parts[: at + 1])


def _fold(found: list[Box]) -> list[Box]:
    """Keep the first of equal neighbouring units and count them."""
    units = [list(members) for _, members in groupby(range(len(found)), key=lambda i: found[i].block or i)]
    runs: list[list[list[int]]] = []
    for unit in units:
        previous = runs[-1][-1] if runs else None
        if previous is not None and _follows(found, previous, unit) and _same(found, previous, unit):
            runs[-1].append(unit)
        else:
            runs.append([unit])
    kept: list[Box] = []
    moved: dict[int, int] = {}  # old place -> new place; a unit left out leads to the one that stands for it
    for run in runs:
        start = len(kept)
        for unit in run:
            moved.update({old: start + offset for offset, old in enumerate(unit)})
        block = _label([found[unit[0]].block for unit in run], alone=len(run[0]) == 1)
        for old in run[0]:
            inputs = tuple(dict.fromkeys(moved[i] for i in found[old].inputs))
            kept.append(replace(found[old], inputs=inputs, block=block, times=len(run)))
    return kept


def _follows(found: list[Box], first: list[int], second: list[int]) -> bool:
    """Whether both are numbered children of the same module."""
    a, b = found[first[0]].block, found[second[0]].block
    return bool(a and b) and a.rpartition(".")[0] == b.rpartition(".")[0]


def _same(found: list[Box], first: list[int], second: list[int]) -> bool:
    """Whether two neighbouring units do the same, and the second reads what the first made just as it read its own."""
    if len(first) != len(second):
        return False
    return all(_signature(found, first, i) == _signature(found, second, i) for i in range(len(first)))


def _signature(found: list[Box], unit: list[int], i: int) -> Box:
    """The box with its names and inputs told relative to its unit."""
    box = found[unit[i]]
    inputs = tuple(source - unit[0] for source in box.inputs)
    return replace(box, name=box.name[len(box.block) :], inputs=inputs, block="")


def _label(blocks: list[str], *, alone: bool) -> str:
    if len(blocks) == 1:
        return "" if alone else blocks[0]
    return f"{blocks[0]} … {blocks[-1].rpartition('.')[2]}"
