"""Examples that are in memory already: pictures or vectors as one array."""

import hashlib
from pathlib import Path

import numpy as np

from deepglass.data.source import Finding, Index, Picture, Unreadable


class Arrays:
    """The rows of one array: pictures (N, H, W, C) as uint8 or uint16, or vectors (N, K) as float32."""

    def __init__(
        self, layout: str, task: str, root: Path, index: Index, rows: np.ndarray, findings: list[Finding] | None = None
    ):
        self.layout = layout
        self.task = task
        self.root = root
        self.index = index
        self.rows = rows
        self.findings = findings or []

    def read(self, row: int) -> Picture | np.ndarray:
        """One picture or vector; raises Unreadable for a vector that is not finite."""
        if self.index.kind == "picture":
            return Picture(self.rows[row])
        bad = np.flatnonzero(~np.isfinite(self.rows[row]))
        if len(bad):
            raise Unreadable("row_not_finite", column=self.index.columns[bad[0]], value=str(self.rows[row][bad[0]]))
        return self.rows[row]

    def header(self, row: int) -> tuple[int, int, int]:
        """Width, height and channels; (columns, 1, 1) of a vector."""
        shape = self.rows.shape
        return (shape[2], shape[1], shape[3]) if self.index.kind == "picture" else (shape[1], 1, 1)

    def fingerprint(self) -> str:
        """A hash over the rows themselves and their answers."""
        state = hashlib.blake2b(np.ascontiguousarray(self.rows).view(np.uint8).data, digest_size=16)
        columns = (self.index.labels, self.index.parts, self.index.groups, self.index.columns)
        state.update(repr([list(column) for column in columns]).encode())
        return state.hexdigest()
