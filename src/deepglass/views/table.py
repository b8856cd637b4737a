"""A table: what stands behind every chart."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from deepglass.foundation.words import say
from deepglass.views.cells import columns, pad, tidy
from deepglass.views.frame import SYSTEM_FONTS, frame
from deepglass.views.view import finite, number

Cell = str | int | float | None


@dataclass(frozen=True)
class Table:
    """Named columns and rows of words and numbers; numbers stand to the right."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    title: str = ""
    lang: str | None = None

    def terminal(self, width: int = 100) -> str:
        """Columns as wide as their content; where they do not fit, the widest give way."""
        cells = [[_write(cell) for cell in row] for row in self.rows]
        widths = [max(columns(part) for part in column) for column in zip(self.columns, *cells, strict=True)]
        while sum(widths) + 2 * len(widths) > width and max(widths) > 6:
            widths[widths.index(max(widths))] -= 1
        rights = self._rights()
        lines = [self.title] if self.title else []
        for row in [list(self.columns), ["─" * wide for wide in widths], *cells]:
            parts = zip(row, widths, rights, strict=True)
            lines.append("  ".join(pad(cell, wide, right) for cell, wide, right in parts))
        return tidy(lines)

    def html(self) -> str:
        """A table element of a page; its look is the page's."""
        rights = [' class="number"' if right else "" for right in self._rights()]
        head = "".join(
            f'<th scope="col"{right}>{escape(n)}</th>' for n, right in zip(self.columns, rights, strict=True)
        )
        body = "".join(
            "<tr>"
            + "".join(
                f"<td{right}{_exact(cell)}>{escape(_write(cell))}</td>" for cell, right in zip(row, rights, strict=True)
            )
            + "</tr>"
            for row in self.rows
        )
        caption = f"<caption>{escape(self.title)}</caption>" if self.title else ""
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def svg(self) -> str:
        """The table as a picture, in the colour of the text around."""
        lines = [list(self.columns), *([_write(cell) for cell in row] for row in self.rows)]
        ends = np.cumsum([max(columns(cell) for cell in column) * 7.2 + 20 for column in zip(*lines, strict=True)])
        parts: list[str] = []
        for right, end, start, column in zip(self._rights(), ends, [0, *ends], zip(*lines, strict=True), strict=False):
            x, anchor = (end - 6, "end") if right else (start + 4, "start")
            for place, cell in enumerate(column):
                weight = ' font-weight="600"' if place == 0 else ""
                y = 17 + 24 * place
                parts.append(f'<text x="{x:g}" y="{y}" text-anchor="{anchor}"{weight}>{escape(cell)}</text>')
        width, height = float(ends[-1]), 24 * len(lines) + 4
        rule = f'<path d="M0 25H{width:g}" stroke="currentColor" stroke-opacity="0.4"/>'
        body = f'<g fill="currentColor" style="font: 13px {SYSTEM_FONTS}">{"".join(parts)}</g>{rule}'
        return frame(body, width, height, self.title, self.text())

    def json(self) -> dict[str, Any]:
        """Columns and rows as data."""
        rows = [[finite(cell) if isinstance(cell, float) else cell for cell in row] for row in self.rows]
        return {"kind": "table", "title": self.title, "columns": list(self.columns), "rows": rows}

    def text(self) -> str:
        """How large it is and what its columns are."""
        names = say("views.list_mark", self.lang).join(self.columns)
        return say("views.table", self.lang, title=self.title, rows=len(self.rows), columns=names)

    def _rights(self) -> list[bool]:
        """Which columns hold numbers only."""
        return [
            bool(self.rows) and all(isinstance(row[place], int | float) or row[place] is None for row in self.rows)
            for place in range(len(self.columns))
        ]


def _exact(cell: Cell) -> str:
    """The whole number behind the rounded one, by which a page sorts."""
    known = isinstance(cell, int | float) and finite(cell) is not None
    return f' data-value="{cell!r}"' if known else ""


def _write(cell: Cell) -> str:
    if cell is None:
        return "–"
    return cell if isinstance(cell, str) else number(cell)
