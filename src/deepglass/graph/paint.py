"""The drawing itself: boxes, arrows, residual arcs and frames as one SVG text, styled by its own few lines of CSS."""

from collections.abc import Iterator
from html import escape
from itertools import groupby

from deepglass.graph.boxes import Box
from deepglass.graph.layout import Arc, Layout, arrange

WIDTH, HEIGHT, GAP = 372, 46, 20  # of a box, and between two
SIDE, LANE_GAP = 252, 34  # a side branch's box is narrower
TRACK, ROUND = 16, 9  # between two arcs; radius of their corners
MARGIN, HEADER, FRAME = 16, 22, 26  # page edge; a line of the heading; room for a frame's label

FAMILIES = {
    "conv": "conv",
    "linear": "dense",
    "matmul": "dense",
    "max_pool": "pool",
    "avg_pool": "pool",
    "adaptive": "pool",
    "TrainedPool": "pool",
    "add": "join",
    "concatenate": "join",
    "stack": "join",
    "attention": "memory",
    "lstm": "memory",
    "gru": "memory",
    "rnn": "memory",
}

# Okabe-Ito colours; a second set, a little lighter, where the page is dark.
STYLE = """
svg.net{--ink:#1b1f24;--soft:#5c6670;--line:#a9b2bb;--paper:#fff;--frame:#f4f6f8;--edge:#d9dfe5;--arc:#b05a8c;
--conv:#0072b2;--dense:#d55e00;--pool:#009e73;--join:#b05a8c;--memory:#2a86b8;--other:#7a858f;
font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Noto Sans CJK SC","Microsoft YaHei",sans-serif}
@media(prefers-color-scheme:dark){svg.net{--ink:#e8ecf0;--soft:#9aa5b0;--line:#5d6873;--paper:#1c2127;--frame:#14181d;
--edge:#343c45;--arc:#e39cc4;--conv:#56b4e9;--dense:#f0924a;--pool:#2fc79a;--join:#e39cc4;--memory:#8fcdf0;--other:#8a96a1}}
svg.net text{fill:var(--ink);font-size:12.5px}svg.net .soft{fill:var(--soft);font-size:11px}
svg.net .title{font-size:17px;font-weight:600}svg.net .what{font-weight:600}
svg.net .name{font-family:ui-monospace,Menlo,Consolas,monospace;fill:var(--soft);font-size:11px}
svg.net .end{text-anchor:end}svg.net .box{fill:var(--paper);stroke:var(--edge)}
svg.net .frame{fill:var(--frame);stroke:var(--edge)}svg.net .times{font-weight:700}
svg.net .flow{fill:none;stroke:var(--line);stroke-width:1.5}svg.net .arc{fill:none;stroke:var(--arc);stroke-width:2}
svg.net .tip{fill:var(--line)}svg.net .arctip{fill:var(--arc)}
""" + "".join(
    f"svg.net .{family}{{fill:var(--{family})}}" for family in ("conv", "dense", "pool", "join", "memory", "other")
)


def paint(found: list[Box], words: list[tuple[str, str]], *, title: str, notes: list[str], described: str) -> str:
    """The SVG; `words` are what each box does and what it costs, `notes` the lines of the heading."""
    page = _Page(found, arrange(found), heading=(HEADER + 6 if title else 0) + HEADER * len(notes))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="net" viewBox="0 0 {page.width} {page.height}" '
        f'style="width:100%;max-width:{page.width}px;height:auto" role="img">',
        f"<title>{escape(title or described)}</title><desc>{escape(described)}</desc><style>{STYLE}</style>",
        *_heading(title, notes),
        *page.frames(),
        *page.links(),
        *page.arcs(),
        *(page.box(i, *words[i]) for i in range(len(found))),
        "</svg>",
    ]
    return "\n".join(parts)


def family(kind: str) -> str:
    """Which colour a kind of operation has."""
    return next((name for start, name in FAMILIES.items() if kind.startswith(start)), "other")


def _heading(title: str, notes: list[str]) -> Iterator[str]:
    y = MARGIN
    if title:
        y += HEADER
        yield f'<text class="title" x="{MARGIN}" y="{y - 4}">{escape(title)}</text>'
        y += 6
    for note in notes:
        y += HEADER
        yield f'<text class="soft" x="{MARGIN}" y="{y - 8}">{escape(note)}</text>'


class _Page:
    """Coordinates of everything, worked out once."""

    def __init__(self, found: list[Box], layout: Layout, heading: int):
        self.found, self.layout = found, layout
        self.left = MARGIN + 12 + TRACK * layout.tracks + (8 if layout.tracks else 0)
        self.tops = self._tops(MARGIN + heading + 10)
        sides = layout.lanes - 1
        self.width = max(self.left + WIDTH + sides * (SIDE + LANE_GAP) + MARGIN + 12, 460)
        self.height = self.tops[-1] + HEIGHT + MARGIN + 14
        self.macs = sum(box.macs * box.times for box in found) or 1

    def _tops(self, y: int) -> list[int]:
        """Upper edge of each row; more room where a frame begins or ends."""
        blocks: dict[int, str] = {}
        for box, spot in zip(self.found, self.layout.spots, strict=True):
            if spot.lane == 0:
                blocks[spot.row] = box.block
        tops: list[int] = []
        for row in range(self.layout.rows):
            if row and blocks[row] != blocks[row - 1]:
                y += 14 if blocks[row - 1] else 0
                y += FRAME if blocks[row] else 0
            elif not row and blocks[row]:
                y += FRAME
            tops.append(y)
            y += HEIGHT + GAP
        return tops

    def corner(self, i: int) -> tuple[int, int, int]:
        """(left, top, width) of a box."""
        spot = self.layout.spots[i]
        x = self.left if spot.lane == 0 else self.left + WIDTH + LANE_GAP + (spot.lane - 1) * (SIDE + LANE_GAP)
        return x, self.tops[spot.row], WIDTH if spot.lane == 0 else SIDE

    def frames(self) -> Iterator[str]:
        """A light ground under each unit, with its name and how often it comes."""
        for block, members in groupby(range(len(self.found)), key=lambda i: self.found[i].block):
            if not block:
                continue
            inside = list(members)
            corners = [self.corner(i) for i in inside]
            left = self.left - 10 - (TRACK + 6 if self._has_arc(inside) else 0)
            right = max(x + width for x, _, width in corners) + 10
            top, bottom = min(y for _, y, _ in corners) - FRAME, max(y for _, y, _ in corners) + HEIGHT + 10
            yield f'<rect class="frame" x="{left}" y="{top}" width="{right - left}" height="{bottom - top}" rx="10"/>'
            yield f'<text class="name" x="{left + 10}" y="{top + 17}">{escape(block)}</text>'
            if self.found[inside[0]].times > 1:
                times = f"×{self.found[inside[0]].times}"
                yield f'<text class="times end" x="{right - 10}" y="{top + 17}">{times}</text>'

    def _has_arc(self, inside: list[int]) -> bool:
        return any(arc.end in inside for arc in self.layout.arcs)

    def box(self, i: int, what: str, costs: str) -> str:
        """One box: what it does and the shape of its output; its name and its cost; its share as a bar."""
        found = self.found[i]
        x, y, width = self.corner(i)
        colour = family(found.kind)
        shape = "×".join(map(str, found.shape[1:])) or "1"
        name = found.name.rpartition(".")[2] if found.block else found.name
        bar = (width - 16) * found.macs * found.times / self.macs
        title, _, follow = what.partition(" · ")
        follow = f'<tspan font-weight="400"> · {escape(follow)}</tspan>' if follow else ""
        return (
            f"<g><title>{escape(f'{found.name}: {what}, {shape}. {costs}')}</title>"
            f'<rect class="box" x="{x}" y="{y}" width="{width}" height="{HEIGHT}" rx="7"/>'
            f'<rect class="{colour}" x="{x}" y="{y + 7}" width="4" height="{HEIGHT - 14}" rx="2"/>'
            f'<text class="what" x="{x + 14}" y="{y + 19}">{escape(title)}{follow}</text>'
            f'<text class="end" x="{x + width - 10}" y="{y + 19}">{shape}</text>'
            f'<text class="name" x="{x + 14}" y="{y + 36}">{escape(name)}</text>'
            f'<text class="soft end" x="{x + width - 10}" y="{y + 36}">{escape(costs)}</text>'
            f'<rect class="{colour}" x="{x + 8}" y="{y + HEIGHT - 3}" width="{bar:.1f}" height="3"/></g>'
        )

    def links(self) -> Iterator[str]:
        """Arrows from box to box, straight where they can be."""
        for a, b in self.layout.links:
            (xa, ya, wa), (xb, yb, wb) = self.corner(a), self.corner(b)
            start, end = xa + wa / 2, xb + wb / 2
            if self.layout.spots[a].lane > 0 and self.layout.spots[b].lane == 0:  # a side branch comes home
                side, level = xb + wb, yb + HEIGHT / 2
                yield (
                    f'<path class="flow" d="M{start} {ya + HEIGHT}V{level - ROUND}q0 {ROUND} {-ROUND} {ROUND}'
                    f'H{side + 7}"/><path class="tip" d="M{side} {level}l8 -4v8z"/>'
                )
            elif start == end:
                yield f'<path class="flow" d="M{start} {ya + HEIGHT}V{yb - 7}"/>' + _tip(end, yb)
            else:
                middle = ya + HEIGHT + GAP / 2
                turn = ROUND if end > start else -ROUND
                yield (
                    f'<path class="flow" d="M{start} {ya + HEIGHT}V{middle - ROUND}q0 {ROUND} {turn} {ROUND}'
                    f'H{end - turn}q{turn} 0 {turn} {ROUND}V{yb - 7}"/>' + _tip(end, yb)
                )

    def arcs(self) -> Iterator[str]:
        """Skip connections: out on the left of one box, in on the left of another below it."""
        yield from (self._arc(arc) for arc in self.layout.arcs)

    def _arc(self, arc: Arc) -> str:
        left = self.left
        out = left - 14 - TRACK * arc.track
        y1 = self.corner(arc.start)[1] + HEIGHT - 14
        y2 = self.corner(arc.end)[1] + 14
        return (
            f'<path class="arc" d="M{left} {y1}H{out + ROUND}q{-ROUND} 0 {-ROUND} {ROUND}V{y2 - ROUND}'
            f'q0 {ROUND} {ROUND} {ROUND}H{left - 7}"/><path class="arctip" d="M{left} {y2}l-8 -4v8z"/>'
        )


def _tip(x: float, y: float) -> str:
    return f'<path class="tip" d="M{x} {y}l-4 -8h8z"/>'
