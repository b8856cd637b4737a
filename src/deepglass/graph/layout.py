"""Where each box of a drawing goes: rows by the longest way from the input, side branches in lanes, arcs in tracks."""

from typing import NamedTuple

from deepglass.graph.boxes import Box


class Spot(NamedTuple):
    """A box's place: lane 0 is the main path, lanes 1, 2, ... stand to its right."""

    row: int
    lane: int


class Arc(NamedTuple):
    """A jump along the main path over other boxes, drawn to its left: track 0 is nearest."""

    start: int
    end: int
    track: int


class Layout(NamedTuple):
    """A whole drawing; `spots` by place in the list of boxes, `links` are all edges that are not arcs."""

    spots: list[Spot]
    arcs: list[Arc]
    links: list[tuple[int, int]]

    @property
    def rows(self) -> int:
        return 1 + max(spot.row for spot in self.spots)

    @property
    def lanes(self) -> int:
        return 1 + max(spot.lane for spot in self.spots)

    @property
    def tracks(self) -> int:
        return 1 + max((arc.track for arc in self.arcs), default=-1)


def arrange(boxes: list[Box]) -> Layout:
    """Layered: every edge leads down, no two boxes share a spot, no two arcs that overlap share a track."""
    rows: list[int] = []
    for box in boxes:
        rows.append(1 + max((rows[i] for i in box.inputs), default=-1))
    main = _main_path(boxes, rows)
    spots = _spots(boxes, rows, main)
    edges = [(source, i) for i, box in enumerate(boxes) for source in box.inputs]
    jumps = [(a, b) for a, b in edges if a in main and b in main and rows[b] - rows[a] > 1]
    return Layout(spots, _tracks(jumps, rows), [edge for edge in edges if edge not in set(jumps)])


def _main_path(boxes: list[Box], rows: list[int]) -> set[int]:
    """The longest way from an input to the deepest box."""
    here = max(range(len(boxes)), key=lambda i: rows[i])
    path = {here}
    while boxes[here].inputs:
        here = max(boxes[here].inputs, key=lambda i: rows[i])
        path.add(here)
    return path


def _spots(boxes: list[Box], rows: list[int], main: set[int]) -> list[Spot]:
    """A side box keeps its lane free down to the row of its last reader, where its line runs."""
    until = list(rows)
    for i, box in enumerate(boxes):
        for source in box.inputs:
            until[source] = max(until[source], rows[i] - 1)
    taken: list[list[tuple[int, int]]] = []
    spots: list[Spot] = []
    for i in range(len(boxes)):
        lane = 0 if i in main else 1 + _place(taken, (rows[i], until[i]))
        spots.append(Spot(rows[i], lane))
    return spots


def _tracks(jumps: list[tuple[int, int]], rows: list[int]) -> list[Arc]:
    """Short arcs first, so that they lie inside the long ones."""
    taken: list[list[tuple[int, int]]] = []
    jumps = sorted(jumps, key=lambda jump: rows[jump[1]] - rows[jump[0]])
    # arcs may touch at a box, one ending where the next begins: half a row is left out at the end
    return [Arc(a, b, _place(taken, (2 * rows[a] + 1, 2 * rows[b] - 1))) for a, b in jumps]


def _place(taken: list[list[tuple[int, int]]], span: tuple[int, int]) -> int:
    """The first column in which `span` meets none that is there already; it is noted down in it."""
    for column, spans in enumerate(taken):
        if all(span[1] < low or high < span[0] for low, high in spans):
            spans.append(span)
            return column
    taken.append([span])
    return len(taken) - 1
