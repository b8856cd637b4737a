"""The drawing itself: boxes, arrows, residual arcs and frames as one SVG text, styled by its own few lines of CSS."""

import unicodedata
from collections.abc import Iterator
from html import escape
from itertools import groupby

from deepglass.graph.boxes import Box
from deepglass.graph.layout import Arc, arrange

WIDTH, SIDE, GAP, LANE_GAP = 372, 300, 20, 30  # of a box, of a side branch's box; between rows, between lanes
LINE, PAD = 17, 14  # of text in a box, and what stands above and below it together
TRACK, ROUND = 16, 9  # between two arcs; radius of their corners
MARGIN, HEADER, FRAME = 16, 20, 26  # page edge; a line of the heading; room for a frame's label

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
svg.net .title{font-size:18px;font-weight:600}svg.net .what{font-weight:600}svg.net .follow{font-weight:400}
svg.net .name{font-family:ui-monospace,Menlo,Consolas,monospace;fill:var(--soft);font-size:11px}
svg.net .end{text-anchor:end}svg.net .box{fill:var(--paper);stroke:var(--edge)}
svg.net .frame{fill:var(--frame);stroke:var(--edge)}svg.net .times{font-weight:700}
svg.net .flow{fill:none;stroke:var(--line);stroke-width:1.5}svg.net .arc{fill:none;stroke:var(--arc);stroke-width:2}
svg.net .flowtip{fill:var(--line)}svg.net .arctip{fill:var(--arc)}
""" + "".join(
    f"svg.net .{family}{{fill:var(--{family})}}" for family in ("conv", "dense", "pool", "join", "memory", "other")
)


def paint(found: list[Box], words: list[tuple[str, str]], *, title: str, notes: list[str], described: str) -> str:
    """The SVG; `words` are what each box does and what it costs, `notes` the sentences of the heading."""
    page = _Page(found, words, title, notes)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="net" viewBox="0 0 {page.width} {page.height}" '
        f'style="width:100%;max-width:{page.width}px;height:auto" role="img">',
        f"<title>{escape(title or described)}</title><desc>{escape(described)}</desc><style>{STYLE}</style>",
        *page.heading,
        *page.frames(),
        *page.links(),
        *(page.arc(arc) for arc in page.layout.arcs),
        *(page.box(i) for i in range(len(found))),
        "</svg>",
    ]
    return "\n".join(parts)


class _Page:
    """Coordinates of everything, worked out once."""

    def __init__(self, found: list[Box], words: list[tuple[str, str]], title: str, notes: list[str]):
        self.found, self.layout = found, arrange(found)
        self.spots = self.layout.spots
        self.left = MARGIN + 12 + (TRACK * self.layout.tracks + 6 if self.layout.tracks else 0)
        self.width = self.left + WIDTH + (self.layout.lanes - 1) * (SIDE + LANE_GAP) + 12 + MARGIN
        # a unit that stands wholly in a side lane has no frame of its own: its boxes say what it is
        self.framed = {box.block for box, spot in zip(found, self.spots, strict=True) if box.block and not spot.lane}
        self.lines = [
            _lines(box, words[i], self.corner_width(i), framed=box.block in self.framed) for i, box in enumerate(found)
        ]
        self.heading, below = _heading(title, notes, self.width - 2 * MARGIN)
        self.heights, self.tops = self._rows(below)
        self.height = self.tops[-1] + self.heights[-1] + MARGIN + 12
        self.macs = sum(box.macs * box.times for box in found) or 1

    def corner_width(self, i: int) -> int:
        return SIDE if self.spots[i].lane else WIDTH

    def _rows(self, y: int) -> tuple[list[int], list[int]]:
        """Height and upper edge of each row; more room where a frame begins or ends."""
        heights, blocks = [0] * self.layout.rows, [""] * self.layout.rows
        for box, spot, lines in zip(self.found, self.spots, self.lines, strict=True):
            heights[spot.row] = max(heights[spot.row], PAD + LINE * len(lines))
            blocks[spot.row] = blocks[spot.row] if spot.lane else box.block
        tops: list[int] = []
        for row, block in enumerate(blocks):
            before = blocks[row - 1] if row else ""
            if block != before:
                y += (14 if before else 0) + (FRAME if block else 0)
            tops.append(y)
            y += heights[row] + GAP
        return heights, tops

    def corner(self, i: int) -> tuple[int, int, int, int]:
        """(left, top, width, height) of a box."""
        row, lane = self.spots[i]
        x = self.left + (WIDTH + LANE_GAP + (lane - 1) * (SIDE + LANE_GAP) if lane else 0)
        return x, self.tops[row], self.corner_width(i), PAD + LINE * len(self.lines[i])

    def frames(self) -> Iterator[str]:
        """A light ground under each unit, with its name and how often it comes."""
        left = 2 + MARGIN // 2 if self.layout.tracks else self.left - 10
        for block, members in groupby(range(len(self.found)), key=lambda i: self.found[i].block):
            if block not in self.framed:
                continue
            first, *_ = inside = list(members)
            corners = [self.corner(i) for i in inside]
            right = max(x + width for x, _, width, _ in corners) + 10
            top, bottom = min(y for _, y, _, _ in corners) - FRAME, max(y + h for _, y, _, h in corners) + 10
            yield f'<rect class="frame" x="{left}" y="{top}" width="{right - left}" height="{bottom - top}" rx="10"/>'
            yield f'<text class="name" x="{self.left}" y="{top + 17}">{escape(block)}</text>'
            if self.found[first].times > 1:
                at = f'x="{self.left + WIDTH}" y="{top + 18}"'
                yield f'<text class="times end" {at}>×{self.found[first].times}</text>'

    def box(self, i: int) -> str:
        """One box: what it does, what comes out and what it costs, and its share of the work as a bar."""
        box, (x, y, width, height) = self.found[i], self.corner(i)
        colour = next((name for start, name in FAMILIES.items() if box.kind.startswith(start)), "other")
        bar = (width - 16) * box.macs * box.times / self.macs
        parts = [
            f"<title>{escape(box.name)}</title>",
            f'<rect class="box" x="{x}" y="{y}" width="{width}" height="{height}" rx="7"/>',
            f'<rect class="{colour}" x="{x}" y="{y + 7}" width="4" height="{height - 14}" rx="2"/>',
        ]
        for number, (start, end) in enumerate(self.lines[i]):
            at = y + PAD + 6 + LINE * number
            parts.append(f'<text x="{x + 14}" y="{at}">{start}</text>' if start else "")
            parts.append(f'<text class="{"soft " if number else ""}end" x="{x + width - 10}" y="{at}">{end}</text>')
        if bar >= 0.5:
            parts.append(
                f'<rect class="{colour}" x="{x + 8}" y="{y + height - 3}" width="{bar:.1f}" height="3" rx="1"/>'
            )
        return f"<g>{''.join(parts)}</g>"

    def links(self) -> Iterator[str]:
        """Arrows from box to box, straight where they can be; a side branch has the colour of the arcs."""
        for a, b in self.layout.links:
            (xa, ya, wa, ha), (xb, yb, wb, hb) = self.corner(a), self.corner(b)
            start, end, floor = xa + wa // 2, xb + wb // 2, ya + ha
            kind = "arc" if self.spots[a].lane or self.spots[b].lane else "flow"
            if self.spots[a].lane and not self.spots[b].lane:  # a side branch comes home
                side, level = xb + wb, yb + hb // 2
                way = f"M{start} {floor}V{level - ROUND}q0 {ROUND} {-ROUND} {ROUND}H{side + 7}"
                yield f'<path class="{kind}" d="{way}"/>'
                yield f'<path class="{kind}tip" d="M{side} {level}l8 -4v8z"/>'
                continue
            way = f"M{start} {floor}"
            if start != end:
                level = self.tops[self.spots[b].row] - FRAME - 12 if self._enters(a, b) else yb - GAP // 2
                turn = ROUND if end > start else -ROUND
                way += f"V{level - ROUND}q0 {ROUND} {turn} {ROUND}H{end - turn}q{turn} 0 {turn} {ROUND}"
            yield f'<path class="{kind}" d="{way}V{yb - 7}"/><path class="{kind}tip" d="M{end} {yb}l-4 -8h8z"/>'

    def _enters(self, a: int, b: int) -> bool:
        """Whether the way from a to b leads into another frame."""
        return bool(self.found[b].block) and self.found[a].block != self.found[b].block

    def arc(self, arc: Arc) -> str:
        """A skip connection: out on the left of one box, in on the left of another below it."""
        _, top, _, height = self.corner(arc.start)
        y1, y2 = top + height - 10, self.corner(arc.end)[1] + 11
        out = self.left - 12 - TRACK * arc.track
        return (
            f'<path class="arc" d="M{self.left} {y1}H{out + ROUND}q{-ROUND} 0 {-ROUND} {ROUND}V{y2 - ROUND}'
            f'q0 {ROUND} {ROUND} {ROUND}H{self.left - 7}"/><path class="arctip" d="M{self.left} {y2}l-8 -4v8z"/>'
        )


def _lines(box: Box, words: tuple[str, str], width: int, *, framed: bool) -> list[tuple[str, str]]:
    """The lines of a box, each as (left, right): what and shape; what follows and cost; name."""
    what, costs = words
    title, _, follow = what.partition(" · ")
    shape = "×".join(map(str, box.shape[1:])) or "1"
    times = "" if framed or box.times == 1 else f"×{box.times} "
    inner = box.name.removeprefix(box.block.split(" ")[0]).lstrip(".")
    name = inner if framed else ".".join(filter(None, (box.block, inner))) if times else box.name
    name = "" if name == box.kind else f'<tspan class="name">{escape(name)}</tspan>'
    title = times + title
    head = f'<tspan class="what">{escape(title)}</tspan>'
    if _span(f"{times}{what}   {shape}") < width - 24:
        joined = f"{head} · {escape(follow)}" if follow else head
        rest = [(name, escape(costs))] if name or costs else []
        return [(joined, shape), *rest]
    rest = [(name, "")] if name else []
    return [(head, shape), (escape(follow), escape(costs)), *rest]


def _heading(title: str, notes: list[str], width: int) -> tuple[list[str], int]:
    """Title and sentences, broken where the page ends, and where the drawing may begin."""
    parts, y = [], MARGIN
    if title:
        y += HEADER
        parts.append(f'<text class="title" x="{MARGIN}" y="{y - 2}">{escape(title)}</text>')
        y += 4
    for line in (line for note in notes for line in _broken(note, width)):
        y += HEADER
        parts.append(f'<text class="soft" x="{MARGIN}" y="{y - 5}">{escape(line)}</text>')
    return parts, y + 12


def _broken(sentence: str, width: int) -> list[str]:
    lines = [""]
    for part in sentence.split(" · "):
        longer = f"{lines[-1]} · {part}" if lines[-1] else part
        if lines[-1] and _span(longer) > width:
            lines.append(part)
        else:
            lines[-1] = longer
    return lines


def _span(text: str) -> float:
    """About how many pixels a line takes: a Chinese character is twice as wide as a Latin one."""
    return sum(12.5 if unicodedata.east_asian_width(letter) in "WF" else 7.1 for letter in text)
